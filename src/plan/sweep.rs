//! The part of a plan that time alone brings: leases that ended, graces that ended, and keys that are due to be replaced, disabled or
//! deleted.
//!
//! What a change of configuration or somebody outside brought is left to `apply`.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, ResourceId, Snapshot};

use super::check::{self, UnsoundPlanError};
use super::{Plan, Step, select};
use crate::diff::classify::Leaving;
use crate::diff::{ChangeReason, IdentityDelta, Lifecycle};
use crate::lifecycle::LeaveReason;

/// What time brings, as a plan of its own.
#[derive(Debug)]
pub struct ExpirationPlan {
    /// The plan: quarantines of ended leases, deletions after ended graces, rotations of keys, and nothing else.
    pub plan: Plan,
    /// Identities that are due, and wait for changes that only an apply makes.
    pub waiting: BTreeSet<Address>,
}

/// Takes out of a whole plan what time alone brings, and checks it as every plan is checked.
pub fn select_expirations(whole: Plan, snapshot: &Snapshot) -> Result<ExpirationPlan, Vec<UnsoundPlanError>> {
    let due: BTreeMap<ResourceId, Address> = whole
        .identities
        .iter()
        .filter(|delta| is_due(delta))
        .map(|delta| (delta.id.clone(), delta.address.clone()))
        .collect();
    let kept = without_blocked_deletions(&whole, due.keys().cloned().collect());
    let waiting = due.iter().filter(|(id, _)| !kept.contains(*id)).map(|(_, address)| address.clone()).collect();
    let plan = keep_principals(whole, &kept);
    let faults = check::check_plan(&plan, snapshot);
    if faults.is_empty() { Ok(ExpirationPlan { plan, waiting }) } else { Err(faults) }
}

/// Whether time alone brought it: a lease that ended since the last run, a grace, or keys that came of age.
fn is_due(delta: &IdentityDelta) -> bool {
    let lease_ended =
        |reason: &ChangeReason| matches!(reason, ChangeReason::Leaves { why: LeaveReason::LeaseEnded { .. } });
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

/// The principals that stay when those are taken out that cannot be deleted before somebody who is not due lets go of them. A quarantine
/// waits for nobody: shutting a lease that ended is always right.
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
            .find(|step| numbers.contains(&step.id) && step.needs.iter().any(|need| !numbers.contains(need)));
        match leaves.and_then(|step| owner.get(step.change.id())) {
            Some(principal) => kept.remove(*principal),
            None => return kept,
        };
    }
}

/// The principal whose change each object is part of.
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
    select::keep_steps(plan, |step| objects.contains(step.change.id()))
}
