//! How far an apply is: a bar on a terminal, a line for each failure elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::sync::LazyLock;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::apply::ApplyEvent;
use crate::plan::{Plan, Step, StepId};
use crate::views::inert::escape_steering;

/// How many of the steps in flight the bar names.
const NAMED: usize = 3;

/// What each step is called.
pub struct StepNames(BTreeMap<StepId, String>);

impl StepNames {
    /// The names of a plan's steps.
    pub fn from_plan(plan: &Plan) -> Self {
        let name = |step: &Step| (step.id, escape_steering(&step.change.id().to_string()).into_owned());
        Self(plan.steps.iter().map(name).collect())
    }

    fn step_name(&self, id: &StepId) -> &str {
        self.0.get(id).map_or("", String::as_str)
    }
}

/// Shows events until the executor is done.
pub async fn show_events(names: StepNames, mut events: UnboundedReceiver<ApplyEvent>) {
    let bar = build_bar(names.0.len());
    let name = |id: &StepId| names.step_name(id);
    let mut in_flight: BTreeSet<StepId> = BTreeSet::new();
    while let Some(event) = events.recv().await {
        match event {
            ApplyEvent::Started(id) => {
                in_flight.insert(id);
            }
            ApplyEvent::Done(id, _) => {
                in_flight.remove(&id);
                bar.inc(1);
            }
            ApplyEvent::Failed(id, error) => {
                in_flight.remove(&id);
                super::print_message(&format!("failed: {}: {}\n", name(&id), escape_steering(&error.to_string())));
            }
            ApplyEvent::Stopping => {
                super::print_message("Stopping: finishing what is in flight, starting nothing new.\n");
            }
        }
        let shown: Vec<&str> = in_flight.iter().take(NAMED).map(name).collect();
        bar.set_message(shown.join(", "));
    }
    bar.finish_and_clear();
}

/// What changes on the terminal while work goes on: the bar, and other lines below it. Whatever else is written there has it stand aside.
pub fn shared_screen() -> &'static MultiProgress {
    static SCREEN: LazyLock<MultiProgress> = LazyLock::new(|| {
        let hidden = ProgressDrawTarget::hidden;
        MultiProgress::with_draw_target(if has_terminal() { ProgressDrawTarget::stderr() } else { hidden() })
    });
    &SCREEN
}

/// Whether somebody may watch lines change.
pub fn has_terminal() -> bool {
    std::io::stderr().is_terminal()
}

fn build_bar(steps: usize) -> ProgressBar {
    let length = u64::try_from(steps).unwrap_or(u64::MAX);
    let bar = shared_screen().insert(0, ProgressBar::new(length));
    // A template that does not parse would leave the default bar.
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}
