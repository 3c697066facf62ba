//! Verifies an apply: after the last step, the changed objects are read again and compared with the plan.
//!
//! In: the plan, its outcome and a new snapshot. Out: the objects that differ from what the successful steps wrote.

use std::collections::BTreeMap;
use std::fmt;

use leasehold_provider::{Change, Resource, ResourceId, Snapshot};

use super::ApplyOutcome;
use crate::plan::stale::LiveIndex;
use crate::plan::{Plan, StepId};

/// An object that differs from what the plan wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedObject {
    /// The id of the object.
    pub id: ResourceId,
    /// How it differs.
    pub fault: VerifyFault,
}

/// How an object differs from what the plan wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyFault {
    /// It was created or changed, and does not exist.
    Missing,
    /// It was deleted, and still exists.
    StillThere,
    /// These attributes differ from the written ones.
    Differs(Vec<String>),
    /// Its marks differ from the written ones.
    Marks,
}

impl fmt::Display for UnverifiedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            VerifyFault::Missing => write!(f, "{} was created but does not exist", self.id),
            VerifyFault::StillThere => write!(f, "{} was deleted but still exists", self.id),
            VerifyFault::Differs(names) => write!(f, "{} differs from what was written: {}", self.id, names.join(", ")),
            VerifyFault::Marks => write!(f, "the marks of {} differ from what was written", self.id),
        }
    }
}

/// Compares what the successful steps wrote with a new snapshot. If several steps wrote one object, the last step for
/// its attributes and the last step for its marks count.
#[must_use]
pub fn verify_objects(plan: &Plan, outcome: &ApplyOutcome, snapshot: &Snapshot) -> Vec<UnverifiedObject> {
    let live = LiveIndex::for_snapshot(snapshot);
    let mut done: Vec<(StepId, Option<&ResourceId>)> =
        outcome.done.iter().map(|(id, enacted)| (*id, enacted.made.as_ref())).collect();
    done.sort_unstable();
    let mut last: BTreeMap<(&ResourceId, bool), &Change> = BTreeMap::new();
    for (id, made) in done {
        let step = plan.steps.step(id);
        let marks = step.change.is_marks_only();
        last.insert((made.unwrap_or(step.change.id()), marks), &step.change);
    }
    last.into_iter()
        .filter_map(|((id, _), change)| {
            let still_strange = || {
                snapshot.import_candidates.contains_key(id)
                    || snapshot.shared.get(id).is_some_and(|object| object.importable)
            };
            let not_taken_in = matches!(change, Change::Import { .. }) && still_strange();
            let fault = if not_taken_in { VerifyFault::Marks } else { find_fault(change, live.find_live(id))? };
            Some(UnverifiedObject { id: id.clone(), fault })
        })
        .collect()
}

fn find_fault(change: &Change, live: Option<&Resource>) -> Option<VerifyFault> {
    match (change, live) {
        (Change::Delete { .. } | Change::Release { .. }, None) => None,
        (Change::Release { .. }, Some(_)) => Some(VerifyFault::Marks),
        (Change::Delete { .. }, Some(_)) => Some(VerifyFault::StillThere),
        (_, None) => Some(VerifyFault::Missing),
        // For a new key, the plan also has the attribute that names its secret store, which the live key does not have.
        (Change::Create { after }, Some(live)) if after.id.is_new() => {
            let differs = live.attributes.iter().filter(|(name, value)| after.attributes.get(*name) != Some(*value));
            let names: Vec<String> = differs.map(|(name, _)| name.to_string()).collect();
            (!names.is_empty()).then_some(VerifyFault::Differs(names))
        }
        (Change::Create { after } | Change::Update { after, .. }, Some(live)) => {
            let names: Vec<String> = after
                .attributes
                .keys()
                .chain(live.attributes.keys().filter(|name| !after.attributes.contains_key(*name)))
                .filter(|name| after.attributes.get(*name) != live.attributes.get(*name))
                .map(ToString::to_string)
                .collect();
            (!names.is_empty()).then_some(VerifyFault::Differs(names))
        }
        (Change::Mark { after, .. } | Change::Import { after, .. }, Some(live)) => {
            // Shared objects have no marks here if the bulk read does not include them, so there is nothing to compare.
            let unread = live.identity.is_none() && live.marks.is_none();
            (!unread && live.marks.as_ref() != Some(after.as_ref())).then_some(VerifyFault::Marks)
        }
    }
}
