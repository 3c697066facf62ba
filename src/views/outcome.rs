//! The result of an apply, as text for people.
//!
//! In: the plan and how its run ended. Out: the counts if everything is done and verified, otherwise a line for each step that is not, and
//! the command that does the rest.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::Address;

use super::inert::escape_steering;
use super::plan::PlanSummary;
use super::style::{ADD, REMOVE, STRONG, paint_text};
use crate::apply::{ApplyOutcome, UntriedReason};
use crate::plan::{Plan, Step, StepId, Steps};
use crate::workflow::ReadBack;

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub struct RunEnding<'a> {
    /// The result of each step.
    pub outcome: &'a ApplyOutcome,
    /// The result of reading back.
    pub read_back: ReadBack<'a>,
    /// The signal that stopped the run. `None`: no signal arrived.
    pub stopped: Option<&'a str>,
    /// The command that does the steps that were not done.
    pub again: &'a str,
}

impl RunEnding<'_> {
    /// Whether every step is done, was read back, and matches what was written.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.outcome.is_complete() && matches!(self.read_back, ReadBack::Done([]))
    }
}

/// What was done, what was not done, and the next command to run.
#[must_use]
pub fn render_ending(plan: &Plan, ending: &RunEnding<'_>) -> String {
    if ending.is_complete() {
        let PlanSummary { add, change, destroy, settings, .. } = PlanSummary::from_plan(plan);
        let settings = match settings {
            0 => String::new(),
            1 => " 1 setting recorded.".to_owned(),
            n => format!(" {n} settings recorded."),
        };
        return format!(
            "{}{} {add} added, {change} changed, {destroy} destroyed. Read back and verified.{settings}\n",
            describe_issued_keys(ending.outcome),
            paint_text(ADD, "Apply complete!")
        );
    }
    let mut out = render_step_lines(&plan.steps, ending);
    if let Some(why) = &ending.outcome.unrecorded {
        out.push_str(&format!(
            "{} {}\n  {}\n",
            paint_text(REMOVE, "stopped:"),
            escape_steering(&why.problem),
            why.help
        ));
    }
    if let Some(signal) = ending.stopped {
        out.push_str(&format!("{} by {signal}\n", paint_text(REMOVE, "stopped:")));
    }
    out.push_str(&describe_issued_keys(ending.outcome));
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&describe_tally(plan, ending));
    out
}

/// One line for each step that failed, may have been done, was not done, or is not verified.
fn render_step_lines(steps: &Steps, ending: &RunEnding<'_>) -> String {
    let outcome = ending.outcome;
    let mut out = String::new();
    let name = |step: &Step| format!("{} ({})", step.change.id(), step.subject);
    for (id, error) in &outcome.failed {
        out.push_str(&format!("{} {}\n", paint_text(REMOVE, "failed:"), escape_steering(&name(steps.step(*id)))));
        out.push_str(&format!("    {}\n", escape_steering(&error.to_string())));
        if let Some(help) = &error.help {
            out.push_str(&format!("    {}\n", escape_steering(help)));
        }
    }
    for step in outcome.unknown.iter().map(|id| steps.step(*id)) {
        let what = format!("{}: no response in time; the next run checks whether it was done", name(step));
        out.push_str(&format!("{} {}\n", paint_text(REMOVE, "unknown:"), escape_steering(&what)));
    }
    for (id, why) in &outcome.not_done {
        let why = match why {
            UntriedReason::Stopped => "the run stopped before this step".to_owned(),
            UntriedReason::Needs(failed) => format!("needs {}, which failed", steps.step(*failed).change.id()),
        };
        let what = format!("{}: {why}", name(steps.step(*id)));
        out.push_str(&format!("{} {}\n", paint_text(STRONG, "not done:"), escape_steering(&what)));
    }
    match ending.read_back {
        ReadBack::Done(unverified) => {
            for fault in unverified {
                out.push_str(&format!(
                    "{} {}\n",
                    paint_text(REMOVE, "not verified:"),
                    escape_steering(&fault.to_string())
                ));
            }
        }
        ReadBack::Skipped => {
            // Several steps may write the same object.
            let names: BTreeSet<String> = outcome.done.iter().map(|(id, _)| name(steps.step(*id))).collect();
            for name in names {
                let what = format!("{name}: done, not read back");
                out.push_str(&format!("{} {}\n", paint_text(STRONG, "not verified:"), escape_steering(&what)));
            }
        }
        ReadBack::Failed => {}
    }
    out
}

/// The number of steps that are done, the identities that are complete, and the next command.
fn describe_tally(plan: &Plan, ending: &RunEnding<'_>) -> String {
    let outcome = ending.outcome;
    let mut out = format!(
        "{} of {} steps done, {} failed, {} not done",
        outcome.done.len(),
        plan.steps.len(),
        outcome.failed.len(),
        outcome.not_done.len()
    );
    if !outcome.unknown.is_empty() {
        out.push_str(&format!(", {} without a response", outcome.unknown.len()));
    }
    out.push('.');
    let finished = finished_subjects(plan, outcome);
    if !finished.is_empty() {
        let names: Vec<&str> = finished.iter().map(|address| address.as_str()).collect();
        out.push_str(&format!(" Complete: {}.", escape_steering(&names.join(", "))));
    }
    out.push('\n');
    if outcome.is_complete() && matches!(ending.read_back, ReadBack::Skipped) {
        out.push_str("Every step is done. Run `leasehold plan` to verify: it reports \"No changes.\" if the live state matches.\n");
    } else {
        out.push_str(&format!(
            "Run `{}` again: it starts from the live state and does the remaining steps.\n",
            escape_steering(ending.again)
        ));
    }
    out
}

/// The access keys that were created, and where their secrets are stored.
fn describe_issued_keys(outcome: &ApplyOutcome) -> String {
    let notes = outcome.done.iter().filter(|(_, enacted)| enacted.made.is_some());
    notes.filter_map(|(_, enacted)| enacted.note.as_ref()).map(|note| format!("{}\n", escape_steering(note))).collect()
}

/// The subjects whose steps are all done.
fn finished_subjects<'a>(plan: &'a Plan, outcome: &ApplyOutcome) -> Vec<&'a Address> {
    let done: BTreeSet<StepId> = outcome.done.iter().map(|(id, _)| *id).collect();
    let mut whole: BTreeMap<&Address, bool> = BTreeMap::new();
    for step in &plan.steps {
        let entry = whole.entry(&step.subject).or_insert(true);
        *entry = *entry && done.contains(&step.id);
    }
    whole.into_iter().filter(|(_, whole)| *whole).map(|(address, _)| address).collect()
}
