//! The order of the steps: the one place where it is decided.
//!
//! In: drafts with edges ([`StepGraph`]). Out: numbered [`Steps`], each after the steps that it needs. Among the drafts
//! that are ready, the one that was added first comes first: shared objects before identities, each in the order of
//! the deltas. The result is deterministic.
//!
//! # Example
//!
//! An arrow points from a draft to the draft that it waits for. The order of these four is 2, 1, 3, 0:
//!
//! ```text
//! 3 ◄── 0      2 ◄── 1
//! ```

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use leasehold_provider::{Digest, ResourceId};

use super::context::PlanContext;
use super::edges;
use super::steps::{Step, StepId, Steps};
use super::transition::{self, DraftId, StepGraph};
use crate::diff::{IdentityDelta, SharedDelta};

/// Sets of drafts that wait for each other, so that none of them can be the first.
pub type DraftCycles = Vec<BTreeSet<DraftId>>;

/// The writes of all deltas, and what each waits for.
#[must_use]
pub fn draft_writes<'a>(
    identities: &'a [IdentityDelta],
    shared: &'a [SharedDelta],
    context: &PlanContext<'a>,
) -> StepGraph<'a> {
    let mut subjects = transition::decide_transitions(identities, shared, context);
    let mut graph = transition::draft_transitions(&mut subjects, context);
    edges::connect_drafts(&mut graph, &subjects, context);
    graph
}

/// Numbers the drafts in an order in which each comes after the drafts that it waits for.
///
/// # Errors
///
/// Returns the cycles if there are any.
pub fn order_drafts(
    graph: &StepGraph<'_>,
    context: &PlanContext<'_>,
    object_digest: impl Fn(&ResourceId) -> Option<Digest>,
) -> Result<Steps, DraftCycles> {
    let mut steps = Steps::default();
    let mut step_ids = graph.new_table(|_| None::<StepId>);
    let mut unplaced_needs = graph.new_table(|id| graph.needs_of_draft(id).count());
    let is_ready = |(id, _): &(DraftId, _)| unplaced_needs[*id] == 0;
    let mut ready: BinaryHeap<Reverse<DraftId>> = graph.drafts().filter(is_ready).map(|(id, _)| Reverse(id)).collect();
    while let Some(Reverse(id)) = ready.pop() {
        let placed = |(need, reasons)| Some((step_ids[need]?, reasons));
        let needs: Option<BTreeMap<StepId, _>> = graph.needs_of_draft(id).map(placed).collect();
        // A draft is ready when all its needs are placed.
        let Some(needs) = needs else { return Err(graph.find_cycles()) };
        let draft = &graph[id];
        let step = steps.push(|id| Step {
            id,
            subject: draft.subject.clone(),
            change: draft.change.as_ref().clone(),
            note: context.realize.semantics.describe_change(&draft.change),
            precondition: object_digest(draft.change.id()),
            interim_state: draft.interim,
            needs,
        });
        step_ids[id] = Some(step);
        for waiter in graph.waiters_of_draft(id) {
            unplaced_needs[waiter] -= 1;
            if unplaced_needs[waiter] == 0 {
                ready.push(Reverse(waiter));
            }
        }
    }
    if steps.len() == graph.drafts().count() { Ok(steps) } else { Err(graph.find_cycles()) }
}
