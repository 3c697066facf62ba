//! Names that the engine and a provider exchange: the stack's name, and addresses of identities and other blocks.
//!
//! An address has two text forms. People read and type `identity.agent["triage"]`; a mark contains
//! `identity.agent/triage`, because AWS does not allow quotes and brackets in a tag value. [`Address::to_mark`] and
//! [`Address::from_mark`] convert between them without loss.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::key::{self, Key};

/// A name that breaks the rule for its kind of name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a {what}: {rule}")]
pub struct InvalidNameError {
    /// The kind of name, for example "stack name".
    pub what: &'static str,
    /// The rejected name.
    pub name: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

/// A stack's name: `[a-z0-9][a-z0-9-]{0,31}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StackName(String);

impl StackName {
    /// Checks the name.
    ///
    /// # Errors
    /// The name does not match the pattern of [`StackName`].
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidNameError> {
        let name = name.into();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let shaped =
            name.chars().next().is_some_and(plain) && name.chars().all(|c| plain(c) || c == '-') && name.len() <= 32;
        if shaped {
            Ok(Self(name))
        } else {
            Err(InvalidNameError {
                what: "stack name",
                name,
                rule: "use 1 to 32 characters of a-z, 0-9 and '-', beginning with a letter or digit",
            })
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for StackName {
    type Error = InvalidNameError;
    fn try_from(name: String) -> Result<Self, InvalidNameError> {
        Self::new(name)
    }
}

impl From<StackName> for String {
    fn from(name: StackName) -> Self {
        name.0
    }
}

/// The address of a block in its stack: `identity.bot`, `identity.agent["triage"]`, `identity.worker[0]`,
/// `module.a["k"].identity.x`.
///
/// This is the form that people type and read. The cloud stores the form of [`Address::to_mark`], because AWS does
/// not allow quotes and brackets in a tag value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// The address of `identity "label"`, or of one of its instances if a `for_each` key is given.
    #[must_use]
    pub fn for_identity(label: &str, key: Option<&str>) -> Self {
        Self::for_block(None, "identity", label, key.map(Key::from).as_ref())
    }

    /// The address of a block: `KEYWORD.LABEL`, preceded by its module and followed by the key of its instance, where
    /// it has them.
    #[must_use]
    pub fn for_block(module: Option<&str>, keyword: &str, label: &str, key: Option<&Key>) -> Self {
        let module = module.map_or_else(String::new, |module| format!("{module}."));
        let key = key.map_or_else(String::new, ToString::to_string);
        Self(format!("{module}{keyword}.{label}{key}"))
    }

    /// The address of a block with this [qualified](crate::key::qualify_name) name: `scope.orders` for `orders`,
    /// `module.a.scope.orders` for `a.orders`.
    #[must_use]
    pub fn from_qualified_name(keyword: &str, name: &str) -> Self {
        let Some((modules, label)) = name.rsplit_once('.') else { return Self(format!("{keyword}.{name}")) };
        let mut module = String::new();
        for segment in modules.split('.') {
            let Some((label, key)) = key::parse_segment(segment) else { return Self(format!("{keyword}.{name}")) };
            let dot = if module.is_empty() { "" } else { "." };
            module.push_str(&format!("{dot}module.{label}"));
            module.push_str(&key.map_or_else(String::new, |key| key.to_string()));
        }
        Self(format!("{module}.{keyword}.{label}"))
    }

    /// An address as a person typed it. It is not checked: a lookup finds out whether it exists.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The address as people type it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form for a mark: `["key"]` becomes `/key` and `[0]` becomes `:0`. Within a key, every character except
    /// letters, digits, `_`, `-` and `@` becomes `=XX`, the hexadecimal bytes of its UTF-8 form.
    /// [`Address::from_mark`] reverses it.
    #[must_use]
    pub fn to_mark(&self) -> String {
        let mut mark = String::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some(open) = rest.find('[') {
            let (before, bracket) = rest.split_at(open);
            mark.push_str(before);
            let inner = bracket.strip_prefix('[').unwrap_or("");
            match Key::parse_prefix(inner) {
                Some((key, tail)) => {
                    match &key {
                        Key::Name(name) => {
                            mark.push('/');
                            key::encode_key(name, &mut mark);
                        }
                        Key::Index(index) => mark.push_str(&format!(":{index}")),
                    }
                    rest = tail;
                }
                None => {
                    mark.push('[');
                    rest = inner;
                }
            }
        }
        mark.push_str(rest);
        mark
    }

    /// Reads an address from a mark. `None`: an `=XX` sequence is invalid, its bytes are not UTF-8, or an index is
    /// not a number.
    #[must_use]
    pub fn from_mark(mark: &str) -> Option<Self> {
        let mut address = String::with_capacity(mark.len().saturating_add(4));
        for (index, part) in mark.split('.').enumerate() {
            if index > 0 {
                address.push('.');
            }
            let (label, key) = match (part.split_once('/'), part.split_once(':')) {
                (Some((label, key)), _) => (label, Some(Key::Name(key::decode_key(key)?.into()))),
                (None, Some((label, index))) => (label, Some(Key::Index(index.parse().ok()?))),
                (None, None) => (part, None),
            };
            address.push_str(label);
            address.push_str(&key.map_or_else(String::new, |key| key.to_string()));
        }
        Some(Self(address))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stack_names_have_one_shape() {
        assert!(StackName::new("payments-2").is_ok());
        for bad in ["", "-a", "Payments", "a_b", "a.b", &"a".repeat(33)] {
            assert!(StackName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_mark_keeps_to_the_characters_of_a_tag() {
        let address = Address::for_identity("agent", Some("tri age/é.\"x\"]["));
        assert_eq!(address.to_mark(), "identity.agent/tri=20age=2F=C3=A9=2E=22x=22=5D=5B");
        assert_eq!(Address::for_identity("agent", Some("triage")).to_mark(), "identity.agent/triage");
        assert_eq!(Address::from_mark("identity.a/=zz"), None);
        assert_eq!(Address::from_mark("identity.a:x"), None);
        let nested = Address::from_text("module.a[\"x.y\"].module.b[3].identity.agent[\"t/1\"]");
        assert_eq!(nested.to_mark(), "module.a/x=2Ey.module.b:3.identity.agent/t=2F1");
        assert_eq!(Address::for_identity("worker", Some("0")).to_mark(), "identity.worker/0");
    }

    #[test]
    fn a_qualified_name_tells_its_address() {
        assert_eq!(Address::from_qualified_name("scope", "orders").as_str(), "scope.orders");
        assert_eq!(Address::from_qualified_name("scope", "a.orders").as_str(), "module.a.scope.orders");
        assert_eq!(
            Address::from_qualified_name("owner", "a,x=2Ey.b+3.jane").as_str(),
            "module.a[\"x.y\"].module.b[3].owner.jane"
        );
    }

    fn keys() -> impl Strategy<Value = Option<Key>> {
        proptest::option::of(prop_oneof![
            any::<String>().prop_map(|name| Key::Name(name.into())),
            any::<u64>().prop_map(Key::Index),
        ])
    }

    proptest! {
        #[test]
        fn a_mark_reads_back_to_its_address(
            modules in proptest::collection::vec(("[a-z_][a-z0-9_-]{0,8}", keys()), 0..4),
            label in "[a-z_][a-z0-9_-]{0,8}",
            key in keys(),
        ) {
            let mut module = None;
            let mut qualified = String::new();
            for (label, key) in &modules {
                module = Some(Address::for_block(module.as_deref(), "module", label, key.as_ref()).0);
                qualified.push_str(&format!("{}.", key::render_segment(label, key.as_ref())));
            }
            let address = Address::for_block(module.as_deref(), "identity", &label, key.as_ref());
            prop_assert!(address.to_mark().chars().all(|c| c.is_ascii_alphanumeric() || "_.:/=+-@".contains(c)));
            prop_assert_eq!(Address::from_mark(&address.to_mark()), Some(address));
            let scope = Address::for_block(module.as_deref(), "scope", &label, None);
            prop_assert_eq!(Address::from_qualified_name("scope", &format!("{qualified}{label}")), scope);
        }
    }
}
