//! The one thread that writes.
//!
//! Changes queue up while a transaction commits, and the next transaction takes all that wait: what is enacted concurrently
//! shares a sync of the disk. Each change has a savepoint of its own, so that one that fails takes nothing with it. An answer
//! is given only once the transaction is on disk.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use leasehold_provider::{Change, EnactError, EnactErrorKind, Enacted, StackName};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::faults::{Fault, Injector};
use crate::schema::Durability;
use crate::{Clock, enact, failures, schema};

/// Changes in one transaction at most.
const BATCH: usize = 512;
/// How long a transaction waits for one more of as many changes as its predecessor had. A commit takes about as long.
const LINGER: Duration = Duration::from_millis(1);

type Outcome = Result<Enacted, EnactError>;

/// A change that waits to be written.
#[derive(Debug)]
struct Order {
    stack: StackName,
    change: Change,
    reply: oneshot::Sender<Outcome>,
}

/// The writing thread's queue. Dropping it waits until what is queued is written.
#[derive(Debug)]
pub struct Writer {
    queue: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. The file is opened, and created, with the first change.
    pub fn start(path: PathBuf, durability: Durability, clock: Clock, injector: Injector) -> std::io::Result<Self> {
        let (queue, orders) = mpsc::channel();
        let mut desk = Desk { path, durability, clock, injector, connection: None };
        let thread = std::thread::Builder::new().name("directory-writer".to_owned()).spawn(move || {
            let mut expected = 1;
            while let Ok(first) = orders.recv() {
                let mut batch = vec![first];
                batch.extend(orders.try_iter().take(BATCH.saturating_sub(1)));
                // Whoever had an answer from the last transaction may be about to ask again.
                while batch.len() < expected
                    && let Ok(order) = orders.recv_timeout(LINGER)
                {
                    batch.push(order);
                }
                expected = batch.len();
                desk.answer(batch);
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a change. The receiver gets the outcome; it gets nothing if the thread died.
    pub fn submit(&self, stack: &StackName, change: &Change) -> oneshot::Receiver<Outcome> {
        let (reply, outcome) = oneshot::channel();
        if let Some(queue) = &self.queue {
            // A closed queue drops the order and with it `reply`, which is what the receiver then reports.
            let _ = queue.send(Order { stack: stack.clone(), change: change.clone(), reply });
        }
        outcome
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already seen by whoever waited for its answers.
            let _ = thread.join();
        }
    }
}

struct Desk {
    path: PathBuf,
    durability: Durability,
    clock: Clock,
    injector: Injector,
    connection: Option<Connection>,
}

impl Desk {
    fn answer(&mut self, batch: Vec<Order>) {
        let outcomes = self.write(&batch);
        for (order, outcome) in batch.into_iter().zip(outcomes) {
            // Whoever asked may have stopped waiting; the change stands all the same.
            let _ = order.reply.send(outcome);
        }
    }

    /// The outcome of each order, once the transaction is on disk.
    fn write(&mut self, batch: &[Order]) -> Vec<Outcome> {
        // Whoever takes the file away starts anew: what is open then is no longer the directory.
        if !self.path.exists() {
            self.connection = None;
        }
        let mut connection =
            match self.connection.take().map_or_else(|| schema::open_to_write(&self.path, self.durability), Ok) {
                Ok(connection) => connection,
                Err(error) => return fail_all(batch, |operation| failures::opening_to_write(operation, &error)),
            };
        let outcomes = self.transact(&mut connection, batch);
        self.connection = Some(connection);
        outcomes
    }

    fn transact(&mut self, connection: &mut Connection, batch: &[Order]) -> Vec<Outcome> {
        let mut transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(transaction) => transaction,
            Err(error) => return fail_all(batch, |operation| failures::writing(operation, &error)),
        };
        let mut outcomes = Vec::with_capacity(batch.len());
        for order in batch {
            let fault = self.injector.next(&order.change);
            let outcome = match fault {
                Some(Fault::BeforeCommit) => {
                    Err(lost(&order.change, "the connection broke before the change was sent"))
                }
                Some(Fault::Throttled) => Err(throttled(&order.change)),
                Some(Fault::Crashed) => Err(lost(&order.change, "the directory has crashed")),
                Some(Fault::AfterCommit) | None => {
                    let answer = self.one(&mut transaction, order);
                    if transaction.is_autocommit() {
                        // SQLite gave up the whole transaction (a full disk, say): nothing of it was written.
                        return fail_all(batch, |operation| gone(operation, &answer));
                    }
                    if answer.is_ok() {
                        self.injector.written();
                    }
                    match fault {
                        Some(_) => answer.and_then(|_| Err(lost(&order.change, "the answer was lost"))),
                        None => answer,
                    }
                }
            };
            outcomes.push(outcome);
        }
        match transaction.commit() {
            Ok(()) => outcomes,
            Err(error) => fail_all(batch, |operation| commit_failed(operation, &error)),
        }
    }

    fn one(&self, transaction: &mut rusqlite::Transaction<'_>, order: &Order) -> Outcome {
        let operation = || failures::operation(&order.change);
        let savepoint = transaction.savepoint().map_err(|error| failures::writing(&operation(), &error))?;
        let enacted = enact::carry_out(&savepoint, &order.stack, (self.clock)(), &order.change)?;
        savepoint.commit().map_err(|error| failures::writing(&operation(), &error))?;
        Ok(enacted)
    }
}

fn fail_all(batch: &[Order], error: impl Fn(&str) -> EnactError) -> Vec<Outcome> {
    batch.iter().map(|order| Err(error(&failures::operation(&order.change)))).collect()
}

/// A commit that another process held up did not happen; of any other failed commit it is not known.
fn commit_failed(operation: &str, error: &rusqlite::Error) -> EnactError {
    let refused = failures::writing(operation, error);
    match refused.kind {
        EnactErrorKind::Other => EnactError { kind: EnactErrorKind::Unreachable, ..refused },
        _ => refused,
    }
}

fn gone(operation: &str, cause: &Outcome) -> EnactError {
    let message = match cause {
        Ok(_) => "the transaction was given up".to_owned(),
        Err(error) => format!("the transaction was given up: {}", error.message),
    };
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::Other,
        operation: operation.to_owned(),
        message,
        help: None,
    }
}

fn lost(change: &Change, message: &str) -> EnactError {
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::Unreachable,
        operation: failures::operation(change),
        message: format!("{}: {message}", change.id()),
        help: None,
    }
}

fn throttled(change: &Change) -> EnactError {
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::Throttled,
        operation: failures::operation(change),
        message: format!("{}: too many changes at once", change.id()),
        help: None,
    }
}
