//! The marks on a live object that say whose it is: tags under `leasehold:`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Address, Digest, Kind, Span, StackName};

/// Every mark's key begins with this.
pub const PREFIX: &str = "leasehold:";

/// What the marks of one live object say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// The stack that owns the object.
    pub stack: StackName,
    /// What the object is in that stack.
    pub address: Address,
    /// What sort of actor the identity is: kept here because its block is gone when it leaves.
    pub kind: Option<Kind>,
    /// The owner's label.
    pub owner: Option<String>,
    /// The service's label.
    pub service: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// When the identity joined, in whole seconds.
    pub created_at: Option<Timestamp>,
    /// The end of the lease.
    pub expires_at: Option<Timestamp>,
    /// The identity's own grace, kept here because its block is gone by the time it counts.
    pub grace: Option<Span>,
    /// The template that the identity took words from, and the digest of what that said: `ci@1f0c…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The names of attributes that were made from sensitive values: views and records hide them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sensitive: BTreeSet<String>,
    /// Set while the identity is quarantined.
    pub quarantine: Option<Quarantine>,
    /// The digest of the resources last applied: [`crate::resource::identity_digest`].
    pub digest: Option<Digest>,
}

/// Since when and why an identity is quarantined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// When its access was shut.
    pub at: Timestamp,
    /// Why: a short code such as `removed` or `lease-ended`.
    pub reason: String,
}

impl Marks {
    /// Marks with nothing but whose and what.
    #[must_use]
    pub fn new(stack: StackName, address: Address) -> Self {
        Self {
            stack,
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
        }
    }

    /// The marks as tags. Values keep to the characters that AWS allows in a tag's value.
    #[must_use]
    pub fn to_tags(&self) -> BTreeMap<String, String> {
        let instant = |at: Timestamp| at.to_string();
        let quarantine = self.quarantine.as_ref();
        let tags = [
            ("stack", Some(self.stack.to_string())),
            ("address", Some(self.address.to_mark())),
            ("kind", self.kind.map(|kind| kind.as_str().to_owned())),
            ("owner", self.owner.as_deref().map(name_to_tag)),
            ("service", self.service.as_deref().map(name_to_tag)),
            ("environment", self.environment.clone()),
            ("created-at", self.created_at.map(instant)),
            ("expires-at", self.expires_at.map(instant)),
            ("grace", self.grace.map(|span| span.to_string())),
            ("template", self.template.as_deref().map(name_to_tag)),
            (
                "sensitive",
                (!self.sensitive.is_empty()).then(|| Vec::from_iter(self.sensitive.iter().cloned()).join(" ")),
            ),
            ("quarantined-at", quarantine.map(|q| instant(q.at))),
            ("reason", quarantine.map(|q| q.reason.clone())),
            ("digest", self.digest.map(|digest| digest.to_string())),
        ];
        tags.into_iter().filter_map(|(key, value)| Some((format!("{PREFIX}{key}"), value?))).collect()
    }

    /// Reads marks from tags; tags without the prefix are passed over. `None`: the object carries no mark of any stack.
    ///
    /// Whose the object is (`stack` and `address`) must be readable; when one of the two is there and does not read, the
    /// error says so, and nobody may write the object. Any other mark that does not read counts as absent: it then differs
    /// from what is wanted, shows as drift and is written anew.
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
        Ok(Some(Self {
            stack: StackName::new(stack).map_err(|_| broken("stack", stack))?,
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
        }))
    }

    /// The tags that are not marks.
    #[must_use]
    pub fn without_marks(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        tags.iter().filter(|(key, _)| !key.starts_with(PREFIX)).map(|(k, v)| (k.clone(), v.clone())).collect()
    }
}

/// A [qualified](crate::key::qualified) name as a tag's value: a comma is not allowed there, and a slash is in no name.
fn name_to_tag(name: &str) -> String {
    name.replace(',', "/")
}

fn name_from_tag(value: &str) -> String {
    value.replace('/', ",")
}

/// A mark that says whose an object is, and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the mark {PREFIX}{key} is {}", match value { Some(value) => format!("unreadable: {value:?}"), None => "missing while other marks are there".to_owned() })]
pub struct InvalidMarksError {
    /// The mark at fault, without its prefix.
    pub key: &'static str,
    /// What stands there, if anything does.
    pub value: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks() -> Marks {
        Marks {
            kind: Some(Kind::Agent),
            owner: Some("jane".to_owned()),
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
}
