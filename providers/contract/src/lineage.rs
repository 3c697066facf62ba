//! The lineage of a stack's records: a random id, generated with the first entry of the ledger and repeated in all later records.
//!
//! People tell stacks apart by name, but two stacks may have the same name. The lineage distinguishes their histories.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The id of one history: 128 random bits as 32 hexadecimal digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Lineage(String);

/// Text that is not 32 hexadecimal digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a lineage: expected 32 lowercase hexadecimal digits")]
pub struct InvalidLineageError(String);

impl Lineage {
    /// The lineage with these random bits.
    #[must_use]
    pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }

    /// Parses a lineage.
    ///
    /// # Errors
    /// If the text is not 32 hexadecimal digits in lower case.
    pub fn parse_lineage(text: &str) -> Result<Self, InvalidLineageError> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == 32 && text.bytes().all(is_digit) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidLineageError(text.chars().take(64).collect())),
        }
    }
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Lineage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_lineage(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_reads_back() {
        let one = Lineage::parse_lineage(&"0f".repeat(16)).unwrap();
        assert_eq!(Lineage::parse_lineage(&one.to_string()), Ok(one.clone()));
        assert_eq!(serde_json::from_str::<Lineage>(&serde_json::to_string(&one).unwrap()).unwrap(), one);
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "0", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33), "../../../../../../../../../../aa"] {
            assert!(Lineage::parse_lineage(text).is_err(), "{text}");
        }
    }
}
