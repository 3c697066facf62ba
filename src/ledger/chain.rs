//! Appends to the chain of entries, and reads it.
//!
//! In: records of a run. Out: entries in the store. Invariant: an entry has the number after the last entry and its digest, and is created
//! only if no entry has that number. If another writer was first, the chain continues from its entry.

use jiff::Timestamp;
use leasehold_provider::{Digest, OwnedObjects, StackName};
use tokio::sync::Mutex;

use super::entry::{self, EntryError, LedgerEntry, LedgerHead};
use super::inventory::{Inventory, InventoryFold, digest_owned_objects};
use super::record::LedgerRecord;
use crate::store::lock::{KnownLedger, OtherStackError};
use crate::store::{NoRandomnessError, Store, StoreError, WriteOutcome, generate_lineage, wall_clock};
use leasehold_provider::Lineage;

/// Why the ledger could not be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// A request to the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The last entry cannot be parsed, so the chain cannot continue from it.
    #[error("entry {number} of the ledger in {place}: {why}")]
    Entry {
        /// The number of the entry.
        number: u64,
        /// The store, for display.
        place: String,
        /// What is wrong with the entry.
        why: EntryError,
    },
    /// The ledger belongs to another stack.
    #[error(transparent)]
    OtherStack(#[from] OtherStackError),
    /// The ledger has another lineage than the lock: one of the two was replaced.
    #[error(
        "the ledger in {place} has lineage {found}, and lock.json there has lineage {known}: one of the two was replaced"
    )]
    OtherLineage {
        /// The store, for display.
        place: String,
        /// The lineage of its last entry.
        found: Lineage,
        /// The lineage in the lock.
        known: Lineage,
    },
    /// The operating system gave no random bytes for a new lineage.
    #[error(transparent)]
    Randomness(#[from] NoRandomnessError),
    /// Another caller broke the lock of this run and recorded that in the ledger.
    #[error("the lock of this run was broken")]
    LockBroken,
    /// The inventory does not match the ledger, or cannot be parsed.
    #[error("{} in {place} cannot be used: {why}", super::inventory::KEY)]
    Inventory {
        /// The store, for display.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// An entry of another writer does not link to the last entry that this run knows.
    #[error("entry {number} of the ledger in {place} does not follow the previous entry")]
    Forked {
        /// The number of the entry.
        number: u64,
        /// The store, for display.
        place: String,
    },
}

impl LedgerError {
    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Store(error) => error.help(),
            Self::Entry { .. } | Self::Forked { .. } => {
                "Run `leasehold audit verify` to find the invalid entry.".to_owned()
            }
            Self::Inventory { .. } => {
                "Restore the objects that were changed, from a backup or an older version of them. If there is none, run `leasehold audit \
                 verify` to see what is left of the ledger, and `leasehold recover`."
                    .to_owned()
            }
            Self::OtherStack(other) => other.help(),
            Self::OtherLineage { .. } => {
                "Restore the object that was replaced, from a backup or an older version of it. If the ledger is correct, deleting lock.json \
                 is enough."
                    .to_owned()
            }
            Self::Randomness(_) => "Check that /dev/urandom can be read.".to_owned(),
            Self::LockBroken => "Run `leasehold audit list --kind lock_broken` to see who broke it and why.".to_owned(),
        }
    }
}

/// The last entry of a chain, and what the stack owns after it.
#[derive(Debug, Clone)]
struct ChainEnd {
    head: LedgerHead,
    /// The last entry that ended a run.
    closed: Option<LedgerHead>,
    inventory: InventoryFold,
}

impl ChainEnd {
    /// Writes the digest of the inventory after these records into the record that ends a run. Returns whether there is one.
    fn note_inventory(&self, run: &str, at: Timestamp, records: &mut [LedgerRecord]) -> bool {
        let ends_run = |record: &LedgerRecord| matches!(record, LedgerRecord::RunEnded(_));
        if !records.iter().any(ends_run) {
            return false;
        }
        let mut after = self.inventory.clone();
        after.add_records(run, at, records);
        let digest = digest_owned_objects(after.owned());
        for record in records {
            if let LedgerRecord::RunEnded(ended) = record {
                ended.inventory = Some(digest);
            }
        }
        true
    }
}

/// The end of a ledger, where one run appends.
#[derive(Debug)]
pub struct Chain {
    store: Store,
    stack: StackName,
    lineage: Lineage,
    run: String,
    end: Mutex<ChainEnd>,
    /// The last entry when the chain was opened.
    found: LedgerHead,
    lost: Option<LedgerHead>,
}

impl Chain {
    /// Finds the last entry of the ledger. `known` is what the lock stores about it: the search begins at the last entry named there. A
    /// ledger without a lineage gets the lineage in the lock, or a new one.
    ///
    /// # Errors
    /// If the store does not answer, the last entry cannot be parsed, or it belongs to another stack or lineage.
    pub async fn open_ledger(
        store: Store,
        stack: StackName,
        run: String,
        known: KnownLedger,
    ) -> Result<Self, LedgerError> {
        let (head, lost) = match known.head {
            Some(known) if known.number > 0 => match read_entry_digest(&store, known.number).await? {
                Some(digest) if digest == known.digest => (find_end_after(&store, known).await?, None),
                // The ledger was truncated or rewritten. Its history is lost, but identities can still be managed, so the run goes on and
                // records the loss in its first entry.
                _ => (find_last_entry(&store).await?, Some(known)),
            },
            _ => (find_last_entry(&store).await?, None),
        };
        let lineage = find_lineage(&store, &stack, &head, known.lineage).await?;
        let end = ChainEnd { head: head.clone(), closed: None, inventory: InventoryFold::default() };
        Ok(Self { store, stack, lineage, run, end: Mutex::new(end), found: head, lost })
    }

    /// Begins with what the stack owns after the last entry, and keeps it up to date with each entry that is appended.
    pub async fn set_inventory(&self, inventory: InventoryFold) {
        self.end.lock().await.inventory = inventory;
    }

    /// What the stack owns after the last entry.
    pub async fn owned_objects(&self) -> OwnedObjects {
        self.end.lock().await.inventory.owned().clone()
    }

    /// What the stack would own after an entry of this run with these records.
    pub async fn owned_objects_after(&self, records: &[LedgerRecord]) -> OwnedObjects {
        let mut inventory = self.end.lock().await.inventory.clone();
        inventory.add_records(&self.run, truncate_to_seconds(wall_clock()), records);
        inventory.owned().clone()
    }

    /// The inventory after the last entry of this chain that ended a run. `None`: it has appended none.
    pub async fn closed_inventory(&self) -> Option<Inventory> {
        let end = self.end.lock().await;
        let head = end.closed.clone()?;
        Some(Inventory::new(self.stack.clone(), self.lineage.clone(), head, end.inventory.owned()))
    }

    /// The lineage of the ledger.
    #[must_use]
    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// The last entry.
    pub async fn head(&self) -> LedgerHead {
        self.end.lock().await.head.clone()
    }

    /// The last entry that the lock knew, if it is not in the ledger any more.
    #[must_use]
    pub fn lost_head(&self) -> Option<&LedgerHead> {
        self.lost.as_ref()
    }

    /// What the lock stores for its next holder. A lost entry stays known until an entry of the ledger reports the loss.
    pub async fn known_ledger(&self) -> KnownLedger {
        let head = self.head().await;
        let head = match &self.lost {
            Some(lost) if head == self.found => Some(lost.clone()),
            _ => (head.number > 0).then_some(head),
        };
        KnownLedger { head, lineage: Some(self.lineage.clone()) }
    }

    /// The stack that the ledger belongs to.
    #[must_use]
    pub fn stack(&self) -> &StackName {
        &self.stack
    }

    /// The id of the run that appends.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The store that the chain is in.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Appends one entry. The entry is in the store when this returns.
    ///
    /// # Errors
    /// If the store does not answer, this run's lock was broken, or an entry of another writer does not link to the chain.
    pub async fn append_entry(&self, mut records: Vec<LedgerRecord>) -> Result<LedgerHead, LedgerError> {
        let mut end = self.end.lock().await;
        loop {
            let at = truncate_to_seconds(wall_clock());
            let ends_run = end.note_inventory(&self.run, at, &mut records);
            let next = LedgerEntry {
                schema: entry::SCHEMA,
                number: end.head.number.saturating_add(1),
                previous: end.head.digest,
                stack: self.stack.clone(),
                lineage: Some(self.lineage.clone()),
                at,
                run: self.run.clone(),
                records: records.clone(),
            };
            let key = entry::entry_key(next.number);
            let bytes = next.to_json_bytes().map_err(|error| StoreError::from_json(self.store.place(), &key, error))?;
            match self.store.create_retained_object(&key, &bytes).await? {
                WriteOutcome::Written(_) => {
                    let head = LedgerHead { number: next.number, digest: Digest::from_bytes(&bytes) };
                    end.inventory.add_records(&self.run, at, &records);
                    if ends_run {
                        end.closed = Some(head.clone());
                    }
                    end.head = head.clone();
                    return Ok(head);
                }
                // Another writer appended first, such as a command that broke a lock. The chain continues from its entry.
                WriteOutcome::PreconditionFailed => end.head = self.follow_new_entries(&end.head).await?,
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

    /// The entries from the last one backwards, up to and including the first for which `wanted` is false.
    ///
    /// # Errors
    /// If the store does not answer, or an entry cannot be parsed.
    pub async fn read_backwards(
        &self,
        mut desired: impl FnMut(&LedgerEntry) -> bool,
    ) -> Result<Vec<LedgerEntry>, LedgerError> {
        let mut number = self.head().await.number;
        let mut entries = Vec::new();
        while number > 0 {
            let place = || self.store.place().to_owned();
            // A gap ends the search. `audit verify` reports gaps.
            let Some(object) = self.store.read_object(&entry::entry_key(number)).await? else { break };
            let entry = LedgerEntry::parse_entry(&object.bytes).map_err(|why| LedgerError::Entry {
                number,
                place: place(),
                why,
            })?;
            let go_on = desired(&entry);
            entries.push(entry);
            if !go_on {
                break;
            }
            number = number.saturating_sub(1);
        }
        Ok(entries)
    }
}

/// The lineage of the ledger that ends at `head`, checked against the lineage in the lock.
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
        (None, None) => Ok(generate_lineage()?),
    }
}

async fn read_entry_digest(store: &Store, number: u64) -> Result<Option<Digest>, StoreError> {
    Ok(store.read_object(&entry::entry_key(number)).await?.map(|object| Digest::from_bytes(&object.bytes)))
}

/// The last entry, searched one by one from an earlier last entry.
async fn find_end_after(store: &Store, mut head: LedgerHead) -> Result<LedgerHead, StoreError> {
    loop {
        let number = head.number.saturating_add(1);
        match read_entry_digest(store, number).await? {
            Some(digest) => head = LedgerHead { number, digest },
            None => return Ok(head),
        }
    }
}

/// The last entry, found by listing all names.
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
