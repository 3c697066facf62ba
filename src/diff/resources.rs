//! Two sets of resources → the changes from one to the other.

use leasehold_provider::{Change, Resource};

use crate::realize::Resources;

/// The changes that turn `live` into `wanted`, in the order of ids. Marks are compared apart from attributes: a resource whose
/// marks alone differ gets a [`Change::Mark`], one that differs in both gets both. Marks that were not read (`None`) are not
/// compared, unless the attributes differ.
#[must_use]
pub fn changes(wanted: &Resources, live: &Resources) -> Vec<Change> {
    let mut changes = Vec::new();
    for (id, after) in wanted {
        match live.get(id) {
            None => changes.push(Change::Create { after: Box::new(after.clone()) }),
            Some(before) => changes.extend(differences(before, after)),
        }
    }
    for (id, before) in live {
        if !wanted.contains_key(id) {
            changes.push(Change::Delete { before: Box::new(before.clone()) });
        }
    }
    changes
}

fn differences(before: &Resource, after: &Resource) -> Vec<Change> {
    let mut changes = Vec::new();
    let attributes_differ = before.attributes != after.attributes;
    if attributes_differ {
        changes.push(Change::Update { before: Box::new(before.clone()), after: Box::new(after.clone()) });
    }
    if let Some(wanted) = &after.marks {
        let unread = before.marks.is_none() && after.identity.is_none() && !attributes_differ;
        if before.marks.as_ref() != Some(wanted) && !unread {
            changes.push(Change::Mark {
                id: after.id.clone(),
                before: before.marks.clone().map(Box::new),
                after: Box::new(wanted.clone()),
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
        let address = Address::identity(name, None);
        let mut resource = Resource::new(ResourceId::new(KIND, name), Some(address.clone())).with("value", value);
        resource.marks =
            Some(Marks { owner: owner.map(str::to_owned), ..Marks::new(StackName::new("s").unwrap(), address) });
        resource
    }

    fn set(resources: &[Resource]) -> Resources {
        resources.iter().map(|r| (r.id.clone(), r.clone())).collect()
    }

    fn kinds(wanted: &[Resource], live: &[Resource]) -> Vec<ChangeKind> {
        changes(&set(wanted), &set(live)).iter().map(Change::kind).collect()
    }

    #[test]
    fn each_sort_of_difference_has_its_change() {
        let a = thing("a", "1", None);
        assert_eq!(kinds(&[a.clone()], &[]), [ChangeKind::Create]);
        assert_eq!(kinds(&[], &[a.clone()]), [ChangeKind::Delete]);
        assert_eq!(kinds(&[a.clone()], &[a.clone()]), []);
        assert_eq!(kinds(&[thing("a", "2", None)], &[a.clone()]), [ChangeKind::Update]);
        assert_eq!(kinds(&[thing("a", "1", Some("jane"))], &[a.clone()]), [ChangeKind::Mark]);
        assert_eq!(kinds(&[thing("a", "2", Some("jane"))], &[a]), [ChangeKind::Update, ChangeKind::Mark]);
    }

    #[test]
    fn shared_marks_that_were_not_read_are_no_difference_by_themselves() {
        let mut wanted = thing("a", "1", None);
        wanted.identity = None;
        let mut live = wanted.clone();
        live.marks = None;
        assert_eq!(kinds(&[wanted.clone()], &[live.clone()]), []);
        live.attributes.insert("value".into(), "other".into());
        assert_eq!(kinds(&[wanted], &[live]), [ChangeKind::Update, ChangeKind::Mark]);
    }
}
