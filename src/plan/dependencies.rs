//! Edges between objects: create an object before the objects that depend on it, delete it after them.
//!
//! In: the steps of all objects. Out: the same steps with more entries in [`Step::needs`], from `depends_on` of each
//! resource.
//!
//! # Example
//!
//! `identity.api` is new and gets the new `scope.orders`; `identity.report` loses `scope.old`, which is deleted. An
//! arrow points from a step to the step that it waits for:
//!
//! ```text
//! create role api ◄──────┐
//!                        ├── attach scope.orders to role api
//! create scope.orders ◄──┘
//!
//! detach scope.old from role report ◄── delete scope.old
//! ```

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Change, Realizer, Resource, ResourceId};

use super::rank::StepRank;
use super::sequence::{find_step, find_step_mut};
use super::shared_edges::SharedRewrite;
use super::transition_guard::is_access_change;
use super::{Step, StepId};

/// Adds the edges that follow from the dependencies of resources. Between steps of one subject in different ranks the
/// ranks alone decide: the principal already exists, and the order is a matter of access, not of existence. For the
/// same reason, [`super::shared_edges`] orders the updates of rewritten shared objects that give or take access.
pub fn add_dependency_edges(
    steps: &mut [Step],
    ranked: &BTreeMap<StepId, StepRank>,
    rewrites: &[SharedRewrite],
    realize: &Realizer,
) {
    let rewritten: BTreeSet<&ResourceId> = rewrites.iter().filter(|it| it.stays).map(|it| &it.id).collect();
    let mut makers: BTreeMap<ResourceId, Vec<StepId>> = BTreeMap::new();
    let mut removers: BTreeMap<ResourceId, StepId> = BTreeMap::new();
    for step in steps.iter() {
        match &step.change {
            // A live principal that a trust policy names exists whatever changes about it. A federation must have its
            // final state before a role trusts it.
            Change::Update { after, .. }
                if !rewritten.contains(&after.id) || is_access_change(&step.change, realize) => {}
            Change::Create { after } | Change::Update { after, .. } => {
                makers.entry(after.id.clone()).or_default().push(step.id);
            }
            Change::Delete { before } => {
                removers.insert(before.id.clone(), step.id);
            }
            Change::Mark { .. } | Change::Adopt { .. } | Change::Unmark { .. } => {}
        }
    }
    let mut waits: Vec<(StepId, StepId)> = Vec::new();
    for step in steps.iter() {
        // A step that only narrows a trust policy does not wait for changes of the principals that it already named.
        let keeps = |id: &&ResourceId| {
            ranked.get(&step.id) == Some(&StepRank::Tighten)
                && step.change.resource_before().is_some_and(|before| before.depends_on.contains(*id))
        };
        let needed = step.change.resource_after().into_iter().flat_map(|after: &Resource| &after.depends_on);
        let needed = needed.filter(|id| !keeps(id));
        for maker in needed.filter_map(|id| makers.get(id)).flatten() {
            waits.push((step.id, *maker));
        }
        let held = step.change.resource_before().into_iter().flat_map(|before| &before.depends_on);
        for remover in held.filter_map(|id| removers.get(id)) {
            waits.push((*remover, step.id));
        }
    }
    let by_rank = |a: StepId, b: StepId, steps: &[Step]| {
        let subject = |id| find_step(steps, id).map(|step| &step.subject);
        let ranks = ranked.get(&a).zip(ranked.get(&b));
        ranks.is_some_and(|(a, b)| a != b) && subject(a) == subject(b)
    };
    for (waiter, waited_for) in waits {
        if waiter != waited_for
            && !by_rank(waiter, waited_for, steps)
            && let Some(step) = find_step_mut(steps, waiter)
        {
            step.needs.insert(waited_for);
        }
    }
}
