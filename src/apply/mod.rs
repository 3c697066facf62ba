//! [`ApprovedPlan`](crate::rules::ApprovedPlan) → provider calls → events and an outcome.
//!
//! The executor makes no choices: every choice is in the plan. It tells what it does as [`Event`]s and never prints.

pub mod executor;
pub mod verify;

use leasehold_provider::{EnactError, Enacted};

use crate::plan::StepId;

pub use executor::{Options, execute};
pub use verify::{Unverified, verify};

/// What the executor tells while it works.
#[derive(Debug, Clone)]
pub enum Event {
    /// A step begins.
    Started(StepId),
    /// A step is done.
    Done(StepId, Enacted),
    /// A step failed.
    Failed(StepId, EnactError),
    /// Nothing new is started any more; what is in flight is being finished.
    Stopping,
}

/// How each step of a plan ended.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Steps that are done, with what the provider said.
    pub done: Vec<(StepId, Enacted)>,
    /// Steps that failed.
    pub failed: Vec<(StepId, EnactError)>,
    /// Steps that were not tried, and why.
    pub not_done: Vec<(StepId, NotDone)>,
}

/// Why a step was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDone {
    /// It needs, directly or not, a step that failed.
    Needs(StepId),
    /// Somebody asked to stop.
    Stopped,
}

impl Outcome {
    /// Whether every step is done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.not_done.is_empty()
    }
}
