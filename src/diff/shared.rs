//! What happens to the objects that a stack's identities share.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Change, Realize, Resource, ResourceId, Snapshot};
use serde::{Deserialize, Serialize};

use super::classify::Lifecycle;
use super::resources;
use crate::realize::ResourceMap;

/// What happens to one shared object with its parts, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedDelta {
    /// Its address: `scope.orders_read`.
    pub address: Address,
    /// The object.
    pub id: ResourceId,
    /// Joiner: new; mover: its configuration changed; leaver: gone; drift: somebody else changed it.
    pub lifecycle: Lifecycle,
    /// How many identities hold it, before or after.
    pub holders: usize,
    /// The changes.
    pub changes: Vec<Change>,
}

impl SharedDelta {
    /// Whether it was there and is there afterwards.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !matches!(self.lifecycle, Lifecycle::Joiner | Lifecycle::Leaver)
    }
}

/// Shared objects that are no longer declared and stay, with who holds them that is not this stack's.
pub type UndeclaredShared = BTreeMap<Address, BTreeSet<String>>;

/// The deltas of all shared objects. An object that is no longer declared stays as long as something in `still_needed` hangs on it,
/// such as the attachment of a quarantined identity that may yet be restored; and as long as somebody holds it who is not this stack's,
/// because it cannot go before they let go, and they are not ours to change.
#[must_use]
pub fn diff_shared_objects(
    wanted: &ResourceMap,
    snapshot: &Snapshot,
    still_needed: &BTreeSet<ResourceId>,
    holders: &BTreeMap<ResourceId, usize>,
    realize: &dyn Realize,
) -> (Vec<SharedDelta>, UndeclaredShared) {
    let live: ResourceMap = snapshot.shared.iter().map(|(id, shared)| (id.clone(), shared.resource.clone())).collect();
    let mut deltas: BTreeMap<ResourceId, Vec<Change>> = BTreeMap::new();
    let mut kept_for_others = UndeclaredShared::new();
    for change in resources::diff_resources(wanted, &live) {
        let whole = realize.shared_root_id(change.id());
        if let (Change::Delete { .. }, Some(object), None) = (&change, snapshot.shared.get(&whole), wanted.get(&whole))
        {
            if !object.held_by.is_empty() {
                let kept = kept_for_others.entry(object.address.clone()).or_default();
                kept.extend(object.held_by.iter().cloned());
                continue;
            }
            if still_needed.contains(&whole) {
                continue;
            }
        }
        let respelled =
            matches!(&change, Change::Update { before, after } if is_only_respelled(before, after, realize));
        if !respelled {
            deltas.entry(whole).or_default().push(change);
        }
    }
    for (id, _) in snapshot.shared.iter().filter(|(_, object)| object.adoptable) {
        if let Some(marks) = wanted.get(id).and_then(|resource| resource.marks.as_ref()) {
            let adopt = Change::Adopt { id: id.clone(), after: Box::new(marks.clone()) };
            deltas.entry(id.clone()).or_default().insert(0, adopt);
        }
    }
    let address = |id: &ResourceId| match (wanted.get(id).and_then(|w| w.marks.as_ref()), snapshot.shared.get(id)) {
        (Some(marks), _) => marks.address.clone(),
        (None, Some(object)) => object.address.clone(),
        (None, None) => Address::from_text(id.display_name()),
    };
    let deltas = deltas
        .into_iter()
        .map(|(id, changes)| SharedDelta {
            address: address(&id),
            lifecycle: classify_shared_lifecycle(live.get(&id), wanted.get(&id)),
            holders: holders.get(&id).copied().unwrap_or(0),
            id,
            changes,
        })
        .collect();
    (deltas, kept_for_others)
}

/// Whether nobody asked for other words, and what was written otherwise outside still says the same.
#[must_use]
pub fn is_only_respelled(before: &Resource, after: &Resource, realize: &dyn Realize) -> bool {
    classify_shared_lifecycle(Some(before), Some(after)) == Lifecycle::Drift
        && resources::has_same_meaning(before, after, realize)
}

/// With a digest among its marks an object tells by itself who changed it; without one it counts as changed by configuration.
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
