//! The writer thread, which executes all changes of a directory.
//!
//! In: changes, queued by concurrent callers. Out: one outcome per change, sent after the transaction is on disk.
//! Changes that arrive while a transaction commits share the next transaction, and with it one sync of the disk:
//!
//! ```text
//! queue:         a    b c d      e
//! transactions:  [a]──┘   [b c d]──[e]
//! ```
//!
//! Each change has its own savepoint, so that a failed change does not roll back the others.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use leasehold_provider::{Change, EnactError, EnactErrorKind, StackName};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::enact::DirectoryResult;
use crate::faults::{FaultInjector, InjectedFault};
use crate::owned_ids::OwnedIds;
use crate::schema::Durability;
use crate::{DirectoryClock, enact, errors, schema};

/// Maximum number of changes in one transaction. Bounds how long the first change waits for its outcome. Chosen, not
/// measured.
const MAX_BATCH: usize = 512;
/// How long to wait for each further change until a batch is as large as the previous one. A commit takes about as
/// long, so that waiting costs no more than one more transaction would.
const BATCH_WAIT: Duration = Duration::from_millis(1);

/// A change in the queue, and where its outcome goes.
#[derive(Debug)]
struct QueuedChange {
    stack: StackName,
    change: Change,
    reply: oneshot::Sender<DirectoryResult>,
}

/// Handle of the writer thread. Dropping it waits until all queued changes are written.
#[derive(Debug)]
pub struct DirectoryWriter {
    queue: Option<mpsc::Sender<QueuedChange>>,
    thread: Option<JoinHandle<()>>,
}

impl DirectoryWriter {
    /// Starts the thread. The first change opens the file, and creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// The operating system cannot start a thread.
    pub fn spawn_thread(
        path: PathBuf,
        durability: Durability,
        clock: DirectoryClock,
        owned: OwnedIds,
        injector: FaultInjector,
    ) -> std::io::Result<Self> {
        let (queue, changes) = mpsc::channel();
        let mut batch_writer = BatchWriter { path, durability, clock, owned, injector, connection: None };
        let thread = std::thread::Builder::new().name("directory-writer".to_owned()).spawn(move || {
            let mut expected = 1;
            while let Ok(first) = changes.recv() {
                let mut batch = vec![first];
                batch.extend(changes.try_iter().take(MAX_BATCH.saturating_sub(1)));
                // The callers of the previous transaction probably send their next change soon.
                while batch.len() < expected
                    && let Ok(change) = changes.recv_timeout(BATCH_WAIT)
                {
                    batch.push(change);
                }
                expected = batch.len();
                batch_writer.process_batch(batch);
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a change. The receiver gets the outcome, or an error if the thread has stopped.
    pub fn queue_change(&self, stack: &StackName, change: &Change) -> oneshot::Receiver<DirectoryResult> {
        let (reply, outcome) = oneshot::channel();
        if let Some(queue) = &self.queue {
            // A closed queue drops `reply`, which the receiver reports as an error.
            let _ = queue.send(QueuedChange { stack: stack.clone(), change: change.clone(), reply });
        }
        outcome
    }
}

impl Drop for DirectoryWriter {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // After a panic of the thread the callers that waited for outcomes have received an error.
            let _ = thread.join();
        }
    }
}

/// State of the writer thread.
struct BatchWriter {
    path: PathBuf,
    durability: Durability,
    clock: DirectoryClock,
    owned: OwnedIds,
    injector: FaultInjector,
    /// `None` before the first change, and after the file was deleted.
    connection: Option<Connection>,
}

impl BatchWriter {
    /// Writes a batch and sends the outcomes.
    fn process_batch(&mut self, batch: Vec<QueuedChange>) {
        let outcomes = self.write_batch(&batch);
        for (queued, outcome) in batch.into_iter().zip(outcomes) {
            // The caller may have stopped waiting. Its change is written nevertheless.
            let _ = queued.reply.send(outcome);
        }
    }

    /// Returns the outcome of each change after the transaction is on disk.
    fn write_batch(&mut self, batch: &[QueuedChange]) -> Vec<DirectoryResult> {
        // If somebody deleted the file, the open connection refers to the deleted one: start with a new file.
        if !self.path.exists() {
            self.connection = None;
        }
        let mut connection =
            match self.connection.take().map_or_else(|| schema::open_to_write(&self.path, self.durability), Ok) {
                Ok(connection) => connection,
                Err(error) => return fail_all(batch, |operation| errors::open_for_write_error(operation, &error)),
            };
        let outcomes = self.write_in_transaction(&mut connection, batch);
        self.connection = Some(connection);
        outcomes
    }

    fn write_in_transaction(&mut self, connection: &mut Connection, batch: &[QueuedChange]) -> Vec<DirectoryResult> {
        let mut transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(transaction) => transaction,
            Err(error) => return fail_all(batch, |operation| errors::write_error(operation, &error)),
        };
        let mut outcomes = Vec::with_capacity(batch.len());
        for queued in batch {
            let fault = self.injector.next_fault(&queued.change);
            let outcome = match fault {
                Some(InjectedFault::BeforeCommit) => {
                    Err(connection_lost_error(&queued.change, "the connection was lost before the change was sent"))
                }
                Some(InjectedFault::Throttled) => Err(throttled_error(&queued.change)),
                Some(InjectedFault::Crashed) => Err(connection_lost_error(&queued.change, "the directory has crashed")),
                Some(InjectedFault::AfterCommit) | None => {
                    let outcome = self.write_change(&mut transaction, queued);
                    if transaction.is_autocommit() {
                        // SQLite rolled back the whole transaction, for example because the disk is full.
                        return fail_all(batch, |operation| rolled_back_error(operation, &outcome));
                    }
                    if outcome.is_ok() {
                        self.injector.count_write();
                    }
                    match fault {
                        Some(_) => {
                            outcome.and_then(|_| Err(connection_lost_error(&queued.change, "the response was lost")))
                        }
                        None => outcome,
                    }
                }
            };
            outcomes.push(outcome);
        }
        match transaction.commit() {
            Ok(()) => outcomes,
            Err(error) => fail_all(batch, |operation| commit_error(operation, &error)),
        }
    }

    /// Executes one change in its own savepoint.
    fn write_change(&self, transaction: &mut rusqlite::Transaction<'_>, queued: &QueuedChange) -> DirectoryResult {
        let operation = || errors::operation_name(&queued.change);
        let savepoint = transaction.savepoint().map_err(|error| errors::write_error(&operation(), &error))?;
        let enacted = enact::execute_change(&savepoint, (&queued.stack, &self.owned), (self.clock)(), &queued.change)?;
        savepoint.commit().map_err(|error| errors::write_error(&operation(), &error))?;
        Ok(enacted)
    }
}

fn fail_all(batch: &[QueuedChange], error: impl Fn(&str) -> EnactError) -> Vec<DirectoryResult> {
    batch.iter().map(|queued| Err(error(&errors::operation_name(&queued.change)))).collect()
}

/// Maps a failed commit. If another process held the lock, nothing was committed; after any other error the state is
/// unknown, which is `Unreachable`.
fn commit_error(operation: &str, error: &rusqlite::Error) -> EnactError {
    let refused = errors::write_error(operation, error);
    match refused.kind {
        EnactErrorKind::Other => EnactError { kind: EnactErrorKind::Unreachable, ..refused },
        _ => refused,
    }
}

fn rolled_back_error(operation: &str, cause: &DirectoryResult) -> EnactError {
    let message = match cause {
        Ok(_) => "the transaction was rolled back".to_owned(),
        Err(error) => format!("the transaction was rolled back: {}", error.message),
    };
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::Other,
        operation: operation.to_owned(),
        message,
        help: None,
    }
}

fn connection_lost_error(change: &Change, message: &str) -> EnactError {
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::Unreachable,
        operation: errors::operation_name(change),
        message: format!("{}: {message}", change.id()),
        help: None,
    }
}

fn throttled_error(change: &Change) -> EnactError {
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::Throttled,
        operation: errors::operation_name(change),
        message: format!("{}: too many changes at once", change.id()),
        help: None,
    }
}
