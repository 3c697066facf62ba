//! Shows the progress of an apply: a bar on a terminal, elsewhere one line for each failure.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::sync::LazyLock;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::apply::ApplyEvent;
use crate::plan::{Plan, Step, StepId};
use crate::views::inert::escape_steering;

/// The maximum number of steps in flight that the bar names.
const NAMED: usize = 3;

/// The name of each step.
pub struct StepNames(BTreeMap<StepId, String>);

impl StepNames {
    /// The names of the steps of a plan.
    pub fn from_plan(plan: &Plan) -> Self {
        let name = |step: &Step| (step.id, escape_steering(&step.change.id().to_string()).into_owned());
        Self(plan.steps.iter().map(name).collect())
    }

    fn step_name(&self, id: &StepId) -> &str {
        self.0.get(id).map_or("", String::as_str)
    }
}

/// Shows events until the executor has finished.
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

/// What changes on the terminal during the work: the bar, and other lines below it. It must be suspended while anything else is written
/// there.
pub fn shared_screen() -> &'static MultiProgress {
    static SCREEN: LazyLock<MultiProgress> = LazyLock::new(|| {
        let hidden = ProgressDrawTarget::hidden;
        MultiProgress::with_draw_target(if has_terminal() { ProgressDrawTarget::stderr() } else { hidden() })
    });
    &SCREEN
}

/// Whether stderr is a terminal, on which lines can be updated.
pub fn has_terminal() -> bool {
    std::io::stderr().is_terminal()
}

fn build_bar(steps: usize) -> ProgressBar {
    let length = u64::try_from(steps).unwrap_or(u64::MAX);
    let bar = shared_screen().insert(0, ProgressBar::new(length));
    // If the template did not parse, the default bar would be shown.
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}
