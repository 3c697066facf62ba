//! Between the executor and the chain: intents before the writes, outcomes after them, the lock at each.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use leasehold_provider::{Change, Digest, EnactError, Enacted, Marks, Resource};

use super::chain::{Chain, LedgerError};
use super::record::{Intent, Outcome, Record};
use crate::apply::{Journal, NotRecorded};
use crate::plan::Step;
use crate::store::lock::Guard;

/// Writes an execution into the ledger while its run holds the lock.
pub struct Recorder<'a> {
    chain: &'a Chain,
    guard: &'a Guard,
    /// Records that go into the next entry.
    waiting: Mutex<Vec<Record>>,
}

impl<'a> Recorder<'a> {
    /// `opening` goes into the first entry, before the first intents.
    #[must_use]
    pub fn new(chain: &'a Chain, guard: &'a Guard, opening: Vec<Record>) -> Self {
        Self { chain, guard, waiting: Mutex::new(opening) }
    }

    /// Writes what is left, and `closing` as the last.
    pub async fn close(self, closing: Record) -> Result<(), NotRecorded> {
        self.append(vec![closing]).await
    }

    /// Everything waiting, and `more` after it, in one entry.
    async fn append(&self, more: Vec<Record>) -> Result<(), NotRecorded> {
        let mut records = self.waiting().clone();
        let kept = records.len();
        records.extend(more);
        if records.is_empty() {
            return Ok(());
        }
        // Until they are written they go on waiting, whether this fails or is dropped half way.
        let unwritten = |error: LedgerError| NotRecorded {
            problem: format!("the ledger could not be written: {error}"),
            help: error.help(),
        };
        self.chain.append(records).await.map_err(unwritten)?;
        let mut waiting = self.waiting();
        let kept = kept.min(waiting.len());
        waiting.drain(..kept);
        Ok(())
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Record>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for Recorder<'_> {
    async fn intend(&self, steps: &[&Step]) -> Result<(), NotRecorded> {
        self.may_write()?;
        self.append(steps.iter().map(|step| Record::Intent(intent(step))).collect()).await
    }

    fn may_write(&self) -> Result<(), NotRecorded> {
        if self.guard.may_write() {
            return Ok(());
        }
        Err(NotRecorded {
            problem: "the stack's lock is not held any more, or could not be renewed in time".to_owned(),
            help: "`leasehold lock show` shows who holds it now.".to_owned(),
        })
    }

    fn ended(&self, step: &Step, result: Result<&Enacted, &EnactError>) {
        self.waiting().push(Record::Outcome(outcome(step, result)));
    }

    fn not_tried(&self, step: &Step) {
        let not_tried = Outcome {
            step: step.id.0,
            subject: step.subject.clone(),
            done: false,
            calls: 0,
            requests: Vec::new(),
            note: Some("not tried".to_owned()),
            error: None,
        };
        self.waiting().push(Record::Outcome(not_tried));
    }

    async fn flush(&self) -> Result<(), NotRecorded> {
        self.append(Vec::new()).await
    }
}

fn intent(step: &Step) -> Intent {
    let (before, after) = match &step.change {
        Change::Mark { before, after, .. } => (before.as_deref().map(of_marks), Some(of_marks(after))),
        // Its name is not known yet. What it comes beside is: once there is one more, something was made.
        Change::Create { after } if after.id.is_new() => (step.precondition, None),
        change => (change.before().map(content), change.after().map(content)),
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
pub fn content(resource: &Resource) -> Digest {
    Digest::of(&(&resource.id, &resource.attributes))
}

/// The digest of marks.
#[must_use]
pub fn of_marks(marks: &Marks) -> Digest {
    Digest::of(marks)
}

fn outcome(step: &Step, result: Result<&Enacted, &EnactError>) -> Outcome {
    let enacted = result.ok();
    Outcome {
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
