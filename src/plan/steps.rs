//! The steps of a plan, and the vector that holds them.
//!
//! The invariant of [`Steps`]: the id of each step is its index, and each step needs only steps before it. Only
//! [`Steps::push`] makes ids, so every id of a plan has a step and no edge can get lost. Steps that are read from a
//! file are refused if they break the invariant.

use std::collections::BTreeMap;
use std::ops::Deref;

use leasehold_provider::{Address, Change, Digest};
use serde::{Deserialize, Serialize};

use super::edge_reason::EdgeReasons;
use super::transition::InterimState;

/// The number of a step within its plan, from 0. Steps can run one after the other in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(usize);

impl StepId {
    /// The number of the step: its index in [`Steps`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// One write, the steps that it waits for, and the state that its object must have before the write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The number of the step: its index in [`super::Plan::steps`].
    pub id: StepId,
    /// The identity or shared object whose change this step is part of.
    pub subject: Address,
    /// The write itself, with the state before and after it.
    pub change: Change,
    /// What the step does, in a few words; `None` where the attributes already show it.
    pub note: Option<String>,
    /// The digest that the live object had when the plan was made; `None` if the object did not exist.
    pub precondition: Option<Digest>,
    /// The interim state in which this step leaves the object until a later step completes the change; `None` if this
    /// step completes it.
    #[serde(default, rename = "meanwhile", skip_serializing_if = "Option::is_none")]
    pub interim_state: Option<InterimState>,
    /// The steps that must have succeeded before this one starts, and why. All have smaller numbers.
    pub needs: BTreeMap<StepId, EdgeReasons>,
}

/// The steps of a plan, in an order in which they can run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Step>")]
pub struct Steps(Vec<Step>);

/// Why a list of steps is not the steps of a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStepsError {
    /// The number of a step is not its index.
    #[error("step {} is at place {place}", .id.index())]
    Misnumbered {
        /// The number of the step.
        id: StepId,
        /// Its index.
        place: usize,
    },
    /// A step needs a step that does not come before it.
    #[error("step {} depends on step {}, which is not before it", .id.index(), .need.index())]
    NeedsLater {
        /// The step that waits.
        id: StepId,
        /// The step that it waits for.
        need: StepId,
    },
}

impl Steps {
    /// Adds a step after all others. `make` gets the id of the new step; the steps in its `needs` must be steps of
    /// this plan, which all come before it.
    pub(super) fn push(&mut self, make: impl FnOnce(StepId) -> Step) -> StepId {
        let id = StepId(self.0.len());
        self.0.push(make(id));
        id
    }

    /// The step with this id, which is an id of this plan.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "only `push` makes ids, and steps are never removed")]
    pub fn step(&self, id: StepId) -> &Step {
        &self.0[id.0]
    }

    /// The changes of all steps, to redact or restore sensitive values.
    pub(super) fn changes_mut(&mut self) -> impl Iterator<Item = &mut Change> {
        self.0.iter_mut().map(|step| &mut step.change)
    }

    /// The steps for which `is_kept` is true, numbered again. A kept step no longer needs the steps that are removed.
    #[must_use]
    pub(super) fn retain_steps(self, is_kept: impl Fn(&Step) -> bool) -> Self {
        let mut kept = Self::default();
        let mut new_ids: BTreeMap<StepId, StepId> = BTreeMap::new();
        for step in self.0.into_iter().filter(|step| is_kept(step)) {
            let renumber = |(id, reasons): (StepId, EdgeReasons)| Some((*new_ids.get(&id)?, reasons));
            let needs = step.needs.iter().map(|(id, reasons)| (*id, *reasons)).filter_map(renumber).collect();
            let old = step.id;
            let new = kept.push(|id| Step { id, needs, ..step });
            new_ids.insert(old, new);
        }
        kept
    }
}

impl TryFrom<Vec<Step>> for Steps {
    type Error = InvalidStepsError;

    fn try_from(steps: Vec<Step>) -> Result<Self, InvalidStepsError> {
        for (place, step) in steps.iter().enumerate() {
            if step.id.index() != place {
                return Err(InvalidStepsError::Misnumbered { id: step.id, place });
            }
            if let Some(need) = step.needs.keys().find(|need| **need >= step.id) {
                return Err(InvalidStepsError::NeedsLater { id: step.id, need: *need });
            }
        }
        Ok(Self(steps))
    }
}

impl Deref for Steps {
    type Target = [Step];

    fn deref(&self) -> &[Step] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Steps {
    type Item = &'a Step;
    type IntoIter = std::slice::Iter<'a, Step>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_steps(ids_and_needs: [(usize, &[usize]); 2]) -> Result<Steps, serde_json::Error> {
        let step = |(id, needs): (usize, &[usize])| {
            let needs: serde_json::Map<_, _> =
                needs.iter().map(|need| (need.to_string(), json!(["marks_last"]))).collect();
            let object = json!({ "kind": "directory_user", "name": "jane" });
            let marks = json!({ "stack": "s", "address": "identity.jane" });
            json!({
                "id": id, "subject": "identity.jane", "note": null, "precondition": null, "needs": needs,
                "change": { "action": "unmark", "id": object, "before": marks },
            })
        };
        serde_json::from_value(ids_and_needs.map(step).into())
    }

    #[test]
    fn steps_with_dense_ids_and_earlier_needs_are_read() {
        let steps = read_steps([(0, &[]), (1, &[0])]).unwrap();
        assert!(steps.iter().all(|step| steps.step(step.id) == step));
    }

    #[test]
    fn steps_that_break_the_invariant_are_refused() {
        for (steps, why) in [
            ([(0, &[][..]), (2, &[][..])], "step 2 is at place 1"),
            ([(0, &[1][..]), (1, &[][..])], "step 0 depends on step 1"),
            ([(0, &[][..]), (1, &[1][..])], "step 1 depends on step 1"),
            ([(0, &[][..]), (1, &[7][..])], "step 1 depends on step 7"),
        ] {
            let refused = read_steps(steps).unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
