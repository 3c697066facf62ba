//! How an apply ended, as people read it.

use std::collections::BTreeMap;

use leasehold_provider::Address;

use super::inert::inert;
use super::plan::Summary;
use super::style::{ADD, REMOVE, STRONG, paint};
use crate::apply::{NotDone, Outcome, Unverified};
use crate::plan::{Plan, Step, StepId};

/// What was done, what was not, and the next command to run.
#[must_use]
pub fn human(plan: &Plan, outcome: &Outcome, unverified: &[Unverified], again: &str) -> String {
    if outcome.is_complete() && unverified.is_empty() {
        let Summary { add, change, destroy, .. } = Summary::of(plan);
        return format!(
            "{}{} {add} added, {change} changed, {destroy} destroyed. Read back and verified.\n",
            issued(outcome),
            paint(ADD, "Apply complete!")
        );
    }
    told(plan, outcome, unverified, again)
}

/// The same where the cloud could not be read afterwards: what was done is known by its answers alone.
#[must_use]
pub fn unread(plan: &Plan, outcome: &Outcome, again: &str) -> String {
    told(plan, outcome, &[], again)
}

fn told(plan: &Plan, outcome: &Outcome, unverified: &[Unverified], again: &str) -> String {
    let steps: BTreeMap<StepId, &Step> = plan.steps.iter().map(|step| (step.id, step)).collect();
    let mut out = String::new();
    for (id, error) in &outcome.failed {
        if let Some(step) = steps.get(id) {
            let what = format!("{} ({})", step.change.id(), step.subject);
            out.push_str(&format!("{} {}\n", paint(REMOVE, "failed:"), inert(&what)));
            out.push_str(&format!("    {}\n", inert(&error.to_string())));
            if let Some(help) = &error.help {
                out.push_str(&format!("    {}\n", inert(help)));
            }
        }
    }
    for (id, why) in &outcome.not_done {
        if let Some(step) = steps.get(id) {
            let why = match why {
                NotDone::Stopped => "stopped before it".to_owned(),
                NotDone::Needs(failed) => {
                    let failed = steps.get(failed).map(|step| step.change.id().to_string()).unwrap_or_default();
                    format!("needs {failed}, which failed")
                }
            };
            let what = format!("{} ({}): {why}", step.change.id(), step.subject);
            out.push_str(&format!("{} {}\n", paint(STRONG, "not done:"), inert(&what)));
        }
    }
    for fault in unverified {
        out.push_str(&format!("{} {}\n", paint(REMOVE, "not verified:"), inert(&fault.to_string())));
    }
    if let Some(why) = &outcome.unrecorded {
        out.push_str(&format!("{} {}\n  {}\n", paint(REMOVE, "stopped:"), inert(&why.problem), why.help));
    }
    out.push_str(&issued(outcome));
    let finished = finished(plan, outcome);
    out.push_str(&format!(
        "\n{} of {} steps done, {} failed, {} not done.",
        outcome.done.len(),
        plan.steps.len(),
        outcome.failed.len(),
        outcome.not_done.len()
    ));
    if !finished.is_empty() {
        let names: Vec<&str> = finished.iter().map(|address| address.as_str()).collect();
        out.push_str(&format!(" Complete: {}.", inert(&names.join(", "))));
    }
    out.push_str(&format!("\nRun `{}` again: it starts from what lives and does the rest.\n", inert(again)));
    out
}

/// The keys that were made, and where their secrets are.
fn issued(outcome: &Outcome) -> String {
    let notes = outcome.done.iter().filter(|(_, enacted)| enacted.made.is_some());
    notes.filter_map(|(_, enacted)| enacted.note.as_ref()).map(|note| format!("{}\n", inert(note))).collect()
}

/// The subjects all of whose steps are done.
fn finished<'a>(plan: &'a Plan, outcome: &Outcome) -> Vec<&'a Address> {
    let done: std::collections::BTreeSet<StepId> = outcome.done.iter().map(|(id, _)| *id).collect();
    let mut whole: BTreeMap<&Address, bool> = BTreeMap::new();
    for step in &plan.steps {
        let entry = whole.entry(&step.subject).or_insert(true);
        *entry = *entry && done.contains(&step.id);
    }
    whole.into_iter().filter(|(_, whole)| *whole).map(|(address, _)| address).collect()
}
