//! Between objects: what is needed is made, or changed, before what needs it; what others hang on goes after they let go.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Change, Realize, Resource, ResourceId};

use super::rank::StepRank;
use super::sequence::{find_step, find_step_mut};
use super::shared_edges::SharedRewrite;
use super::transition_guard::is_access_change;
use super::{Step, StepId};

/// Lets steps wait as their resources' dependencies say. Between the ranks of one change the ranks alone decide: there the principal
/// stands already, and which part goes first is a matter of access, not of existence. So do the phases of what is rewritten.
pub fn add_dependency_edges(
    steps: &mut [Step],
    ranked: &BTreeMap<StepId, StepRank>,
    rewrites: &[SharedRewrite],
    realize: &dyn Realize,
) {
    let rewritten: BTreeSet<&ResourceId> = rewrites.iter().filter(|it| it.stays).map(|it| &it.id).collect();
    let mut makers: BTreeMap<ResourceId, Vec<StepId>> = BTreeMap::new();
    let mut removers: BTreeMap<ResourceId, StepId> = BTreeMap::new();
    for step in steps.iter() {
        match &step.change {
            // Whom a trust names that lives is there whatever changes of it; a federation must be what it shall before it is trusted.
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
        // Who only gives up some trust goes on with the others as they are.
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
