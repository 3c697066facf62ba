//! Trying again, and settling a write whose answer was lost.

use std::time::Duration;

use super::{Store, StoreError, StoreErrorKind, Version, Written};

/// The pauses between tries; one more try than pauses.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(800),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// Asks again while the answer is lost.
pub async fn repeat<T, Answer>(store: &Store, key: &str, ask: impl Fn() -> Answer) -> Result<T, StoreError>
where
    Answer: Future<Output = Result<T, StoreError>>,
{
    for pause in PAUSES {
        match ask().await {
            Err(error) if error.kind == StoreErrorKind::Unsettled => {
                tracing::debug!(place = store.place(), key, %error, "the store is asked again");
                tokio::time::sleep(jittered(pause)).await;
            }
            settled => return settled,
        }
    }
    ask().await
}

/// Writes under a condition. Where the answer is lost, or says that the condition failed, what lies there tells whose write it was:
/// a server's error may hide one's own success. `from` is the state that the write replaces, if it replaces one.
pub async fn settle<Answer>(
    store: &Store,
    key: &str,
    bytes: &[u8],
    from: Option<&Version>,
    write: impl Fn() -> Answer,
) -> Result<Written, StoreError>
where
    Answer: Future<Output = Result<Version, StoreError>>,
{
    let mut pauses = PAUSES.iter();
    loop {
        let error = match write().await {
            Ok(version) => return Ok(Written::Yes(version)),
            Err(error) if error.kind != StoreErrorKind::Unsettled => return Err(error),
            Err(error) => error,
        };
        match store.read(key).await? {
            Some(there) if there.bytes == bytes => return Ok(Written::Yes(there.version)),
            // Still as it was: the write did not happen.
            Some(there) if from == Some(&there.version) => {}
            Some(_) => return Ok(Written::Taken),
            None => {}
        }
        let Some(pause) = pauses.next() else { return Err(error) };
        tracing::debug!(place = store.place(), key, %error, "the write is tried again");
        tokio::time::sleep(jittered(*pause)).await;
    }
}

/// Between half and all of a pause, so that runners that failed together do not come back together.
pub fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}
