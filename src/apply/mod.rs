//! [`ApprovedPlan`](crate::rules::ApprovedPlan) → provider calls → events and an outcome.
//!
//! The executor makes no choices: every choice is in the plan. It tells what it does as [`ApplyEvent`]s and never prints.

pub mod executor;
pub mod verify;

use async_trait::async_trait;
use leasehold_provider::{EnactError, Enacted};

use crate::plan::{Step, StepId};

pub use executor::{ExecuteOptions, Halt, execute_plan};
pub use verify::{UnverifiedObject, verify_objects};

/// Where the executor writes down what it is about to do, before it does it.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes down that these steps are about to be tried. When it fails, none of them is.
    async fn write_intents(&self, steps: &[&Step]) -> Result<(), JournalError>;
    /// Whether a write may begin now; asked before each one.
    fn may_write(&self) -> Result<(), JournalError>;
    /// Takes down how a step ended. It may be written later, together with others.
    fn record_result(&self, step: &Step, result: Result<&Enacted, &EnactError>);
    /// Takes down that a step that was intended was not tried.
    fn record_untried(&self, step: &Step);
    /// Writes what was taken down and not written yet.
    async fn flush_records(&self) -> Result<(), JournalError>;
}

/// Why nothing more may be written to the cloud: it could not be recorded, or this run does not hold the stack's lock any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct JournalError {
    /// What stands in the way.
    pub problem: String,
    /// What to do about it.
    pub help: String,
}

/// What the executor tells while it works.
#[derive(Debug, Clone)]
pub enum ApplyEvent {
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
pub struct ApplyOutcome {
    /// Steps that are done, with what the provider said.
    pub done: Vec<(StepId, Enacted)>,
    /// Steps that failed.
    pub failed: Vec<(StepId, EnactError)>,
    /// Steps that were not tried, and why.
    pub not_done: Vec<(StepId, UntriedReason)>,
    /// Steps that were abandoned in flight: nobody knows whether the cloud carried them out.
    pub unknown: Vec<StepId>,
    /// Whether the execution was abandoned. The journal may then lack what was being written, and intents in it stay open: the next run
    /// compares them with the live state.
    pub abandoned: bool,
    /// What kept it from writing more.
    pub unrecorded: Option<JournalError>,
}

/// Why a step was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UntriedReason {
    /// It needs, directly or not, a step that failed.
    Needs(StepId),
    /// Somebody asked to stop.
    Stopped,
}

impl ApplyOutcome {
    /// The steps that ended, well or not.
    pub fn ended_steps(&self) -> impl Iterator<Item = StepId> + '_ {
        self.done.iter().map(|(id, _)| *id).chain(self.failed.iter().map(|(id, _)| *id))
    }

    /// Whether every step is done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.not_done.is_empty() && !self.abandoned && self.unrecorded.is_none()
    }
}
