//! How much somebody should look at each change of a plan: the order in which a plan that must be cut short is told.

use leasehold_provider::{AccessLevel, AccessVerdict, Severity};

use crate::diff::classify::Leaving;
use crate::diff::{ChangeReason, IdentityDelta, Lifecycle, SharedDelta};
use crate::plan::Plan;
use crate::rules::Ruling;

/// The classes of risk, the greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// A rule stands against it.
    Refused,
    /// Access grows, or may, and what it then is lets one decide who may do what, or is gravely unwise.
    GrowsToPermissions,
    /// Access grows, or may.
    Grows,
    /// It goes away for good.
    Deleted,
    /// It lives on, and nobody manages it any more.
    Released,
    /// Somebody changed it outside.
    Drifted,
    /// All its access is shut.
    Quarantined,
    /// It comes, and may change things, or nobody knows what it may.
    JoinsToWrite,
    /// It comes back out of quarantine, or gets another owner or a longer lease.
    Regains,
    /// It comes, and may look at most.
    Joins,
    /// Anything else.
    Moves,
}

impl Risk {
    /// The class in a word or two.
    #[must_use]
    pub fn describe_risk(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::GrowsToPermissions => "grows to permissions management",
            Self::Grows => "access grows",
            Self::Deleted => "deleted",
            Self::Released => "let go",
            Self::Drifted => "drift",
            Self::Quarantined => "quarantined",
            Self::JoinsToWrite => "joins, may write",
            Self::Regains => "regains",
            Self::Joins => "joins",
            Self::Moves => "moves",
        }
    }
}

/// The risk of what happens to one identity.
#[must_use]
pub fn risk_for_identity(delta: &IdentityDelta, rulings: &[Ruling]) -> Risk {
    if rulings.iter().any(|ruling| ruling.subject.as_ref() == Some(&delta.address)) {
        return Risk::Refused;
    }
    let level = delta.assessment.as_ref().map(|assessment| assessment.level);
    let gravely_unwise = delta.assessment.iter().flat_map(|a| &a.findings).any(|f| f.severity >= Severity::High);
    let grave = gravely_unwise || level == Some(AccessLevel::PermissionsManagement);
    match delta.lifecycle {
        Lifecycle::Leaver => match delta.leaving {
            Some(Leaving::Quarantine { .. }) => Risk::Quarantined,
            Some(Leaving::Deletion) | None => Risk::Deleted,
        },
        Lifecycle::Released => Risk::Released,
        Lifecycle::Joiner if grave => Risk::GrowsToPermissions,
        Lifecycle::Joiner if level.is_none_or(|level| level >= AccessLevel::Write) => Risk::JoinsToWrite,
        Lifecycle::Joiner => Risk::Joins,
        Lifecycle::Mover | Lifecycle::Drift => match delta.access.as_ref().map(|access| access.verdict) {
            Some(verdict) if is_growth(verdict) && grave => Risk::GrowsToPermissions,
            Some(verdict) if is_growth(verdict) => Risk::Grows,
            _ if delta.drifted => Risk::Drifted,
            _ if delta.reasons.iter().any(is_regained) => Risk::Regains,
            _ => Risk::Moves,
        },
    }
}

/// The risk of what happens to one shared object: that of the worst of those who hold it.
#[must_use]
pub fn risk_for_shared(delta: &SharedDelta, plan: &Plan, rulings: &[Ruling]) -> Risk {
    let through = ChangeReason::Scope { scope: delta.address.to_string() };
    let holders = plan.identities.iter().filter(|identity| identity.reasons.contains(&through));
    let worst = holders.map(|identity| risk_for_identity(identity, rulings)).min().unwrap_or(Risk::Moves);
    let own = match delta.lifecycle {
        Lifecycle::Drift => Risk::Drifted,
        Lifecycle::Leaver => Risk::Deleted,
        Lifecycle::Released => Risk::Released,
        Lifecycle::Joiner | Lifecycle::Mover => Risk::Moves,
    };
    own.min(worst)
}

fn is_growth(verdict: AccessVerdict) -> bool {
    matches!(verdict, AccessVerdict::Expands | AccessVerdict::Incomparable | AccessVerdict::Unknown)
}

fn is_regained(reason: &ChangeReason) -> bool {
    matches!(reason, ChangeReason::Restored { .. } | ChangeReason::Owner { .. }) || reason.is_lease_extension()
}
