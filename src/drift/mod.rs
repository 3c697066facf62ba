//! What was changed outside since the last apply, what is overdue, and what stands where it should not. It only looks.
//!
//! In: what is declared, what lives, `now`. Out: a [`DriftReport`]. The mark `leasehold:digest` on each live identity says what was last
//! applied: where live differs from it, somebody else changed it. Where the configuration differs from it and live does not, an apply is
//! due, and that is no drift: it is told apart, under [`Report::pending`].

pub mod coverage;
mod identity;
mod shared;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{
    Address, Alias, Change, Compare, Comparison, Realize, Realm, ResourceId, Snapshot, StackName, Stranger,
};
use serde::Serialize;

use crate::config::{DeclaredStack, Diagnostic};
use crate::lifecycle;
use crate::plan::GracePeriod;
use crate::realize::ResourceMap;

pub use coverage::{Coverage, IgnorePatterns};

/// Everything that drift is a function of.
pub struct DriftInputs<'a> {
    /// What is declared.
    pub declared: &'a DeclaredStack,
    /// What the stack shares, realized.
    pub shared: &'a ResourceMap,
    /// What lives.
    pub snapshot: &'a Snapshot,
    /// The instant, in whole seconds.
    pub now: Timestamp,
    /// The provider's pure half.
    pub realize: &'a dyn Realize,
    /// The provider's comparison of access.
    pub compare: &'a dyn Compare,
    /// The identities and scopes that a record says were applied; `None`: there is no record to ask, and what is declared and not there
    /// counts as missing.
    pub recorded: Option<&'a RecordedIdentities>,
}

/// What a record says was applied: the address, and in which account.
pub type RecordedIdentities = BTreeSet<(Address, Option<Alias>)>;

/// What a finding is about, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftRule {
    /// A policy, attachment or group on an identity that nobody declared.
    StrayAccess,
    /// A key or password on an identity that nobody declared.
    StrayCredential,
    /// A part of an identity, or a scope, is not as it was applied.
    Changed,
    /// An object under the stack's name or path without its mark.
    Unmarked,
    /// Something declared is not there.
    Missing,
    /// A lease ended, and the identity is not quarantined.
    LeaseOver,
    /// A grace ended, and the identity is still there.
    GraceOver,
    /// Nobody manages it.
    Unmanaged,
}

impl DriftRule {
    /// The stable id.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::StrayAccess => "drift-stray-access",
            Self::StrayCredential => "drift-stray-credential",
            Self::Changed => "drift-changed",
            Self::Unmarked => "drift-unmarked",
            Self::Missing => "drift-missing",
            Self::LeaseOver => "lease-over",
            Self::GraceOver => "grace-over",
            Self::Unmanaged => "unmanaged",
        }
    }

    /// The rule in a word or two.
    #[must_use]
    pub fn short_title(self) -> &'static str {
        match self {
            Self::StrayAccess => "stray access",
            Self::StrayCredential => "stray credential",
            Self::Changed => "changed",
            Self::Unmarked => "unmarked",
            Self::Missing => "missing",
            Self::LeaseOver => "lease over",
            Self::GraceOver => "grace over",
            Self::Unmanaged => "unmanaged",
        }
    }

    /// What to do.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::StrayAccess => "Find out who gave it; declare it, or let `leasehold apply` take it off.",
            Self::StrayCredential => {
                "Find out who made it and who holds it; `leasehold apply` removes it, `leasehold revoke` stops the identity at once."
            }
            Self::Changed => "Find out who changed it; declare it so, or let `leasehold apply` put it back.",
            Self::Unmarked => "Rename or remove it, or let its owner say whose it is; leasehold does not write it.",
            Self::Missing => "Find out who removed it; `leasehold apply` makes it again, or take its block out.",
            Self::LeaseOver => "Let `leasehold sweep` run on a schedule; or renew the lease.",
            Self::GraceOver => "Let `leasehold sweep` run on a schedule.",
            Self::Unmanaged => "Declare it, remove it, or write its ARN into the ignore file.",
        }
    }

    /// Whether somebody may hold access that nobody granted.
    #[must_use]
    pub fn is_grave(self) -> bool {
        matches!(self, Self::StrayAccess | Self::StrayCredential | Self::Changed | Self::Unmarked)
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftFinding {
    /// What it is about.
    pub rule: DriftRule,
    /// The identity or scope; `None`: it is no part of the stack.
    pub address: Option<Address>,
    /// The object: its name in the cloud, or its id.
    pub object: String,
    /// Who answers for the identity.
    pub owner: Option<String>,
    /// What is wrong, in a sentence without its full stop.
    pub message: String,
    /// What this does to the identity's access, where that was compared.
    pub access: Option<Comparison>,
    /// What was done outside, as changes from what was applied to what lives.
    pub changes: Vec<Change>,
}

impl DriftFinding {
    /// What it is about, for people: the address, or the object.
    #[must_use]
    pub fn subject(&self) -> String {
        self.address.as_ref().map_or_else(|| self.object.clone(), ToString::to_string)
    }
}

/// A difference that the configuration explains: an apply is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingChange {
    /// It would be made.
    Joins,
    /// It would change.
    Moves,
    /// It would go.
    Leaves,
    /// It would be managed no more, and live on.
    LetGo,
}

/// What is not as it should be in a stack's cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftReport {
    /// The stack.
    pub stack: StackName,
    /// Where this is.
    pub realm: Realm,
    /// The instant.
    pub now: Timestamp,
    /// The addresses of the live identities and scopes that were looked at.
    pub looked_at: BTreeSet<Address>,
    /// How many of them are identities.
    pub identities: usize,
    /// What is wrong, the gravest first.
    pub findings: Vec<DriftFinding>,
    /// Where an apply is due.
    pub pending: BTreeMap<Address, PendingChange>,
    /// Quarantined identities that are as they should be.
    pub quarantined: BTreeMap<Address, GracePeriod>,
    /// Who manages what in the account, where that was asked for.
    pub coverage: Option<Coverage>,
}

impl DriftReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_in_sync(&self) -> bool {
        self.findings.is_empty()
    }

    /// The same, with who manages what; what nobody manages and nobody ignores is a finding.
    #[must_use]
    pub fn with_coverage(mut self, coverage: Coverage) -> Self {
        self.findings.extend(coverage.unmanaged.iter().map(|name| DriftFinding {
            rule: DriftRule::Unmanaged,
            address: None,
            object: name.clone(),
            owner: None,
            message: "no stack of leasehold manages it".to_owned(),
            access: None,
            changes: Vec::new(),
        }));
        self.coverage = Some(coverage);
        self
    }
}

/// Holds what lives against what was last applied. `Err`: the configuration does not fit the moment.
pub fn detect_drift(inputs: &DriftInputs<'_>) -> Result<DriftReport, Vec<Diagnostic>> {
    let DriftInputs { declared, snapshot, now, realize, .. } = inputs;
    let principal_id = |principal, name: &str| realize.principal_id(principal, name);
    let (standings, problems) = lifecycle::decide_phases(declared, snapshot, *now, principal_id);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut report = DriftReport {
        stack: declared.stack.clone(),
        realm: snapshot.realm.clone(),
        now: *now,
        looked_at: snapshot.identities.values().map(|live| live.address().clone()).collect(),
        identities: snapshot.identities.len(),
        findings: Vec::new(),
        pending: BTreeMap::new(),
        quarantined: BTreeMap::new(),
        coverage: None,
    };
    let mut as_applied: BTreeSet<ResourceId> = BTreeSet::new();
    for standing in &standings {
        identity::check_identity_drift(inputs, standing, &mut as_applied, &mut report);
    }
    shared::check_shared_drift(inputs, &as_applied, &standings, &mut report);
    report.findings.extend(find_unmarked_objects(inputs, &report));
    report.findings.sort_by(|a, b| (a.rule, &a.address, &a.object).cmp(&(b.rule, &b.address, &b.object)));
    Ok(report)
}

/// Objects that say they are this stack's, or lie under its path, and that it cannot take for its own.
fn find_unmarked_objects(inputs: &DriftInputs<'_>, report: &DriftReport) -> Vec<DriftFinding> {
    let stack = &inputs.declared.stack;
    let path = format!("/leasehold/{stack}/");
    let told: BTreeSet<&String> = report.findings.iter().map(|finding| &finding.object).collect();
    let ours = |stranger: &&Stranger| stranger.stack.as_ref() == Some(stack) || stranger.arn.contains(&path);
    let strangers = inputs.snapshot.strangers.values().filter(ours).filter(|stranger| !told.contains(&stranger.arn));
    strangers
        .map(|stranger| DriftFinding {
            rule: DriftRule::Unmarked,
            address: None,
            object: stranger.arn.clone(),
            owner: None,
            message: stranger.unreadable.clone().unwrap_or_else(|| format!("it is under {path} and carries no mark")),
            access: None,
            changes: Vec::new(),
        })
        .collect()
}

/// A change seen from the other side: what somebody did, from what would undo it.
fn invert_change(change: Change) -> Change {
    match change {
        Change::Create { after } => Change::Delete { before: after },
        Change::Delete { before } => Change::Create { after: before },
        Change::Update { before, after } => Change::Update { before: after, after: before },
        Change::Mark { id, before: Some(before), after } => Change::Mark { id, before: Some(after), after: before },
        Change::Adopt { id, after } => Change::Unmark { id, before: after },
        Change::Unmark { id, before } => Change::Adopt { id, after: before },
        unread @ Change::Mark { before: None, .. } => unread,
    }
}
