//! Evidence: the complete live identity, archived before it is quarantined or deleted.
//!
//! In: an identity as it was read. Out: an object `evidence/<SHA-256 of its bytes>`, and the record that names it in the ledger.
//! Invariant: what was read is archived whole. Nothing that can be tagged in the cloud shortens it, so a change by somebody else cannot be
//! hidden from an auditor. The secrets of access keys cannot be read, so they are not in it; a sensitive value that the configuration put
//! into a policy or a tag is.

use jiff::Timestamp;
use leasehold_provider::{Address, Digest, Document, LiveIdentity, Marks, Resource, StackName};
use serde::Serialize;

use super::record::ArchivedEvidence;
use crate::store::{Store, StoreError};
use leasehold_provider::Lineage;

/// The version of the format. Version 1 had no lineage. Version 2 replaced the attributes that the mark `leasehold:sensitive` named.
const SCHEMA: u32 = 3;

/// The archived form of an identity: what is needed to restore it by hand, and what an auditor asks for.
#[derive(Debug, Serialize)]
struct Evidence<'a> {
    schema: u32,
    stack: &'a StackName,
    lineage: &'a Lineage,
    address: &'a Address,
    name: &'a str,
    /// The cloud's unique id, which distinguishes the identity from others with the same name in the cloud's logs.
    unique_id: &'a str,
    /// When the identity was read from the cloud.
    read_at: Timestamp,
    created_at: Option<Timestamp>,
    last_used: Option<Timestamp>,
    marks: &'a Marks,
    /// All of its resources, with every attribute.
    resources: Vec<&'a Resource>,
}

/// The key of the archived object with that digest.
#[must_use]
pub fn evidence_key(digest: Digest) -> String {
    format!("evidence/{digest}")
}

/// Archives a live identity, and returns the record for the ledger. `before` names the reason: `quarantine`, `deletion`.
///
/// # Errors
/// If the store refuses the write, or does not answer in time.
pub async fn archive_identity(
    store: &Store,
    (stack, lineage): (&StackName, &Lineage),
    identity: &LiveIdentity,
    read_at: Timestamp,
    before: &str,
) -> Result<ArchivedEvidence, StoreError> {
    let bytes = render_evidence(stack, lineage, identity, read_at)
        .map_err(|error| StoreError::from_json(store.place(), "evidence", error))?;
    let digest = Digest::from_bytes(&bytes);
    // The key is the digest of the bytes. If the object exists already, it has these bytes.
    store.create_retained_object(&evidence_key(digest), &bytes).await?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok(ArchivedEvidence { subject: identity.address().clone(), before: before.to_owned(), digest, bytes: length })
}

fn render_evidence(
    stack: &StackName,
    lineage: &Lineage,
    identity: &LiveIdentity,
    read_at: Timestamp,
) -> Result<Vec<u8>, serde_json::Error> {
    let evidence = Evidence {
        schema: SCHEMA,
        stack,
        lineage,
        address: identity.address(),
        name: &identity.name,
        unique_id: &identity.unique_id,
        read_at,
        created_at: identity.created_at,
        last_used: identity.last_used,
        marks: &identity.marks,
        resources: identity.resources.values().collect(),
    };
    Ok(Document::new(serde_json::to_value(&evidence)?).canonical_text().as_bytes().to_vec())
}
