//! Drift: what was changed outside Leasehold since the last apply, what is overdue, and which objects carry no mark
//! although they should. Read-only.
//!
//! In: the declared stack, the snapshot, what is wrong with marks, and the instant ([`DriftInputs`]). Out: a [`DriftReport`].
//!
//! The mark `leasehold:digest` on each live identity records what was last applied. If the live identity differs from
//! it, it was changed outside Leasehold: a finding. If the configuration differs from it and the live identity does
//! not, an apply is due: that is no drift, and is listed in [`DriftReport::pending`].
//!
//! # Example
//!
//! A role was applied with one scope. An administrator then attaches `AdministratorAccess` in the console, and a
//! colleague removes the scope from the configuration of another role:
//!
//! ```text
//! first role    mark = configuration, mark ≠ live    finding: access that the configuration does not declare
//! second role   mark ≠ configuration, mark = live    pending: an apply changes it
//! ```

pub mod coverage;
mod identity;
mod shared;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{
    Address, Alias, Change, Compare, Comparison, Realizer, Realm, ResourceId, Snapshot, StackName, UnmanagedObject,
};
use serde::Serialize;

use crate::config::{DeclaredStack, Diagnostic};
use crate::lifecycle;
use crate::ownership::{OwnershipFinding, OwnershipFindingKind};
use crate::plan::GracePeriod;
use crate::realize::ResourceMap;

pub use coverage::{Coverage, IgnorePatterns};

/// The inputs of a drift check. The report depends on nothing else.
pub struct DriftInputs<'a> {
    /// The declared stack.
    pub declared: &'a DeclaredStack,
    /// The shared objects of the stack, realized.
    pub shared: &'a ResourceMap,
    /// The live objects.
    pub snapshot: &'a Snapshot,
    /// The instant of the check, in whole seconds.
    pub now: Timestamp,
    /// The provider's pure half: it turns declarations into resources.
    pub realize: &'a Realizer,
    /// The provider's comparison of access.
    pub compare: &'a dyn Compare,
    /// The identities and shared objects that the ledger records as applied. `None` if there is no record: a declared
    /// object that does not exist is then reported as missing.
    pub recorded: Option<&'a RecordedIdentities>,
    /// What is wrong with the marks of live objects.
    pub ownership: &'a [OwnershipFinding],
}

/// The address of each object that was applied, with its account.
pub type RecordedIdentities = BTreeSet<(Address, Option<Alias>)>;

/// The rule that a finding belongs to, the most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftRule {
    /// An identity has a policy, attachment or group that is not declared.
    #[serde(rename = "stray-access")]
    UnmanagedAccess,
    /// An identity has a key or password that is not declared.
    #[serde(rename = "stray-credential")]
    UnmanagedCredential,
    /// A part of an identity, or a shared object, differs from what was applied.
    Changed,
    /// Another object has the name or the marks of an object of the stack.
    Replaced,
    /// An object that the stack does not own carries its marks.
    UnownedMark,
    /// The marks of an object were edited.
    MarkChanged,
    /// The marks of an object were removed.
    MarkRemoved,
    /// An object has the stack's name or path, but not its mark.
    Unmarked,
    /// A declared object does not exist.
    Missing,
    /// A lease has expired, and the identity is not quarantined.
    #[serde(rename = "lease-over")]
    LeaseExpired,
    /// A grace period is over, and the identity still exists.
    #[serde(rename = "grace-over")]
    GracePeriodExpired,
    /// No stack manages the object.
    Unmanaged,
}

impl DriftRule {
    /// The stable id of the rule, such as `lease-over`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::UnmanagedAccess => "drift-stray-access",
            Self::UnmanagedCredential => "drift-stray-credential",
            Self::Changed => "drift-changed",
            Self::Replaced => "replaced",
            Self::UnownedMark => "unowned-mark",
            Self::MarkChanged => "mark-changed",
            Self::MarkRemoved => "mark-removed",
            Self::Unmarked => "drift-unmarked",
            Self::Missing => "drift-missing",
            Self::LeaseExpired => "lease-over",
            Self::GracePeriodExpired => "grace-over",
            Self::Unmanaged => "unmanaged",
        }
    }

    /// The title of the rule, in a few words.
    #[must_use]
    pub fn short_title(self) -> &'static str {
        match self {
            Self::UnmanagedAccess => "unmanaged access",
            Self::UnmanagedCredential => "unmanaged credential",
            Self::Changed => "changed",
            Self::Replaced => "replaced",
            Self::UnownedMark => "unowned mark",
            Self::MarkChanged => "mark changed",
            Self::MarkRemoved => "mark removed",
            Self::Unmarked => "unmarked",
            Self::Missing => "missing",
            Self::LeaseExpired => "lease expired",
            Self::GracePeriodExpired => "grace period over",
            Self::Unmanaged => "unmanaged",
        }
    }

    /// What to do about a finding of this rule, in one or two sentences.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::UnmanagedAccess => "Find out who added it. Declare it, or run `leasehold apply` to remove it.",
            Self::UnmanagedCredential => {
                "Find out who created it and who uses it. Run `leasehold apply` to delete it, or `leasehold revoke` to quarantine the identity at once."
            }
            Self::Changed => "Find out who changed it. Declare the change, or run `leasehold apply` to revert it.",
            Self::Replaced => "Find out who replaced it. Import the new object to manage it, or rename or delete it.",
            Self::UnownedMark => {
                "Find out who wrote the marks, and remove them. To manage the object, import it; to release it, remove the tags whose keys begin with leasehold:."
            }
            Self::MarkChanged | Self::MarkRemoved => {
                "Find out who may write tags whose keys begin with leasehold:. Run `leasehold apply` to write the marks again."
            }
            Self::Unmarked => "Rename or delete it, or clarify who owns it; Leasehold does not change it.",
            Self::Missing => "Find out who deleted it. Run `leasehold apply` to create it again, or remove its block.",
            Self::LeaseExpired => "Run `leasehold sweep` on a schedule, or renew the lease.",
            Self::GracePeriodExpired => "Run `leasehold sweep` on a schedule.",
            Self::Unmanaged => "Declare it, delete it, or add its ARN to the ignore file.",
        }
    }

    /// Whether a finding of this rule can mean access that was not granted through the configuration.
    #[must_use]
    pub fn is_grave(self) -> bool {
        matches!(
            self,
            Self::UnmanagedAccess | Self::UnmanagedCredential | Self::Changed | Self::Replaced | Self::Unmarked
        )
    }
}

/// One deviation from what was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftFinding {
    /// The rule that it belongs to.
    pub rule: DriftRule,
    /// The address of the identity or shared object; `None` if the object is not part of the stack.
    pub address: Option<Address>,
    /// The object: its name in the cloud, such as an ARN, or its id.
    pub object: String,
    /// The owner of the identity; `None` if it is not known.
    pub owner: Option<String>,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// How this changes the identity's access; `None` if it was not compared.
    pub access: Option<Comparison>,
    /// What was changed outside Leasehold: changes from the applied to the live state.
    pub changes: Vec<Change>,
}

impl DriftFinding {
    /// The address, or the object if it has no address.
    #[must_use]
    pub fn subject(&self) -> String {
        self.address.as_ref().map_or_else(|| self.object.clone(), ToString::to_string)
    }
}

/// A difference that the configuration explains, so an apply is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingChange {
    /// An apply would create it.
    Joins,
    /// An apply would change it.
    Moves,
    /// An apply would quarantine or delete it.
    Leaves,
    /// An apply would release it: it continues to exist without being managed.
    LetGo,
}

/// The result of a drift check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftReport {
    /// The stack that was checked.
    pub stack: StackName,
    /// The cloud and the accounts that were read.
    pub realm: Realm,
    /// The instant of the check.
    pub now: Timestamp,
    /// The addresses of the live identities and shared objects that were checked.
    pub looked_at: BTreeSet<Address>,
    /// The number of live identities among them.
    pub identities: usize,
    /// The findings, the most severe first.
    pub findings: Vec<DriftFinding>,
    /// The differences that an apply would remove, by address.
    pub pending: BTreeMap<Address, PendingChange>,
    /// Quarantined identities without a finding, with their grace periods.
    pub quarantined: BTreeMap<Address, GracePeriod>,
    /// The coverage of the account; `None` if it was not requested.
    pub coverage: Option<Coverage>,
}

impl DriftReport {
    /// Whether there are no findings.
    #[must_use]
    pub fn is_in_sync(&self) -> bool {
        self.findings.is_empty()
    }

    /// Adds the coverage. Each unmanaged object that is not ignored becomes a finding.
    #[must_use]
    pub fn with_coverage(mut self, coverage: Coverage) -> Self {
        self.findings.extend(coverage.unmanaged.iter().map(|name| DriftFinding {
            rule: DriftRule::Unmanaged,
            address: None,
            object: name.clone(),
            owner: None,
            message: "not managed by any Leasehold stack".to_owned(),
            access: None,
            changes: Vec::new(),
        }));
        self.coverage = Some(coverage);
        self
    }
}

/// Compares the live objects with what was last applied.
///
/// # Errors
///
/// Returns diagnostics if the configuration does not fit the live objects or the instant.
pub fn detect_drift(inputs: &DriftInputs<'_>) -> Result<DriftReport, Vec<Diagnostic>> {
    let DriftInputs { declared, snapshot, now, realize, .. } = inputs;
    let principal_id = |principal, name: &str| realize.ids.principal_id(principal, name);
    let (statuses, problems) = lifecycle::decide_phases(declared, snapshot, *now, principal_id);
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
    for status in &statuses {
        identity::check_identity_drift(inputs, status, &mut as_applied, &mut report);
    }
    shared::check_shared_drift(inputs, &as_applied, &statuses, &mut report);
    let ownership: Vec<DriftFinding> = inputs.ownership.iter().map(|found| report_ownership(inputs, found)).collect();
    // A finding about marks says more than that a name is in use, or that an object differs.
    report.findings.retain(|finding| match finding.rule {
        DriftRule::Unmarked => !ownership.iter().any(|found| found.object == finding.object),
        DriftRule::Changed if changes_marks_only(finding) => {
            !ownership.iter().any(|found| found.address == finding.address)
        }
        _ => true,
    });
    report.findings.extend(ownership);
    report.findings.extend(find_unmarked_objects(inputs, &report));
    report.findings.sort_by(|a, b| (a.rule, &a.address, &a.object).cmp(&(b.rule, &b.address, &b.object)));
    Ok(report)
}

fn changes_marks_only(finding: &DriftFinding) -> bool {
    !finding.changes.is_empty() && finding.changes.iter().all(Change::is_marks_only)
}

/// The finding for marks that somebody else edited.
fn report_ownership(inputs: &DriftInputs<'_>, found: &OwnershipFinding) -> DriftFinding {
    let rule = match found.kind {
        OwnershipFindingKind::Replaced => DriftRule::Replaced,
        OwnershipFindingKind::UnownedMark => DriftRule::UnownedMark,
        OwnershipFindingKind::MarkChanged => DriftRule::MarkChanged,
        OwnershipFindingKind::MarkRemoved => DriftRule::MarkRemoved,
    };
    let declared = found.address.as_ref().and_then(|address| inputs.declared.identities.get(address));
    DriftFinding {
        rule,
        address: found.address.clone(),
        object: found.object.clone(),
        owner: declared.map(|declared| declared.spec.owner.clone()),
        message: found.message.clone(),
        access: None,
        changes: Vec::new(),
    }
}

/// Objects that name this stack in their marks, or are under its path, but that it cannot manage.
fn find_unmarked_objects(inputs: &DriftInputs<'_>, report: &DriftReport) -> Vec<DriftFinding> {
    let stack = &inputs.declared.stack;
    let path = format!("/leasehold/{stack}/");
    let reported: BTreeSet<&String> = report.findings.iter().map(|finding| &finding.object).collect();
    let ours = |unmanaged_object: &&UnmanagedObject| {
        unmanaged_object.stack.as_ref() == Some(stack) || unmanaged_object.arn.contains(&path)
    };
    let unmanaged_objects = inputs
        .snapshot
        .unmanaged_objects
        .values()
        .filter(ours)
        .filter(|unmanaged_object| !reported.contains(&unmanaged_object.arn));
    unmanaged_objects
        .map(|unmanaged_object| DriftFinding {
            rule: DriftRule::Unmarked,
            address: None,
            object: unmanaged_object.arn.clone(),
            owner: None,
            message: unmanaged_object.unreadable.clone().unwrap_or_else(|| format!("under {path}, but without marks")),
            access: None,
            changes: Vec::new(),
        })
        .collect()
}

/// The inverse of a change: what was done outside, given what would undo it.
fn invert_change(change: Change) -> Change {
    match change {
        Change::Create { after } => Change::Delete { before: after },
        Change::Delete { before } => Change::Create { after: before },
        Change::Update { before, after } => Change::Update { before: after, after: before },
        Change::Mark { id, before: Some(before), after } => Change::Mark { id, before: Some(after), after: before },
        Change::Import { id, after } => Change::Release { id, before: after },
        Change::Release { id, before } => Change::Import { id, after: before },
        unread @ Change::Mark { before: None, .. } => unread,
    }
}
