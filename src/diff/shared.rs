//! The deltas of shared objects: scopes, groups and federations.
//!
//! In: the desired shared objects and the snapshot. Out: a [`SharedDelta`] for each object that changes, and the
//! objects that are no longer declared but stay. The invariant: an object is not deleted while anything is attached
//! to it that this plan does not detach.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Change, Realizer, Resource, ResourceId, Snapshot};
use serde::{Deserialize, Serialize};

use super::classify::Lifecycle;
use super::resources;
use crate::realize::ResourceMap;

/// The changes of one shared object and its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedDelta {
    /// Its address, such as `scope.orders_read`.
    pub address: Address,
    /// The id of the object.
    pub id: ResourceId,
    /// The lifecycle event. Joiner: it is created; mover: its configuration changed; leaver: it is deleted; drift: it
    /// was changed outside Leasehold.
    pub lifecycle: Lifecycle,
    /// The number of identities to which it is attached, before or after.
    pub holders: usize,
    /// The changes of the object and its parts.
    pub changes: Vec<Change>,
}

impl SharedDelta {
    /// Whether it exists before and after.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !matches!(self.lifecycle, Lifecycle::Joiner | Lifecycle::Leaver)
    }
}

/// Shared objects that are no longer declared and are not deleted, with the principals outside this stack to which
/// they are attached.
pub type UndeclaredShared = BTreeMap<Address, BTreeSet<String>>;

/// The deltas of all shared objects. An object that is no longer declared is not deleted while it is in
/// `still_needed`: for example, it is attached to a quarantined identity that may be restored. Nor is it deleted
/// while it is attached to a principal outside this stack: AWS does not delete an attached policy, and Leasehold does
/// not change that principal.
#[must_use]
pub fn diff_shared_objects(
    desired: &ResourceMap,
    snapshot: &Snapshot,
    still_needed: &BTreeSet<ResourceId>,
    holders: &BTreeMap<ResourceId, usize>,
    realize: &Realizer,
) -> (Vec<SharedDelta>, UndeclaredShared) {
    let live: ResourceMap = snapshot.shared.iter().map(|(id, shared)| (id.clone(), shared.resource.clone())).collect();
    let recorded: ResourceMap = snapshot.shared.iter().map(|(id, shared)| (id.clone(), shared.as_recorded())).collect();
    let mut deltas: BTreeMap<ResourceId, Vec<Change>> = BTreeMap::new();
    let mut kept_for_others = UndeclaredShared::new();
    for change in resources::diff_resources(desired, &live) {
        let whole = realize.ids.shared_root_id(change.id());
        if let (Change::Delete { .. }, Some(object), None) = (&change, snapshot.shared.get(&whole), desired.get(&whole))
        {
            if !object.foreign_attachments.is_empty() {
                let kept = kept_for_others.entry(object.address.clone()).or_default();
                kept.extend(object.foreign_attachments.iter().cloned());
                continue;
            }
            if still_needed.contains(&whole) {
                continue;
            }
        }
        let respelled = matches!(&change, Change::Update { before, after } if is_only_respelled(recorded.get(change.id()).unwrap_or(before), after, realize));
        if !respelled {
            deltas.entry(whole).or_default().push(change);
        }
    }
    for (id, _) in snapshot.shared.iter().filter(|(_, object)| object.importable) {
        if let Some(marks) = desired.get(id).and_then(|resource| resource.marks.as_ref()) {
            let imports = Change::Import { id: id.clone(), after: Box::new(marks.clone()) };
            deltas.entry(id.clone()).or_default().insert(0, imports);
        }
    }
    let address = |id: &ResourceId| match (desired.get(id).and_then(|w| w.marks.as_ref()), snapshot.shared.get(id)) {
        (Some(marks), _) => marks.address.clone(),
        (None, Some(object)) => object.address.clone(),
        (None, None) => Address::from_text(id.display_name()),
    };
    let deltas = deltas
        .into_iter()
        .map(|(id, changes)| SharedDelta {
            address: address(&id),
            lifecycle: classify_shared_lifecycle(recorded.get(&id), desired.get(&id)),
            holders: holders.get(&id).copied().unwrap_or(0),
            id,
            changes,
        })
        .collect();
    (deltas, kept_for_others)
}

/// Whether only the spelling was changed, outside Leasehold, and the meaning is the same.
#[must_use]
pub fn is_only_respelled(before: &Resource, after: &Resource, realize: &Realizer) -> bool {
    classify_shared_lifecycle(Some(before), Some(after)) == Lifecycle::Drift
        && resources::has_same_meaning(before, after, realize)
}

/// The digest in the marks says whether the configuration or a change outside Leasehold is the cause. Without a
/// digest, the cause counts as the configuration.
fn classify_shared_lifecycle(before: Option<&Resource>, after: Option<&Resource>) -> Lifecycle {
    match (before, after) {
        (None, _) => Lifecycle::Joiner,
        (Some(_), None) => Lifecycle::Leaver,
        (Some(before), Some(after)) => {
            let mark = |resource: &Resource| resource.marks.as_ref().and_then(|marks| marks.digest);
            if mark(before).is_some() && mark(before) == mark(after) { Lifecycle::Drift } else { Lifecycle::Mover }
        }
    }
}
