//! Applies a plan.
//!
//! In: an [`ApprovedPlan`](crate::rules::ApprovedPlan). Out: provider calls, [`ApplyEvent`]s while it runs, and an
//! [`ApplyOutcome`].
//!
//! The executor decides nothing: the plan contains every decision. It reports what it does in events and never
//! prints. Invariant: the journal contains a step before the step is tried, so that after a crash the next run knows
//! which steps may have been made.
//!
//! Example, a plan with steps 0, 1 (needs 0) and 2: the journal records the intents of 0, 1 and 2. Steps 0 and 2
//! start together. If 0 fails, 2 still finishes, and 1 is not tried, with the reason [`UntriedReason::Needs`] of step
//! 0.

pub mod executor;
pub mod verify;

use async_trait::async_trait;
use leasehold_provider::{EnactError, Enacted};

use crate::plan::{Step, StepId};

pub use executor::{ExecuteOptions, Halt, execute_plan};
pub use verify::{UnverifiedObject, verify_objects};

/// Where the executor records each step before it tries it, and the result afterwards.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Records that these steps are about to be tried.
    ///
    /// # Errors
    /// The steps could not be recorded. None of them may be tried.
    async fn write_intents(&self, steps: &[&Step]) -> Result<(), JournalError>;
    /// Checks that a write may start now. Called before each step.
    ///
    /// # Errors
    /// This run may not write any more, for example because it has lost the stack's lock.
    fn may_write(&self) -> Result<(), JournalError>;
    /// Notes the result of a step. The journal may write it later, together with others.
    fn record_result(&self, step: &Step, result: Result<&Enacted, &EnactError>);
    /// Notes that a step with a recorded intent was not tried.
    fn record_untried(&self, step: &Step);
    /// Writes everything that was noted and is not written yet.
    ///
    /// # Errors
    /// The notes could not be written.
    async fn flush_records(&self) -> Result<(), JournalError>;
}

/// Why the run may not write to the cloud any more: the journal cannot be written, or this run has lost the stack's lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct JournalError {
    /// What prevents further writes.
    pub problem: String,
    /// What to do about it.
    pub help: String,
}

/// What the executor reports while it works.
#[derive(Debug, Clone)]
pub enum ApplyEvent {
    /// A step has started.
    Started(StepId),
    /// A step has succeeded, with what the provider reported.
    Done(StepId, Enacted),
    /// A step has failed.
    Failed(StepId, EnactError),
    /// No more steps are started. Steps in flight are finished.
    Stopping,
}

/// How each step of a plan ended.
#[derive(Debug, Clone, Default)]
pub struct ApplyOutcome {
    /// Steps that succeeded, with what the provider reported.
    pub done: Vec<(StepId, Enacted)>,
    /// Steps that failed, with the error.
    pub failed: Vec<(StepId, EnactError)>,
    /// Steps that were not tried, with the reason.
    pub not_done: Vec<(StepId, UntriedReason)>,
    /// Steps that were abandoned in flight. It is not known whether the cloud made the changes.
    pub unknown: Vec<StepId>,
    /// Whether the execution was abandoned. The journal may then lack its last write, and its intents stay
    /// unfinished. The next run compares them with the live state.
    pub abandoned: bool,
    /// The journal error that prevented further writes. `None`: there was none.
    pub unrecorded: Option<JournalError>,
}

/// Why a step was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UntriedReason {
    /// It depends, directly or indirectly, on this step, which failed.
    Needs(StepId),
    /// The run stopped before it reached this step: on request, or because of the journal.
    Stopped,
}

impl ApplyOutcome {
    /// The steps that ended, with success or with an error.
    pub fn finished_steps(&self) -> impl Iterator<Item = StepId> + '_ {
        self.done.iter().map(|(id, _)| *id).chain(self.failed.iter().map(|(id, _)| *id))
    }

    /// Whether every step succeeded and everything is recorded.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.not_done.is_empty() && !self.abandoned && self.unrecorded.is_none()
    }
}
