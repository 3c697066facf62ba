//! The part of a plan that is due because of time alone: expired leases, ended grace periods, and keys to rotate,
//! disable or delete.
//!
//! In: a whole plan. Out: an [`ExpirationPlan`]. Changes with another cause, such as the configuration or a change
//! outside Leasehold, are left to `apply`.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, ResourceId, Snapshot};

use super::check::{self, UnsoundPlanError};
use super::{Plan, Step};
use crate::diff::classify::Leaving;
use crate::diff::{ChangeReason, IdentityDelta, Lifecycle};
use crate::lifecycle::LeaveReason;

/// The changes that are due because of time alone, as a plan.
#[derive(Debug)]
pub struct ExpirationPlan {
    /// The plan: it only quarantines identities with an expired lease, deletes identities after their grace period,
    /// and rotates keys.
    pub plan: Plan,
    /// Identities that are due, but wait for changes that only an apply makes.
    pub waiting: BTreeSet<Address>,
}

/// Selects the changes that are due because of time alone, and checks the result like every plan.
///
/// # Errors
///
/// Returns the faults if the selected plan fails the check, which is a bug in Leasehold.
pub fn select_expirations(whole: Plan, snapshot: &Snapshot) -> Result<ExpirationPlan, Vec<UnsoundPlanError>> {
    let due: BTreeMap<ResourceId, Address> = whole
        .identities
        .iter()
        .filter(|delta| is_required_by_time(delta))
        .map(|delta| (delta.id.clone(), delta.address.clone()))
        .collect();
    let kept = without_blocked_deletions(&whole, due.keys().cloned().collect());
    let waiting = due.iter().filter(|(id, _)| !kept.contains(*id)).map(|(_, address)| address.clone()).collect();
    let plan = keep_principals(whole, &kept);
    let faults = check::check_plan(&plan, snapshot);
    if faults.is_empty() { Ok(ExpirationPlan { plan, waiting }) } else { Err(faults) }
}

/// Whether a delta is due because of time alone: an expired lease, an ended grace period, or keys that are due for
/// rotation.
fn is_required_by_time(delta: &IdentityDelta) -> bool {
    let lease_ended =
        |reason: &ChangeReason| matches!(reason, ChangeReason::Leaver { why: LeaveReason::LeaseExpired { .. } });
    match delta.leaving {
        Some(Leaving::Quarantine { .. }) => {
            delta.lifecycle == Lifecycle::Leaver && delta.reasons.iter().any(lease_ended)
        }
        Some(Leaving::Deletion) => delta.lifecycle == Lifecycle::Leaver,
        None => {
            delta.lifecycle == Lifecycle::Mover
                && !delta.reasons.is_empty()
                && delta.reasons.iter().all(ChangeReason::is_due_by_time)
        }
    }
}

/// The principals without those that cannot be deleted yet, because an identity that is not due must detach from them
/// first. A quarantine never waits: it is always right to quarantine an identity with an expired lease.
fn without_blocked_deletions(plan: &Plan, mut kept: BTreeSet<ResourceId>) -> BTreeSet<ResourceId> {
    let owner = principal_by_object(plan);
    let deleted = plan.identities.iter().filter(|delta| delta.leaving == Some(Leaving::Deletion));
    let deleted: BTreeSet<&ResourceId> = deleted.map(|delta| &delta.id).collect();
    loop {
        let is_kept = |step: &Step| owner.get(step.change.id()).is_some_and(|principal| kept.contains(*principal));
        let numbers: BTreeSet<_> = plan.steps.iter().filter(|step| is_kept(step)).map(|step| step.id).collect();
        let leaves = plan
            .steps
            .iter()
            .filter(|step| owner.get(step.change.id()).is_some_and(|principal| deleted.contains(principal)))
            .find(|step| numbers.contains(&step.id) && step.needs.keys().any(|need| !numbers.contains(need)));
        match leaves.and_then(|step| owner.get(step.change.id())) {
            Some(principal) => kept.remove(*principal),
            None => return kept,
        };
    }
}

/// The principal that each changed object belongs to, by object.
fn principal_by_object(plan: &Plan) -> BTreeMap<&ResourceId, &ResourceId> {
    super::principals_by_object(&plan.identities, &plan.steps)
}

fn keep_principals(mut plan: Plan, principals: &BTreeSet<ResourceId>) -> Plan {
    let objects: BTreeSet<ResourceId> = principal_by_object(&plan)
        .into_iter()
        .filter(|(_, principal)| principals.contains(*principal))
        .map(|(object, _)| object.clone())
        .collect();
    plan.identities.retain(|delta| principals.contains(&delta.id));
    plan.shared.clear();
    plan.steps = plan.steps.retain_steps(|step| objects.contains(step.change.id()));
    plan
}
