//! SHA-256 digests over the canonical JSON of a value.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// The SHA-256 of a value's canonical JSON. Its text form has 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 in 64 hexadecimal digits")]
pub struct InvalidDigestError;

impl Digest {
    /// The digest of raw bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The digest of a value's JSON. The value's maps must be ordered (`BTreeMap`, structs, [`crate::Document`]), so
    /// that equal values have equal bytes.
    ///
    /// # Panics
    /// The type cannot be written as JSON, because a map has keys that are not text. That is a bug in the caller: the
    /// digest of anything else would be a wrong answer.
    #[must_use]
    #[expect(clippy::expect_used, reason = "whether a type can be written as JSON does not depend on the input")]
    pub fn from_serializable<T: Serialize + ?Sized>(value: &T) -> Self {
        Self::from_bytes(&serde_json::to_vec(value).expect("bug in Leasehold: a value cannot be written as JSON"))
    }

    /// The 32 bytes of the digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 digits, enough for a person to distinguish two digests.
    #[must_use]
    pub fn to_short_text(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.to_short_text())
    }
}

impl std::str::FromStr for Digest {
    type Err = InvalidDigestError;
    fn from_str(text: &str) -> Result<Self, InvalidDigestError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidDigestError)?;
        Ok(Self(bytes))
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigestError;
    fn try_from(text: String) -> Result<Self, InvalidDigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "bug in Leasehold")]
    fn a_value_without_json_has_no_digest() {
        let _ = Digest::from_serializable(&std::collections::BTreeMap::from([((1, 2), 3)]));
    }

    #[test]
    fn known_answer_and_round_trip() {
        let digest = Digest::from_bytes(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!("xy".repeat(32).parse::<Digest>(), Err(InvalidDigestError));
        assert_eq!("é".repeat(32).parse::<Digest>(), Err(InvalidDigestError));
    }
}
