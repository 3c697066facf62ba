//! One writer of a stack at a time.
//!
//! The lock is an object `lock.json`. It is taken by a conditional write, read back, renewed while its holder works, and given back by
//! another conditional write; its epoch grows with every holder. It names its stack, so that two stacks that are configured to share a
//! place are refused. In a bucket, another run takes over only after it has expired, with a margin for clocks. In a folder, its holder
//! keeps a file locked as well, which the system frees when the process ends. Before each write the holder asks [`Guard::may_write`], which
//! answers by the monotonic clock and without a request.

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

/// How long a lock lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockTerms {
    /// From one renewal on.
    pub lease: Duration,
}

impl Default for LockTerms {
    fn default() -> Self {
        Self { lease: Duration::from_secs(60) }
    }
}

impl LockTerms {
    /// The terms that a stack's `backend` block sets.
    #[must_use]
    pub fn from_backend(backend: &Backend) -> Self {
        let lease = backend.lock_lease.map(|lease| Duration::from_secs(lease.as_seconds().into()));
        lease.map_or_else(Self::default, |lease| Self { lease })
    }

    /// What is left alone at the end: the holder stops writing that much earlier, and others wait that much longer.
    fn expiry_margin(self) -> Duration {
        self.lease / 4
    }
}

/// What came of asking for the lock.
#[derive(Debug)]
pub enum LockAnswer {
    /// It is ours.
    Held(LockGuard),
    /// Somebody else has it.
    By(Box<LockRecord>),
}

/// Why the lock could not be asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LockError {
    /// The store does not answer as it must.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object is not a lock in a format that this version reads.
    #[error("{place}/lock.json is not a lock that this version reads: {why}")]
    Unreadable {
        /// Where.
        place: String,
        /// Why not.
        why: String,
    },
    /// It is the lock of another stack.
    #[error(transparent)]
    OtherStack(#[from] OtherStackError),
    /// The operating system gives no randomness for a nonce.
    #[error(transparent)]
    Randomness(#[from] NoRandomnessError),
    /// This machine's clock and the store's are far apart.
    #[error("this machine's clock is {} {} that of {place}", apart.abs(), if apart.is_negative() { "behind" } else { "ahead of" })]
    Clock {
        /// Where the other clock is.
        place: String,
        /// How far ahead this one is.
        apart: SignedDuration,
    },
}

/// The farthest that two clocks may be apart: deadlines are instants, and a wrong clock ends access too early or too late.
const FARTHEST: SignedDuration = SignedDuration::from_mins(5);

/// The lock of a stack as it is in the store; `None`: nobody has taken it yet.
///
/// # Errors
/// Where the store does not answer, the object does not read, or it is the lock of another stack.
pub async fn read_lock(store: &Store, stack: &StackName) -> Result<Option<(LockRecord, ObjectVersion)>, LockError> {
    store.read_object(KEY).await?.map(|object| LockRecord::parse_object(store, stack, object)).transpose()
}

/// The present moment by the store's clock, where it has one.
fn store_time(store: &Store) -> Timestamp {
    let here = wall_clock();
    here.checked_sub(store.clock_skew().unwrap_or_default()).unwrap_or(here)
}

/// Whether somebody holds the lock now. In a folder, the system knows whether the holder lives. In a bucket, a holder that stopped
/// without a word is waited for until its time and a margin are over.
pub fn is_held(store: &Store, record: &LockRecord, terms: LockTerms) -> Result<bool, LockError> {
    match &store.folder {
        Some(folder) => Ok(!record.free && folder::claim_folder(store, folder)?.is_none()),
        None => Ok(is_unexpired(store, record, terms)),
    }
}

fn is_unexpired(store: &Store, record: &LockRecord, terms: LockTerms) -> bool {
    let margin = SignedDuration::try_from(terms.expiry_margin()).unwrap_or_default();
    !record.free && record.expires.checked_add(margin).is_ok_and(|end| store_time(store) < end)
}

/// How long a process may hold a folder's lock before it has said who it is.
const NAMELESS: Duration = Duration::from_millis(20);

/// Asks for the lock, once.
pub async fn request_lock(store: &Store, claim: LockClaim<'_>, terms: LockTerms) -> Result<LockAnswer, LockError> {
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
            Some((record, _)) if held && !record.free => return Ok(LockAnswer::By(Box::new(record.clone()))),
            _ if held => {
                // It is ours within moments, or we learn whose.
                tokio::time::sleep(NAMELESS).await;
                continue;
            }
            _ => {}
        }
        let record = next_record(claim, there.as_ref().map(|(record, _)| record), &nonce, store_time(store), terms);
        let asked = Instant::now();
        let written = match &there {
            None => store.create_object(KEY, &record.to_json_bytes()).await?,
            Some((_, version)) => store.replace_object(KEY, &record.to_json_bytes(), version).await?,
        };
        // Whose it is, the store says, not the answer to our write.
        if written != WriteOutcome::Taken
            && let Some((found, version)) = read_lock(store, claim.stack).await?
            && found.nonce == nonce
        {
            check_clock_skew(store)?;
            return Ok(LockAnswer::Held(LockGuard::new(store.clone(), found, version, terms, asked, file.flatten())));
        }
    }
}

/// The lock of a claim, after `last`, the record of the holder before.
fn next_record(
    claim: LockClaim<'_>,
    last: Option<&LockRecord>,
    nonce: &str,
    since: Timestamp,
    terms: LockTerms,
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

/// Frees a lock that another run holds, however often that run renews it meanwhile. `false`: it is another holder's by now, or free.
///
/// # Errors
/// As [`read_lock`].
pub async fn break_lock(store: &Store, stack: &StackName, record: &LockRecord) -> Result<bool, LockError> {
    while let Some((found, version)) = read_lock(store, stack).await? {
        if found.nonce != record.nonce || found.free {
            return Ok(false);
        }
        let freed = LockRecord { free: true, counter: found.counter.saturating_add(1), ..found };
        if store.replace_object(KEY, &freed.to_json_bytes(), &version).await? != WriteOutcome::Taken {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Replaces a lock that does not read by a free one. `epoch` is that of the last holder the ledger knows. `false`: it reads by now, or is
/// gone.
///
/// # Errors
/// As [`read_lock`], except that the object does not read.
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
        let record = next_record(claim, None, &nonce, store_time(store), LockTerms::default());
        let freed =
            LockRecord { free: true, epoch, head: known.head.clone(), lineage: known.lineage.clone(), ..record };
        if store.replace_object(KEY, &freed.to_json_bytes(), &version).await? != WriteOutcome::Taken {
            return Ok(true);
        }
    }
    Ok(false)
}
