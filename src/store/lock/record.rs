//! `lock.json`: who holds a stack's lock, and how it reads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use leasehold_provider::{Digest, StackName};
use serde::{Deserialize, Serialize};

use super::{LockError, ObjectVersion};
use crate::store::lineage::Lineage;
use crate::store::{Store, StoredObject};

/// The key of the object.
pub(super) const KEY: &str = "lock.json";

/// The version of its format. Version 1 named neither stack nor lineage.
pub(super) const SCHEMA: u32 = 2;

/// Who holds the lock, for whoever is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// As whom: the caller as the cloud knows it.
    pub actor: String,
    /// On which machine.
    pub host: String,
    /// The number of its process there.
    pub process: u32,
    /// The CI job, where it is one: an address to open, or the name of the system.
    pub pipeline: Option<String>,
    /// What the CI job says about itself, under the keys of `RunStarted::pipeline` of the ledger.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub job: BTreeMap<String, String>,
}

/// Who asks for the lock, of which stack, to do what.
#[derive(Debug, Clone, Copy)]
pub struct LockClaim<'a> {
    /// The stack.
    pub stack: &'a StackName,
    /// Who asks.
    pub holder: &'a LockHolder,
    /// The command: `apply`.
    pub what: &'a str,
}

/// The last entry of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerHead {
    /// Its number; 0 before the first.
    pub number: u64,
    /// The SHA-256 of its bytes; before the first entry, of no bytes.
    pub digest: Digest,
}

impl LedgerHead {
    /// The head of a ledger without entries.
    #[must_use]
    pub fn empty_ledger() -> Self {
        Self { number: 0, digest: Digest::from_bytes(b"") }
    }
}

/// What the holder of a lock knows of the stack's ledger, for the next holder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownLedger {
    /// The last entry: where the next holder begins to look.
    pub head: Option<LedgerHead>,
    /// The lineage of the ledger. `None`: there is no ledger yet, or one from before records had a lineage.
    pub lineage: Option<Lineage>,
}

/// The lock as it is in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRecord {
    /// The version of the format.
    pub schema: u32,
    /// The stack. `None` in version 1 of the format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackName>,
    /// The lineage of the ledger, as its last holder knew it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// Who holds it, or held it last.
    pub holder: LockHolder,
    /// What they are doing: `apply`.
    pub what: String,
    /// Unlike that of any other holder.
    pub nonce: String,
    /// How many holders there were, this one included.
    pub epoch: u64,
    /// How often this holder wrote it.
    pub counter: u64,
    /// Since when.
    pub since: Timestamp,
    /// When it ends unless it is renewed.
    pub expires: Timestamp,
    /// Whether it was given back, or broken.
    pub free: bool,
    /// The ledger's last entry as the holder knew it.
    pub head: Option<LedgerHead>,
}

impl LockRecord {
    /// What its holder knew of the ledger.
    #[must_use]
    pub fn known_ledger(&self) -> KnownLedger {
        KnownLedger { head: self.head.clone(), lineage: self.lineage.clone() }
    }

    pub(super) fn to_json_bytes(&self) -> Vec<u8> {
        // Texts, numbers and instants always serialize.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the object, and refuses another stack's.
    pub(super) fn parse_object(
        store: &Store,
        stack: &StackName,
        object: StoredObject,
    ) -> Result<(Self, ObjectVersion), LockError> {
        let unreadable = |why: String| LockError::Unreadable { place: store.place().to_owned(), why };
        let record: Self = serde_json::from_slice(&object.bytes).map_err(|error| unreadable(error.to_string()))?;
        if record.schema > SCHEMA {
            let why = format!("its format is {}, and this version reads up to {SCHEMA}", record.schema);
            return Err(unreadable(why));
        }
        match &record.stack {
            Some(theirs) if theirs != stack => Err(LockError::OtherStack(OtherStackError {
                place: store.place().to_owned(),
                theirs: theirs.clone(),
                ours: stack.clone(),
            })),
            _ => Ok((record, object.version)),
        }
    }
}

/// The records of one stack are where another stack looks for its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} holds the records of stack {theirs}, and this is stack {ours}")]
pub struct OtherStackError {
    /// Where the records are.
    pub place: String,
    /// The stack that they are of.
    pub theirs: StackName,
    /// The stack that was looked for.
    pub ours: StackName,
}

impl OtherStackError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        let Self { theirs, ours, .. } = self;
        format!(
            "Give each stack records of its own: another `prefix` or `path` in the backend block of {ours}. If {theirs} was renamed to {ours}, \
             change the name back: marks and policies in the cloud carry it."
        )
    }
}
