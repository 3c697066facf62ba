//! The lifecycle event that a difference amounts to: the identity joins, moves, leaves, is released, or was changed
//! outside Leasehold.
//!
//! In: the status of an identity and its desired resources. Out: an [`IdentityDelta`], or `None` if nothing changes.
//!
//! The digest in the mark decides between mover and drift. It is written at each apply and covers what was applied:
//!
//! ```text
//! mark = configuration, mark ≠ live                    drift: changed outside Leasehold
//! mark ≠ configuration, mark = live                    mover: the configuration changed
//! mark ≠ configuration, mark ≠ live                    mover, with `drifted`
//! ```

use std::collections::BTreeSet;

use jiff::Timestamp;
use leasehold_provider::{Address, Assessment, Change, Comparison, Kind, Marks, Principal, Realizer, ResourceId};
use serde::{Deserialize, Serialize};

use super::reason::{self, ChangeReason};
use super::resources;
use crate::lifecycle::{IdentityStatus, LeaveReason, LifecyclePhase};
use crate::realize::{ResourceMap, compute_live_digest};

/// The lifecycle event of an identity or a shared object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// It is created.
    Joiner,
    /// Its configuration, or a scope attached to it, differs from what was last applied.
    Mover,
    /// It is quarantined or deleted.
    Leaver,
    /// It differs from what was last applied, and its configuration does not.
    Drift,
    /// It continues to exist, and is no longer managed by this stack.
    Released,
}

/// What happens to one identity, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityDelta {
    /// Its address.
    pub address: Address,
    /// The id of its principal.
    pub id: ResourceId,
    /// Its name in the cloud.
    pub name: String,
    /// What kind of actor it is; `None` if neither a block nor a mark says so.
    pub kind: Option<Kind>,
    /// What it is in the cloud: a user or a role.
    pub principal: Principal,
    /// Its owner; `None` if neither a block nor a mark names one.
    pub owner: Option<String>,
    /// The service that it belongs to; `None` if none is given.
    pub service: Option<String>,
    /// The environment that it belongs to; `None` if none is given.
    pub environment: Option<String>,
    /// The deadline of its lease; `None` if it has no lease.
    pub deadline: Option<Timestamp>,
    /// The lifecycle event.
    pub lifecycle: Lifecycle,
    /// Whether it was also changed outside Leasehold.
    pub drifted: bool,
    /// The reasons of the changes.
    pub reasons: BTreeSet<ChangeReason>,
    /// For an identity that is or becomes quarantined, or is deleted: which of these. `None` for all others.
    pub leaving: Option<Leaving>,
    /// How its access changes; `None` if it was not compared.
    pub access: Option<Comparison>,
    /// The assessment of its access; only for a joiner, and for a mover whose access changes.
    pub assessment: Option<Assessment>,
    /// The objects that contain the assessed policies; the assessment refers to policies by their index here.
    pub policies: Vec<ResourceId>,
    /// The changes, ordered by id, an import first; empty for a mover of which only a scope changes.
    pub changes: Vec<Change>,
}

/// What happens to a leaver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Leaving {
    /// It goes into quarantine, or stays there.
    Quarantine {
        /// The earliest instant of deletion; `None` while the identity is still declared.
        delete_after: Option<Timestamp>,
        /// The last use after the quarantine began, which prevents deletion although the grace period is over; `None`
        /// if there is none.
        #[serde(rename = "held_by_use")]
        last_use: Option<Timestamp>,
    },
    /// It is deleted.
    Deletion,
}

/// The delta of an identity whose resources should be `wanted`; `None` if nothing changes.
#[must_use]
pub fn classify_identity(
    status: &IdentityStatus<'_>,
    desired: &ResourceMap,
    realize: &Realizer,
) -> Option<IdentityDelta> {
    if let (LifecyclePhase::Released, Some(live)) = (&status.phase, status.live) {
        let unmark = Change::Release { id: live.id.clone(), before: Box::new(live.marks.clone()) };
        let event = classify_lifecycle(status, desired, std::slice::from_ref(&unmark), realize);
        return Some(build_identity_delta(status, event, vec![unmark]));
    }
    let empty = ResourceMap::new();
    let mut changes = resources::diff_resources(desired, crate::realize::live_resources(status).unwrap_or(&empty));
    if let (Some(_), Some(marks)) = (status.import_candidate, desired.get(&status.id).and_then(|r| r.marks.as_ref())) {
        let after = Box::new(Marks { digest: None, ..marks.clone() });
        changes.insert(0, Change::Import { id: status.id.clone(), after });
    }
    if let Some(mark) = mark_stale_record(status, desired, &changes) {
        changes.push(mark);
    }
    if is_as_applied(status, desired) {
        // The configuration did not change, so a document that was rewritten outside Leasehold with the same meaning
        // is not reverted.
        changes.retain(|change| {
            !matches!(change, Change::Update { before, after } if resources::has_same_meaning(before, after, realize))
        });
    }
    if changes.is_empty() {
        return None;
    }
    let event = classify_lifecycle(status, desired, &changes, realize);
    Some(build_identity_delta(status, event, changes))
}

/// The write of the marks if the tags are as desired and the record of the stack is not: somebody else wrote the tags, and only a write of
/// Leasehold changes the record.
fn mark_stale_record(status: &IdentityStatus<'_>, desired: &ResourceMap, changes: &[Change]) -> Option<Change> {
    let marks = desired.get(&status.id)?.marks.as_ref()?;
    let live = status.live.filter(|live| live.marks != *marks)?;
    if changes.iter().any(|change| matches!(change, Change::Mark { .. })) {
        return None;
    }
    let before = live.resources.get(&status.id)?.marks.clone().map(Box::new);
    Some(Change::Mark { id: status.id.clone(), before, after: Box::new(marks.clone()) })
}

/// Whether the configuration matches what was last applied.
fn is_as_applied(status: &IdentityStatus<'_>, desired: &ResourceMap) -> bool {
    let digest = desired.get(&status.id).and_then(|resource| resource.marks.as_ref()?.digest);
    digest.is_some() && status.live.is_some_and(|live| live.marks.digest == digest)
}

/// The delta of a live, active identity without changes of its own: a mover because a shared object changes.
#[must_use]
pub fn delta_without_changes(status: &IdentityStatus<'_>) -> IdentityDelta {
    let event = LifecycleEvent { lifecycle: Lifecycle::Mover, drifted: false, reasons: BTreeSet::new(), leaving: None };
    build_identity_delta(status, event, Vec::new())
}

fn build_identity_delta(status: &IdentityStatus<'_>, event: LifecycleEvent, changes: Vec<Change>) -> IdentityDelta {
    let active = match &status.phase {
        LifecyclePhase::Active(active) => Some(&active.identity),
        _ => None,
    };
    let marks = status.live.map(|live| &live.marks);
    let declared = status.declared;
    IdentityDelta {
        address: status.address.clone(),
        id: status.id.clone(),
        name: status.id.name.clone(),
        kind: declared.map(|d| d.spec.kind).or_else(|| marks?.kind),
        principal: declared.map(|d| d.spec.principal).or(status.live.map(|l| l.principal)).unwrap_or(Principal::Role),
        owner: declared.map(|d| d.spec.owner.clone()).or_else(|| marks?.owner.clone()),
        service: declared.map(|d| d.spec.service.clone()).unwrap_or_else(|| marks?.service.clone()),
        environment: declared.map(|d| d.spec.environment.clone()).unwrap_or_else(|| marks?.environment.clone()),
        deadline: active.map_or_else(|| marks?.expires_at, |identity| identity.deadline),
        lifecycle: event.lifecycle,
        drifted: event.drifted,
        reasons: event.reasons,
        leaving: event.leaving,
        access: None,
        assessment: None,
        policies: Vec::new(),
        changes,
    }
}

struct LifecycleEvent {
    lifecycle: Lifecycle,
    drifted: bool,
    reasons: BTreeSet<ChangeReason>,
    leaving: Option<Leaving>,
}

fn classify_lifecycle(
    status: &IdentityStatus<'_>,
    desired: &ResourceMap,
    changes: &[Change],
    realize: &Realizer,
) -> LifecycleEvent {
    if status.import_candidate.is_some() {
        let mut reasons = reason::reasons_from_changes(changes, realize);
        reasons.insert(ChangeReason::Imported);
        return LifecycleEvent { lifecycle: Lifecycle::Mover, drifted: false, reasons, leaving: None };
    }
    let Some(live) = status.live else {
        return LifecycleEvent {
            lifecycle: Lifecycle::Joiner,
            drifted: false,
            reasons: BTreeSet::new(),
            leaving: None,
        };
    };
    let principal = desired.get(&status.id).and_then(|resource| resource.marks.as_ref());
    let live_differs = live.marks.digest != Some(compute_live_digest(live, realize));
    match &status.phase {
        LifecyclePhase::Released => {
            let reasons = BTreeSet::from([ChangeReason::Released { until: live.marks.expires_at }]);
            LifecycleEvent { lifecycle: Lifecycle::Released, drifted: live_differs, reasons, leaving: None }
        }
        LifecyclePhase::Absent { reason } => leave_event(reason, Leaving::Deletion, live_differs),
        LifecyclePhase::Quarantined(q) => {
            let to = Leaving::Quarantine { delete_after: q.delete_after, last_use: q.last_use };
            if live.marks.quarantine.is_some() {
                let reasons = BTreeSet::from([ChangeReason::ChangedOutside]);
                LifecycleEvent { lifecycle: Lifecycle::Drift, drifted: true, reasons, leaving: Some(to) }
            } else {
                leave_event(&q.reason, to, live_differs)
            }
        }
        LifecyclePhase::Active(active) => {
            let keys = active.keys.as_ref();
            let (of_keys, rest): (Vec<Change>, Vec<Change>) = changes
                .iter()
                .cloned()
                .partition(|change| keys.is_some_and(|keys| reason::is_key_rotation_change(change, keys)));
            let mut reasons = reason::reasons_from_changes(&rest, realize);
            reasons.extend(keys.into_iter().flat_map(|keys| reason::reasons_from_keys(changes, keys)));
            if let Some(marks) = principal {
                reasons.extend(reason::reasons_from_marks(&live.marks, marks));
            }
            let wanted_digest = principal.and_then(|marks| marks.digest);
            let configuration_differs = live.marks.digest != wanted_digest;
            if let Some(quarantine) = &live.marks.quarantine {
                reasons.insert(ChangeReason::Restored { since: quarantine.at });
                return LifecycleEvent { lifecycle: Lifecycle::Mover, drifted: live_differs, reasons, leaving: None };
            }
            if !configuration_differs && rest.is_empty() && !of_keys.is_empty() {
                return LifecycleEvent { lifecycle: Lifecycle::Mover, drifted: live_differs, reasons, leaving: None };
            }
            if !configuration_differs {
                reasons.insert(if has_only_creates(&rest) {
                    ChangeReason::Unfinished
                } else {
                    ChangeReason::ChangedOutside
                });
                return LifecycleEvent { lifecycle: Lifecycle::Drift, drifted: true, reasons, leaving: None };
            }
            if live_differs {
                reasons.insert(ChangeReason::ChangedOutside);
            }
            LifecycleEvent { lifecycle: Lifecycle::Mover, drifted: live_differs, reasons, leaving: None }
        }
    }
}

/// Whether parts are missing and nothing else differs. Either an earlier run stopped early, or the parts were removed
/// outside Leasehold.
fn has_only_creates(changes: &[Change]) -> bool {
    changes.iter().all(|change| matches!(change, Change::Create { .. }))
}

fn leave_event(reason: &LeaveReason, leaving: Leaving, drifted: bool) -> LifecycleEvent {
    let mut reasons = BTreeSet::from([ChangeReason::Leaver { why: reason.clone() }]);
    if drifted {
        reasons.insert(ChangeReason::ChangedOutside);
    }
    LifecycleEvent { lifecycle: Lifecycle::Leaver, drifted, reasons, leaving: Some(leaving) }
}
