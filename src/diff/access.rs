//! How an identity's whole effective access changes.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Access, AccessVerdict, Aspect, Compare, Comparison, Realize, Resource, ResourceId, Value};

use crate::realize::Resources;

/// All that an identity with these resources may do.
#[must_use]
pub fn access<'a>(
    resources: impl IntoIterator<Item = &'a Resource>,
    shared: &BTreeMap<ResourceId, &Resource>,
    realize: &dyn Realize,
) -> (Access, BTreeSet<String>) {
    let mut access = Access::default();
    let mut boundaries = BTreeSet::new();
    for resource in resources {
        for (name, value) in &resource.attributes {
            match (realize.aspect(&resource.id, name), value) {
                (Aspect::Access, Value::Document(document)) => access.policies.push(document.clone()),
                (Aspect::Access, Value::Text(name)) => {
                    let attached: Vec<_> = resource.depends_on.iter().filter_map(|id| shared.get(id)).collect();
                    if attached.is_empty() {
                        access.opaque.insert(name.clone());
                    }
                    for object in attached {
                        access.policies.extend(documents(object, realize));
                    }
                }
                (Aspect::Boundary, Value::Text(name)) => {
                    boundaries.insert(name.clone());
                }
                _ => {}
            }
        }
    }
    (access, boundaries)
}

fn documents(resource: &Resource, realize: &dyn Realize) -> Vec<leasehold_provider::Document> {
    let of_access = |name: &str| realize.aspect(&resource.id, name) == Aspect::Access;
    resource
        .attributes
        .iter()
        .filter_map(|(name, value)| match value {
            Value::Document(document) if of_access(name) => Some(document.clone()),
            _ => None,
        })
        .collect()
}

/// Compares an identity's access before and after. Never claims less than it knows: what rests on a policy whose content was not
/// read is [`AccessVerdict::Unknown`] unless it is the same on both sides and cannot matter.
pub fn compare(
    before: (&Resources, &BTreeMap<ResourceId, &Resource>),
    after: (&Resources, &BTreeMap<ResourceId, &Resource>),
    realize: &dyn Realize,
    comparer: &dyn Compare,
) -> Comparison {
    let (old, old_boundary) = access(before.0.values(), before.1, realize);
    let (new, new_boundary) = access(after.0.values(), after.1, realize);
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
