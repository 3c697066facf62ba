//! How the effective access of an identity changes.
//!
//! In: the resources of an identity before and after, and the shared objects before and after. Out: a [`Comparison`]
//! of everything that the identity may do, through its own policies, scopes and groups. The invariant: a comparison
//! never claims more than is known; if the content of a policy was not read, the verdict is
//! [`AccessVerdict::Unknown`].

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{
    Access, AccessVerdict, Aspect, Compare, Comparison, Document, Realizer, Resource, ResourceId, Snapshot, Value,
};

use crate::realize::ResourceMap;

/// The policies that apply to an identity, and where they come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EffectiveHoldings {
    /// The access that its policies give. Its permissions boundary is not included, because the content of boundaries
    /// is not read.
    pub access: Access,
    /// The object that contains each policy, in the order of `access.policies`.
    pub sources: Vec<ResourceId>,
    /// The names of the permissions boundaries that limit it.
    pub boundaries: BTreeSet<String>,
    /// Whether a policy contains a sensitive value, which examples and messages would show.
    pub sensitive: bool,
}

/// The shared objects, and which of them belong together: a group and its policies.
#[derive(Debug, Default)]
pub struct SharedObjects<'a> {
    objects: BTreeMap<&'a ResourceId, &'a Resource>,
    parts: BTreeMap<ResourceId, Vec<&'a Resource>>,
    /// Groups outside the stack, and the objects of the stack that are attached to them.
    foreign_groups: Option<&'a BTreeMap<ResourceId, BTreeSet<ResourceId>>>,
}

impl<'a> SharedObjects<'a> {
    /// Indexes shared objects.
    #[must_use]
    pub fn from_resources(resources: impl Iterator<Item = &'a Resource>, realize: &Realizer) -> Self {
        let mut shared = Self::default();
        for resource in resources {
            let whole = realize.ids.shared_root_id(&resource.id);
            if whole != resource.id {
                shared.parts.entry(whole).or_default().push(resource);
            }
            shared.objects.insert(&resource.id, resource);
        }
        shared
    }

    /// Indexes the live shared objects of a snapshot.
    #[must_use]
    pub fn from_live_snapshot(snapshot: &'a Snapshot, realize: &Realizer) -> Self {
        Self::from_resources(snapshot.shared.values().map(|shared| &shared.resource), realize)
            .with_foreign_groups(snapshot)
    }

    /// Adds the groups outside the stack to which these objects are attached.
    #[must_use]
    pub fn with_foreign_groups(self, snapshot: &'a Snapshot) -> Self {
        Self { foreign_groups: Some(&snapshot.foreign_groups), ..self }
    }

    /// The groups outside the stack to which an object is attached for which `of` is true.
    pub fn foreign_groups_with(&self, of: impl Fn(&ResourceId) -> bool) -> impl Iterator<Item = &'a ResourceId> {
        let all = self.foreign_groups.into_iter().flatten();
        all.filter(move |(_, held)| held.iter().any(&of)).map(|(group, _)| group)
    }

    /// The shared objects through which a principal attached to `id` gets access: `id` itself, and the objects
    /// attached to it.
    pub fn reachable_objects(&self, id: &ResourceId) -> impl Iterator<Item = &'a ResourceId> {
        let own = self.objects.get_key_value(id).map(|(id, _)| *id);
        let parts = self.parts.get(id).into_iter().flatten();
        let held = parts.flat_map(|part| &part.depends_on).filter_map(|id| Some(*self.objects.get_key_value(id)?.0));
        let others = self.foreign_groups.and_then(|through| through.get(id)).into_iter().flatten();
        let others = others.filter_map(|id| Some(*self.objects.get_key_value(id)?.0));
        own.into_iter().chain(held.chain(others).filter(move |held| Some(*held) != own))
    }

    /// The ids of all objects; some are parts of others.
    pub fn object_ids(&self) -> impl Iterator<Item = &'a ResourceId> {
        self.objects.keys().copied()
    }

    /// Every object that affects a principal attached to `id`: the result of [`SharedObjects::reachable_objects`],
    /// and the parts of `id` except those that only attach one of these objects.
    pub fn relevant_objects(&self, id: &ResourceId) -> impl Iterator<Item = &'a Resource> {
        let reached = self.reachable_objects(id).filter_map(|id| self.objects.get(id).copied());
        let stands_for_another =
            move |part: &&Resource| part.depends_on.iter().any(|held| held != id && self.objects.contains_key(held));
        let parts = self.parts.get(id).into_iter().flatten().copied();
        reached.chain(parts.filter(move |part| !stands_for_another(part)))
    }

    /// Whether an object or one of its parts contains a sensitive value.
    fn is_sensitive(&self, whole: &Resource) -> bool {
        let parts = self.parts.get(&whole.id).into_iter().flatten().copied();
        std::iter::once(whole).chain(parts).any(|part| !part.sensitive.is_empty())
    }

    /// The policies attached to or contained in an object, each with the object that contains it; and the names of
    /// the policies whose content was not read.
    fn collect_policies(
        &self,
        whole: &'a Resource,
        realize: &Realizer,
    ) -> (Vec<(ResourceId, Document)>, BTreeSet<String>) {
        let (mut found, mut opaque) = (Vec::new(), BTreeSet::new());
        for part in std::iter::once(whole).chain(self.parts.get(&whole.id).into_iter().flatten().copied()) {
            for (name, value) in &part.attributes {
                match (realize.semantics.classify_attribute(&part.id, name), value) {
                    (Aspect::Access, Value::Document(document)) => found.push((part.id.clone(), document.clone())),
                    (Aspect::Access, Value::Text(name)) => {
                        let others = part.depends_on.iter().filter(|id| **id != whole.id);
                        let held: Vec<&Resource> = others.filter_map(|id| self.objects.get(id).copied()).collect();
                        if held.is_empty() {
                            opaque.insert(name.clone());
                        }
                        for object in held {
                            found.extend(
                                policy_documents(object, realize).map(|document| (object.id.clone(), document.clone())),
                            );
                        }
                    }
                    _ => {}
                }
            }
        }
        (found, opaque)
    }
}

/// Collects the policies that apply to an identity with these resources.
#[must_use]
pub fn collect_attached_access<'a>(
    resources: impl IntoIterator<Item = &'a Resource>,
    shared: &SharedObjects<'_>,
    realize: &Realizer,
) -> EffectiveHoldings {
    let mut held = EffectiveHoldings::default();
    let (mut opaque, mut boundaries) = (BTreeSet::new(), BTreeSet::new());
    for resource in resources {
        held.sensitive |= !resource.sensitive.is_empty();
        for (name, value) in &resource.attributes {
            match (realize.semantics.classify_attribute(&resource.id, name), value) {
                (Aspect::Access, Value::Document(document)) => {
                    held.access.policies.push(document.clone());
                    held.sources.push(resource.id.clone());
                }
                (Aspect::Access, Value::Text(name)) => {
                    let attached: Vec<_> = resource.depends_on.iter().filter_map(|id| shared.objects.get(id)).collect();
                    if attached.is_empty() {
                        opaque.insert(name.clone());
                    }
                    // The stack's objects that are attached to a foreign group are known; whatever else is attached
                    // to it is not.
                    let through = resource.depends_on.iter().filter(|id| !shared.objects.contains_key(id));
                    let through =
                        through.flat_map(|id| shared.reachable_objects(id)).filter_map(|id| shared.objects.get(id));
                    for object in attached.into_iter().chain(through) {
                        held.sensitive |= shared.is_sensitive(object);
                        let (policies, unread) = shared.collect_policies(object, realize);
                        opaque.extend(unread);
                        for (source, document) in policies {
                            held.access.policies.push(document);
                            held.sources.push(source);
                        }
                    }
                }
                (Aspect::Boundary, Value::Text(name)) => {
                    boundaries.insert(name.clone());
                }
                _ => {}
            }
        }
    }
    held.access.opaque = opaque;
    held.boundaries = boundaries;
    held
}

fn policy_documents<'a>(resource: &'a Resource, realize: &'a Realizer) -> impl Iterator<Item = &'a Document> {
    resource.attributes.iter().filter_map(|(name, value)| match value {
        Value::Document(document) if realize.semantics.classify_attribute(&resource.id, name) == Aspect::Access => {
            Some(document)
        }
        _ => None,
    })
}

/// Compares an identity's access before and after. The verdict never claims more than is known: if it depends on a
/// policy whose content was not read, it is [`AccessVerdict::Unknown`], unless that policy is the same on both sides
/// and cannot matter.
pub fn compare_attached_access(
    before: (&ResourceMap, &SharedObjects<'_>),
    after: (&ResourceMap, &SharedObjects<'_>),
    realize: &Realizer,
    comparer: &dyn Compare,
) -> Comparison {
    let EffectiveHoldings { access: old, boundaries: old_boundary, sensitive: old_secret, .. } =
        collect_attached_access(before.0.values(), before.1, realize);
    let EffectiveHoldings { access: new, boundaries: new_boundary, sensitive: new_secret, .. } =
        collect_attached_access(after.0.values(), after.1, realize);
    let unknown = |reason: String| Comparison { verdict: AccessVerdict::Unknown, witness: None, reason: Some(reason) };
    if old_boundary != new_boundary {
        return unknown("the permissions boundary changes, and Leasehold does not read its content".to_owned());
    }
    if old.opaque != new.opaque {
        let differing: Vec<&str> = old.opaque.symmetric_difference(&new.opaque).map(String::as_str).collect();
        return unknown(format!("Leasehold does not read the content of {}", differing.join(", ")));
    }
    let compared = comparer.compare_access(&old, &new);
    if !(old_secret || new_secret) || (compared.witness.is_none() && compared.reason.is_none()) {
        return compared;
    }
    // An example, or the reason why there is none, would show the sensitive value.
    let reason = "no example, because its policies contain sensitive values".to_owned();
    Comparison { witness: None, reason: Some(reason), ..compared }
}
