//! Changes that wait for each other, so that none can be the first.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Change};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Plan, Step, StepId};
use crate::config::{Declared, Diagnostic};

/// A finding for each set of changes that wait for each other, where the configuration asks for them: two runs can do what one cannot.
/// Any other circle is the engine's own fault, and the self-check finds it.
#[must_use]
pub fn findings(plan: &Plan, declared: &Declared) -> Vec<Diagnostic> {
    if plan.steps.iter().all(|step| step.needs.iter().all(|need| *need < step.id)) {
        return Vec::new();
    }
    let mut graph: DiGraph<&Step, ()> = DiGraph::new();
    let nodes: BTreeMap<StepId, NodeIndex> = plan.steps.iter().map(|step| (step.id, graph.add_node(step))).collect();
    for step in &plan.steps {
        for need in &step.needs {
            if let (Some(waiter), Some(waited_for)) = (nodes.get(&step.id), nodes.get(need)) {
                graph.add_edge(*waiter, *waited_for, ());
            }
        }
    }
    let mut findings: Vec<Diagnostic> = Vec::new();
    for circle in tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > 1) {
        let steps: Vec<&Step> = circle.into_iter().filter_map(|node| graph.node_weight(node).copied()).collect();
        findings.extend(finding(&steps, declared));
    }
    findings.sort_by(|a, b| a.summary.cmp(&b.summary));
    findings
}

fn finding(circle: &[&Step], declared: &Declared) -> Option<Diagnostic> {
    if !circle.iter().all(|step| matches!(step.change, Change::Create { .. })) {
        return None;
    }
    let addresses: BTreeSet<&Address> = circle.iter().map(|step| &step.subject).collect();
    let names = addresses.iter().map(|address| address.as_str()).collect::<Vec<_>>().join(", ");
    let finding = Diagnostic::error("plan::circle", format!("new identities trust each other: {names}"))
        .detail("A trust can name only who exists, so none of them can be created first.")
        .help("Take one of these trusts out and apply; then put it in again and apply once more.");
    let mut places =
        addresses.iter().filter_map(|address| Some(declared.identities.get(*address)?.origin.part("trust")));
    let first = places.next();
    let finding = first.into_iter().fold(finding, |finding, span| finding.at(span, LABEL));
    Some(places.fold(finding, |finding, span| finding.related(span, LABEL)))
}

/// What stands beside each trust.
const LABEL: &str = "trusts another that is new";
