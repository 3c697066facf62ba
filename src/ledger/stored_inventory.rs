//! Reads what a stack owns from its store, and checks it against the ledger.
//!
//! In: the store. Out: a [`StoredInventory`]. Invariant: an inventory that the ledger does not confirm is an error, never an empty or an
//! older one.
//!
//! ```text
//! inventory.json        head = entry 7
//! ledger/…07.json       its digest is the head's, and its record run_ended has the digest of the inventory
//! ledger/…08.json …     entries of a run that was killed: added one by one; usually there are none
//! ```
//!
//! Without `inventory.json`, all entries are read. That happens once, after an update from an earlier version, or if the object was lost.

use std::collections::BTreeSet;

use leasehold_provider::{ChangeKind, Digest, ResourceId, StackName};

use super::chain::LedgerError;
use super::entry::{self, LedgerEntry, LedgerHead};
use super::inventory::{self, Inventory, InventoryFold, digest_owned_objects};
use super::record::{LedgerRecord, ObservedEffect};
use super::unfinished;
use crate::ownership::StackOwnership;
use crate::store::lock::OtherStackError;
use crate::store::{ObjectVersion, Store};

/// What a store records about the objects of a stack.
#[derive(Debug, Clone)]
pub struct StoredInventory {
    /// For the engine.
    pub ownership: StackOwnership,
    /// What the stack owns after the last entry of the ledger.
    pub fold: InventoryFold,
    /// The version of `inventory.json`, for a conditional write. `None`: the store has no such object.
    pub version: Option<ObjectVersion>,
}

/// Reads what a stack owns.
///
/// # Errors
/// The store does not answer, or the inventory belongs to another stack, or does not match the ledger.
pub async fn read_stored_inventory(store: &Store, stack: &StackName) -> Result<StoredInventory, LedgerError> {
    let Some(object) = store.read_object(inventory::KEY).await? else {
        return rebuild_inventory(store, stack).await;
    };
    let mismatch = |why: String| LedgerError::Inventory { place: store.place().to_owned(), why };
    let read = Inventory::parse_inventory(&object.bytes).map_err(mismatch)?;
    if read.stack != *stack {
        let place = store.place().to_owned();
        return Err(OtherStackError { place, theirs: read.stack, ours: stack.clone() }.into());
    }
    let (lineage, head) = (read.lineage.clone(), read.head.clone());
    let owned = read.into_owned_objects();
    let Some(entry) = store.read_object(&entry::entry_key(head.number)).await? else {
        return Err(mismatch(format!("entry {} of the ledger, which it names, does not exist", head.number)));
    };
    let closing = parse_entry(store, head.number, &entry.bytes)?;
    let confirms = |entry: &LedgerEntry| find_inventory_digest(entry) == Some(digest_owned_objects(&owned));
    if Digest::from_bytes(&entry.bytes) != head.digest
        || !confirms(&closing)
        || closing.lineage != Some(lineage.clone())
    {
        return Err(mismatch(format!("entry {} of the ledger does not confirm it", head.number)));
    }
    let mut fold = InventoryFold::new(owned);
    follow_entries(store, head, &mut fold).await?;
    let ownership = StackOwnership::Recorded { lineage: Some(lineage), owned: fold.owned().clone() };
    Ok(StoredInventory { ownership, fold, version: Some(object.version) })
}

/// Adds the entries after `head`.
async fn follow_entries(store: &Store, mut head: LedgerHead, fold: &mut InventoryFold) -> Result<(), LedgerError> {
    loop {
        let number = head.number.saturating_add(1);
        let Some(object) = store.read_object(&entry::entry_key(number)).await? else { return Ok(()) };
        let next = parse_entry(store, number, &object.bytes)?;
        if next.previous != head.digest || next.number != number {
            return Err(LedgerError::Forked { number, place: store.place().to_owned() });
        }
        add_checked_entry(store, fold, &next)?;
        head = LedgerHead { number, digest: Digest::from_bytes(&object.bytes) };
    }
}

/// Adds an entry. If it ends a run, it must have the digest of the inventory.
fn add_checked_entry(store: &Store, fold: &mut InventoryFold, entry: &LedgerEntry) -> Result<(), LedgerError> {
    fold.add_entry(entry);
    match find_inventory_digest(entry) {
        Some(digest) if digest != digest_owned_objects(fold.owned()) => Err(LedgerError::Inventory {
            place: store.place().to_owned(),
            why: format!("entry {} of the ledger has the digest of another inventory", entry.number),
        }),
        _ => Ok(()),
    }
}

fn parse_entry(store: &Store, number: u64, bytes: &[u8]) -> Result<LedgerEntry, LedgerError> {
    LedgerEntry::parse_entry(bytes).map_err(|why| LedgerError::Entry { number, place: store.place().to_owned(), why })
}

fn find_inventory_digest(entry: &LedgerEntry) -> Option<Digest> {
    entry.records.iter().find_map(|record| match record {
        LedgerRecord::RunEnded(ended) => ended.inventory,
        _ => None,
    })
}

/// Builds the inventory from all entries of the ledger.
async fn rebuild_inventory(store: &Store, stack: &StackName) -> Result<StoredInventory, LedgerError> {
    let names = store.list_names("ledger").await?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| entry::parse_entry_name(name)).collect();
    numbers.sort_unstable();
    let mut fold = InventoryFold::default();
    let mut entries = Vec::with_capacity(numbers.len());
    let mut records_ownership = false;
    let mut head = LedgerHead::empty_ledger();
    for number in numbers {
        let Some(object) = store.read_object(&entry::entry_key(number)).await? else { continue };
        let entry = parse_entry(store, number, &object.bytes)?;
        if entry.stack != *stack {
            let place = store.place().to_owned();
            return Err(OtherStackError { place, theirs: entry.stack, ours: stack.clone() }.into());
        }
        // The first entry that has the digest of an inventory belongs to a run that took the objects over. Before it there is none to
        // compare with.
        let follows = entry.previous == head.digest && entry.number == head.number.saturating_add(1);
        if !follows && (records_ownership || entry.schema > 2) {
            return Err(LedgerError::Forked { number, place: store.place().to_owned() });
        }
        add_checked_entry(store, &mut fold, &entry)?;
        records_ownership |= find_inventory_digest(&entry).is_some();
        head = LedgerHead { number, digest: Digest::from_bytes(&object.bytes) };
        entries.push(entry);
    }
    let lineage = entries.iter().rev().find_map(|entry| entry.lineage.clone());
    let ownership = if records_ownership || entries.is_empty() {
        StackOwnership::Recorded { lineage, owned: fold.owned().clone() }
    } else {
        StackOwnership::Earlier { lineage, written: list_written_objects(&entries) }
    };
    Ok(StoredInventory { ownership, fold, version: None })
}

/// The objects that the runs of an earlier version created or imported, and did not delete or release.
fn list_written_objects(entries: &[LedgerEntry]) -> BTreeSet<ResourceId> {
    let mut written = BTreeSet::new();
    let mut intents = std::collections::BTreeMap::new();
    let mut note = |action: ChangeKind, resource: ResourceId| match action {
        ChangeKind::Create | ChangeKind::Import => drop(written.insert(resource)),
        ChangeKind::Delete | ChangeKind::Release => drop(written.remove(&resource)),
        ChangeKind::Update | ChangeKind::Mark => {}
    };
    for entry in entries {
        for record in &entry.records {
            match record {
                LedgerRecord::Intent(intent) => {
                    intents.insert((entry.run.clone(), intent.step), (intent.action, intent.resource.clone()));
                }
                LedgerRecord::Outcome(outcome) => {
                    if let Some((action, resource)) = intents.remove(&(entry.run.clone(), outcome.step))
                        && outcome.done
                    {
                        note(action, resource);
                    }
                }
                LedgerRecord::Resolved(resolved) => {
                    if let Some((action, resource)) = intents.remove(&(resolved.of_run.clone(), resolved.step))
                        && resolved.found != ObservedEffect::NotDone
                    {
                        note(action, resource);
                    }
                }
                _ => {}
            }
        }
    }
    // A run that was killed may have created these.
    for (_, intent) in unfinished::find_open_intents(entries) {
        note(intent.action, intent.resource);
    }
    written
}
