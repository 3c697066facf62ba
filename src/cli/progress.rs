//! How far an apply is: a bar on a terminal, a line for each failure elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::apply::Event;
use crate::plan::{Plan, StepId};
use crate::views::inert::inert;

/// How many of the steps in flight the bar names.
const NAMED: usize = 3;

/// Shows events until the executor is done.
pub async fn show(plan: Plan, mut events: UnboundedReceiver<Event>) {
    let bar = bar(plan.steps.len());
    let names: BTreeMap<StepId, String> =
        plan.steps.iter().map(|step| (step.id, inert(&step.change.id().to_string()).into_owned())).collect();
    let name = |id: &StepId| names.get(id).map_or("", String::as_str);
    let mut in_flight: BTreeSet<StepId> = BTreeSet::new();
    while let Some(event) = events.recv().await {
        match event {
            Event::Started(id) => {
                in_flight.insert(id);
            }
            Event::Done(id, _) => {
                in_flight.remove(&id);
                bar.inc(1);
            }
            Event::Failed(id, error) => {
                in_flight.remove(&id);
                bar.suspend(|| super::say(&format!("failed: {}: {}\n", name(&id), inert(&error.to_string()))));
            }
            Event::Stopping => {
                bar.suspend(|| super::say("Stopping: finishing what is in flight, starting nothing new.\n"));
            }
        }
        let shown: Vec<&str> = in_flight.iter().take(NAMED).map(&name).collect();
        bar.set_message(shown.join(", "));
    }
    bar.finish_and_clear();
}

fn bar(steps: usize) -> ProgressBar {
    let length = u64::try_from(steps).unwrap_or(u64::MAX);
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    // A template that does not parse would leave the default bar.
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}
