//! The normal form of cloud objects. Desired and live objects use the same form, so that they can be compared
//! attribute by attribute.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Address, Alias, Digest, Document, Marks};

/// The type of a resource as users of Terraform know it, such as `aws_iam_role`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceKind(pub Cow<'static, str>);

impl ResourceKind {
    /// A kind known when the provider is built.
    #[must_use]
    pub const fn new(kind: &'static str) -> Self {
        Self(Cow::Borrowed(kind))
    }

    /// The kind as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One object of the cloud: its type, and a name that is unique within the type and the account. An object that is
/// part of a principal is named after the principal: `checkout_ci/leasehold`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceId {
    /// The type.
    pub kind: ResourceKind,
    /// The name.
    pub name: String,
    /// The account of the stack that the object is in. `None`: the stack's first account. The ids that a provider
    /// returns have `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Alias>,
}

impl ResourceId {
    /// The id of an object with this kind and name, in the stack's first account.
    pub fn new(kind: ResourceKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), account: None }
    }

    /// The same id in `account`. `None`: the stack's first account.
    #[must_use]
    pub fn with_account(self, account: Option<&Alias>) -> Self {
        Self { account: account.cloned(), ..self }
    }

    /// The id of another object in the same account.
    #[must_use]
    pub fn sibling(&self, kind: ResourceKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), account: self.account.clone() }
    }

    /// The name for people. If the account is not the stack's first, its alias comes first: `audit:jane`.
    #[must_use]
    pub fn display_name(&self) -> Cow<'_, str> {
        match &self.account {
            Some(account) => Cow::Owned(format!("{account}:{}", self.name)),
            None => Cow::Borrowed(&self.name),
        }
    }

    /// The placeholder in a plan for the part of a name that the cloud will choose: `ci/(new)`.
    pub const NEW: &str = "(new)";

    /// The part of the name after the principal's name: `leasehold` in `checkout_ci/leasehold`. Empty: the object is
    /// not part of a principal.
    #[must_use]
    pub fn local_name(&self) -> &str {
        self.name.split_once('/').map_or("", |(_, part)| part)
    }

    /// Whether the cloud will choose the name, so that the id still has the placeholder [`ResourceId::NEW`].
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.local_name() == Self::NEW
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.display_name())
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// True or false.
    Flag(bool),
    /// A set of texts.
    Set(BTreeSet<String>),
    /// A map of texts, such as tags.
    Map(BTreeMap<String, String>),
    /// A policy or other JSON document, in the provider's canonical form.
    Document(Document),
}

impl Value {
    /// The value as plain JSON, for output that other tools read.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Set(items) => items.iter().map(String::as_str).collect(),
            Self::Map(entries) => {
                entries.iter().map(|(k, v)| (k.clone(), serde_json::Value::from(v.as_str()))).collect()
            }
            Self::Document(document) => document.as_json_value().clone(),
        }
    }

    /// The text. `None`: the value is not a text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The parsed document. `None`: the value is not a document.
    #[must_use]
    pub fn as_document(&self) -> Option<&serde_json::Value> {
        match self {
            Self::Document(document) => Some(document.as_json_value()),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A resource's attributes by name. An attribute that is missing has the cloud's default value.
pub type Attributes = BTreeMap<Cow<'static, str>, Value>;

/// One object of the cloud in normal form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The id of the object.
    pub id: ResourceId,
    /// The identity it is part of. `None`: it is shared by identities of the stack.
    pub identity: Option<Address>,
    /// Its attributes.
    pub attributes: Attributes,
    /// Its marks. `None`: objects of this kind carry no marks of their own (only principals and shared objects do),
    /// or the marks were not read.
    pub marks: Option<Marks>,
    /// The objects that must exist before this one is created, and may be deleted only after it is deleted.
    pub depends_on: BTreeSet<ResourceId>,
    /// Names of attributes whose values views hide.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sensitive: BTreeSet<String>,
}

impl Resource {
    /// A resource with no attributes yet.
    #[must_use]
    pub fn new(id: ResourceId, identity: Option<Address>) -> Self {
        Self {
            id,
            identity,
            attributes: Attributes::new(),
            marks: None,
            depends_on: BTreeSet::new(),
            sensitive: BTreeSet::new(),
        }
    }

    /// The same resource with one more attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.insert(Cow::Borrowed(name), value.into());
        self
    }

    /// The same resource with one more dependency.
    #[must_use]
    pub fn with_dependency(mut self, id: ResourceId) -> Self {
        self.depends_on.insert(id);
        self
    }

    /// The parsed document of the attribute `name`. `None`: there is no such attribute, or it is not a document.
    #[must_use]
    pub fn document_attribute(&self, name: &str) -> Option<&serde_json::Value> {
        self.get(name).and_then(Value::as_document)
    }

    /// The attribute with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.attributes.get(name)
    }

    /// The digest of the object's id, attributes and marks. Two reads of an unchanged object give the same digest.
    #[must_use]
    pub fn compute_digest(&self) -> Digest {
        Digest::from_serializable(&(&self.id, &self.attributes, &self.marks))
    }
}

/// The digest for an identity's `digest` mark. It covers the ids and attributes of all its resources, and its marks
/// except `digest` itself and `lineage`.
///
/// It does not depend on the order of `resources`, nor on the account's alias: all resources of an identity are in
/// one account. It leaves out the `status` of an object with an `expiration_date`, because that status changes at the
/// expiration date without anybody changing the object.
pub fn identity_digest<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> Digest {
    #[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
    struct DigestedResource<'a> {
        kind: &'a ResourceKind,
        name: &'a str,
    }
    let lasting = |resource: &'a Resource| {
        let mut attributes = Cow::Borrowed(&resource.attributes);
        if resource.get("expiration_date").is_some() {
            attributes.to_mut().remove("status");
        }
        attributes
    };
    let parts: BTreeMap<DigestedResource<'a>, (Cow<'_, Attributes>, Option<Marks>)> = resources
        .into_iter()
        .map(|r| {
            let part = DigestedResource { kind: &r.id.kind, name: &r.id.name };
            (part, (lasting(r), r.marks.clone().map(|marks| Marks { digest: None, lineage: None, ..marks })))
        })
        .collect();
    let parts: Vec<_> = parts.into_iter().collect();
    Digest::from_serializable(&parts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_keep_their_form_inside_of_other_values() {
        let document = Document::new(json!({"b": "\"é\n", "a": [1, null, 1.5]}));
        let resource = Resource::new(ResourceId::new(ResourceKind::new("k"), "x"), None)
            .with_attribute("policy", Value::Document(document.clone()));
        let change = crate::Change::Create { after: Box::new(resource) };
        let as_value = serde_json::to_value(&change).unwrap();
        assert_eq!(as_value["after"]["attributes"]["policy"]["document"], *document.as_json_value());
        assert_eq!(serde_json::from_value::<crate::Change>(as_value).unwrap(), change);
        let as_text = serde_json::to_string_pretty(&change).unwrap();
        assert_eq!(serde_json::from_str::<crate::Change>(&as_text).unwrap(), change);
    }

    #[test]
    fn expired_credential_is_equal_to_desired() {
        const KIND: ResourceKind = ResourceKind::new("k");
        let digest = |status: &str, end: Option<&str>| {
            let held = Resource::new(ResourceId::new(KIND, "x"), None).with_attribute("status", status);
            identity_digest([&match end {
                Some(end) => held.with_attribute("expiration_date", end),
                None => held,
            }])
        };
        assert_eq!(digest("Active", Some("2027-01-01")), digest("Expired", Some("2027-01-01")));
        assert_ne!(digest("Active", Some("2027-01-01")), digest("Active", Some("2028-01-01")));
        assert_ne!(digest("Active", None), digest("Inactive", None));
    }

    #[test]
    fn the_identity_digest_ignores_order_and_its_own_mark() {
        const KIND: ResourceKind = ResourceKind::new("k");
        let stack = crate::StackName::new("s").unwrap();
        let mut a = Resource::new(ResourceId::new(KIND, "a"), None).with_attribute("x", "1");
        a.marks = Some(Marks::new(stack, Address::for_identity("a", None)));
        let b = Resource::new(ResourceId::new(KIND, "b"), None)
            .with_attribute("p", Value::Document(json!({"z": 1}).into()));
        let before = identity_digest([&a, &b]);
        assert_eq!(before, identity_digest([&b, &a]));
        a.marks.as_mut().unwrap().digest = Some(before);
        assert_eq!(before, identity_digest([&a, &b]));
        let audit = Alias::new("audit").unwrap();
        let moved = [&a, &b].map(|part| Resource { id: part.id.clone().with_account(Some(&audit)), ..part.clone() });
        assert_eq!(before, identity_digest(&moved), "an alias is part of the stack, not of the object");
        a.marks.as_mut().unwrap().owner = Some("tom".to_owned());
        assert_ne!(before, identity_digest([&a, &b]));
    }
}
