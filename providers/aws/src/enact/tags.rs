//! Tags of the SDK, and the writes that turn one set of tags into another.

use std::collections::BTreeMap;

use aws_sdk_iam::types::Tag;
use leasehold_provider::Marks;
use leasehold_provider::marks::{KEYS, PREFIX};

use super::{ChangeError, refuse_change};

/// Converts tags for the SDK.
///
/// # Errors
/// The SDK does not accept a tag.
pub fn tags_to_sdk(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, ChangeError> {
    let tag = |(key, value): (&String, &String)| {
        Tag::builder().key(key).value(value).build().map_err(|error| {
            let id = leasehold_provider::ResourceId::new(leasehold_provider::ResourceKind::new("tag"), key.as_str());
            refuse_change(&id, &error.to_string(), "the plan is invalid: make a new plan")
        })
    };
    tags.iter().map(tag).collect()
}

/// Tags of the SDK, by key.
pub fn tags_from_sdk(tags: Option<Vec<Tag>>) -> BTreeMap<String, String> {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// The tags to write and the keys to remove.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TagChange {
    /// Tags that are new or have a new value.
    pub put: BTreeMap<String, String>,
    /// Keys of tags to remove.
    pub remove: Vec<String>,
}

impl TagChange {
    /// The change from one set of tags to another.
    pub fn from_difference(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Self {
        let put = after.iter().filter(|(key, value)| before.get(*key) != Some(value));
        Self {
            put: put.map(|(key, value)| (key.clone(), value.clone())).collect(),
            remove: before.keys().filter(|key| !after.contains_key(*key)).cloned().collect(),
        }
    }

    /// The change that adds marks to an object without marks.
    pub fn for_marking(after: &Marks) -> Self {
        Self { put: after.to_tags(), remove: Vec::new() }
    }

    /// The change that removes all marks.
    pub fn for_unmarking() -> Self {
        Self { put: BTreeMap::new(), remove: KEYS.map(|key| format!("{PREFIX}{key}")).into() }
    }

    /// The change from known marks to others. With `before` as `None`, the existing marks may be any.
    pub fn from_mark_change(before: Option<&Marks>, after: &Marks) -> Self {
        let after = after.to_tags();
        match before {
            Some(before) => Self::from_difference(&before.to_tags(), &after),
            None => {
                let keys = KEYS.into_iter().map(|key| format!("{PREFIX}{key}"));
                Self { remove: keys.filter(|key| !after.contains_key(key)).collect(), put: after }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold_provider::{Address, StackName};

    use super::*;

    #[test]
    fn only_what_differs_is_written() {
        let mut before = Marks::new(StackName::new("s").unwrap(), Address::for_identity("x", None));
        before.owner = Some("jane".to_owned());
        before.environment = Some("prod".to_owned());
        let mut after = before.clone();
        after.owner = Some("tom".to_owned());
        after.environment = None;
        let change = TagChange::from_mark_change(Some(&before), &after);
        assert_eq!(change.put, BTreeMap::from([("leasehold:owner".to_owned(), "tom".to_owned())]));
        assert_eq!(change.remove, ["leasehold:environment"]);
        assert_eq!(TagChange::from_mark_change(Some(&after), &after), TagChange::default());
        assert!(TagChange::from_mark_change(None, &after).remove.contains(&"leasehold:reason".to_owned()));
        assert!(TagChange::for_unmarking().remove.contains(&"leasehold:template".to_owned()));
    }
}
