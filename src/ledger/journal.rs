//! Writes the records of an execution into the ledger.
//!
//! In: the steps that the executor is about to write, and their results. Out: entries of the chain. Invariant: the intent of a step is in
//! the ledger before the step is written to the cloud, and no intent is written after the run has lost its lock.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use leasehold_provider::{Change, Digest, EnactError, EnactErrorKind, Enacted, Marks, OwnedObjects, Resource};

use super::chain::{Chain, LedgerError};
use super::record::{Intent, LedgerRecord, RecordedOutcome};
use crate::apply::{Journal, JournalError};
use crate::plan::Step;
use crate::store::lock::LockGuard;

/// Writes the records of an execution while its run holds the lock.
pub struct Recorder<'a> {
    chain: &'a Chain,
    guard: &'a LockGuard,
    /// The instant by the clock of the system that is written, if it has a clock of its own.
    given_time: Option<Timestamp>,
    /// Records that go into the next entry.
    waiting: Mutex<Vec<LedgerRecord>>,
}

impl<'a> Recorder<'a> {
    /// A recorder whose first entry begins with the records `opening`, before the first intents. `given_time` is the instant by the clock
    /// of the system that is written; `None`: it has the time of day.
    #[must_use]
    pub fn new(
        chain: &'a Chain,
        guard: &'a LockGuard,
        opening: Vec<LedgerRecord>,
        given_time: Option<Timestamp>,
    ) -> Self {
        Self { chain, guard, given_time, waiting: Mutex::new(opening) }
    }

    /// What the stack owns after the steps that were recorded so far, also those that are not written to the store yet.
    pub async fn owned_objects(&self) -> OwnedObjects {
        let waiting = self.lock_waiting().clone();
        self.chain.owned_objects_after(&waiting).await
    }

    /// Writes the remaining records, with `closing` as the last.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub async fn close_journal(self, closing: LedgerRecord) -> Result<(), JournalError> {
        self.append_records(vec![closing]).await
    }

    /// Writes all waiting records, then `more`, in one entry.
    async fn append_records(&self, more: Vec<LedgerRecord>) -> Result<(), JournalError> {
        let mut records = self.lock_waiting().clone();
        let kept = records.len();
        records.extend(more);
        if records.is_empty() {
            return Ok(());
        }
        // The records keep waiting until they are written, so none is lost if the append fails or the future is dropped.
        let unwritten = |error: LedgerError| JournalError {
            problem: format!("the ledger could not be written: {error}"),
            help: error.help(),
        };
        self.chain.append_entry(records).await.map_err(unwritten)?;
        let mut waiting = self.lock_waiting();
        let kept = kept.min(waiting.len());
        waiting.drain(..kept);
        Ok(())
    }

    fn lock_waiting(&self) -> std::sync::MutexGuard<'_, Vec<LedgerRecord>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for Recorder<'_> {
    async fn write_intents(&self, steps: &[&Step]) -> Result<(), JournalError> {
        self.may_write()?;
        self.append_records(
            steps.iter().map(|step| LedgerRecord::Intent(build_intent(step, self.given_time))).collect(),
        )
        .await
    }

    fn may_write(&self) -> Result<(), JournalError> {
        if self.guard.may_write() {
            return Ok(());
        }
        Err(JournalError {
            problem: "the stack's lock was lost, or could not be renewed in time".to_owned(),
            help: "Run `leasehold lock show` to see who holds it now.".to_owned(),
        })
    }

    fn record_result(&self, step: &Step, result: Result<&Enacted, &EnactError>) {
        self.lock_waiting().push(LedgerRecord::Outcome(build_outcome(step, result)));
    }

    fn record_untried(&self, step: &Step) {
        let not_tried = RecordedOutcome {
            step: step.id.index(),
            subject: step.subject.clone(),
            done: false,
            calls: 0,
            requests: Vec::new(),
            note: Some("not tried".to_owned()),
            error: None,
            uncertain: false,
            unique_id: None,
        };
        self.lock_waiting().push(LedgerRecord::Outcome(not_tried));
    }

    async fn flush_records(&self) -> Result<(), JournalError> {
        self.append_records(Vec::new()).await
    }
}

fn build_intent(step: &Step, at: Option<Timestamp>) -> Intent {
    let (before, after) = match &step.change {
        Change::Mark { before, after, .. } => (before.as_deref().map(digest_marks), Some(digest_marks(after))),
        // The name of a new key is not known before it is created. `before` is the digest of the keys that exist now: a different digest
        // shows later that a key was created.
        Change::Create { after } if after.id.is_new() => (step.precondition, None),
        change => (change.resource_before().map(digest_content), change.resource_after().map(digest_content)),
    };
    Intent {
        step: step.id.index(),
        subject: step.subject.clone(),
        action: step.change.kind(),
        resource: step.change.id().clone(),
        before,
        after,
        marks: step.change.marks_after().cloned().map(Box::new),
        at,
    }
}

/// The digest of an object without its marks, which separate steps write.
#[must_use]
pub fn digest_content(resource: &Resource) -> Digest {
    Digest::from_serializable(&(&resource.id, &resource.attributes))
}

/// The digest of the marks of an object.
#[must_use]
pub fn digest_marks(marks: &Marks) -> Digest {
    Digest::from_serializable(marks)
}

/// Whether a write that failed in this way may have taken effect.
fn is_uncertain(kind: EnactErrorKind) -> bool {
    match kind {
        EnactErrorKind::Unreachable | EnactErrorKind::Other => true,
        EnactErrorKind::NotManaged
        | EnactErrorKind::Denied
        | EnactErrorKind::Limit
        | EnactErrorKind::Conflict
        | EnactErrorKind::Throttled => false,
    }
}

fn build_outcome(step: &Step, result: Result<&Enacted, &EnactError>) -> RecordedOutcome {
    let enacted = result.ok();
    RecordedOutcome {
        step: step.id.index(),
        subject: step.subject.clone(),
        done: enacted.is_some(),
        calls: enacted.map_or(0, |enacted| enacted.calls),
        requests: result.map_or_else(|error| error.requests.clone(), |enacted| enacted.requests.clone()),
        note: enacted
            .and_then(|enacted| enacted.note.clone().or_else(|| Some(format!("made {}", enacted.made.as_ref()?)))),
        error: result.err().map(ToString::to_string),
        uncertain: result.err().is_some_and(|error| is_uncertain(error.kind)),
        unique_id: enacted.and_then(|enacted| enacted.unique_id.clone()),
    }
}
