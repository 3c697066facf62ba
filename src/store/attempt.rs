//! Retries requests to the store, and decides whether a write whose answer was lost took effect.
//!
//! In: a function that makes one attempt of a read or a write. Out: its result, once it is certain. A store that has answered before is
//! retried for as long as AWS IAM is. A store that never answered may not exist: its network failures are retried for a few seconds only.
//!
//! Example: `lock.json` has version v1. A write with `If-Match: v1` gets HTTP status 500, so the object is read back.
//!
//! ```text
//! read back                      conclusion
//! the bytes of this write        it took effect: WriteOutcome::Written
//! version v1                     it did not take effect: retry
//! anything else, or no object    another writer was first: WriteOutcome::PreconditionFailed
//! ```

use std::time::Duration;

use tokio::time::Instant;

use super::{ObjectVersion, Store, StoreError, StoreErrorKind, WriteOutcome};

/// How long requests are retried: the time that the AWS provider allows one IAM call, pauses included.
const OUTAGE: Duration = Duration::from_secs(180);
/// How long network failures are retried if the store has never answered, and responses that are not whole. Enough for three or four attempts, because one DNS lookup or
/// connection may fail by chance.
const FIRST_CONTACT: Duration = Duration::from_secs(6);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The attempts of one request so far.
struct Attempts<'a> {
    store: &'a Store,
    begun: Instant,
    failed: u32,
}

impl<'a> Attempts<'a> {
    fn begin_attempts(store: &'a Store) -> Self {
        Self { store, begun: Instant::now(), failed: 0 }
    }

    /// Waits before the next attempt. `false`: the time is used up, and there is no further attempt.
    async fn wait_before_retry(&mut self, error: &StoreError) -> bool {
        let spent = self.begun.elapsed();
        if spent >= patience_for_error(&error.kind, self.store.has_answered()) {
            return false;
        }
        tracing::debug!(%error, attempts = self.failed, "the store is asked again");
        self.store.announce_outage(error, spent);
        tokio::time::sleep(add_jitter(pause_after_failures(self.failed))).await;
        self.failed = self.failed.saturating_add(1);
        true
    }
}

fn patience_for_error(kind: &StoreErrorKind, has_answered: bool) -> Duration {
    match kind {
        // What cuts off responses is on the way to the store, and stays there.
        StoreErrorKind::Incomplete => FIRST_CONTACT,
        kind if kind.is_network_failure() && !has_answered => FIRST_CONTACT,
        _ => OUTAGE,
    }
}

/// The pause after `failed` failures: 50 ms, tripled after each failure, at most 10 s.
fn pause_after_failures(failed: u32) -> Duration {
    let factor = 3_u32.checked_pow(failed).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

/// Repeats a request until it succeeds or fails permanently.
///
/// # Errors
/// The last error, if it is not transient or the time for retries is used up.
pub async fn retry_request<T, Answer>(store: &Store, ask: impl Fn() -> Answer) -> Result<T, StoreError>
where
    Answer: Future<Output = Result<T, StoreError>>,
{
    let mut attempts = Attempts::begin_attempts(store);
    loop {
        match ask().await {
            Err(error) if error.kind.is_transient() && attempts.wait_before_retry(&error).await => {}
            Err(error) => return Err(error),
            Ok(answer) => {
                store.note_answer();
                return Ok(answer);
            }
        }
    }
}

/// Makes a conditional write. If the answer is lost, or says that the condition was not met, the object is read back to find out whose
/// write it is: an earlier attempt may have succeeded although the server answered with an error. `from` is the version that the write
/// replaces; `None` if it creates the object.
///
/// # Errors
/// If the write or the read fails permanently, or the time for retries is used up.
pub async fn settle_write<Answer>(
    store: &Store,
    key: &str,
    bytes: &[u8],
    from: Option<&ObjectVersion>,
    write: impl Fn() -> Answer,
) -> Result<WriteOutcome, StoreError>
where
    Answer: Future<Output = Result<ObjectVersion, StoreError>>,
{
    let mut attempts = Attempts::begin_attempts(store);
    loop {
        let error = match write().await {
            Ok(version) => {
                store.note_answer();
                return Ok(WriteOutcome::Written(version));
            }
            // If the object to replace does not exist, S3 answers 404; other stores answer that the condition is not met.
            Err(error) if error.kind == StoreErrorKind::Absent && from.is_some() => {
                return Ok(WriteOutcome::PreconditionFailed);
            }
            Err(error) if !error.kind.is_transient() => return Err(error),
            Err(error) => error,
        };
        match store.read_object(key).await? {
            Some(there) if there.bytes == bytes => return Ok(WriteOutcome::Written(there.version)),
            // The version has not changed: the write did not take effect.
            Some(there) if from == Some(&there.version) => {}
            Some(_) => return Ok(WriteOutcome::PreconditionFailed),
            // The object to replace does not exist any more.
            None if from.is_some() => return Ok(WriteOutcome::PreconditionFailed),
            None => {}
        }
        if !attempts.wait_before_retry(&error).await {
            return Err(error);
        }
    }
}

/// A random time between half of the pause and all of it, so that runs that failed together do not retry together.
fn add_jitter(pause: Duration) -> Duration {
    pause.mul_f64(fastrand::f64().mul_add(0.5, 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_has_answered_is_waited_for_and_one_that_never_did_is_not() {
        for kind in [StoreErrorKind::Unreachable, StoreErrorKind::UnknownHost, StoreErrorKind::NoAnswer] {
            assert_eq!(
                (patience_for_error(&kind, true), patience_for_error(&kind, false)),
                (OUTAGE, FIRST_CONTACT),
                "{kind:?}"
            );
        }
        assert_eq!(patience_for_error(&StoreErrorKind::Throttled, false), OUTAGE, "a refusal is an answer");
        assert_eq!(patience_for_error(&StoreErrorKind::Incomplete, true), FIRST_CONTACT);
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let millis: Vec<u128> = (0..7).map(|failed| pause_after_failures(failed).as_millis()).collect();
        assert_eq!(millis, [50, 150, 450, 1350, 4050, 10_000, 10_000]);
        assert_eq!(pause_after_failures(u32::MAX), LONGEST_PAUSE);
    }
}
