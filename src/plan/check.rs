//! The check of a built plan, before anybody sees it.
//!
//! In: a [`Plan`] and the snapshot that it was made from. Out: every fault. A fault is a bug in Leasehold, and the
//! plan cannot be applied.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Change, ChangeKind, ResourceId, Snapshot};

use super::{Plan, Step, StepId};

/// A fault in a built plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsoundPlanError {
    /// Writes wait for each other, and the configuration does not explain why.
    #[error("the writes of {0:?} wait for each other")]
    Cycle(BTreeSet<Address>),
    /// A step would write an object without the stack's mark.
    #[error("step {0:?} writes {1}, which does not belong to this stack")]
    WritesStranger(StepId, ResourceId),
    /// A step would create an object that exists, or change one that does not.
    #[error("step {0:?} {1} {2}")]
    WrongBasis(StepId, &'static str, ResourceId),
    /// Two steps would make the same change to the same object.
    #[error("step {0:?} repeats step {1:?}")]
    Repeats(StepId, StepId),
    /// A step changes an identity's resources after its marks were written.
    #[error("step {0:?} of {1} is after the write of its marks")]
    AfterMarks(StepId, Address),
    /// A step would write marks that name another stack, or another address than its subject's.
    #[error("step {0:?} of {1} has the marks of another object")]
    ForeignMarks(StepId, Address),
}

/// Every fault of a plan, given the snapshot that it was made from. Empty: the plan is sound.
#[must_use]
pub fn check_plan(plan: &Plan, snapshot: &Snapshot) -> Vec<UnsoundPlanError> {
    let mut faults = Vec::new();
    if plan.steps.is_empty() {
        return faults;
    }
    let owned: BTreeSet<&ResourceId> = snapshot
        .shared
        .keys()
        .chain(snapshot.identities.values().flat_map(|identity| identity.resources.keys()))
        .collect();
    let import_candidates: BTreeSet<&ResourceId> =
        snapshot.import_candidates.values().flat_map(|found| found.resources.keys()).collect();
    let mut seen: BTreeMap<(&ResourceId, ChangeKind), StepId> = BTreeMap::new();
    let principal_of = super::principals_by_object(&plan.identities, &plan.steps);
    let mut marked: BTreeSet<&ResourceId> = BTreeSet::new();
    for step in &plan.steps {
        let id = step.change.id();
        let import_candidate =
            matches!(step.change, Change::Import { .. }) && snapshot.import_candidates.contains_key(id);
        let adopted = |id: &ResourceId| {
            principal_of.get(id).is_some_and(|principal| seen.contains_key(&(*principal, ChangeKind::Import)))
        };
        let strange = snapshot.unmanaged_objects.contains_key(id) || import_candidates.contains(id);
        if strange && !import_candidate && !adopted(id) {
            faults.push(UnsoundPlanError::WritesStranger(step.id, id.clone()));
        }
        faults.extend(check_precondition(step, owned.contains(id) || import_candidates.contains(id), &seen));
        if let Some(first) = seen.insert((id, step.change.kind()), step.id)
            && !continues_earlier_step(plan, first, step)
        {
            faults.push(UnsoundPlanError::Repeats(step.id, first));
        }
        if let Some(principal) = principal_of.get(id) {
            if marked.contains(principal) {
                faults.push(UnsoundPlanError::AfterMarks(step.id, step.subject.clone()));
            }
            if let Change::Mark { .. } = step.change {
                marked.insert(principal);
            }
        }
        if !are_marks_consistent(step, plan) {
            faults.push(UnsoundPlanError::ForeignMarks(step.id, step.subject.clone()));
        }
    }
    faults
}

/// Whether a step continues from the state in which an earlier step left the object, as the second step of a change
/// through an interim state does.
fn continues_earlier_step(plan: &Plan, first: StepId, second: &Step) -> bool {
    match (&plan.steps.step(first).change, &second.change) {
        (Change::Update { after, .. }, Change::Update { before, .. }) => after.attributes == before.attributes,
        _ => false,
    }
}

fn check_precondition(
    step: &Step,
    owned: bool,
    seen: &BTreeMap<(&ResourceId, ChangeKind), StepId>,
) -> Option<UnsoundPlanError> {
    let id = step.change.id();
    let made = || seen.contains_key(&(id, ChangeKind::Create));
    let wrong = |what| Some(UnsoundPlanError::WrongBasis(step.id, what, id.clone()));
    match &step.change {
        Change::Create { .. } if owned => wrong("creates an existing object:"),
        Change::Update { .. } | Change::Delete { .. } if !owned && !made() => wrong("changes a missing object:"),
        Change::Mark { .. } if !owned && !made() => wrong("marks a missing object:"),
        _ => None,
    }
}

fn are_marks_consistent(step: &Step, plan: &Plan) -> bool {
    if let Change::Release { before, .. } = &step.change {
        return before.stack == plan.stack;
    }
    step.change.marks_after().is_none_or(|marks| marks.stack == plan.stack && marks.address == step.subject)
}
