//! Tries again what may pass, and settles a write whose answer was lost.
//!
//! In: one attempt of a read or a write. Out: its result, once it is certain. A store that has answered before is waited for as long as
//! AWS IAM is; one that never answered may be one that does not exist, and is given up on within seconds.

use std::time::Duration;

use tokio::time::Instant;

use super::{ObjectVersion, Store, StoreError, StoreErrorKind, WriteOutcome};

/// How long an outage of a store may last: what the AWS provider grants one call of IAM, waits included.
const OUTAGE: Duration = Duration::from_secs(180);
/// The same, for a store that was never heard of. Three or four attempts: a name server or a connection may fail once.
const FIRST_CONTACT: Duration = Duration::from_secs(6);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// One request, over all of its attempts.
struct Attempts<'a> {
    store: &'a Store,
    begun: Instant,
    failed: u32,
}

impl<'a> Attempts<'a> {
    fn begin_attempts(store: &'a Store) -> Self {
        Self { store, begun: Instant::now(), failed: 0 }
    }

    /// Waits before the next attempt; `false`: there is none.
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
    match kind.is_network_failure() && !has_answered {
        true => FIRST_CONTACT,
        false => OUTAGE,
    }
}

/// 50 ms, tripled after each failure, and never more than 10 s.
fn pause_after_failures(failed: u32) -> Duration {
    let factor = 3_u32.checked_pow(failed).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

/// Asks until there is an answer, or an error that does not pass.
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

/// Writes under a condition. Where the answer is lost, or says that the condition failed, the object itself tells whose write it was:
/// a server's error may hide one's own success. `from` is the state that the write replaces, if it replaces one.
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
                return Ok(WriteOutcome::Yes(version));
            }
            // Without the object that was to be replaced, S3 answers 404 and others answer that the condition is not met.
            Err(error) if error.kind == StoreErrorKind::Absent && from.is_some() => return Ok(WriteOutcome::Taken),
            Err(error) if !error.kind.is_transient() => return Err(error),
            Err(error) => error,
        };
        match store.read_object(key).await? {
            Some(there) if there.bytes == bytes => return Ok(WriteOutcome::Yes(there.version)),
            // Still as it was: the write did not happen.
            Some(there) if from == Some(&there.version) => {}
            Some(_) => return Ok(WriteOutcome::Taken),
            // What was to be replaced is gone.
            None if from.is_some() => return Ok(WriteOutcome::Taken),
            None => {}
        }
        if !attempts.wait_before_retry(&error).await {
            return Err(error);
        }
    }
}

/// Between half and all of a pause, so that runners that failed together do not come back together.
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
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let millis: Vec<u128> = (0..7).map(|failed| pause_after_failures(failed).as_millis()).collect();
        assert_eq!(millis, [50, 150, 450, 1350, 4050, 10_000, 10_000]);
        assert_eq!(pause_after_failures(u32::MAX), LONGEST_PAUSE);
    }
}
