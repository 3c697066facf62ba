//! What a difference is in an identity's life: it joins, moves, leaves, or was changed by somebody else.

use std::collections::BTreeSet;

use jiff::Timestamp;
use leasehold_provider::{Address, Assessment, Change, Comparison, Kind, Marks, Principal, Realize, ResourceId};
use serde::{Deserialize, Serialize};

use super::reason::{self, ChangeReason};
use super::resources;
use crate::lifecycle::{IdentityStatus, LeaveReason, LifecyclePhase};
use crate::realize::{ResourceMap, compute_live_digest};

/// The sort of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// It appears.
    Joiner,
    /// Its configuration, or a scope it holds, says something else than what was last applied.
    Mover,
    /// It goes: into quarantine, or away.
    Leaver,
    /// It is not as it was last applied, and its configuration is.
    Drift,
    /// It lives on and is no longer this stack's.
    Released,
}

/// What happens to one identity, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityDelta {
    /// Its address.
    pub address: Address,
    /// Its principal.
    pub id: ResourceId,
    /// Its name in the cloud.
    pub name: String,
    /// What sort of actor it is; `None` where neither a block nor a mark says.
    pub kind: Option<Kind>,
    /// Its form in the cloud.
    pub principal: Principal,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it works for.
    pub service: Option<String>,
    /// Where it works.
    pub environment: Option<String>,
    /// When its lease ends.
    pub deadline: Option<Timestamp>,
    /// The sort of event.
    pub lifecycle: Lifecycle,
    /// Somebody else changed it as well.
    pub drifted: bool,
    /// Why, each once.
    pub reasons: BTreeSet<ChangeReason>,
    /// Of a leaver: whether it goes into quarantine, or away.
    pub leaving: Option<Leaving>,
    /// How its access changes, where that was compared.
    pub access: Option<Comparison>,
    /// What its access amounts to, where it joins or its access changes.
    pub assessment: Option<Assessment>,
    /// The objects that the assessed policies stand in, in the order by which the assessment counts them.
    pub policies: Vec<ResourceId>,
    /// The changes, in the order of ids; empty for a mover whose scope alone changes.
    pub changes: Vec<Change>,
}

/// How a leaver leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Leaving {
    /// Into quarantine, or further on in it.
    Quarantine {
        /// When it may be deleted; `None`: not while its block stands.
        delete_after: Option<Timestamp>,
        /// The last use that keeps it although its grace is over.
        held_by_use: Option<Timestamp>,
    },
    /// Away for good.
    Deletion,
}

/// What happens to an identity whose resources should be `wanted`. `None`: nothing.
#[must_use]
pub fn classify_identity(
    standing: &IdentityStatus<'_>,
    wanted: &ResourceMap,
    realize: &dyn Realize,
) -> Option<IdentityDelta> {
    if let (LifecyclePhase::Released, Some(live)) = (&standing.phase, standing.live) {
        let unmark = Change::Unmark { id: live.id.clone(), before: Box::new(live.marks.clone()) };
        let event = classify_lifecycle(standing, wanted, std::slice::from_ref(&unmark), realize);
        return Some(build_identity_delta(standing, event, vec![unmark]));
    }
    let empty = ResourceMap::new();
    let mut changes = resources::diff_resources(wanted, crate::realize::live_resources(standing).unwrap_or(&empty));
    if let (Some(_), Some(marks)) = (standing.adopts, wanted.get(&standing.id).and_then(|r| r.marks.as_ref())) {
        let after = Box::new(Marks { digest: None, ..marks.clone() });
        changes.insert(0, Change::Adopt { id: standing.id.clone(), after });
    }
    if is_as_applied(standing, wanted) {
        // Nobody asked for other words, and what was written otherwise outside still says the same.
        changes.retain(|change| {
            !matches!(change, Change::Update { before, after } if resources::has_same_meaning(before, after, realize))
        });
    }
    if changes.is_empty() {
        return None;
    }
    let event = classify_lifecycle(standing, wanted, &changes, realize);
    Some(build_identity_delta(standing, event, changes))
}

/// Whether the configuration says what was last applied.
fn is_as_applied(standing: &IdentityStatus<'_>, wanted: &ResourceMap) -> bool {
    let digest = wanted.get(&standing.id).and_then(|resource| resource.marks.as_ref()?.digest);
    digest.is_some() && standing.live.is_some_and(|live| live.marks.digest == digest)
}

/// The delta of a live, active identity that has no changes of its own: a mover through what it shares.
#[must_use]
pub fn delta_without_changes(standing: &IdentityStatus<'_>) -> IdentityDelta {
    let event = LifecycleEvent { lifecycle: Lifecycle::Mover, drifted: false, reasons: BTreeSet::new(), leaving: None };
    build_identity_delta(standing, event, Vec::new())
}

fn build_identity_delta(standing: &IdentityStatus<'_>, event: LifecycleEvent, changes: Vec<Change>) -> IdentityDelta {
    let active = match &standing.phase {
        LifecyclePhase::Active(active) => Some(&active.identity),
        _ => None,
    };
    let marks = standing.live.map(|live| &live.marks);
    let declared = standing.declared;
    IdentityDelta {
        address: standing.address.clone(),
        id: standing.id.clone(),
        name: standing.id.name.clone(),
        kind: declared.map(|d| d.kind).or_else(|| marks?.kind),
        principal: declared.map(|d| d.principal).or(standing.live.map(|l| l.principal)).unwrap_or(Principal::Role),
        owner: declared.map(|d| d.owner.clone()).or_else(|| marks?.owner.clone()),
        service: declared.map(|d| d.service.clone()).unwrap_or_else(|| marks?.service.clone()),
        environment: declared.map(|d| d.environment.clone()).unwrap_or_else(|| marks?.environment.clone()),
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
    standing: &IdentityStatus<'_>,
    wanted: &ResourceMap,
    changes: &[Change],
    realize: &dyn Realize,
) -> LifecycleEvent {
    if standing.adopts.is_some() {
        let mut reasons = reason::reasons_from_changes(changes, realize);
        reasons.insert(ChangeReason::Adopted);
        return LifecycleEvent { lifecycle: Lifecycle::Mover, drifted: false, reasons, leaving: None };
    }
    let Some(live) = standing.live else {
        return LifecycleEvent {
            lifecycle: Lifecycle::Joiner,
            drifted: false,
            reasons: BTreeSet::new(),
            leaving: None,
        };
    };
    let principal = wanted.get(&standing.id).and_then(|resource| resource.marks.as_ref());
    let live_differs = live.marks.digest != Some(compute_live_digest(live, realize));
    match &standing.phase {
        LifecyclePhase::Released => {
            let reasons = BTreeSet::from([ChangeReason::Released { until: live.marks.expires_at }]);
            LifecycleEvent { lifecycle: Lifecycle::Released, drifted: live_differs, reasons, leaving: None }
        }
        LifecyclePhase::Absent { reason } => leave_event(reason, Leaving::Deletion, live_differs),
        LifecyclePhase::Quarantined(q) => {
            let to = Leaving::Quarantine { delete_after: q.delete_after, held_by_use: q.held_by_use };
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

/// Whether nothing but missing parts differ: an earlier run that stopped leaves that, and so does somebody who took parts away.
fn has_only_creates(changes: &[Change]) -> bool {
    changes.iter().all(|change| matches!(change, Change::Create { .. }))
}

fn leave_event(reason: &LeaveReason, leaving: Leaving, drifted: bool) -> LifecycleEvent {
    let mut reasons = BTreeSet::from([ChangeReason::Leaves { why: reason.clone() }]);
    if drifted {
        reasons.insert(ChangeReason::ChangedOutside);
    }
    LifecycleEvent { lifecycle: Lifecycle::Leaver, drifted, reasons, leaving: Some(leaving) }
}
