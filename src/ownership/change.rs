//! The changes of the stack's record that a snapshot shows: nobody wrote the cloud, and the record no longer matches it.

use std::collections::BTreeSet;

use leasehold_provider::{Marks, OwnedObjects, ResourceId, Snapshot};
use serde::{Deserialize, Serialize};

use super::list_live_objects;

/// A change of what the stack owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnershipChange {
    /// Why it changed.
    pub event: OwnershipEvent,
    /// The unique id that the cloud assigned to the object.
    pub unique_id: String,
    /// The id of the object.
    pub resource: ResourceId,
    /// The marks that count for it from now on.
    pub marks: Marks,
}

/// Why the stack owns an object, or no longer owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnershipEvent {
    /// An earlier run created it, and its outcome was not recorded.
    Confirmed,
    /// An earlier version of Leasehold, which did not record unique ids, created or imported it.
    TakenOver,
    /// The ledger was lost, and a person confirmed that the object belongs to the stack.
    Recovered,
    /// It has another name or another account alias than before.
    Renamed,
    /// It was deleted outside Leasehold.
    Missing,
}

/// The changes that bring the record up to date with a snapshot that was read with it. With `taken_over`, every live object is one that
/// an earlier version wrote.
#[must_use]
pub fn list_ownership_changes(snapshot: &Snapshot, owned: &OwnedObjects, taken_over: bool) -> Vec<OwnershipChange> {
    let mut changes = Vec::new();
    let mut live_ids = BTreeSet::new();
    for live in list_live_objects(snapshot) {
        live_ids.insert(live.unique_id);
        let (event, marks) = match owned.objects.get(live.unique_id) {
            Some(object) if taken_over => (OwnershipEvent::TakenOver, object.marks.clone()),
            Some(object) if object.resource != *live.resource => (OwnershipEvent::Renamed, object.marks.clone()),
            Some(_) => continue,
            // The snapshot has it because a creation was not confirmed.
            None => match owned.unconfirmed.get(live.resource) {
                Some(creation) => (OwnershipEvent::Confirmed, creation.marks.clone()),
                None => continue,
            },
        };
        let (unique_id, resource) = (live.unique_id.to_owned(), live.resource.clone());
        changes.push(OwnershipChange { event, unique_id, resource, marks });
    }
    let accounts: BTreeSet<_> = snapshot.realm.accounts().map(|(alias, _)| alias).collect();
    for (unique_id, object) in &owned.objects {
        let id = &object.resource;
        // An object in an account that was not read may exist. If another object has its name, a person must decide.
        let is_gone = accounts.contains(&id.account.as_ref())
            && !live_ids.contains(unique_id.as_str())
            && !snapshot.unmanaged_objects.contains_key(id);
        if is_gone {
            let (event, unique_id) = (OwnershipEvent::Missing, unique_id.clone());
            changes.push(OwnershipChange { event, unique_id, resource: id.clone(), marks: object.marks.clone() });
        }
    }
    changes
}
