//! Aliases: the names of a stack's accounts other than the first one.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::InvalidNameError;

/// The alias of one of a stack's accounts: the `alias` of a `provider` block. 1 to 64 of a-z, 0-9, `_` and `-`.
///
/// A stack's first account, which is the only one of most stacks, has no alias: in an `Option<Alias>`, `None` always
/// means the first account. A provider works in one account and ignores aliases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Alias(Arc<str>);

impl Alias {
    /// Checks the name.
    ///
    /// # Errors
    /// The name is empty, is longer than 64 characters, or has a character that is not allowed.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidNameError> {
        let name = name.into();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if (1..=64).contains(&name.len()) && name.chars().all(plain) {
            Ok(Self(name.into()))
        } else {
            Err(InvalidNameError { what: "alias", name, rule: "use 1 to 64 characters of a-z, 0-9, '_' and '-'" })
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Alias {
    type Error = InvalidNameError;
    fn try_from(name: String) -> Result<Self, InvalidNameError> {
        Self::new(name)
    }
}

impl From<Alias> for String {
    fn from(alias: Alias) -> Self {
        alias.0.as_ref().to_owned()
    }
}
