//! Names that the engine and a provider exchange: the stack's name and an identity's address.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A name that does not have the shape its kind asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a {what}: {rule}")]
pub struct InvalidName {
    /// What the name should have been, for example "stack name".
    pub what: &'static str,
    /// The name as it was given.
    pub name: String,
    /// The rule it breaks, in words.
    pub rule: &'static str,
}

/// A stack's name: `[a-z0-9][a-z0-9-]{0,31}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StackName(String);

impl StackName {
    /// Checks the shape and wraps the name.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let shaped =
            name.chars().next().is_some_and(plain) && name.chars().all(|c| plain(c) || c == '-') && name.len() <= 32;
        if shaped {
            Ok(Self(name))
        } else {
            Err(InvalidName {
                what: "stack name",
                name,
                rule: "1 to 32 of a-z, 0-9 and '-', beginning with a letter or digit",
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
    type Error = InvalidName;
    fn try_from(name: String) -> Result<Self, InvalidName> {
        Self::new(name)
    }
}

impl From<StackName> for String {
    fn from(name: StackName) -> Self {
        name.0
    }
}

/// Where an identity stands in its stack: `identity.bot`, `identity.agent["triage"]`, later `module.a["k"].identity.x`.
///
/// The text is what people type and read. In the cloud it is kept in the form of [`Address::to_mark`], because quotes
/// and brackets are not allowed in an AWS tag's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// The address of `identity "label"`, or of one instance of it when a `for_each` key is given.
    #[must_use]
    pub fn identity(label: &str, key: Option<&str>) -> Self {
        match key {
            None => Self(format!("identity.{label}")),
            Some(key) => Self(format!("identity.{label}[{}]", serde_json::Value::from(key))),
        }
    }

    /// Takes an address as a person typed it. No check: an address that names nothing is found out by looking it up.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The address as people type it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address for a mark: `["key"]` becomes `/key`, and within a key everything but letters, digits, `_`, `-`
    /// and `@` becomes `=XX`, the hexadecimal bytes of its UTF-8 form. [`Address::from_mark`] undoes it.
    #[must_use]
    pub fn to_mark(&self) -> String {
        let mut mark = String::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some(open) = rest.find('[') {
            let (before, bracket) = rest.split_at(open);
            mark.push_str(before);
            let quoted = bracket.strip_prefix('[').unwrap_or("");
            let mut keys = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
            if let Some(Ok(key)) = keys.next() {
                mark.push('/');
                for byte in key.bytes() {
                    if byte.is_ascii_alphanumeric() || b"_-@".contains(&byte) {
                        mark.push(char::from(byte));
                    } else {
                        mark.push_str(&format!("={byte:02X}"));
                    }
                }
                rest = quoted.get(keys.byte_offset()..).and_then(|tail| tail.strip_prefix(']')).unwrap_or("");
            } else {
                mark.push('[');
                rest = quoted;
            }
        }
        mark.push_str(rest);
        mark
    }

    /// Reads an address back from a mark. `None` when an `=XX` sequence is broken or its bytes are not UTF-8.
    #[must_use]
    pub fn from_mark(mark: &str) -> Option<Self> {
        let mut address = String::with_capacity(mark.len().saturating_add(4));
        for (index, part) in mark.split('.').enumerate() {
            if index > 0 {
                address.push('.');
            }
            match part.split_once('/') {
                None => address.push_str(part),
                Some((label, key)) => {
                    address.push_str(label);
                    address.push_str(&format!("[{}]", serde_json::Value::from(decode(key)?)));
                }
            }
        }
        Some(Self(address))
    }
}

fn decode(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'=' {
            let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
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
        let address = Address::identity("agent", Some("tri age/é.\"x\"]["));
        assert_eq!(address.to_mark(), "identity.agent/tri=20age=2F=C3=A9=2E=22x=22=5D=5B");
        assert_eq!(Address::identity("agent", Some("triage")).to_mark(), "identity.agent/triage");
        assert_eq!(Address::from_mark("identity.a/=zz"), None);
    }

    proptest! {
        #[test]
        fn a_mark_reads_back_to_its_address(label in "[a-z_][a-z0-9_-]{0,8}", key in proptest::option::of(any::<String>())) {
            let address = Address::identity(&label, key.as_deref());
            prop_assert_eq!(Address::from_mark(&address.to_mark()), Some(address));
        }
    }
}
