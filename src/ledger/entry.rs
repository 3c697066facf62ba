//! One entry of the ledger.
//!
//! In: an entry, or its bytes. Out: its canonical bytes, or the entry. Invariant: an entry has exactly one sequence of bytes, and therefore
//! one digest.

use jiff::Timestamp;
use leasehold_provider::{Digest, Document, StackName};
use serde::{Deserialize, Serialize};

use super::record::LedgerRecord;
pub use crate::store::lock::LedgerHead;
use leasehold_provider::Lineage;

/// The version of the format. Version 1 had no lineage, and versions 1 and 2 did not record what the stack owns.
pub const SCHEMA: u32 = 3;

/// One entry of a stack's ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerEntry {
    /// The version of the format.
    pub schema: u32,
    /// The position in the chain, from 1.
    pub number: u64,
    /// The digest of the bytes of the entry before it; for the first entry, of the empty string.
    pub previous: Digest,
    /// The stack that the ledger belongs to.
    pub stack: StackName,
    /// The lineage of the ledger. `None` in version 1 of the format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// When it was written, by the writer's clock.
    pub at: Timestamp,
    /// The run that wrote it: 32 hexadecimal digits.
    pub run: String,
    /// The records, in the order in which they were written.
    pub records: Vec<LedgerRecord>,
}

/// Why bytes are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// They cannot be parsed.
    #[error("it cannot be parsed: {0}")]
    Unreadable(String),
    /// They have another version of the format.
    #[error("its format is {0}; this version of leasehold reads formats 1 to {SCHEMA}")]
    OtherFormat(u64),
    /// The entry has a lineage in format 1, or none in format 2.
    #[error("its lineage does not match its format")]
    Lineage,
    /// They are not in the canonical form that a writer produces.
    #[error("its bytes are not in canonical form")]
    NotCanonical,
}

impl LedgerEntry {
    /// The bytes of the entry: JSON with sorted keys and without white space. The digest is of these bytes.
    ///
    /// # Errors
    /// If a record cannot be written as JSON, which is a bug: the chain must not get an entry without its records.
    pub fn to_json_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let value = serde_json::to_value(self)?;
        Ok(Document::new(value).canonical_text().as_bytes().to_vec())
    }

    /// Parses an entry, only from the bytes that [`Self::to_json_bytes`] produces.
    ///
    /// # Errors
    /// If the bytes are not an entry, are not in canonical form, or have another version of the format.
    pub fn parse_entry(bytes: &[u8]) -> Result<Self, EntryError> {
        let unreadable = |error: serde_json::Error| EntryError::Unreadable(error.to_string());
        match serde_json::from_slice::<Self>(bytes) {
            Ok(entry) if entry.schema == 0 || entry.schema > SCHEMA => {
                Err(EntryError::OtherFormat(entry.schema.into()))
            }
            Ok(entry) if entry.lineage.is_some() != (entry.schema > 1) => Err(EntryError::Lineage),
            Ok(entry) if entry.to_json_bytes().is_ok_and(|canonical| canonical == bytes) => Ok(entry),
            Ok(_) => Err(EntryError::NotCanonical),
            Err(error) => {
                let value: serde_json::Value = serde_json::from_slice(bytes).map_err(unreadable)?;
                match value.get("schema").and_then(serde_json::Value::as_u64) {
                    Some(schema) if schema == 0 || schema > u64::from(SCHEMA) => Err(EntryError::OtherFormat(schema)),
                    _ => Err(unreadable(error)),
                }
            }
        }
    }
}

/// The key of the object of the entry with that number.
#[must_use]
pub fn entry_key(number: u64) -> String {
    format!("ledger/{}", entry_name(number))
}

/// The name of the entry's object below `ledger/`: 20 digits, so that names sort in the order of numbers.
#[must_use]
pub fn entry_name(number: u64) -> String {
    format!("{number:020}.json")
}

/// The number in the name of an entry's object. `None`: it is not such a name.
#[must_use]
pub fn parse_entry_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".json")?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> LedgerEntry {
        LedgerEntry {
            schema: SCHEMA,
            number: 7,
            previous: LedgerHead::empty_ledger().digest,
            stack: StackName::new("demo").unwrap(),
            lineage: Some(Lineage::parse_lineage(&"ab".repeat(16)).unwrap()),
            at: "2026-11-20T22:00:00Z".parse().unwrap(),
            run: "0".repeat(32),
            records: vec![LedgerRecord::RunEnded(super::super::record::RunEnded::default())],
        }
    }

    #[test]
    fn an_entry_reads_back_from_its_own_bytes_only() {
        let bytes = entry().to_json_bytes().unwrap();
        assert_eq!(LedgerEntry::parse_entry(&bytes), Ok(entry()));
        let mut spaced = bytes.clone();
        spaced.push(b'\n');
        assert_eq!(LedgerEntry::parse_entry(&spaced), Err(EntryError::NotCanonical));
        let text = String::from_utf8(bytes).unwrap();
        let newer = text.replace("\"schema\":3", "\"schema\":4");
        assert_eq!(LedgerEntry::parse_entry(newer.as_bytes()), Err(EntryError::OtherFormat(4)));
        let older = text.replace("\"schema\":3", "\"schema\":1");
        assert_eq!(LedgerEntry::parse_entry(older.as_bytes()), Err(EntryError::Lineage));
        let more = text.replacen('{', "{\"added\":1,", 1);
        assert!(matches!(LedgerEntry::parse_entry(more.as_bytes()), Err(EntryError::Unreadable(_))));
    }

    #[test]
    fn an_entry_of_the_first_format_still_reads() {
        let first = LedgerEntry { schema: 1, lineage: None, ..entry() };
        assert_eq!(LedgerEntry::parse_entry(&first.to_json_bytes().unwrap()), Ok(first));
        let none = LedgerEntry { lineage: None, ..entry() };
        assert_eq!(LedgerEntry::parse_entry(&none.to_json_bytes().unwrap()), Err(EntryError::Lineage));
    }

    #[test]
    fn names_sort_as_numbers() {
        assert_eq!(entry_name(42), "00000000000000000042.json");
        assert_eq!(parse_entry_name(&entry_name(u64::MAX)), Some(u64::MAX));
        assert!(entry_name(9) < entry_name(10));
        assert_eq!(parse_entry_name("42.json"), None);
        assert_eq!(parse_entry_name("00000000000000000042.json#1"), None);
    }
}
