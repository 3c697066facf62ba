//! The risk of each change of a plan. It is the order in which the changes are shown when a plan must be truncated.

use leasehold_provider::{AccessLevel, AccessVerdict, Severity};

use crate::diff::classify::Leaving;
use crate::diff::{ChangeReason, IdentityDelta, Lifecycle, SharedDelta};
use crate::plan::Plan;
use crate::rules::Ruling;

/// The classes of risk, the highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// A rule refuses the change.
    Refused,
    /// An identity joins, or access expands or may expand; and the new access includes permissions management or has a severe finding.
    GrowsToPermissions,
    /// Access expands, or may expand.
    Grows,
    /// The object is deleted.
    Deleted,
    /// The object is released: it still exists, and is no longer managed.
    Released,
    /// The object was changed outside Leasehold.
    Drifted,
    /// The identity is quarantined: it loses all access.
    Quarantined,
    /// The identity joins and can write, or its access level is unknown.
    JoinsToWrite,
    /// The identity is restored from quarantine, or gets another owner or a longer lease.
    Regains,
    /// The identity joins and can only read or list.
    Joins,
    /// Any other change.
    Moves,
}

impl Risk {
    /// Whether a reviewer must see the change, however many others there are: it is refused, access grows or may grow, an object is deleted
    /// or no longer managed, or it was changed outside.
    #[must_use]
    pub fn needs_review(self) -> bool {
        self <= Self::Drifted
    }

    /// The class as one or a few words.
    #[must_use]
    pub fn describe_risk(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::GrowsToPermissions => "access grows to permissions management",
            Self::Grows => "access grows",
            Self::Deleted => "deleted",
            Self::Released => "released",
            Self::Drifted => "drift",
            Self::Quarantined => "quarantined",
            Self::JoinsToWrite => "joins, may write",
            Self::Regains => "regains",
            Self::Joins => "joins",
            Self::Moves => "moves",
        }
    }
}

/// The severity of the worst finding about an identity. Among changes of one risk, the worst come first.
#[must_use]
pub fn worst_severity(delta: &IdentityDelta) -> Option<Severity> {
    delta.assessment.iter().flat_map(|assessment| &assessment.findings).map(|finding| finding.severity).max()
}

/// The risk of the change of one identity.
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

/// The risk of the change of one shared object: its own, or the highest among the identities that change through it.
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
