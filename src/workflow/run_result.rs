//! How a run ended: what an execution reports, and what its caller shows.

use super::interruption::Signal;
use crate::apply::{ApplyOutcome, UnverifiedObject};
use crate::plan::Plan;

/// Whether what was written was read back.
#[derive(Debug, Clone, Copy)]
pub enum ReadBack<'a> {
    /// It was read back. These objects differ from what was written.
    Done(&'a [UnverifiedObject]),
    /// The cloud could not be read: only its answers to the writes say what was done.
    Failed,
    /// A signal arrived before it was read back.
    Skipped,
}

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub struct RunResult<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The result of each step.
    pub outcome: &'a ApplyOutcome,
    /// The result of reading back.
    pub read_back: ReadBack<'a>,
    /// The signal that stopped the run. `None`: no signal arrived.
    pub stopped: Option<Signal>,
}

impl RunResult<'_> {
    /// Whether every step is done, was read back, and matches what was written.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.outcome.is_complete() && matches!(self.read_back, ReadBack::Done([]))
    }
}
