//! The inventory: which objects the stack owns, derived from the ledger.
//!
//! In: the entries of the ledger, in their order. Out: [`OwnedObjects`], and `inventory.json`, which holds them as they are after the last
//! entry of a run. Invariant: the entry that ends a run contains the digest of the inventory after it, so the object can be checked with
//! two reads, however long the ledger is, and can be built again from the entries.
//!
//! Example: a run creates user `bot` and is killed after the creation. Its first entry has the intent to create `bot`. The inventory has an
//! unconfirmed creation. The next run finds `bot` with a unique id and a date of creation that fits, and records that it owns it.
//!
//! ```text
//! intent (create bot)     bot: unconfirmed
//! outcome (done, AIDA1)   AIDA1: bot, with the marks of the intent
//! intent (mark bot)       AIDA1: bot, unsettled marks
//! outcome (done)          AIDA1: bot, with the new marks
//! ```

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{
    ChangeKind, Digest, Document, Lineage, Marks, OwnedObject, OwnedObjects, ResourceId, StackName, UnconfirmedCreation,
};
use serde::{Deserialize, Serialize};

use super::entry::{LedgerEntry, LedgerHead};
use super::record::{Intent, IntentResolution, LedgerRecord, ObservedEffect, RecordedOutcome};
use crate::ownership::{OwnershipChange, OwnershipEvent};

/// The key of the object.
pub const KEY: &str = "inventory.json";
/// The version of its format.
const FORMAT: u32 = 1;

/// The object `inventory.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    format: u32,
    /// The stack that it belongs to.
    pub stack: StackName,
    /// The lineage of the stack's ledger.
    pub lineage: Lineage,
    /// The entry that ended the run which wrote it.
    pub head: LedgerHead,
    /// What the stack owns.
    content: InventoryContent,
}

/// The part of the inventory that the ledger contains the digest of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InventoryContent {
    /// By unique id.
    objects: BTreeMap<String, OwnedObject>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unconfirmed: Vec<UnconfirmedObject>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnconfirmedObject {
    resource: ResourceId,
    creation: UnconfirmedCreation,
}

impl InventoryContent {
    fn from_owned(owned: &OwnedObjects) -> Self {
        let unconfirmed = owned.unconfirmed.iter();
        let unconfirmed = unconfirmed
            .map(|(resource, creation)| UnconfirmedObject { resource: resource.clone(), creation: creation.clone() });
        Self { objects: owned.objects.clone(), unconfirmed: unconfirmed.collect() }
    }
}

/// The digest of what a stack owns, as the ledger contains it.
#[must_use]
pub fn digest_owned_objects(owned: &OwnedObjects) -> Digest {
    Digest::from_serializable(&InventoryContent::from_owned(owned))
}

impl Inventory {
    /// The inventory of a stack after the entry `head`.
    #[must_use]
    pub fn new(stack: StackName, lineage: Lineage, head: LedgerHead, owned: &OwnedObjects) -> Self {
        Self { format: FORMAT, stack, lineage, head, content: InventoryContent::from_owned(owned) }
    }

    /// Parses the object.
    ///
    /// # Errors
    /// If the bytes are not the object in this format.
    pub fn parse_inventory(bytes: &[u8]) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match read.format {
            FORMAT => Ok(read),
            other => Err(format!("format {other} was written by another version of Leasehold")),
        }
    }

    /// The bytes of the object.
    ///
    /// # Errors
    /// If the object does not serialize.
    pub fn to_json_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let value = serde_json::to_value(self)?;
        Ok(Document::new(value).canonical_text().as_bytes().to_vec())
    }

    /// What the stack owns.
    #[must_use]
    pub fn into_owned_objects(self) -> OwnedObjects {
        let InventoryContent { objects, unconfirmed } = self.content;
        let unconfirmed = unconfirmed.into_iter().map(|object| (object.resource, object.creation)).collect();
        OwnedObjects { objects, unconfirmed }
    }
}

/// What the stack owns after the entries that were added so far.
#[derive(Debug, Clone, Default)]
pub struct InventoryFold {
    owned: OwnedObjects,
    /// The unique id of each object, by its id.
    unique_ids: BTreeMap<ResourceId, String>,
    /// Unconfirmed creations that were attempted again.
    attempted: BTreeSet<ResourceId>,
    /// The intents without an outcome.
    open: BTreeMap<(String, usize), Intent>,
}

impl InventoryFold {
    /// Begins with what the stack owns.
    #[must_use]
    pub fn new(owned: OwnedObjects) -> Self {
        let unique_ids = owned.objects.iter().map(|(unique_id, object)| (object.resource.clone(), unique_id.clone()));
        Self { unique_ids: unique_ids.collect(), owned, attempted: BTreeSet::new(), open: BTreeMap::new() }
    }

    /// What the stack owns.
    #[must_use]
    pub fn owned(&self) -> &OwnedObjects {
        &self.owned
    }

    /// Adds an entry of the ledger.
    pub fn add_entry(&mut self, entry: &LedgerEntry) {
        self.add_records(&entry.run, entry.at, &entry.records);
    }

    /// Adds records of a run, in an entry that was written at `at`.
    pub fn add_records(&mut self, run: &str, at: Timestamp, records: &[LedgerRecord]) {
        for record in records {
            match record {
                LedgerRecord::Intent(intent) => self.add_intent(run, at, intent),
                LedgerRecord::Outcome(outcome) => self.add_outcome(run, outcome),
                LedgerRecord::Resolved(resolution) => self.add_resolution(resolution),
                LedgerRecord::Ownership(change) => self.add_ownership_change(change),
                _ => {}
            }
        }
    }

    fn add_intent(&mut self, run: &str, at: Timestamp, intent: &Intent) {
        match (intent.action, &intent.marks) {
            (ChangeKind::Create, Some(marks)) => {
                let creation = UnconfirmedCreation { marks: (**marks).clone(), since: intent.at.unwrap_or(at) };
                match self.owned.unconfirmed.entry(intent.resource.clone()) {
                    Entry::Vacant(entry) => drop(entry.insert(creation)),
                    // An earlier attempt may have succeeded, also if this one is refused because the name is taken.
                    Entry::Occupied(_) => drop(self.attempted.insert(intent.resource.clone())),
                }
            }
            (ChangeKind::Mark, Some(marks)) => {
                if let Some(object) = self.find_object(&intent.resource) {
                    object.unsettled = Some(marks.clone());
                }
            }
            _ => {}
        }
        self.open.insert((run.to_owned(), intent.step), intent.clone());
    }

    fn add_outcome(&mut self, run: &str, outcome: &RecordedOutcome) {
        let Some(intent) = self.open.remove(&(run.to_owned(), outcome.step)) else { return };
        match (outcome.done, outcome.uncertain) {
            (true, _) => self.add_done(&intent, outcome.unique_id.as_deref()),
            (false, true) => {}
            (false, false) => self.add_not_done(&intent),
        }
    }

    fn add_resolution(&mut self, resolution: &IntentResolution) {
        let Some(intent) = self.open.remove(&(resolution.of_run.clone(), resolution.step)) else { return };
        match (intent.action, resolution.found) {
            // The object may exist, but its unique id is not known here. The run that finds it records that the stack owns it.
            (ChangeKind::Create, _) => {}
            (_, ObservedEffect::Done) => self.add_done(&intent, None),
            // A read may be older than the write, so what it does not show can still appear.
            (_, ObservedEffect::NotDone | ObservedEffect::OtherState) => {}
        }
    }

    fn add_done(&mut self, intent: &Intent, unique_id: Option<&str>) {
        let resource = &intent.resource;
        match (intent.action, &intent.marks, unique_id) {
            (ChangeKind::Create | ChangeKind::Import, Some(marks), Some(unique_id)) => {
                self.insert_object(unique_id, resource, (**marks).clone());
            }
            (ChangeKind::Mark, Some(marks), _) => {
                if let Some(object) = self.find_object(resource) {
                    (object.marks, object.unsettled) = ((**marks).clone(), None);
                }
            }
            (ChangeKind::Delete | ChangeKind::Release, _, _) => {
                if let Some(unique_id) = self.unique_ids.remove(resource) {
                    self.owned.objects.remove(&unique_id);
                }
            }
            _ => {}
        }
    }

    fn add_not_done(&mut self, intent: &Intent) {
        match intent.action {
            ChangeKind::Create if self.attempted.contains(&intent.resource) => {}
            ChangeKind::Create => drop(self.owned.unconfirmed.remove(&intent.resource)),
            ChangeKind::Mark => {
                if let Some(object) = self.find_object(&intent.resource) {
                    object.unsettled = None;
                }
            }
            _ => {}
        }
    }

    fn add_ownership_change(&mut self, change: &OwnershipChange) {
        match change.event {
            OwnershipEvent::Missing => {
                self.owned.objects.remove(&change.unique_id);
                self.unique_ids.retain(|_, unique_id| *unique_id != change.unique_id);
            }
            OwnershipEvent::Confirmed
            | OwnershipEvent::TakenOver
            | OwnershipEvent::Recovered
            | OwnershipEvent::Renamed => {
                self.unique_ids.retain(|_, unique_id| *unique_id != change.unique_id);
                self.insert_object(&change.unique_id, &change.resource, change.marks.clone());
            }
        }
    }

    fn insert_object(&mut self, unique_id: &str, resource: &ResourceId, marks: Marks) {
        self.owned.unconfirmed.remove(resource);
        // An object that had this id before was deleted outside Leasehold, and its unique id is never used again.
        if let Some(before) =
            self.unique_ids.insert(resource.clone(), unique_id.to_owned()).filter(|id| id != unique_id)
        {
            self.owned.objects.remove(&before);
        }
        let object = OwnedObject { resource: resource.clone(), marks, unsettled: None };
        self.owned.objects.insert(unique_id.to_owned(), object);
    }

    fn find_object(&mut self, resource: &ResourceId) -> Option<&mut OwnedObject> {
        self.owned.objects.get_mut(self.unique_ids.get(resource)?)
    }
}

#[cfg(test)]
mod tests {
    use leasehold_provider::{Address, ResourceKind};

    use super::*;

    fn bot() -> ResourceId {
        ResourceId::new(ResourceKind::new("user"), "bot")
    }

    fn marks() -> Marks {
        Marks::new(StackName::new("s").unwrap(), Address::for_identity("bot", None))
    }

    fn intent(step: usize, action: ChangeKind) -> LedgerRecord {
        let subject = Address::for_identity("bot", None);
        let marks = Some(Box::new(marks()));
        LedgerRecord::Intent(Intent {
            step,
            subject,
            action,
            resource: bot(),
            before: None,
            after: None,
            marks,
            at: None,
        })
    }

    fn outcome(step: usize, done: bool, uncertain: bool) -> LedgerRecord {
        let subject = Address::for_identity("bot", None);
        let unique_id = done.then(|| "AIDA1".to_owned());
        let (calls, requests, note, error) = (1, Vec::new(), None, None);
        LedgerRecord::Outcome(RecordedOutcome {
            step,
            subject,
            done,
            calls,
            requests,
            note,
            error,
            uncertain,
            unique_id,
        })
    }

    fn fold(records: &[LedgerRecord]) -> OwnedObjects {
        let mut fold = InventoryFold::default();
        fold.add_records("run", "2026-11-20T10:00:00Z".parse().unwrap(), records);
        fold.owned().clone()
    }

    #[test]
    fn creation_counts_once_its_unique_id_is_known() {
        let created = fold(&[intent(0, ChangeKind::Create), outcome(0, true, false)]);
        assert_eq!(created.objects["AIDA1"].marks, marks());
        assert!(created.unconfirmed.is_empty());
        let deleted = [intent(0, ChangeKind::Create), outcome(0, true, false), intent(1, ChangeKind::Delete)];
        assert_eq!(fold(&[&deleted[..], &[outcome(1, true, false)]].concat()), OwnedObjects::default());
    }

    #[test]
    fn creation_without_a_certain_result_stays_unconfirmed() {
        let resolved = LedgerRecord::Resolved(IntentResolution {
            of_run: "run".to_owned(),
            step: 0,
            subject: Address::for_identity("bot", None),
            resource: bot(),
            found: ObservedEffect::NotDone,
        });
        for unsure in [None, Some(outcome(0, false, true)), Some(resolved)] {
            let records: Vec<_> = [intent(0, ChangeKind::Create)].into_iter().chain(unsure).collect();
            assert!(fold(&records).unconfirmed.contains_key(&bot()), "{records:?}");
        }
        assert_eq!(fold(&[intent(0, ChangeKind::Create), outcome(0, false, false)]), OwnedObjects::default());
        // The name is taken: by the object of the first attempt.
        let again = [intent(0, ChangeKind::Create), intent(1, ChangeKind::Create), outcome(1, false, false)];
        assert!(fold(&again).unconfirmed.contains_key(&bot()));
    }
}
