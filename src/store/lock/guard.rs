//! The lock while a run holds it: renewed in the background, and released at the end.
//!
//! In: the record that this run wrote. Out: a [`LockGuard`], which answers whether a write may begin. Invariant: after another holder has
//! replaced the record, [`LockGuard::may_write`] is false at the next renewal, or earlier when the lease runs out.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::record::{KEY, KnownLedger, LockRecord};
use super::{LockTimes, ObjectVersion, Store, StoreError, WriteOutcome, store_time};

/// Proof that this run holds the lock. If it is dropped without [`LockGuard::release_lock`], the lock stays in the store until it expires.
#[derive(Debug)]
pub struct LockGuard {
    held: Arc<AcquiredLock>,
    renewal: JoinHandle<()>,
    /// In a folder: the locked file, which the operating system releases when this process ends. `None` in a bucket.
    _claim: Option<File>,
}

#[derive(Debug)]
struct AcquiredLock {
    store: Store,
    terms: LockTimes,
    state: Mutex<(LockRecord, ObjectVersion)>,
    until: std::sync::Mutex<Instant>,
    lost: AtomicBool,
}

impl LockGuard {
    pub(super) fn new(
        store: Store,
        record: LockRecord,
        version: ObjectVersion,
        terms: LockTimes,
        asked: Instant,
        claim: Option<File>,
    ) -> Self {
        let held = Arc::new(AcquiredLock {
            store,
            terms,
            state: Mutex::new((record, version)),
            until: std::sync::Mutex::new(asked.checked_add(terms.lease).unwrap_or(asked)),
            lost: AtomicBool::new(false),
        });
        let renewal = tokio::spawn(renew_until_lost(Arc::clone(&held)));
        Self { held, renewal, _claim: claim }
    }

    /// Whether a write may begin now. True until a margin before the lock expires, by the monotonic clock. Sends no request.
    #[must_use]
    pub fn may_write(&self) -> bool {
        let until = *self.held.until.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let last = until.checked_sub(self.held.terms.expiry_margin()).unwrap_or(until);
        !self.held.lost.load(Ordering::Relaxed) && Instant::now() < last
    }

    /// The number of holders so far, this one included.
    pub async fn epoch(&self) -> u64 {
        self.held.state.lock().await.0.epoch
    }

    /// What the previous holder knew about the ledger.
    pub async fn known_ledger(&self) -> KnownLedger {
        self.held.state.lock().await.0.known_ledger()
    }

    /// Releases the lock, and stores `known` about the ledger for the next holder. If the lock belongs to another holder by now, it is left
    /// unchanged.
    ///
    /// A renewal may be in progress and take effect before this write. The lock is therefore read and freed again until it is free or has
    /// another holder's nonce.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn release_lock(self, known: KnownLedger) -> Result<(), StoreError> {
        self.renewal.abort();
        let store = &self.held.store;
        let (mut record, mut version) = self.held.state.lock().await.clone();
        let nonce = record.nonce.clone();
        loop {
            let free = LockRecord {
                free: true,
                counter: record.counter.saturating_add(1),
                head: known.head.clone(),
                lineage: known.lineage.clone(),
                ..record
            };
            if store.replace_object(KEY, &free.to_json_bytes(store)?, &version).await?
                != WriteOutcome::PreconditionFailed
            {
                return Ok(());
            }
            let Some(object) = store.read_object(KEY).await? else { return Ok(()) };
            // A record that cannot be parsed is not this run's lock.
            let Ok(found) = serde_json::from_slice::<LockRecord>(&object.bytes) else { return Ok(()) };
            if found.nonce != nonce || found.free {
                return Ok(());
            }
            (record, version) = (found, object.version);
        }
    }
}

/// The time at which a lock taken at `moment` expires. If no timestamp is that late, the lock does not expire: a lock that seems free too
/// early would let two runs write.
pub(super) fn expiry_time(moment: Timestamp, lease: Duration) -> Timestamp {
    SignedDuration::try_from(lease).ok().and_then(|lease| moment.checked_add(lease).ok()).unwrap_or(Timestamp::MAX)
}

/// Renews the lock three times per lease. It stops when another holder has the lock. If the store does not answer, it goes on:
/// [`LockGuard::may_write`] turns false when the lease runs out.
async fn renew_until_lost(held: Arc<AcquiredLock>) {
    loop {
        tokio::time::sleep(held.terms.lease / 3).await;
        // The mutex is not held during the request, so that `release_lock` does not wait for it.
        let (record, version) = held.state.lock().await.clone();
        let asked = Instant::now();
        let next = LockRecord {
            expires: expiry_time(store_time(&held.store), held.terms.lease),
            counter: record.counter.saturating_add(1),
            ..record
        };
        let written = match next.to_json_bytes(&held.store) {
            Ok(bytes) => held.store.replace_object(KEY, &bytes, &version).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(WriteOutcome::Written(written)) => {
                *held.state.lock().await = (next, written);
                let until = asked.checked_add(held.terms.lease).unwrap_or(asked);
                *held.until.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = until;
            }
            Ok(WriteOutcome::PreconditionFailed) => {
                held.lost.store(true, Ordering::Relaxed);
                tracing::warn!("another process took or broke the lock");
                return;
            }
            Err(error) => tracing::warn!(%error, "the lock could not be renewed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_whose_end_is_no_timestamp_does_not_expire() {
        let late = Timestamp::MAX - SignedDuration::from_secs(10);
        assert_eq!(expiry_time(late, Duration::from_secs(5)), Timestamp::MAX - SignedDuration::from_secs(5));
        assert_eq!(expiry_time(late, Duration::from_secs(60)), Timestamp::MAX);
        assert_eq!(expiry_time(late, Duration::MAX), Timestamp::MAX);
    }
}
