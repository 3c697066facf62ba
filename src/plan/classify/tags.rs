//! Tags that policies have conditions on.
//!
//! A policy with a condition on a principal's tag changes its effect when that tag changes, even if its document
//! stays the same.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Aspect, Change, ObjectName, Realizer, Resource, ResourceId, Value};

use crate::diff::access::SharedObjects;
use crate::plan::classify::denials::{ForeignDenials, to_policy_resource};
use crate::realize::ResourceMap;

/// The resources of an identity and the shared objects, both in their live state or both in their wanted state.
type TagContext<'a> = (&'a ResourceMap, &'a SharedObjects<'a>);

/// Whether a tag of `principal` changes and a policy has a condition on it: a policy of the principal itself, one
/// attached through a shared object, or a foreign one attached by name. Policies of before and of after count.
#[must_use]
pub fn has_policy_on_changed_tag(
    principal: &ResourceId,
    sides: [TagContext<'_>; 2],
    others: &ForeignDenials,
    realize: &Realizer,
) -> bool {
    let [old, new] =
        sides.map(|(resources, _)| resources.get(principal).map(|it| unmarked_tags(it, realize)).unwrap_or_default());
    let changed: BTreeSet<&String> =
        old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key)).collect();
    if changed.is_empty() {
        return false;
    }
    let heeds = |policy: &Resource| changed.iter().any(|tag| realize.has_tag_condition(policy, tag));
    let says = |resource: &Resource| {
        let named =
            |value: &Value| value.as_text().and_then(|name| others.get(&ObjectName::for_object(&resource.id, name)));
        heeds(resource)
            || resource.attributes.values().filter_map(named).any(|policy| heeds(&to_policy_resource(resource, policy)))
    };
    sides.into_iter().any(|(resources, shared)| {
        let through =
            |resource: &Resource| resource.depends_on.iter().flat_map(|id| shared.relevant_objects(id)).any(says);
        resources.values().any(|resource| says(resource) || through(resource))
    })
}

/// The number of writes in which the tags of a principal change, 0 to 2: one sets tags, the other removes tags.
#[must_use]
pub fn count_tag_writes(changes: &[Change], principal: &ResourceId, realize: &Realizer) -> usize {
    let own = changes.iter().find(|change| change.id() == principal && matches!(change, Change::Update { .. }));
    let of = |side: Option<&Resource>| side.map(|side| unmarked_tags(side, realize)).unwrap_or_default();
    let (old, new) = (of(own.and_then(Change::resource_before)), of(own.and_then(Change::resource_after)));
    let gets = new.iter().any(|(key, value)| old.get(key) != Some(value));
    let loses = old.keys().any(|key| !new.contains_key(key));
    usize::from(gets).saturating_add(usize::from(loses))
}

/// The tags of a principal without Leasehold's marks.
fn unmarked_tags(principal: &Resource, realize: &Realizer) -> BTreeMap<String, String> {
    let tags = principal
        .attributes
        .iter()
        .filter(|(name, _)| realize.semantics.classify_attribute(&principal.id, name) == Aspect::Tags);
    let maps = tags.filter_map(|(_, value)| if let Value::Map(tags) = value { Some(tags) } else { None });
    maps.flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}
