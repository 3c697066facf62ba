//! Executes an approved plan.
//!
//! In: an approved plan, a connection, and an open journal. Out: the steps are executed, what was written is read back, the last entry of
//! the ledger is written, and the result is reported. The result says that all is done only if reading back confirmed it. A signal limits
//! the time that each of these takes.

use std::sync::Arc;
use std::time::Duration;

use leasehold_provider::Enact;
use tokio::sync::{mpsc, watch};

use super::connection::Connection;
use super::error::WorkflowError;
use super::event::{WorkflowContext, WorkflowEvent};
use super::interruption::{self, Interruption, Signal};
use super::observe::observe_written_objects;
use super::run_result::{ReadBack, RunResult};
use crate::apply::{self, ApplyEvent, ApplyOutcome, ExecuteOptions, Halt, Journal, JournalError, UnverifiedObject};
use crate::ledger::journal::Recorder;
use crate::ledger::record::{LedgerRecord, RunEnded};
use crate::plan::Plan;
use crate::realize::ResourceMap;
use crate::rules::ApprovedPlan;

/// The pauses between attempts to read back a write, more than 30 s in total: a cloud may show a write only after some time.
const VERIFY_PAUSES: [Duration; 5] =
    [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(20)];

/// The parts of a run that an execution uses.
pub struct Execution<'a> {
    /// The providers.
    pub connection: &'a Connection,
    /// The shared objects that the stack declares.
    pub shared: &'a ResourceMap,
    /// The maximum number of writes in flight at the same time.
    pub parallelism: usize,
    /// The signals that the run has received.
    pub interruption: &'a Interruption,
    /// Who receives the events.
    pub context: &'a WorkflowContext,
}

impl Execution<'_> {
    /// Executes an approved plan, reads back what was written, and reports how the run ended.
    ///
    /// # Errors
    /// A step failed, was not done, or cannot be verified, or the ledger could not be written.
    pub async fn execute_and_verify(
        &self,
        approved: &ApprovedPlan,
        journal: Recorder<'_>,
    ) -> Result<(), WorkflowError> {
        let interruption = self.interruption;
        interruption.begin_writing()?;
        let outcome = self.execute_interruptibly(approved, &journal).await;
        let read = tokio::select! {
            biased;
            signal = interruption.wait_for_signal() => Err(signal),
            read = self.read_back_writes(approved.as_plan(), &outcome, &journal) => Ok(read),
        };
        let closing = close_journal(journal, &outcome, &read);
        let recorded = interruption.run_within_limit(interruption::LEDGER, closing).await;
        let recorded =
            recorded.unwrap_or_else(|_| Err(unanswered_ledger_error())).map_err(|why| unrecorded_error(&why));
        let read_back = match &read {
            Ok(Ok(unverified)) => ReadBack::Done(unverified),
            Ok(Err(_)) => ReadBack::Failed,
            Err(_) => ReadBack::Skipped,
        };
        let stopped = interruption.received_signal();
        let result = RunResult { plan: approved.as_plan(), outcome: &outcome, read_back, stopped };
        self.context.observer.report_event(WorkflowEvent::RunEnded(&result))?;
        if result.is_complete() {
            return recorded;
        }
        match read {
            Ok(Err(WorkflowError::Unreadable(error))) => Err(WorkflowError::ReadBack(error)),
            Ok(Err(other)) => Err(other),
            // The result says why a step could not be recorded.
            _ if outcome.unrecorded.is_some() => Err(WorkflowError::Unfinished),
            _ => recorded.and(Err(WorkflowError::Unfinished)),
        }
    }

    /// Executes the steps. A signal stops them.
    async fn execute_interruptibly(&self, approved: &ApprovedPlan, journal: &dyn Journal) -> ApplyOutcome {
        let (owner, halt) = watch::channel(Halt::No);
        let enact = Arc::clone(&self.connection.enact);
        let steps = execute_steps(approved, enact, self.parallelism, journal, self.context, halt);
        tokio::select! {
            outcome = steps => outcome,
            never = self.halt_on_request(owner) => match never {},
        }
    }

    /// After a signal, first lets the executor finish the steps in flight, and abandons them when the time limit has passed.
    async fn halt_on_request(&self, owner: watch::Sender<Halt>) -> std::convert::Infallible {
        let signal = self.interruption.wait_for_signal().await;
        owner.send_replace(Halt::Drain);
        self.context.notify(WorkflowEvent::StopRequested(signal, interruption::STEPS));
        // A future that never completes: this waits until the time limit of the steps has passed.
        let _ = self.interruption.run_within_limit(interruption::STEPS, std::future::pending::<()>()).await;
        owner.send_replace(Halt::Abandon);
        std::future::pending().await
    }

    /// Reads back what was written, again after each pause, until it matches or no pause is left.
    async fn read_back_writes(
        &self,
        plan: &Plan,
        outcome: &ApplyOutcome,
        journal: &Recorder<'_>,
    ) -> Result<Vec<UnverifiedObject>, WorkflowError> {
        let owned = journal.owned_objects().await;
        let mut unverified = Vec::new();
        for pause in VERIFY_PAUSES {
            tokio::time::sleep(pause).await;
            let snapshot = observe_written_objects(plan, self.connection, self.shared, owned.clone()).await?;
            unverified = apply::verify_objects(plan, outcome, &snapshot);
            if unverified.is_empty() {
                break;
            }
        }
        Ok(unverified)
    }
}

/// Executes the steps of a plan, and reports each.
pub async fn execute_steps(
    approved: &ApprovedPlan,
    enact: Arc<dyn Enact>,
    parallelism: usize,
    journal: &dyn Journal,
    context: &WorkflowContext,
    halt: watch::Receiver<Halt>,
) -> ApplyOutcome {
    let (sender, mut events) = mpsc::unbounded_channel::<ApplyEvent>();
    context.notify(WorkflowEvent::ExecutionBegins(approved.as_plan()));
    let steps = apply::execute_plan(approved, enact, ExecuteOptions { parallelism }, journal, sender, halt);
    let report = async {
        while let Some(event) = events.recv().await {
            context.notify(WorkflowEvent::Step(&event));
        }
    };
    let (outcome, ()) = tokio::join!(steps, report);
    context.notify(WorkflowEvent::ExecutionEnds);
    outcome
}

/// Writes the last entry of a run. If steps were abandoned, their intents stay open and the run gets no end record: the next run resolves
/// the intents.
async fn close_journal(
    journal: Recorder<'_>,
    outcome: &ApplyOutcome,
    read: &Result<Result<Vec<UnverifiedObject>, WorkflowError>, Signal>,
) -> Result<(), JournalError> {
    if outcome.abandoned {
        return journal.flush_records().await;
    }
    let unverified = read.as_ref().ok().and_then(|read| read.as_ref().ok());
    journal.close_journal(run_ended_record(outcome, unverified.map(Vec::as_slice))).await
}

fn unanswered_ledger_error() -> JournalError {
    JournalError {
        problem: "writing to the ledger timed out".to_owned(),
        help: "The next run compares the steps without a recorded outcome with the live state.".to_owned(),
    }
}

/// The last record of a run. `unverified` is `None` if nothing was read back.
fn run_ended_record(outcome: &ApplyOutcome, unverified: Option<&[UnverifiedObject]>) -> LedgerRecord {
    LedgerRecord::RunEnded(RunEnded {
        complete: outcome.is_complete() && unverified.is_some_and(<[_]>::is_empty),
        refused: false,
        done: outcome.done.len(),
        failed: outcome.failed.len(),
        not_tried: outcome.not_done.len(),
        unverified: unverified.map_or(0, <[_]>::len),
        inventory: None,
    })
}

/// The error for changes that were made and could not be recorded in the ledger. The user must be informed, because the record is missing.
fn unrecorded_error(why: &JournalError) -> WorkflowError {
    anyhow::anyhow!("changes were made that are not recorded in the ledger: {why}. {}", why.help).into()
}
