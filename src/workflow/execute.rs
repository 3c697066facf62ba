//! Carries out an approved plan.
//!
//! In: an approved plan, a connection, and an open journal. Out: the steps are executed, what was written is read back, the last entry of
//! the ledger is written, and the result is printed. The result says that all is done only if reading back confirmed it. A signal limits
//! the time that each of these takes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};

use super::apply::{ApplyTerms, CredentialSelection, observe_cloud};
use super::connection::Connection;
use super::interruption::{self, Interruption, Signal};
use super::run;
use super::{CommandError, CommandExit, invocation, progress};
use crate::apply::{self, ApplyOutcome, Halt, JournalError, UnverifiedObject};
use crate::ledger::journal::Recorder;
use crate::plan::Plan;
use crate::realize::ResourceMap;
use crate::rules::ApprovedPlan;
use crate::views;
use crate::views::outcome::{ReadBack, RunEnding};

/// The pauses between attempts to read back a write, more than 30 s in total: a cloud may show a write only after some time.
const VERIFY_PAUSES: [Duration; 5] =
    [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(20)];

/// Carries out an approved plan, reads back what was written, and prints how the run ended.
///
/// # Errors
/// A step failed, was not done, or cannot be verified, or the ledger could not be written.
pub async fn carry_out_plan(
    approved: &ApprovedPlan,
    connection: &Connection,
    terms: &ApplyTerms<'_>,
    shared: &ResourceMap,
    journal: Recorder<'_>,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    interruption.begin_writing()?;
    let outcome = execute_steps(approved, connection, terms, &journal, interruption).await?;
    let read = tokio::select! {
        biased;
        signal = interruption.wait_for_signal() => Err(signal),
        read = read_back_writes(approved.as_plan(), &outcome, connection, shared) => Ok(read),
    };
    let recorded = interruption.run_within_limit(interruption::LEDGER, close_journal(journal, &outcome, &read)).await;
    let recorded =
        recorded.unwrap_or_else(|| Err(unanswered_ledger_error())).map_err(|why| run::unrecorded_error(&why));
    let read_back = match &read {
        Ok(Ok(unverified)) => ReadBack::Done(unverified),
        Ok(Err(_)) => ReadBack::Failed,
        Err(_) => ReadBack::Skipped,
    };
    let stopped = interruption.received_signal().map(|signal| signal.to_string());
    let ending = RunEnding { outcome: &outcome, read_back, stopped: stopped.as_deref(), again: &terms.again };
    let text =
        invocation::current_invocation().complete_commands(&views::outcome::render_ending(approved.as_plan(), &ending));
    if ending.is_complete() {
        super::print_result(&format!("\n{text}"))?;
        return recorded.map(|()| CommandExit::Done);
    }
    super::print_message(&format!("\n{text}"));
    match read {
        Ok(Err(CommandError::Unreadable(error))) => Err(CommandError::ReadBack(error)),
        Ok(Err(other)) => Err(other),
        // The printed text says why a step could not be recorded.
        _ if outcome.unrecorded.is_some() => Err(CommandError::Unfinished),
        _ => recorded.and(Err(CommandError::Unfinished)),
    }
}

/// Executes the steps and shows their progress.
async fn execute_steps(
    approved: &ApprovedPlan,
    connection: &Connection,
    terms: &ApplyTerms<'_>,
    journal: &Recorder<'_>,
    interruption: &Interruption,
) -> Result<ApplyOutcome, CommandError> {
    let (events, listener) = mpsc::unbounded_channel();
    let (owner, halt) = watch::channel(Halt::No);
    let view = tokio::spawn(progress::show_events(progress::StepNames::from_plan(approved.as_plan()), listener));
    let halting = tokio::spawn(halt_on_request(interruption.clone(), owner));
    let options = apply::ExecuteOptions { parallelism: usize::from(terms.parallelism) };
    let enact = Arc::clone(&connection.enact);
    let outcome = apply::execute_plan(approved, enact, options, journal, events, halt).await;
    halting.abort();
    view.await.context("the progress view broke off")?;
    Ok(outcome)
}

/// After a signal, first lets the executor finish the steps in flight, and abandons them when the time limit has passed.
async fn halt_on_request(interruption: Interruption, owner: watch::Sender<Halt>) {
    let signal = interruption.wait_for_signal().await;
    owner.send_replace(Halt::Drain);
    let seconds = interruption::STEPS.as_secs();
    super::print_message(&format!(
        "{signal} received: steps in flight have {seconds} s to finish. A second signal leaves at once and keeps the lock.\n"
    ));
    // A future that never completes: this waits until the time limit of the steps has passed.
    interruption.run_within_limit(interruption::STEPS, std::future::pending::<()>()).await;
    owner.send_replace(Halt::Abandon);
}

/// Writes the last entry of a run. If steps were abandoned, their intents stay open and the run gets no end record: the next run resolves
/// the intents.
async fn close_journal(
    journal: Recorder<'_>,
    outcome: &ApplyOutcome,
    read: &Result<Result<Vec<UnverifiedObject>, CommandError>, Signal>,
) -> Result<(), JournalError> {
    if outcome.abandoned {
        return apply::Journal::flush_records(&journal).await;
    }
    let unverified = read.as_ref().ok().and_then(|read| read.as_ref().ok());
    journal.close_journal(run::run_ended_record(outcome, unverified.map(Vec::as_slice))).await
}

fn unanswered_ledger_error() -> JournalError {
    JournalError {
        problem: "the ledger did not answer in time".to_owned(),
        help: "The next run compares what is not recorded with the live state.".to_owned(),
    }
}

/// Reads back what was written, again after each pause, until it matches or no pause is left.
async fn read_back_writes(
    plan: &Plan,
    outcome: &ApplyOutcome,
    connection: &Connection,
    shared: &ResourceMap,
) -> Result<Vec<UnverifiedObject>, CommandError> {
    let mut unverified = Vec::new();
    for pause in VERIFY_PAUSES {
        tokio::time::sleep(pause).await;
        let snapshot = observe_cloud(plan, connection, shared, CredentialSelection::OfPlan).await?;
        unverified = apply::verify_objects(plan, outcome, &snapshot);
        if unverified.is_empty() {
            break;
        }
    }
    Ok(unverified)
}
