//! Evidence: the whole live object, archived before it is shut or deleted.

use jiff::Timestamp;
use leasehold_provider::{Address, Digest, Document, LiveIdentity, Marks, Resource, StackName};
use serde::Serialize;

use super::record::ArchivedEvidence;
use crate::store::lineage::Lineage;
use crate::store::{Store, StoreError};

/// The version of the format. Version 1 had no lineage.
const SCHEMA: u32 = 2;

/// What is archived of an identity: all that a restoration by hand would need, and all that an auditor asks.
#[derive(Debug, Serialize)]
struct Evidence<'a> {
    schema: u32,
    stack: &'a StackName,
    lineage: &'a Lineage,
    address: &'a Address,
    name: &'a str,
    /// The cloud's own id of it, by which its logs tell it from another of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_id: Option<&'a str>,
    /// When it was read.
    read_at: Timestamp,
    created_at: Option<Timestamp>,
    last_used: Option<Timestamp>,
    marks: &'a Marks,
    /// All it is and holds. What the marks call sensitive is left out: evidence is kept for long, and read by many.
    resources: Vec<Resource>,
}

/// The key of an archived object.
#[must_use]
pub fn evidence_key(digest: Digest) -> String {
    format!("evidence/{digest}")
}

/// Archives an identity as it lives, and says what the ledger shall say of it. `before` names what follows: `quarantine`, `deletion`.
pub async fn archive_identity(
    store: &Store,
    (stack, lineage): (&StackName, &Lineage),
    identity: &LiveIdentity,
    read_at: Timestamp,
    before: &str,
) -> Result<ArchivedEvidence, StoreError> {
    let bytes = render_evidence(stack, lineage, identity, read_at);
    let digest = Digest::from_bytes(&bytes);
    // The key is made from the bytes: that it is there already is as good.
    store.create_retained_object(&evidence_key(digest), &bytes).await?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok(ArchivedEvidence { subject: identity.address().clone(), before: before.to_owned(), digest, bytes: length })
}

fn render_evidence(stack: &StackName, lineage: &Lineage, identity: &LiveIdentity, read_at: Timestamp) -> Vec<u8> {
    let evidence = Evidence {
        schema: SCHEMA,
        stack,
        lineage,
        address: identity.address(),
        name: &identity.name,
        unique_id: identity.unique_id.as_deref(),
        read_at,
        created_at: identity.created_at,
        last_used: identity.last_used,
        marks: &identity.marks,
        resources: identity
            .resources
            .values()
            .cloned()
            .map(|mut resource| {
                resource.redact_sensitive();
                resource
            })
            .collect(),
    };
    // Texts, numbers and instants always serialize.
    Document::new(serde_json::to_value(&evidence).unwrap_or_default()).canonical_text().as_bytes().to_vec()
}
