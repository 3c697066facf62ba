//! Reports changes that wait for each other, so that none can be the first.
//!
//! In: the cycles of drafts. Out: one diagnostic for each cycle that the configuration causes, for example two new roles
//! that trust each other.

use std::collections::BTreeSet;

use leasehold_provider::{Address, Change};

use super::order::DraftCycles;
use super::transition::{Draft, StepGraph};
use crate::config::{DeclaredStack, Diagnostic};

/// A finding for each cycle that the configuration causes: the user can apply these changes in two runs. Any other
/// cycle is a bug in Leasehold.
#[must_use]
pub fn report_cycles(cycles: &DraftCycles, graph: &StepGraph<'_>, declared: &DeclaredStack) -> Vec<Diagnostic> {
    let drafts = cycles.iter().map(|cycle| cycle.iter().map(|id| &graph[*id]).collect::<Vec<&Draft<'_>>>());
    let mut findings: Vec<Diagnostic> = drafts.filter_map(|cycle| report_cycle(&cycle, declared)).collect();
    findings.sort_by(|a, b| a.summary.cmp(&b.summary));
    findings
}

/// The subjects of the drafts on cycles.
#[must_use]
pub fn subjects_on_cycles(cycles: &DraftCycles, graph: &StepGraph<'_>) -> BTreeSet<Address> {
    cycles.iter().flatten().map(|id| graph[*id].subject.clone()).collect()
}

fn report_cycle(cycle: &[&Draft<'_>], declared: &DeclaredStack) -> Option<Diagnostic> {
    if !cycle.iter().all(|draft| matches!(*draft.change, Change::Create { .. })) {
        return None;
    }
    let addresses: BTreeSet<&Address> = cycle.iter().map(|draft| draft.subject).collect();
    let names = addresses.iter().map(|address| address.as_str()).collect::<Vec<_>>().join(", ");
    let finding = Diagnostic::error("plan::cycle_errors", format!("new identities trust each other: {names}"))
        .with_detail("A trust policy can only name existing principals, so none of them can be created first.")
        .with_help("Remove one of these `trust` blocks and apply; then add it again and apply again.");
    let mut places =
        addresses.iter().filter_map(|address| Some(declared.identities.get(*address)?.origin.part_span("trust")));
    let first = places.next();
    let finding = first.into_iter().fold(finding, |finding, span| finding.with_location(span, LABEL));
    Some(places.fold(finding, |finding, span| finding.with_related(span, LABEL)))
}

/// The label at each trust in the diagnostic.
const LABEL: &str = "trusts another new identity";
