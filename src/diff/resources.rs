//! The changes from one set of resources to another.
//!
//! In: the desired and the live resources, by id. Out: [`Change`]s that turn the live ones into the desired ones;
//! none if they are equal.

use leasehold_provider::{Change, Realizer, Resource, Value};

use crate::realize::ResourceMap;

/// The changes that turn `live` into `wanted`, ordered by id, deletions last. Marks are compared apart from
/// attributes: a resource of which only the marks differ gets a [`Change::Mark`], one that differs in both gets two
/// changes. If the marks of a shared object were not read (`None`), they are only written if its attributes differ.
#[must_use]
pub fn diff_resources(desired: &ResourceMap, live: &ResourceMap) -> Vec<Change> {
    let mut changes = Vec::new();
    for (id, after) in desired {
        match live.get(id) {
            None => changes.push(Change::Create { after: Box::new(after.clone()) }),
            Some(before) => changes.extend(diff_resource(before, after)),
        }
    }
    for (id, before) in live {
        if !desired.contains_key(id) {
            changes.push(Change::Delete { before: Box::new(before.clone()) });
        }
    }
    changes
}

/// Whether two states of an object have the same meaning: at most the spelling of their documents differs.
#[must_use]
pub fn has_same_meaning(before: &Resource, after: &Resource, realize: &Realizer) -> bool {
    before.attributes.len() == after.attributes.len()
        && before.attributes.iter().all(|(name, old)| match (old, after.get(name)) {
            (Value::Document(old), Some(Value::Document(new))) => {
                old == new || realize.semantics.is_same_document(old, new)
            }
            (old, new) => Some(old) == new,
        })
}

fn diff_resource(before: &Resource, after: &Resource) -> Vec<Change> {
    let mut changes = Vec::new();
    let attributes_differ = before.attributes != after.attributes;
    if attributes_differ {
        changes.push(Change::Update { before: Box::new(before.clone()), after: Box::new(after.clone()) });
    }
    if let Some(desired) = &after.marks {
        let unread = before.marks.is_none() && after.identity.is_none() && !attributes_differ;
        if before.marks.as_ref() != Some(desired) && !unread {
            changes.push(Change::Mark {
                id: after.id.clone(),
                before: before.marks.clone().map(Box::new),
                after: Box::new(desired.clone()),
            });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use leasehold_provider::{Address, ChangeKind, Marks, ResourceId, ResourceKind, StackName};

    use super::*;

    const KIND: ResourceKind = ResourceKind::new("thing");

    fn thing(name: &str, value: &str, owner: Option<&str>) -> Resource {
        let address = Address::for_identity(name, None);
        let mut resource =
            Resource::new(ResourceId::new(KIND, name), Some(address.clone())).with_attribute("value", value);
        resource.marks =
            Some(Marks { owner: owner.map(str::to_owned), ..Marks::new(StackName::new("s").unwrap(), address) });
        resource
    }

    fn set(resource: Option<&Resource>) -> ResourceMap {
        resource.iter().copied().map(|r| (r.id.clone(), r.clone())).collect()
    }

    fn kinds(desired: Option<&Resource>, live: Option<&Resource>) -> Vec<ChangeKind> {
        diff_resources(&set(desired), &set(live)).iter().map(Change::kind).collect()
    }

    #[test]
    fn each_difference_has_its_change_kind() {
        let a = thing("a", "1", None);
        let owned = thing("a", "1", Some("jane"));
        let both = thing("a", "2", Some("jane"));
        assert_eq!(kinds(Some(&a), None), [ChangeKind::Create]);
        assert_eq!(kinds(None, Some(&a)), [ChangeKind::Delete]);
        assert_eq!(kinds(Some(&a), Some(&a)), []);
        assert_eq!(kinds(Some(&thing("a", "2", None)), Some(&a)), [ChangeKind::Update]);
        assert_eq!(kinds(Some(&owned), Some(&a)), [ChangeKind::Mark]);
        assert_eq!(kinds(Some(&both), Some(&a)), [ChangeKind::Update, ChangeKind::Mark]);
    }

    #[test]
    fn shared_marks_that_were_not_read_are_no_difference_by_themselves() {
        let mut desired = thing("a", "1", None);
        desired.identity = None;
        let mut live = desired.clone();
        live.marks = None;
        assert_eq!(kinds(Some(&desired), Some(&live)), []);
        live.attributes.insert("value".into(), "other".into());
        assert_eq!(kinds(Some(&desired), Some(&live)), [ChangeKind::Update, ChangeKind::Mark]);
    }
}
