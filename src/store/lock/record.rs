//! `lock.json`: its fields, and how it is parsed.
//!
//! In: the bytes of the object. Out: a [`LockRecord`] of this stack. Invariant: a record of another stack or of a newer format is refused.

use std::collections::BTreeMap;

use jiff::Timestamp;
use leasehold_provider::{Digest, StackName};
use serde::{Deserialize, Serialize};

use super::{LockError, ObjectVersion};
use crate::store::{Store, StoreError, StoredObject};
use leasehold_provider::Lineage;

/// The key of the object.
pub(super) const KEY: &str = "lock.json";

/// The version of the format. Version 1 named neither stack nor lineage.
pub(super) const SCHEMA: u32 = 2;

/// The holder of the lock, as shown to a caller that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// The principal, as the cloud names it.
    pub actor: String,
    /// The name of the machine.
    pub host: String,
    /// The process id on that machine.
    pub process: u32,
    /// The CI job: its URL, or the name of the CI system. `None`: the run is not a CI job.
    pub pipeline: Option<String>,
    /// Details of the CI job, with the keys of `RunStarted::pipeline` of the ledger.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub job: BTreeMap<String, String>,
}

/// A request for the lock.
#[derive(Debug, Clone, Copy)]
pub struct LockClaim<'a> {
    /// The stack of the caller.
    pub stack: &'a StackName,
    /// The caller, which becomes the holder.
    pub holder: &'a LockHolder,
    /// The command that needs the lock, such as `apply`.
    pub what: &'a str,
}

/// Number and digest of the last entry of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerHead {
    /// The number of the entry; 0 if there is none.
    pub number: u64,
    /// The SHA-256 of its bytes; of the empty string if there is no entry.
    pub digest: Digest,
}

impl LedgerHead {
    /// The head of a ledger without entries.
    #[must_use]
    pub fn empty_ledger() -> Self {
        Self { number: 0, digest: Digest::from_bytes(b"") }
    }
}

/// What the lock stores about the stack's ledger, for the next holder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownLedger {
    /// The last entry, from which the next holder searches for the end. `None`: no entry is known.
    pub head: Option<LedgerHead>,
    /// The lineage of the ledger. `None`: there is no ledger yet, or its records are older than lineages.
    pub lineage: Option<Lineage>,
}

/// The content of `lock.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRecord {
    /// The version of the format.
    pub schema: u32,
    /// The stack that the lock belongs to. `None` in version 1 of the format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackName>,
    /// The lineage of the ledger, as the last holder knew it. `None` as in [`KnownLedger`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// The present holder, or the last one if the lock is free.
    pub holder: LockHolder,
    /// The holder's command, such as `apply`.
    pub what: String,
    /// A random id, different for each holder.
    pub nonce: String,
    /// The number of holders so far, this one included.
    pub epoch: u64,
    /// How often this holder has written the record.
    pub counter: u64,
    /// When this holder took the lock.
    pub since: Timestamp,
    /// When the lock expires if it is not renewed.
    pub expires: Timestamp,
    /// Whether the lock is free: its holder released it, or another caller broke it.
    pub free: bool,
    /// The ledger's last entry, as the holder knew it. `None`: no entry is known.
    pub head: Option<LedgerHead>,
}

impl LockRecord {
    /// What the holder knew about the ledger.
    #[must_use]
    pub fn known_ledger(&self) -> KnownLedger {
        KnownLedger { head: self.head.clone(), lineage: self.lineage.clone() }
    }

    /// The object's bytes. An error is a bug.
    pub(super) fn to_json_bytes(&self, store: &Store) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|error| StoreError::from_json(store.place(), KEY, error))
    }

    /// Parses the object. A record of another stack is an error.
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

/// Two stacks are configured with the same place for their records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} contains the records of stack {theirs}, but this is stack {ours}")]
pub struct OtherStackError {
    /// The store.
    pub place: String,
    /// The stack that the records belong to.
    pub theirs: StackName,
    /// The stack of this run.
    pub ours: StackName,
}

impl OtherStackError {
    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> String {
        let Self { theirs, ours, .. } = self;
        format!(
            "Give each stack its own place for records: set another `prefix` or `path` in the backend block of {ours}. If {theirs} was renamed to {ours}, \
             change the name back: marks and policies in the cloud contain it."
        )
    }
}
