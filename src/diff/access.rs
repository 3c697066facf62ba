//! How an identity's whole effective access changes.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{
    Access, AccessVerdict, Aspect, Compare, Comparison, Document, Realize, Resource, ResourceId, Value,
};

use crate::realize::Resources;

/// What an identity holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// All that it may do. Its boundary is left open: the content of none is read.
    pub access: Access,
    /// The object that each of the policies stands in, in their order.
    pub sources: Vec<ResourceId>,
    /// The boundaries that cut it, by name.
    pub boundaries: BTreeSet<String>,
}

/// All that an identity with these resources holds.
#[must_use]
pub fn held<'a>(
    resources: impl IntoIterator<Item = &'a Resource>,
    shared: &BTreeMap<ResourceId, &Resource>,
    realize: &dyn Realize,
) -> Held {
    let mut held = Held::default();
    let mut add = |source: &ResourceId, document: &Document| {
        held.access.policies.push(document.clone());
        held.sources.push(source.clone());
    };
    let (mut opaque, mut boundaries) = (BTreeSet::new(), BTreeSet::new());
    for resource in resources {
        for (name, value) in &resource.attributes {
            match (realize.aspect(&resource.id, name), value) {
                (Aspect::Access, Value::Document(document)) => add(&resource.id, document),
                (Aspect::Access, Value::Text(name)) => {
                    let attached: Vec<_> = resource.depends_on.iter().filter_map(|id| shared.get(id)).collect();
                    if attached.is_empty() {
                        opaque.insert(name.clone());
                    }
                    for object in attached {
                        documents(object, realize).for_each(|document| add(&object.id, document));
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

fn documents<'a>(resource: &'a Resource, realize: &'a dyn Realize) -> impl Iterator<Item = &'a Document> {
    resource.attributes.iter().filter_map(|(name, value)| match value {
        Value::Document(document) if realize.aspect(&resource.id, name) == Aspect::Access => Some(document),
        _ => None,
    })
}

/// Compares an identity's access before and after. Never claims less than it knows: what rests on a policy whose content was not
/// read is [`AccessVerdict::Unknown`] unless it is the same on both sides and cannot matter.
pub fn compare(
    before: (&Resources, &BTreeMap<ResourceId, &Resource>),
    after: (&Resources, &BTreeMap<ResourceId, &Resource>),
    realize: &dyn Realize,
    comparer: &dyn Compare,
) -> Comparison {
    let Held { access: old, boundaries: old_boundary, .. } = held(before.0.values(), before.1, realize);
    let Held { access: new, boundaries: new_boundary, .. } = held(after.0.values(), after.1, realize);
    let unknown = |reason: String| Comparison { verdict: AccessVerdict::Unknown, witness: None, reason: Some(reason) };
    if old_boundary != new_boundary {
        return unknown("the permissions boundary changes, and its content is not read".to_owned());
    }
    if old.opaque != new.opaque {
        let differing: Vec<&str> = old.opaque.symmetric_difference(&new.opaque).map(String::as_str).collect();
        return unknown(format!("the content of {} is not read", differing.join(", ")));
    }
    comparer.compare(&old, &new)
}
