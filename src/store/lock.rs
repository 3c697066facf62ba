//! One writer of a stack at a time.
//!
//! The lock is an object `lock.json`. It is taken by a conditional write, read back, renewed while its holder works, and given back by
//! another conditional write; its epoch grows with every holder. In a bucket, somebody else takes over only after it has run out,
//! with a margin for clocks. In a folder, its holder keeps a file locked as well, which the system frees when the process ends. Before each write the holder asks [`Guard::may_write`], which answers by the monotonic clock and without a request.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Store, StoreError, Version, Written, folder, wall_clock};
use crate::config::declared::Backend;
use crate::ledger::Head;

const KEY: &str = "lock.json";

/// The format of the object.
const SCHEMA: u32 = 1;

/// Who holds the lock, for whoever is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// As whom: the caller as the cloud knows it.
    pub actor: String,
    /// On which machine.
    pub host: String,
    /// The number of its process there.
    pub process: u32,
    /// The CI job, where it is one: an address to open, or the name of the system.
    pub pipeline: Option<String>,
    /// What the CI job says about itself, under the keys of [`crate::ledger::record::RunStarted::pipeline`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub job: BTreeMap<String, String>,
}

/// The lock as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The format.
    pub schema: u32,
    /// Who holds it, or held it last.
    pub holder: Holder,
    /// What they are doing: `apply`.
    pub what: String,
    /// Unlike that of any other holder.
    pub nonce: String,
    /// How many holders there were, this one included.
    pub epoch: u64,
    /// How often this holder wrote it.
    pub counter: u64,
    /// Since when.
    pub since: Timestamp,
    /// When it ends unless it is renewed.
    pub expires: Timestamp,
    /// Whether it was given back, or broken.
    pub free: bool,
    /// The ledger's last entry as the holder knew it: where the next one begins to look.
    pub head: Option<Head>,
}

/// How long a lock lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// From one renewal on.
    pub lease: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self { lease: Duration::from_secs(60) }
    }
}

impl Terms {
    /// The terms that a stack's `backend` block sets.
    #[must_use]
    pub fn of(backend: &Backend) -> Self {
        let lease = backend.lock_lease.map(|lease| Duration::from_secs(lease.seconds().into()));
        lease.map_or_else(Self::default, |lease| Self { lease })
    }

    /// What is left alone at the end: the holder stops writing that much earlier, and others wait that much longer.
    fn margin(self) -> Duration {
        self.lease / 4
    }
}

/// What came of asking for the lock.
#[derive(Debug)]
pub enum Asked {
    /// It is ours.
    Held(Guard),
    /// Somebody else has it.
    By(Box<Record>),
}

/// Why the lock could not be asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LockError {
    /// The store does not answer as it must.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What lies there is no lock of this format.
    #[error("{place}/lock.json is not a lock that this version reads: {why}")]
    Unreadable {
        /// Where.
        place: String,
        /// Why not.
        why: String,
    },
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

/// What lies in the store, if anything does.
pub async fn look(store: &Store) -> Result<Option<(Record, Version)>, LockError> {
    let Some(object) = store.read(KEY).await? else { return Ok(None) };
    let unreadable = |why: String| LockError::Unreadable { place: store.place().to_owned(), why };
    let record: Record = serde_json::from_slice(&object.bytes).map_err(|error| unreadable(error.to_string()))?;
    if record.schema != SCHEMA {
        return Err(unreadable(format!("its format is {}", record.schema)));
    }
    Ok(Some((record, object.version)))
}

/// The present moment by the store's clock, where it has one.
fn now(store: &Store) -> Timestamp {
    let here = wall_clock();
    here.checked_sub(store.skew().unwrap_or_default()).unwrap_or(here)
}

/// Whether somebody holds the lock now. In a folder, the system knows whether the holder lives. In a bucket, a holder that stopped
/// without a word is waited for until its time and a margin are over.
pub fn is_held(store: &Store, record: &Record, terms: Terms) -> Result<bool, LockError> {
    match &store.folder {
        Some(folder) => Ok(!record.free && folder::claim(store, folder)?.is_none()),
        None => Ok(runs(store, record, terms)),
    }
}

fn runs(store: &Store, record: &Record, terms: Terms) -> bool {
    let margin = SignedDuration::try_from(terms.margin()).unwrap_or_default();
    !record.free && record.expires.checked_add(margin).is_ok_and(|end| now(store) < end)
}

/// How long a process may hold a folder's lock before it has said who it is.
const NAMELESS: Duration = Duration::from_millis(20);

/// Asks for the lock, once.
pub async fn ask(store: &Store, holder: &Holder, what: &str, terms: Terms) -> Result<Asked, LockError> {
    let nonce = super::unlike_any_other();
    loop {
        let claim = match &store.folder {
            Some(folder) => Some(folder::claim(store, folder)?),
            None => None,
        };
        let there = look(store).await?;
        check_clock(store)?;
        let held = match (&claim, &there) {
            (Some(Some(_)), _) | (None, None) => false,
            (Some(None), _) => true,
            (None, Some((record, _))) => runs(store, record, terms),
        };
        match &there {
            Some((record, _)) if held && !record.free => return Ok(Asked::By(Box::new(record.clone()))),
            _ if held => {
                // It is ours within moments, or we learn whose.
                tokio::time::sleep(NAMELESS).await;
                continue;
            }
            _ => {}
        }
        let since = now(store);
        let epoch = there.as_ref().map_or(0, |(record, _)| record.epoch).saturating_add(1);
        let head = there.as_ref().and_then(|(record, _)| record.head.clone());
        let record = Record {
            schema: SCHEMA,
            holder: holder.clone(),
            what: what.to_owned(),
            nonce: nonce.clone(),
            epoch,
            counter: 1,
            since,
            expires: after(since, terms.lease),
            free: false,
            head,
        };
        let asked = Instant::now();
        let written = match &there {
            None => store.create(KEY, &bytes(&record)).await?,
            Some((_, version)) => store.replace(KEY, &bytes(&record), version).await?,
        };
        // Whose it is, the store says, not the answer to our write.
        if written != Written::Taken
            && let Some((found, version)) = look(store).await?
            && found.nonce == nonce
        {
            check_clock(store)?;
            return Ok(Asked::Held(Guard::new(store.clone(), found, version, terms, asked, claim.flatten())));
        }
    }
}

fn check_clock(store: &Store) -> Result<(), LockError> {
    match store.skew() {
        Some(apart) if apart.abs() > FARTHEST => Err(LockError::Clock { place: store.place().to_owned(), apart }),
        _ => Ok(()),
    }
}

/// Frees a lock that somebody else holds, however often that holder renews it meanwhile. `false`: it is another's by now, or free.
pub async fn break_open(store: &Store, record: &Record) -> Result<bool, LockError> {
    while let Some((found, version)) = look(store).await? {
        if found.nonce != record.nonce || found.free {
            return Ok(false);
        }
        let freed = Record { free: true, counter: found.counter.saturating_add(1), ..found };
        if store.replace(KEY, &bytes(&freed), &version).await? != Written::Taken {
            return Ok(true);
        }
    }
    Ok(false)
}

fn after(moment: Timestamp, lease: Duration) -> Timestamp {
    SignedDuration::try_from(lease).ok().and_then(|lease| moment.checked_add(lease).ok()).unwrap_or(moment)
}

fn bytes(record: &Record) -> Vec<u8> {
    // A record of texts, numbers and instants always serializes.
    serde_json::to_vec(record).unwrap_or_default()
}

/// The lock, held. Whoever drops it without giving it back leaves it to run out.
#[derive(Debug)]
pub struct Guard {
    held: Arc<Held>,
    renewal: JoinHandle<()>,
    /// Of a folder: the file whose lock the system frees with this process.
    _claim: Option<File>,
}

#[derive(Debug)]
struct Held {
    store: Store,
    terms: Terms,
    state: Mutex<(Record, Version)>,
    until: std::sync::Mutex<Instant>,
    lost: AtomicBool,
}

impl Guard {
    fn new(store: Store, record: Record, version: Version, terms: Terms, asked: Instant, claim: Option<File>) -> Self {
        let held = Arc::new(Held {
            store,
            terms,
            state: Mutex::new((record, version)),
            until: std::sync::Mutex::new(asked.checked_add(terms.lease).unwrap_or(asked)),
            lost: AtomicBool::new(false),
        });
        let renewal = tokio::spawn(renew(Arc::clone(&held)));
        Self { held, renewal, _claim: claim }
    }

    /// Whether a write may begin now. By the monotonic clock, a margin before the lock runs out, and without a request.
    #[must_use]
    pub fn may_write(&self) -> bool {
        let until = *self.held.until.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let last = until.checked_sub(self.held.terms.margin()).unwrap_or(until);
        !self.held.lost.load(Ordering::Relaxed) && Instant::now() < last
    }

    /// The number of holders so far, this one included.
    pub async fn epoch(&self) -> u64 {
        self.held.state.lock().await.0.epoch
    }

    /// Where the ledger ended when the last holder looked.
    pub async fn head(&self) -> Option<Head> {
        self.held.state.lock().await.0.head.clone()
    }

    /// Gives the lock back, and says where the ledger ends. A lock that meanwhile is somebody else's is left alone.
    pub async fn release(self, head: Option<Head>) -> Result<(), StoreError> {
        self.renewal.abort();
        let mut state = self.held.state.lock().await;
        let (record, version) = &mut *state;
        let free = Record { free: true, counter: record.counter.saturating_add(1), head, ..record.clone() };
        self.held.store.replace(KEY, &bytes(&free), version).await.map(|_| ())
    }
}

/// Renews three times in a lease. That the lock went to somebody else is the end; that the store does not answer is not, until the
/// lease is over.
async fn renew(held: Arc<Held>) {
    loop {
        tokio::time::sleep(held.terms.lease / 3).await;
        let mut state = held.state.lock().await;
        let (record, version) = &mut *state;
        let asked = Instant::now();
        let next = Record {
            expires: after(now(&held.store), held.terms.lease),
            counter: record.counter.saturating_add(1),
            ..record.clone()
        };
        match held.store.replace(KEY, &bytes(&next), version).await {
            Ok(Written::Yes(written)) => {
                (*record, *version) = (next, written);
                let until = asked.checked_add(held.terms.lease).unwrap_or(asked);
                *held.until.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = until;
            }
            Ok(Written::Taken) => {
                held.lost.store(true, Ordering::Relaxed);
                tracing::warn!("the lock was taken or broken by somebody else");
                return;
            }
            Err(error) => tracing::warn!(%error, "the lock could not be renewed"),
        }
    }
}
