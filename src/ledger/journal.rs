//! Between the executor and the chain: intents before the writes, outcomes after them, the lock at each.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use leasehold_provider::{Change, Digest, EnactError, Enacted, Marks, Resource};

use super::chain::{Chain, LedgerError};
use super::record::{Intent, LedgerRecord, RecordedOutcome};
use crate::apply::{Journal, JournalError};
use crate::plan::Step;
use crate::store::lock::LockGuard;

/// Writes an execution into the ledger while its run holds the lock.
pub struct Recorder<'a> {
    chain: &'a Chain,
    guard: &'a LockGuard,
    /// Records that go into the next entry.
    waiting: Mutex<Vec<LedgerRecord>>,
}

impl<'a> Recorder<'a> {
    /// `opening` goes into the first entry, before the first intents.
    #[must_use]
    pub fn new(chain: &'a Chain, guard: &'a LockGuard, opening: Vec<LedgerRecord>) -> Self {
        Self { chain, guard, waiting: Mutex::new(opening) }
    }

    /// Writes what is left, and `closing` as the last.
    pub async fn close_journal(self, closing: LedgerRecord) -> Result<(), JournalError> {
        self.append_records(vec![closing]).await
    }

    /// Everything waiting, and `more` after it, in one entry.
    async fn append_records(&self, more: Vec<LedgerRecord>) -> Result<(), JournalError> {
        let mut records = self.lock_waiting().clone();
        let kept = records.len();
        records.extend(more);
        if records.is_empty() {
            return Ok(());
        }
        // Until they are written they go on waiting, whether this fails or is dropped half way.
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
        self.append_records(steps.iter().map(|step| LedgerRecord::Intent(build_intent(step))).collect()).await
    }

    fn may_write(&self) -> Result<(), JournalError> {
        if self.guard.may_write() {
            return Ok(());
        }
        Err(JournalError {
            problem: "the stack's lock is not held any more, or could not be renewed in time".to_owned(),
            help: "`leasehold lock show` shows who holds it now.".to_owned(),
        })
    }

    fn record_result(&self, step: &Step, result: Result<&Enacted, &EnactError>) {
        self.lock_waiting().push(LedgerRecord::Outcome(build_outcome(step, result)));
    }

    fn record_untried(&self, step: &Step) {
        let not_tried = RecordedOutcome {
            step: step.id.0,
            subject: step.subject.clone(),
            done: false,
            calls: 0,
            requests: Vec::new(),
            note: Some("not tried".to_owned()),
            error: None,
        };
        self.lock_waiting().push(LedgerRecord::Outcome(not_tried));
    }

    async fn flush_records(&self) -> Result<(), JournalError> {
        self.append_records(Vec::new()).await
    }
}

fn build_intent(step: &Step) -> Intent {
    let (before, after) = match &step.change {
        Change::Mark { before, after, .. } => (before.as_deref().map(digest_marks), Some(digest_marks(after))),
        // Its name is not known yet. What it comes beside is: once there is one more, something was made.
        Change::Create { after } if after.id.is_new() => (step.precondition, None),
        change => (change.resource_before().map(digest_content), change.resource_after().map(digest_content)),
    };
    Intent {
        step: step.id.0,
        subject: step.subject.clone(),
        action: step.change.kind(),
        resource: step.change.id().clone(),
        before,
        after,
    }
}

/// The digest of what an object holds, its marks aside: they are written by steps of their own.
#[must_use]
pub fn digest_content(resource: &Resource) -> Digest {
    Digest::from_serializable(&(&resource.id, &resource.attributes))
}

/// The digest of marks.
#[must_use]
pub fn digest_marks(marks: &Marks) -> Digest {
    Digest::from_serializable(marks)
}

fn build_outcome(step: &Step, result: Result<&Enacted, &EnactError>) -> RecordedOutcome {
    let enacted = result.ok();
    RecordedOutcome {
        step: step.id.0,
        subject: step.subject.clone(),
        done: enacted.is_some(),
        calls: enacted.map_or(0, |enacted| enacted.calls),
        requests: result.map_or_else(|error| error.requests.clone(), |enacted| enacted.requests.clone()),
        note: enacted
            .and_then(|enacted| enacted.note.clone().or_else(|| Some(format!("made {}", enacted.made.as_ref()?)))),
        error: result.err().map(ToString::to_string),
    }
}
