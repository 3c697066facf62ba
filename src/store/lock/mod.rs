//! The lock of a stack: one writer at a time.
//!
//! In: a store and a [`LockClaim`]. Out: a [`LockGuard`], or the record of the present holder. Invariant: at most one run may write at any
//! time, unless a user breaks the lock of a run that still works ([`break_lock`]).
//!
//! The lock is an object, `lock.json`. A run takes it by a conditional write and reads it back, renews it while it works, and frees it by
//! another conditional write. Its epoch grows by one with every holder. The record names its stack, so a second stack that is configured
//! with the same place is refused. In a bucket, another run takes over only after the lock has expired, plus a margin for differing
//! clocks. In a folder, the holder also keeps a file locked, which the operating system releases when the process ends. Before each write,
//! the holder calls [`LockGuard::may_write`], which uses the monotonic clock and sends no request.
//!
//! Example, in a bucket with a lease of 60 s (margin 15 s):
//!
//! ```text
//! 0 s     run A takes the lock: expires = 60 s
//! 20 s    A renews it: expires = 80 s. Then A loses its network.
//! 65 s    A stops writing: 80 s minus the margin
//! 95 s    run B may take the lock: 80 s plus the margin
//! ```

mod guard;
mod record;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use leasehold_provider::StackName;
use tokio::time::Instant;

use super::{NoRandomnessError, ObjectVersion, Store, StoreError, WriteOutcome, folder, wall_clock};
use crate::config::declared::Backend;

pub use guard::LockGuard;
use record::{KEY, SCHEMA};
pub use record::{KnownLedger, LedgerHead, LockClaim, LockHolder, LockRecord, OtherStackError};

/// The times of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockTimes {
    /// How long the lock is valid after it was taken or renewed. 60 s by default.
    pub lease: Duration,
}

impl Default for LockTimes {
    fn default() -> Self {
        Self { lease: Duration::from_secs(60) }
    }
}

impl LockTimes {
    /// The times that the stack's `backend` block sets.
    #[must_use]
    pub fn from_backend(backend: &Backend) -> Self {
        let lease = backend.lock_lease.map(|lease| Duration::from_secs(lease.as_seconds().into()));
        lease.map_or_else(Self::default, |lease| Self { lease })
    }

    /// The safety margin around the expiration: the holder stops writing this much earlier, and others wait this much longer.
    fn expiry_margin(self) -> Duration {
        self.lease / 4
    }

    /// How long a lock that is not renewed any more keeps other runs out: until it expires, and the margin.
    #[must_use]
    pub fn longest_hold(self) -> Duration {
        self.lease.saturating_add(self.expiry_margin())
    }
}

/// The result of requesting the lock.
#[derive(Debug)]
pub enum LockAnswer {
    /// This run has the lock.
    Acquired(LockGuard),
    /// Another run has it. The value is its record.
    HeldByOther(Box<LockRecord>),
}

/// Why the lock could not be read or taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LockError {
    /// A request to the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// `lock.json` is not in a format that this version reads.
    #[error("{place}/lock.json is not a lock file that this version can read: {why}")]
    Unreadable {
        /// The store.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// The lock belongs to another stack.
    #[error(transparent)]
    OtherStack(#[from] OtherStackError),
    /// The operating system gave no random bytes for a nonce.
    #[error(transparent)]
    Randomness(#[from] NoRandomnessError),
    /// This machine's clock and the store's differ by more than 5 minutes.
    #[error("this machine's clock is {} {} that of {place}", apart.abs(), if apart.is_negative() { "behind" } else { "ahead of" })]
    Clock {
        /// The store with the other clock.
        place: String,
        /// How far this machine's clock is ahead; negative if it is behind.
        apart: SignedDuration,
    },
}

/// The largest accepted difference between two clocks. Deadlines are instants: with a wrong clock, access expires too early or too late.
const FARTHEST: SignedDuration = SignedDuration::from_mins(5);

/// Reads the lock of a stack. `None`: it was never taken.
///
/// # Errors
/// If the store does not answer, `lock.json` cannot be parsed, or it belongs to another stack.
pub async fn read_lock(store: &Store, stack: &StackName) -> Result<Option<(LockRecord, ObjectVersion)>, LockError> {
    store.read_object(KEY).await?.map(|object| LockRecord::parse_object(store, stack, object)).transpose()
}

/// The current time by the store's clock, or by this machine's clock if the store has none.
fn store_time(store: &Store) -> Timestamp {
    let working_directory = wall_clock();
    working_directory.checked_sub(store.clock_skew().unwrap_or_default()).unwrap_or(working_directory)
}

/// Whether a run holds the lock now. In a folder, the operating system knows whether the holder's process still runs. In a bucket, a
/// holder that stopped without freeing the lock counts as the holder until the lock has expired and the margin has passed.
///
/// # Errors
/// If the folder's lock file cannot be opened or locked.
pub fn is_acquired(store: &Store, record: &LockRecord, terms: LockTimes) -> Result<bool, LockError> {
    match &store.folder {
        Some(folder) => Ok(!record.free && folder::claim_folder(store, folder)?.is_none()),
        None => Ok(is_unexpired(store, record, terms)),
    }
}

fn is_unexpired(store: &Store, record: &LockRecord, terms: LockTimes) -> bool {
    !record.free && store_time(store) < guard::expiry_time(record.expires, terms.expiry_margin())
}

/// The pause between two reads while another process has locked the folder and has not written its record yet.
const NAMELESS: Duration = Duration::from_millis(20);

/// Requests the lock. It does not wait for another holder.
///
/// # Errors
/// As [`read_lock`], and if the clocks differ too much or no nonce can be generated.
pub async fn request_lock(store: &Store, claim: LockClaim<'_>, terms: LockTimes) -> Result<LockAnswer, LockError> {
    let nonce = super::generate_random_id()?;
    loop {
        let file = match &store.folder {
            Some(folder) => Some(folder::claim_folder(store, folder)?),
            None => None,
        };
        let there = read_lock(store, claim.stack).await?;
        check_clock_skew(store)?;
        let held = match (&file, &there) {
            (Some(Some(_)), _) | (None, None) => false,
            (Some(None), _) => true,
            (None, Some((record, _))) => is_unexpired(store, record, terms),
        };
        match &there {
            Some((record, _)) if held && !record.free => return Ok(LockAnswer::HeldByOther(Box::new(record.clone()))),
            _ if held => {
                // Either the other process writes its record within moments, or it ends and the lock becomes free.
                tokio::time::sleep(NAMELESS).await;
                continue;
            }
            _ => {}
        }
        let record = next_record(claim, there.as_ref().map(|(record, _)| record), &nonce, store_time(store), terms);
        let asked = Instant::now();
        let written = match &there {
            None => store.create_object(KEY, &record.to_json_bytes(store)?).await?,
            Some((_, version)) => store.replace_object(KEY, &record.to_json_bytes(store)?, version).await?,
        };
        // The answer to a write may be lost, so the nonce in the store decides whose lock it is.
        if written != WriteOutcome::PreconditionFailed
            && let Some((found, version)) = read_lock(store, claim.stack).await?
            && found.nonce == nonce
        {
            check_clock_skew(store)?;
            return Ok(LockAnswer::Acquired(LockGuard::new(
                store.clone(),
                found,
                version,
                terms,
                asked,
                file.flatten(),
            )));
        }
    }
}

/// The record for a claim. `last` is the record of the previous holder.
fn next_record(
    claim: LockClaim<'_>,
    last: Option<&LockRecord>,
    nonce: &str,
    since: Timestamp,
    terms: LockTimes,
) -> LockRecord {
    let known = last.map(LockRecord::known_ledger).unwrap_or_default();
    LockRecord {
        schema: SCHEMA,
        stack: Some(claim.stack.clone()),
        lineage: known.lineage,
        holder: claim.holder.clone(),
        what: claim.what.to_owned(),
        nonce: nonce.to_owned(),
        epoch: last.map_or(0, |record| record.epoch).saturating_add(1),
        counter: 1,
        since,
        expires: guard::expiry_time(since, terms.lease),
        free: false,
        head: known.head,
    }
}

fn check_clock_skew(store: &Store) -> Result<(), LockError> {
    match store.clock_skew() {
        Some(apart) if apart.abs() > FARTHEST => Err(LockError::Clock { place: store.place().to_owned(), apart }),
        _ => Ok(()),
    }
}

/// Frees a lock that another run holds, even if that run renews it at the same time. `false`: it is free, or belongs to a later holder.
///
/// # Errors
/// As [`read_lock`].
pub async fn break_lock(store: &Store, stack: &StackName, record: &LockRecord) -> Result<bool, LockError> {
    while let Some((found, version)) = read_lock(store, stack).await? {
        if found.nonce != record.nonce || found.free {
            return Ok(false);
        }
        let freed = LockRecord { free: true, counter: found.counter.saturating_add(1), ..found };
        if store.replace_object(KEY, &freed.to_json_bytes(store)?, &version).await? != WriteOutcome::PreconditionFailed
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Replaces a lock that cannot be parsed by a free one. `epoch` is the epoch of the last holder in the ledger. `false`: the lock can be
/// parsed now, or does not exist any more.
///
/// # Errors
/// As [`read_lock`], except that a lock that cannot be parsed is not an error.
pub async fn break_unreadable_lock(
    store: &Store,
    claim: LockClaim<'_>,
    epoch: u64,
    known: KnownLedger,
) -> Result<bool, LockError> {
    let nonce = super::generate_random_id()?;
    while let Some(object) = store.read_object(KEY).await? {
        let version = object.version.clone();
        match LockRecord::parse_object(store, claim.stack, object) {
            Err(LockError::Unreadable { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(false),
        }
        let record = next_record(claim, None, &nonce, store_time(store), LockTimes::default());
        let freed =
            LockRecord { free: true, epoch, head: known.head.clone(), lineage: known.lineage.clone(), ..record };
        if store.replace_object(KEY, &freed.to_json_bytes(store)?, &version).await? != WriteOutcome::PreconditionFailed
        {
            return Ok(true);
        }
    }
    Ok(false)
}
