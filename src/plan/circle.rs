//! Changes that wait for each other, so that none can be the first.

use std::collections::BTreeSet;

use leasehold_provider::{Address, Change};

use super::sequence::find_cycles;
use super::{Plan, Step, StepId};
use crate::config::{DeclaredStack, Diagnostic};

/// A finding for each set of changes that wait for each other, where the configuration asks for them: two runs can do what one cannot.
/// Any other circle is the engine's own fault, and the self-check finds it.
#[must_use]
pub fn report_cycles(plan: &Plan, declared: &DeclaredStack) -> Vec<Diagnostic> {
    if plan.steps.iter().all(|step| step.needs.iter().all(|need| *need < step.id)) {
        return Vec::new();
    }
    let circles = find_cycles(&plan.steps);
    let steps =
        |circle: &BTreeSet<StepId>| plan.steps.iter().filter(|step| circle.contains(&step.id)).collect::<Vec<_>>();
    let mut findings: Vec<Diagnostic> =
        circles.iter().filter_map(|circle| report_cycle(&steps(circle), declared)).collect();
    findings.sort_by(|a, b| a.summary.cmp(&b.summary));
    findings
}

fn report_cycle(circle: &[&Step], declared: &DeclaredStack) -> Option<Diagnostic> {
    if !circle.iter().all(|step| matches!(step.change, Change::Create { .. })) {
        return None;
    }
    let addresses: BTreeSet<&Address> = circle.iter().map(|step| &step.subject).collect();
    let names = addresses.iter().map(|address| address.as_str()).collect::<Vec<_>>().join(", ");
    let finding = Diagnostic::error("plan::circle", format!("new identities trust each other: {names}"))
        .with_detail("A trust can name only who exists, so none of them can be created first.")
        .with_help("Take one of these trusts out and apply; then put it in again and apply once more.");
    let mut places =
        addresses.iter().filter_map(|address| Some(declared.identities.get(*address)?.origin.part_span("trust")));
    let first = places.next();
    let finding = first.into_iter().fold(finding, |finding, span| finding.with_location(span, LABEL));
    Some(places.fold(finding, |finding, span| finding.with_related(span, LABEL)))
}

/// What stands beside each trust.
const LABEL: &str = "trusts another that is new";
