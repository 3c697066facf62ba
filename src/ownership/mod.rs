//! Which live objects the stack owns, and what is wrong with their marks.
//!
//! In: the record of the stack ([`StackOwnership`]) and a snapshot that was read with it. Out: findings about marks that somebody else
//! edited, and the changes of the record that the snapshot shows. Pure. Invariant: only the record decides what belongs to the stack;
//! marks in the cloud are an index, and everybody who may tag can edit them.
//!
//! Example: the stack owns user `bot` with unique id `AIDA1`. Somebody copies the marks of `bot` to user `eve`, and removes them from
//! `bot`. The provider returns `bot` as an identity, because of its unique id, and `eve` as an unmanaged object. The findings are
//! `mark-removed` for `bot` and `replaced` for `eve`.

mod change;
mod finding;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{
    Address, Lineage, Marks, OwnedObject, OwnedObjects, Quarantine, ResourceId, Snapshot, StackName,
};

pub use change::{OwnershipChange, OwnershipEvent, list_ownership_changes};
pub use finding::{OwnershipFinding, OwnershipFindingKind, find_ownership_problems};

/// What the records of a stack say about its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackOwnership {
    /// The store was read.
    Recorded {
        /// The lineage of the stack. `None`: the stack was never applied.
        lineage: Option<Lineage>,
        /// The objects of the stack.
        owned: OwnedObjects,
    },
    /// An earlier version of Leasehold wrote the ledger and recorded no unique ids. What it wrote can be taken over.
    Earlier {
        /// The lineage of the stack. `None`: it has none yet.
        lineage: Option<Lineage>,
        /// The objects that it created or imported, and did not delete.
        written: BTreeSet<ResourceId>,
    },
    /// The store could not be read, so marks decide. Nothing may be written.
    NotVerified {
        /// Why the store could not be read.
        why: String,
    },
}

impl StackOwnership {
    /// The lineage of the stack. `None`: it has none yet, or it is not known.
    #[must_use]
    pub fn lineage(&self) -> Option<&Lineage> {
        match self {
            Self::Recorded { lineage, .. } | Self::Earlier { lineage, .. } => lineage.as_ref(),
            Self::NotVerified { .. } => None,
        }
    }
}

/// The objects of a snapshot that an earlier version wrote. The snapshot was read by marks.
#[must_use]
pub fn take_over_objects(
    stack: &StackName,
    snapshot: &Snapshot,
    written: &BTreeSet<ResourceId>,
    now: Timestamp,
) -> OwnedObjects {
    // The alias of an account may have changed since.
    let names: BTreeSet<_> = written.iter().map(|id| (&id.kind, id.name.as_str())).collect();
    let is_written = |object: &OwnedObject| names.contains(&(&object.resource.kind, object.resource.name.as_str()));
    let marked = list_marked_objects(stack, snapshot, now).into_iter();
    OwnedObjects { objects: marked.filter(|(_, object)| is_written(object)).collect(), unconfirmed: BTreeMap::new() }
}

/// The objects that carry the marks of the stack, by unique id. The snapshot was read by marks. Everybody who may tag can have edited these
/// marks, so an instant in the future does not count, which would make a lease longer, and a quarantine begins now.
#[must_use]
pub fn list_marked_objects(stack: &StackName, snapshot: &Snapshot, now: Timestamp) -> BTreeMap<String, OwnedObject> {
    let live = list_live_objects(snapshot).into_iter();
    live.map(|live| {
        let marks = live.recorded.or(live.found).cloned();
        let marks = marks.map(|marks| Marks { unrecognized: BTreeMap::new(), ..marks });
        let marks = marks.unwrap_or_else(|| Marks::new(stack.clone(), live.address.clone()));
        let created_at = marks.created_at.and_then(|marked| Some(marked).filter(|at| *at <= now).or(live.created_at));
        let quarantine = marks.quarantine.clone().map(|quarantine| Quarantine { at: now, ..quarantine });
        let marks = Marks { created_at, quarantine, ..marks };
        (live.unique_id.to_owned(), OwnedObject { resource: live.resource.clone(), marks, unsettled: None })
    })
    .collect()
}

/// A live object that the stack owns, or that carries its marks if the record was not read.
struct LiveObject<'a> {
    unique_id: &'a str,
    resource: &'a ResourceId,
    address: &'a Address,
    /// The marks that count. `None`: the stack recorded none, and they are not in tags that were read.
    recorded: Option<&'a Marks>,
    /// The marks in its tags. `None`: there are none, or they were not read.
    found: Option<&'a Marks>,
    /// Whether its tags were not read, or the system has no tags for such an object.
    has_unread_tags: bool,
    /// When the cloud created it. `None`: not known.
    created_at: Option<Timestamp>,
}

/// The objects with a unique id of their own: principals and shared objects, without their parts and without objects to import.
fn list_live_objects(snapshot: &Snapshot) -> Vec<LiveObject<'_>> {
    let identities = snapshot.identities.values().map(|live| LiveObject {
        unique_id: &live.unique_id,
        resource: &live.id,
        address: live.address(),
        recorded: Some(&live.marks),
        found: live.resources.get(&live.id).and_then(|resource| resource.marks.as_ref()),
        has_unread_tags: false,
        created_at: live.created_at,
    });
    let shared = snapshot.shared.values().filter(|live| !live.importable);
    let shared = shared.filter_map(|live| {
        let address = &live.address;
        let in_tags = live.resource.marks.as_ref();
        let recorded = live.recorded.as_ref().or(in_tags);
        // Where tags were read and there are none, the marks only have what follows from the name.
        let is_stripped = |marks: &&Marks| **marks == Marks::new(marks.stack.clone(), marks.address.clone());
        let writes_marks = recorded.is_some_and(|recorded| recorded.digest.is_some());
        Some(LiveObject {
            unique_id: live.unique_id.as_deref()?,
            resource: &live.resource.id,
            address,
            recorded,
            found: in_tags.filter(|marks| !(writes_marks && is_stripped(marks))),
            has_unread_tags: in_tags.is_none(),
            created_at: None,
        })
    });
    identities.chain(shared).collect()
}
