//! What happens to the lock at the end of a run, also of a run that a signal ends.

use super::error::WorkflowError;
use super::event::{WorkflowContext, WorkflowEvent};
use super::interruption::{self, Interruption, Signal, StopError};
use crate::config::declared::{Backend, BackendLocation};
use crate::store::StoreError;
use crate::store::lock::LockTimes;

/// Releases the lock, or reports that this was not possible. This does not make the run fail, because the lock expires by itself.
pub async fn release_or_report(
    interruption: &Interruption,
    context: &WorkflowContext,
    release: impl Future<Output = Result<(), StoreError>>,
) {
    let why = match interruption.run_within_limit(interruption::LOCK, release).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the store did not respond in time".to_owned(),
    };
    context.notify(WorkflowEvent::LockNotReleased(&why));
}

/// What a process leaves behind if it ends at once while it has the lock.
pub fn describe_left_behind(backend: &Backend) -> String {
    format!("{} Run `leasehold plan` to see what was done.", describe_left_lock(backend))
}

fn describe_left_lock(backend: &Backend) -> String {
    match backend.place {
        BackendLocation::Local { .. } => {
            "The operating system releases the stack's lock when this process ends.".to_owned()
        }
        _ => {
            let seconds = LockTimes::from_backend(backend).longest_hold().as_secs_f64().ceil();
            format!("The stack's lock was not released: it expires within {seconds} s.")
        }
    }
}

/// The error for a request for the lock that was in flight when a signal arrived and was not answered in time.
pub fn unanswered_lock_error(signal: Signal, backend: &Backend) -> WorkflowError {
    StopError {
        signal,
        what: "nothing was changed, but a request to the store of the lock timed out".to_owned(),
        help: Some(format!("If the request succeeded: {}", describe_left_lock(backend))),
    }
    .into()
}
