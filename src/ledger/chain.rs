//! Appends to the chain, and reads it.

use jiff::Timestamp;
use leasehold_provider::{Digest, StackName};
use tokio::sync::Mutex;

use super::entry::{self, EntryError, LedgerEntry, LedgerHead};
use super::record::LedgerRecord;
use crate::store::lineage::Lineage;
use crate::store::lock::{KnownLedger, OtherStackError};
use crate::store::{NoRandomnessError, Store, StoreError, WriteOutcome, wall_clock};

/// Why the ledger could not be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// The store does not answer as it must.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry that the chain goes on from is not one.
    #[error("entry {number} of the ledger in {place}: {why}")]
    Entry {
        /// Its number.
        number: u64,
        /// Where the ledger is.
        place: String,
        /// What is wrong with it.
        why: EntryError,
    },
    /// The ledger is another stack's.
    #[error(transparent)]
    OtherStack(#[from] OtherStackError),
    /// The ledger is not the one that the lock knows: it was replaced by another one.
    #[error(
        "the ledger in {place} has lineage {found}, and lock.json there has lineage {known}: one of the two was replaced"
    )]
    OtherLineage {
        /// Where the ledger is.
        place: String,
        /// The lineage of its last entry.
        found: Lineage,
        /// The lineage that the lock's last holder knew.
        known: Lineage,
    },
    /// The operating system gives no randomness for a new lineage.
    #[error(transparent)]
    Randomness(#[from] NoRandomnessError),
    /// Somebody broke the lock of this run and said so in the ledger.
    #[error("somebody broke the lock of this run")]
    LockBroken,
    /// Somebody else's entry does not follow from ours.
    #[error("entry {number} of the ledger in {place} does not follow from the one before it")]
    Forked {
        /// Its number.
        number: u64,
        /// Where the ledger is.
        place: String,
    },
}

impl LedgerError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Store(error) => error.help(),
            Self::Entry { .. } | Self::Forked { .. } => {
                "`leasehold audit verify` shows where the chain breaks.".to_owned()
            }
            Self::OtherStack(other) => other.help(),
            Self::OtherLineage { .. } => {
                "Restore the object that was replaced, from a backup or an older version of it. If the ledger is right, deleting lock.json \
                 is enough."
                    .to_owned()
            }
            Self::Randomness(_) => "Check that /dev/urandom can be read.".to_owned(),
            Self::LockBroken => "`leasehold audit list --kind lock_broken` shows who broke it, and why.".to_owned(),
        }
    }
}

/// The end of a ledger, where one run appends.
#[derive(Debug)]
pub struct Chain {
    store: Store,
    stack: StackName,
    lineage: Lineage,
    run: String,
    head: Mutex<LedgerHead>,
    /// Where the chain ended when it was opened.
    found: LedgerHead,
    lost: Option<LedgerHead>,
}

impl Chain {
    /// Finds the end of the ledger. `known` is what the lock says of it: looking begins where it once ended. A ledger without a lineage
    /// gets the one that the lock knows, or a new one.
    ///
    /// # Errors
    /// Where the store does not answer, the last entry does not read, or it is of another stack or lineage.
    pub async fn open_ledger(
        store: Store,
        stack: StackName,
        run: String,
        known: KnownLedger,
    ) -> Result<Self, LedgerError> {
        let (head, lost) = match known.head {
            Some(known) if known.number > 0 => match read_entry_digest(&store, known.number).await? {
                Some(digest) if digest == known.digest => (find_end_after(&store, known).await?, None),
                // It was cut off or written anew. History is lost, and control is not; the run says so in its first entry.
                _ => (find_last_entry(&store).await?, Some(known)),
            },
            _ => (find_last_entry(&store).await?, None),
        };
        let lineage = find_lineage(&store, &stack, &head, known.lineage).await?;
        Ok(Self { store, stack, lineage, run, head: Mutex::new(head.clone()), found: head, lost })
    }

    /// The lineage of the ledger.
    #[must_use]
    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// Where the ledger ends.
    pub async fn head(&self) -> LedgerHead {
        self.head.lock().await.clone()
    }

    /// An end that was known and is not there any more.
    #[must_use]
    pub fn lost_head(&self) -> Option<&LedgerHead> {
        self.lost.as_ref()
    }

    /// What the next holder of the lock must know: an end that was lost stays known until an entry reports it.
    pub async fn known_ledger(&self) -> KnownLedger {
        let head = self.head().await;
        let head = match &self.lost {
            Some(lost) if head == self.found => Some(lost.clone()),
            _ => (head.number > 0).then_some(head),
        };
        KnownLedger { head, lineage: Some(self.lineage.clone()) }
    }

    /// The stack whose ledger it is.
    #[must_use]
    pub fn stack(&self) -> &StackName {
        &self.stack
    }

    /// The run that appends.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The store that the chain lies in.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Appends one entry. It is in the ledger when this returns.
    pub async fn append_entry(&self, records: Vec<LedgerRecord>) -> Result<LedgerHead, LedgerError> {
        let mut head = self.head.lock().await;
        loop {
            let next = LedgerEntry {
                schema: entry::SCHEMA,
                number: head.number.saturating_add(1),
                previous: head.digest,
                stack: self.stack.clone(),
                lineage: Some(self.lineage.clone()),
                at: truncate_to_seconds(wall_clock()),
                run: self.run.clone(),
                records: records.clone(),
            };
            let bytes = next.to_json_bytes();
            match self.store.create_retained_object(&entry::entry_key(next.number), &bytes).await? {
                WriteOutcome::Yes(_) => {
                    *head = LedgerHead { number: next.number, digest: Digest::from_bytes(&bytes) };
                    return Ok(head.clone());
                }
                // Somebody else appended, such as who broke a lock. The chain goes on from theirs.
                WriteOutcome::Taken => *head = self.follow_new_entries(&head).await?,
            }
        }
    }

    async fn follow_new_entries(&self, head: &LedgerHead) -> Result<LedgerHead, LedgerError> {
        let number = head.number.saturating_add(1);
        let place = || self.store.place().to_owned();
        let Some(object) = self.store.read_object(&entry::entry_key(number)).await? else {
            return Err(LedgerError::Forked { number, place: place() });
        };
        let theirs = LedgerEntry::parse_entry(&object.bytes).map_err(|why| LedgerError::Entry {
            number,
            place: place(),
            why,
        })?;
        if theirs.records.iter().any(|record| matches!(record, LedgerRecord::LockBroken(_))) {
            return Err(LedgerError::LockBroken);
        }
        if theirs.previous != head.digest || theirs.number != number {
            return Err(LedgerError::Forked { number, place: place() });
        }
        Ok(LedgerHead { number, digest: Digest::from_bytes(&object.bytes) })
    }

    /// The entries from the end backwards, while `wanted` says to go on.
    pub async fn read_backwards(
        &self,
        mut wanted: impl FnMut(&LedgerEntry) -> bool,
    ) -> Result<Vec<LedgerEntry>, LedgerError> {
        let mut number = self.head().await.number;
        let mut entries = Vec::new();
        while number > 0 {
            let place = || self.store.place().to_owned();
            // A gap ends the search; `audit verify` is what speaks of gaps.
            let Some(object) = self.store.read_object(&entry::entry_key(number)).await? else { break };
            let entry = LedgerEntry::parse_entry(&object.bytes).map_err(|why| LedgerError::Entry {
                number,
                place: place(),
                why,
            })?;
            let go_on = wanted(&entry);
            entries.push(entry);
            if !go_on {
                break;
            }
            number = number.saturating_sub(1);
        }
        Ok(entries)
    }
}

/// The lineage of the ledger that ends at `head`, held against what the lock knows.
async fn find_lineage(
    store: &Store,
    stack: &StackName,
    head: &LedgerHead,
    known: Option<Lineage>,
) -> Result<Lineage, LedgerError> {
    let place = || store.place().to_owned();
    let number = head.number;
    let last = match number {
        0 => None,
        _ => store.read_object(&entry::entry_key(number)).await?,
    };
    let last = last.map(|object| LedgerEntry::parse_entry(&object.bytes)).transpose();
    let last = last.map_err(|why| LedgerError::Entry { number, place: place(), why })?;
    if let Some(other) = last.as_ref().filter(|entry| entry.stack != *stack) {
        return Err(OtherStackError { place: place(), theirs: other.stack.clone(), ours: stack.clone() }.into());
    }
    match (last.and_then(|entry| entry.lineage), known) {
        (Some(found), Some(known)) if found != known => Err(LedgerError::OtherLineage { place: place(), found, known }),
        (Some(lineage), _) | (None, Some(lineage)) => Ok(lineage),
        (None, None) => Ok(Lineage::generate_random()?),
    }
}

async fn read_entry_digest(store: &Store, number: u64) -> Result<Option<Digest>, StoreError> {
    Ok(store.read_object(&entry::entry_key(number)).await?.map(|object| Digest::from_bytes(&object.bytes)))
}

/// From an end that was true to the one that is.
async fn find_end_after(store: &Store, mut head: LedgerHead) -> Result<LedgerHead, StoreError> {
    loop {
        let number = head.number.saturating_add(1);
        match read_entry_digest(store, number).await? {
            Some(digest) => head = LedgerHead { number, digest },
            None => return Ok(head),
        }
    }
}

/// The last entry by name.
async fn find_last_entry(store: &Store) -> Result<LedgerHead, StoreError> {
    let names = store.list_names("ledger").await?;
    let Some(number) = names.iter().filter_map(|name| entry::parse_entry_name(name)).max() else {
        return Ok(LedgerHead::empty_ledger());
    };
    let digest = read_entry_digest(store, number).await?;
    Ok(digest.map_or_else(LedgerHead::empty_ledger, |digest| LedgerHead { number, digest }))
}

fn truncate_to_seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}
