//! Reports changes that wait for each other, so that none can be the first.
//!
//! In: an ordered plan. Out: one diagnostic for each cycle that the configuration causes, for example two new roles
//! that trust each other.

use std::collections::BTreeSet;

use leasehold_provider::{Address, Change};

use super::sequence::find_cycles;
use super::{Plan, Step, StepId};
use crate::config::{DeclaredStack, Diagnostic};

/// A finding for each set of changes that wait for each other because of the configuration: the user can apply them
/// in two runs. Any other cycle is a bug in Leasehold, which [`super::check`] finds.
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

/// The label at each trust in the diagnostic.
const LABEL: &str = "trusts another that is new";
