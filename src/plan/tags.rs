//! Tags that policies read. A policy that says something else to who carries another tag is rewritten by that, whatever stands in it.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Aspect, Change, ObjectName, Realize, Resource, ResourceId, Value};

use super::denials::{ForeignDenials, to_policy_resource};
use crate::diff::access::SharedObjects;
use crate::realize::ResourceMap;

/// What an identity holds, and what is shared, as both live or as both are wanted.
type TagContext<'a> = (&'a ResourceMap, &'a SharedObjects<'a>);

/// Whether a tag of `principal` changes, and something that it holds on either side says something else for that: itself, through what is
/// shared, or by the name of what others manage.
#[must_use]
pub fn has_policy_on_changed_tag(
    principal: &ResourceId,
    sides: [TagContext<'_>; 2],
    others: &ForeignDenials,
    realize: &dyn Realize,
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

/// In how many writes the tags of a principal change: those that it gets, and those that it loses.
#[must_use]
pub fn count_tag_writes(changes: &[Change], principal: &ResourceId, realize: &dyn Realize) -> usize {
    let own = changes.iter().find(|change| change.id() == principal && matches!(change, Change::Update { .. }));
    let of = |side: Option<&Resource>| side.map(|side| unmarked_tags(side, realize)).unwrap_or_default();
    let (old, new) = (of(own.and_then(Change::resource_before)), of(own.and_then(Change::resource_after)));
    let gets = new.iter().any(|(key, value)| old.get(key) != Some(value));
    let loses = old.keys().any(|key| !new.contains_key(key));
    usize::from(gets).saturating_add(usize::from(loses))
}

/// The tags of a principal, less the marks.
fn unmarked_tags(principal: &Resource, realize: &dyn Realize) -> BTreeMap<String, String> {
    let tags =
        principal.attributes.iter().filter(|(name, _)| realize.classify_attribute(&principal.id, name) == Aspect::Tags);
    let maps = tags.filter_map(|(_, value)| if let Value::Map(tags) = value { Some(tags) } else { None });
    maps.flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}
