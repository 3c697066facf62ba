//! Sorts steps topologically, and finds cycles.
//!
//! In: steps whose number is their index. Out: an order in which each step comes after the steps that it needs. The
//! result is deterministic: among the steps that are ready, the one with the smallest number comes first.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Step, StepId};

/// The ids of the steps in an order in which each comes after its needs, the smallest number first where there is a
/// choice. Steps on a cycle, and steps that wait for them, are left out.
pub fn sort_steps(steps: &[Step]) -> Vec<StepId> {
    let mut waiting: Vec<usize> = steps.iter().map(|step| step.needs.len()).collect();
    let mut waited_for_by: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
    for step in steps {
        for need in &step.needs {
            waited_for_by.entry(*need).or_default().push(step.id);
        }
    }
    let mut ready: BTreeSet<StepId> = steps.iter().filter(|step| step.needs.is_empty()).map(|step| step.id).collect();
    let mut sequence: Vec<StepId> = Vec::with_capacity(steps.len());
    while let Some(id) = ready.pop_first() {
        sequence.push(id);
        for waiter in waited_for_by.get(&id).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(step_index(*waiter)) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.insert(*waiter);
                }
            }
        }
    }
    sequence
}

/// The sets of steps that wait for each other: one set for each cycle.
pub fn find_cycles(steps: &[Step]) -> Vec<BTreeSet<StepId>> {
    let mut graph: DiGraph<StepId, ()> = DiGraph::new();
    let nodes: BTreeMap<StepId, NodeIndex> = steps.iter().map(|step| (step.id, graph.add_node(step.id))).collect();
    for step in steps {
        for need in &step.needs {
            if let (Some(waiter), Some(waited_for)) = (nodes.get(&step.id), nodes.get(need)) {
                graph.add_edge(*waiter, *waited_for, ());
            }
        }
    }
    let circles = tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > 1);
    circles.map(|circle| circle.into_iter().filter_map(|node| graph.node_weight(node).copied()).collect()).collect()
}

/// Sorts the steps and numbers them in that order. Steps on a cycle, and steps that wait for them, come last, in
/// their old order.
pub fn number_steps(steps: Vec<Step>) -> Vec<Step> {
    let mut sequence = sort_steps(&steps);
    let placed: BTreeSet<StepId> = sequence.iter().copied().collect();
    sequence.extend(steps.iter().map(|step| step.id).filter(|id| !placed.contains(id)));
    let new_ids: BTreeMap<StepId, StepId> = sequence.iter().zip(0u32..).map(|(old, new)| (*old, StepId(new))).collect();
    let renumbered = |id: StepId| new_ids.get(&id).copied().unwrap_or(id);
    let mut steps: Vec<Step> = steps
        .into_iter()
        .map(|step| Step {
            id: renumbered(step.id),
            needs: step.needs.iter().map(|id| renumbered(*id)).collect(),
            ..step
        })
        .collect();
    steps.sort_by_key(|step| step.id);
    steps
}

fn step_index(id: StepId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}

/// The step with this number; `None` if there is none. The number must be the index.
pub fn find_step(steps: &[Step], id: StepId) -> Option<&Step> {
    steps.get(step_index(id))
}

/// The same as [`find_step`], to change the step.
pub fn find_step_mut(steps: &mut [Step], id: StepId) -> Option<&mut Step> {
    steps.get_mut(step_index(id))
}
