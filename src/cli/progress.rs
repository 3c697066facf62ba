//! Shows the progress of an apply: a bar on a terminal, elsewhere one line for each failure.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::sync::LazyLock;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::apply::ApplyEvent;
use crate::plan::{Plan, Step, StepId};
use crate::views::inert::escape_steering;

/// The maximum number of steps in flight that the bar names.
const NAMED: usize = 3;

/// The progress of one apply. Dropped: the bar disappears.
#[derive(Debug)]
pub struct ApplyProgress {
    /// The name of each step.
    names: BTreeMap<StepId, String>,
    in_flight: BTreeSet<StepId>,
    bar: ProgressBar,
}

impl ApplyProgress {
    /// Shows the bar for the steps of a plan.
    pub fn begin(plan: &Plan) -> Self {
        let name = |step: &Step| (step.id, escape_steering(&step.change.id().to_string()).into_owned());
        Self {
            names: plan.steps.iter().map(name).collect(),
            in_flight: BTreeSet::new(),
            bar: build_bar(plan.steps.len()),
        }
    }

    /// Shows an event.
    pub fn show_event(&mut self, event: &ApplyEvent) {
        match event {
            ApplyEvent::Started(id) => {
                self.in_flight.insert(*id);
            }
            ApplyEvent::Done(id, _) => {
                self.in_flight.remove(id);
                self.bar.inc(1);
            }
            ApplyEvent::Failed(id, error) => {
                self.in_flight.remove(id);
                let (name, error) = (self.step_name(id), error.to_string());
                super::print_message(&format!("failed: {name}: {}\n", escape_steering(&error)));
            }
            ApplyEvent::Stopping => {
                super::print_message("Stopping: finishing the steps in flight, not starting new ones.\n");
            }
        }
        let shown: Vec<&str> = self.in_flight.iter().take(NAMED).map(|id| self.step_name(id)).collect();
        self.bar.set_message(shown.join(", "));
    }

    fn step_name(&self, id: &StepId) -> &str {
        self.names.get(id).map_or("", String::as_str)
    }
}

impl Drop for ApplyProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
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
