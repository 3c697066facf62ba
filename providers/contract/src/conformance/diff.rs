//! The suite's own diff, the simplest correct one. It does not use the engine, so that each checks the other.
//!
//! In: a desired state and a snapshot. Out: one list of changes in an order in which they can be made. Example: a new
//! policy that a changed role needs, a deleted key and new marks give `Create policy, Update role, Delete key, Mark
//! role`.

use std::collections::{BTreeMap, BTreeSet};

use crate::resource::identity_digest;
use crate::{Change, PolicySemantics, Resource, ResourceId, Snapshot};

/// The desired state of a stack.
#[derive(Debug, Clone, Default)]
pub struct DesiredState {
    /// The objects that identities share.
    pub shared: BTreeMap<ResourceId, Resource>,
    /// The resources of each identity, by the id of its principal.
    pub identities: BTreeMap<ResourceId, BTreeMap<ResourceId, Resource>>,
}

impl DesiredState {
    /// Adds an identity, and sets the digest in its marks.
    pub fn add_identity(&mut self, principal: ResourceId, mut resources: Vec<Resource>) {
        write_digest_mark(&mut resources);
        let resources = resources.into_iter().map(|resource| (resource.id.clone(), resource)).collect();
        self.identities.insert(principal, resources);
    }

    /// Adds a shared object, and sets the digest in its marks.
    pub fn add_shared(&mut self, resource: Resource) {
        let mut one = [resource];
        write_digest_mark(&mut one);
        let [resource] = one;
        self.shared.insert(resource.id.clone(), resource);
    }

    /// Adds a group with all its parts, and sets the digest in its marks.
    pub fn add_group(&mut self, mut resources: Vec<Resource>) {
        write_digest_mark(&mut resources);
        self.shared.extend(resources.into_iter().map(|resource| (resource.id.clone(), resource)));
    }

    /// All resources of the state.
    pub fn all_resources(&self) -> BTreeMap<&ResourceId, &Resource> {
        self.shared.iter().chain(self.identities.values().flatten()).collect()
    }
}

/// Sets the digest mark on the resource that carries the marks. The digest covers all `resources`.
fn write_digest_mark(resources: &mut [Resource]) {
    let digest = identity_digest(resources.iter());
    for marks in resources.iter_mut().filter_map(|resource| resource.marks.as_mut()) {
        marks.digest = Some(digest);
    }
}

/// All live resources of the stack.
pub fn live_resources(snapshot: &Snapshot) -> BTreeMap<&ResourceId, &Resource> {
    let shared = snapshot.shared.iter().map(|(id, shared)| (id, &shared.resource));
    shared.chain(snapshot.identities.values().flat_map(|identity| &identity.resources)).collect()
}

/// The changes from the live state to the desired state: creations and updates in dependency order, then deletions in
/// reverse order, then marks.
///
/// # Errors
/// The ids of the resources that are in a dependency cycle, or depend on one.
pub fn compute_changes(
    semantics: &dyn PolicySemantics,
    desired: &DesiredState,
    snapshot: &Snapshot,
) -> Result<Vec<Change>, BTreeSet<ResourceId>> {
    let (desired, live) = (desired.all_resources(), live_resources(snapshot));
    let mut changes = Vec::new();
    let mut marks = Vec::new();
    for id in sort_by_dependencies(semantics, &desired)? {
        let Some(&after) = desired.get(id) else { continue };
        let Some(&before) = live.get(id) else {
            changes.push(Change::Create { after: Box::new(after.clone()) });
            continue;
        };
        if before.attributes != after.attributes {
            changes.push(Change::Update { before: Box::new(before.clone()), after: Box::new(after.clone()) });
        }
        // Marks that were not read are left unchanged.
        if let (Some(before), Some(after)) = (&before.marks, &after.marks)
            && before != after
        {
            let (before, after) = (Some(Box::new(before.clone())), Box::new(after.clone()));
            marks.push(Change::Mark { id: id.clone(), before, after });
        }
    }
    for id in sort_by_dependencies(semantics, &live)?.into_iter().rev() {
        if let (Some(before), None) = (live.get(id), desired.get(id)) {
            changes.push(Change::Delete { before: Box::new((*before).clone()) });
        }
    }
    changes.extend(marks);
    Ok(changes)
}

/// Sorts ids so that each one comes after its dependencies. Among the ids that are ready, resources that deny access
/// come first. A dependency that is not in `resources` counts as satisfied.
///
/// # Errors
/// The ids that cannot be sorted, because they are in a dependency cycle or depend on one.
pub fn sort_by_dependencies<'a>(
    semantics: &dyn PolicySemantics,
    resources: &BTreeMap<&'a ResourceId, &'a Resource>,
) -> Result<Vec<&'a ResourceId>, BTreeSet<ResourceId>> {
    let mut order: Vec<&ResourceId> = Vec::new();
    let mut waiting = resources.clone();
    while !waiting.is_empty() {
        let free = |r: &Resource| r.depends_on.iter().all(|need| *need == r.id || !waiting.contains_key(need));
        let ready: Vec<_> = waiting.iter().filter(|(_, r)| free(r)).map(|(id, r)| (*id, *r)).collect();
        let restricting = ready.iter().any(|(_, r)| semantics.is_restriction(r));
        let next: Vec<_> = ready.into_iter().filter(|(_, r)| !restricting || semantics.is_restriction(r)).collect();
        if next.is_empty() {
            return Err(waiting.into_keys().cloned().collect());
        }
        for (id, _) in next {
            waiting.remove(id);
            order.push(id);
        }
    }
    Ok(order)
}
