//! Marks: the tags under `leasehold:` that record which stack a live object belongs to.
//!
//! In: an object's tags. Out: [`Marks`], and back. [`Marks::from_tags`] reads what [`Marks::to_tags`] writes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Address, DesiredIdentity, Digest, Kind, Lineage, Span, StackName};

/// The prefix of every mark's tag key.
pub const PREFIX: &str = "leasehold:";

/// The key of every mark, without the prefix, in the order of the values in [`Marks::to_tags`]. An object has at most
/// this many marks; they count against a system's limit of tags.
pub const KEYS: [&str; 15] = [
    "stack",
    "lineage",
    "address",
    "kind",
    "owner",
    "service",
    "environment",
    "created-at",
    "expires-at",
    "grace",
    "template",
    "sensitive",
    "quarantined-at",
    "reason",
    "digest",
];

/// The marks of one live object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// The stack that owns the object.
    pub stack: StackName,
    /// The lineage of that stack. `None`: the object was written before the stack had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// The object's address in that stack.
    pub address: Address,
    /// The kind of the identity. It is recorded here because the identity's block is gone when the identity leaves.
    pub kind: Option<Kind>,
    /// The label of the owner.
    pub owner: Option<String>,
    /// The label of the service.
    pub service: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// When the identity joined, in whole seconds.
    pub created_at: Option<Timestamp>,
    /// The deadline of the lease. `None`: there is no lease.
    pub expires_at: Option<Timestamp>,
    /// The identity's own grace period. It is recorded here because the identity's block is gone when the grace
    /// period counts.
    pub grace: Option<Span>,
    /// The template that the identity uses, and the digest of the template's content: `ci@1f0c…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The names of attributes made from sensitive values. Views and records hide these attributes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sensitive: BTreeSet<String>,
    /// Set while the identity is quarantined.
    pub quarantine: Option<Quarantine>,
    /// The digest of the resources last applied: [`crate::resource::identity_digest`].
    pub digest: Option<Digest>,
    /// Tags with the prefix that Leasehold would not have written for these marks: another key, or a value that cannot be read. They
    /// have no effect, differ from the desired marks, and are therefore removed. Empty in desired and recorded marks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unrecognized: BTreeMap<String, String>,
}

/// When and why an identity was quarantined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// When it was quarantined.
    pub at: Timestamp,
    /// The reason, as a short code such as `removed` or `lease-ended`.
    pub reason: String,
}

impl Marks {
    /// Marks with a stack and an address and nothing else.
    #[must_use]
    pub fn new(stack: StackName, address: Address) -> Self {
        Self {
            stack,
            lineage: None,
            address,
            kind: None,
            owner: None,
            service: None,
            environment: None,
            created_at: None,
            expires_at: None,
            grace: None,
            template: None,
            sensitive: BTreeSet::new(),
            quarantine: None,
            digest: None,
            unrecognized: BTreeMap::new(),
        }
    }

    /// The marks of an active identity of `stack`. The digest and the names of sensitive attributes are not set: they
    /// follow from the identity's resources.
    #[must_use]
    pub fn for_active_identity(stack: StackName, identity: &DesiredIdentity) -> Self {
        let spec = &identity.spec;
        Self {
            kind: Some(spec.kind),
            owner: Some(spec.owner.clone()),
            service: spec.service.clone(),
            environment: spec.environment.clone(),
            created_at: Some(identity.created_at),
            expires_at: identity.deadline,
            grace: spec.grace,
            template: spec.template.clone(),
            ..Self::new(stack, spec.address.clone())
        }
    }

    /// The marks as tags, with those that were not recognized. The other values contain only characters that AWS allows in a tag value.
    #[must_use]
    pub fn to_tags(&self) -> BTreeMap<String, String> {
        let instant = |at: Timestamp| at.to_string();
        let quarantine = self.quarantine.as_ref();
        let values: [Option<String>; KEYS.len()] = [
            Some(self.stack.to_string()),
            self.lineage.as_ref().map(ToString::to_string),
            Some(self.address.to_mark()),
            self.kind.map(|kind| kind.as_str().to_owned()),
            self.owner.as_deref().map(name_to_tag),
            self.service.as_deref().map(name_to_tag),
            self.environment.clone(),
            self.created_at.map(instant),
            self.expires_at.map(instant),
            self.grace.map(|span| span.to_string()),
            self.template.as_deref().map(name_to_tag),
            (!self.sensitive.is_empty()).then(|| Vec::from_iter(self.sensitive.iter().cloned()).join(" ")),
            quarantine.map(|q| instant(q.at)),
            quarantine.map(|q| q.reason.clone()),
            self.digest.map(|digest| digest.to_string()),
        ];
        let tags = KEYS.into_iter().zip(values).filter_map(|(key, value)| Some((format!("{PREFIX}{key}"), value?)));
        tags.chain(self.unrecognized.clone()).collect()
    }

    /// Reads marks from tags, and ignores tags without the prefix. `None`: the object has neither a `stack` nor an
    /// `address` mark, so it belongs to no stack.
    ///
    /// Any other mark that cannot be read counts as absent and is kept in [`Marks::unrecognized`]. It then differs from the
    /// desired mark, is shown as drift, and is written again.
    ///
    /// # Errors
    /// One of the `stack` and `address` marks is missing while the other exists, or cannot be read. It is then not
    /// known which stack owns the object, and no stack may write it.
    pub fn from_tags(tags: &BTreeMap<String, String>) -> Result<Option<Self>, InvalidMarksError> {
        let get = |key: &str| tags.get(&format!("{PREFIX}{key}")).map(String::as_str);
        let (stack, address) = match (get("stack"), get("address")) {
            (None, None) => return Ok(None),
            (Some(stack), Some(address)) => (stack, address),
            (Some(_), None) => return Err(InvalidMarksError { key: "address", value: None }),
            (None, Some(_)) => return Err(InvalidMarksError { key: "stack", value: None }),
        };
        let broken = |key, value: &str| InvalidMarksError { key, value: Some(value.to_owned()) };
        let quarantined_at: Option<Timestamp> = get("quarantined-at").and_then(|text| text.parse().ok());
        let marks = Self {
            stack: StackName::new(stack).map_err(|_| broken("stack", stack))?,
            lineage: get("lineage").and_then(|text| Lineage::parse_lineage(text).ok()),
            address: Address::from_mark(address).ok_or_else(|| broken("address", address))?,
            kind: get("kind").and_then(|text| Kind::ALL.into_iter().find(|kind| kind.as_str() == text)),
            owner: get("owner").map(name_from_tag),
            service: get("service").map(name_from_tag),
            environment: get("environment").map(str::to_owned),
            created_at: get("created-at").and_then(|text| text.parse().ok()),
            expires_at: get("expires-at").and_then(|text| text.parse().ok()),
            grace: get("grace").and_then(|text| text.parse().ok()),
            template: get("template").map(name_from_tag),
            sensitive: get("sensitive").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            quarantine: quarantined_at
                .map(|at| Quarantine { at, reason: get("reason").unwrap_or("unknown").to_owned() }),
            digest: get("digest").and_then(|text| text.parse().ok()),
            unrecognized: BTreeMap::new(),
        };
        let read = marks.to_tags();
        let unread = tags.iter().filter(|(key, value)| key.starts_with(PREFIX) && read.get(*key) != Some(value));
        let unrecognized = unread.map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(Some(Self { unrecognized, ..marks }))
    }

    /// The tags that are not marks.
    #[must_use]
    pub fn without_marks(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        tags.iter().filter(|(key, _)| !key.starts_with(PREFIX)).map(|(k, v)| (k.clone(), v.clone())).collect()
    }
}

/// Converts a [qualified](crate::key::qualify_name) name to a tag value: a tag value must not contain a comma, and no
/// name contains a slash.
fn name_to_tag(name: &str) -> String {
    name.replace(',', "/")
}

fn name_from_tag(value: &str) -> String {
    value.replace('/', ",")
}

/// A `stack` or `address` mark that is missing or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the mark {PREFIX}{key} is {}", match value { Some(value) => format!("unreadable: {value:?}"), None => "missing, although other marks exist".to_owned() })]
pub struct InvalidMarksError {
    /// The key of the mark, without the prefix.
    pub key: &'static str,
    /// The value of the mark. `None`: the mark is missing.
    pub value: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks with every field set.
    fn marks() -> Marks {
        Marks {
            lineage: Some(Lineage::parse_lineage(&"ab".repeat(16)).unwrap()),
            kind: Some(Kind::Agent),
            owner: Some("jane".to_owned()),
            service: Some("checkout".to_owned()),
            environment: Some("prod".to_owned()),
            sensitive: BTreeSet::from(["description".to_owned(), "tags".to_owned()]),
            created_at: Some("2026-11-20T22:00:00Z".parse().unwrap()),
            expires_at: Some("2027-02-18T22:00:00Z".parse().unwrap()),
            quarantine: Some(Quarantine { at: "2026-12-01T00:00:00Z".parse().unwrap(), reason: "removed".to_owned() }),
            digest: Some(Digest::from_bytes(b"x")),
            grace: Some(Span::from_days(3)),
            template: Some("a,k.ci@0123456789ab".to_owned()),
            ..Marks::new(StackName::new("payments").unwrap(), Address::for_identity("agent", Some("triage")))
        }
    }

    #[test]
    fn tags_read_back() {
        assert_eq!(Marks::from_tags(&marks().to_tags()), Ok(Some(marks())));
    }

    #[test]
    fn fully_set_marks_write_each_key_once() {
        let keys: BTreeSet<String> = KEYS.into_iter().map(|key| format!("{PREFIX}{key}")).collect();
        assert_eq!(keys.len(), KEYS.len());
        assert_eq!(BTreeSet::from_iter(marks().to_tags().into_keys()), keys);
    }

    #[test]
    fn values_keep_to_the_characters_of_a_tag() {
        for value in marks().to_tags().values() {
            assert!(value.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c)), "{value}");
        }
    }

    #[test]
    fn no_marks_is_none_and_half_a_mark_is_an_error() {
        assert_eq!(Marks::from_tags(&BTreeMap::from([("team".to_owned(), "x".to_owned())])), Ok(None));
        let mut tags = marks().to_tags();
        tags.remove("leasehold:address");
        assert_eq!(Marks::from_tags(&tags).unwrap_err().key, "address");
    }

    #[test]
    fn a_broken_date_counts_as_absent() {
        let mut tags = marks().to_tags();
        tags.insert("leasehold:expires-at".to_owned(), "tomorrow".to_owned());
        assert_eq!(Marks::from_tags(&tags).unwrap().unwrap().expires_at, None);
    }

    #[test]
    fn tags_that_say_nothing_are_kept_and_differ() {
        let active = Marks { quarantine: None, ..marks() };
        for (key, value) in [("reason", "removed"), ("created-at", "soon"), ("color", "red"), ("sensitive", "a  b")] {
            let mut tags = active.to_tags();
            tags.insert(format!("{PREFIX}{key}"), value.to_owned());
            let read = Marks::from_tags(&tags).unwrap().unwrap();
            assert_eq!(read.to_tags(), tags);
            assert_ne!(read, active, "{key}");
        }
    }
}
