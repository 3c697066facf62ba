//! A plan in a file.
//!
//! In: a [`Plan`]; out: JSON, and back. The file has a format version and a digest, so a damaged file is noticed. A plan
//! has exactly one spelling: bytes that Leasehold would not write are refused. To read a plan, only the file is needed.
//! Sensitive values are never in it ([`super::sealed`]).
//!
//! Nothing in the file decides what is written to the cloud: to apply it, the plan is made again and compared
//! ([`super::compare`]). The digest is for accidents; who can edit the file can also compute it.

use leasehold_provider::Digest;
use serde::{Deserialize, Serialize};

use super::sealed::{self, SealedValues};
use super::{Plan, shown};

/// The version of the file format. Leasehold reads only this version.
pub const FORMAT: u32 = 3;

#[derive(Serialize)]
struct PlanToWrite<'a> {
    leasehold_plan: u32,
    version: &'a str,
    digest: Digest,
    plan: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<&'a SealedValues>,
}

#[derive(Deserialize)]
struct PlanEnvelope {
    leasehold_plan: u32,
    version: String,
}

#[derive(Deserialize)]
struct PlanFileContent {
    plan: Plan,
    #[serde(default)]
    sealed: Option<SealedValues>,
}

/// A plan that was read from a file.
#[derive(Debug, Clone)]
pub struct SavedPlan {
    /// The plan, without its sensitive values.
    pub plan: Plan,
    /// The keyed digests of its sensitive values; `None` if it has none.
    pub sealed: Option<SealedValues>,
}

/// Why a plan cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WritePlanError {
    /// It has sensitive values, and the caller passed no digests for them.
    #[error("it contains sensitive values that are not sealed")]
    NotSealed,
    /// It cannot be written as JSON.
    #[error("the plan cannot be serialized: {0}")]
    Format(#[from] serde_json::Error),
}

/// Why a file is not a plan that can be applied.
#[derive(Debug, thiserror::Error)]
pub enum ReadPlanError {
    /// It is not a plan of Leasehold, or not JSON.
    #[error("not a Leasehold plan: {0}")]
    Foreign(String),
    /// It has another format version.
    #[error("the plan has format {format}, made by Leasehold {version}; this version reads format {FORMAT}")]
    OtherFormat {
        /// The format version of the file.
        format: u32,
        /// The version of Leasehold that made it.
        version: String,
    },
    /// The plan does not match its digest, does not parse, or is not what Leasehold writes.
    #[error("the plan was modified after it was made: its digest does not match its content")]
    Altered,
    /// The changes that it lists are not those that its steps make.
    #[error("the plan was modified after it was made: the changes that it lists are not those that its steps make")]
    Misleading,
}

/// The bytes of a plan file. Sensitive values are removed; `sealed` has their keyed digests.
///
/// # Errors
///
/// Returns [`WritePlanError::NotSealed`] if the plan has sensitive values and `sealed` is `None`.
pub fn write_plan(plan: &Plan, sealed: Option<&SealedValues>) -> Result<Vec<u8>, WritePlanError> {
    let secret = sealed::contains_secrets(plan);
    if secret && sealed.is_none() {
        return Err(WritePlanError::NotSealed);
    }
    let redacted = secret.then(|| sealed::redact_plan(plan));
    Ok(to_bytes(redacted.as_ref().unwrap_or(plan), sealed)?)
}

/// The bytes of a plan without sensitive values.
fn to_bytes(plan: &Plan, sealed: Option<&SealedValues>) -> serde_json::Result<Vec<u8>> {
    // Without sensitive values there is nothing to seal.
    let sealed = sealed.filter(|_| sealed::contains_secrets(plan));
    let version = plan.basis.version.as_str();
    let digest = Digest::from_serializable(&(version, plan, sealed));
    let mut bytes = serde_json::to_vec(&PlanToWrite { leasehold_plan: FORMAT, version, digest, plan, sealed })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a plan from the bytes of a file.
///
/// # Errors
///
/// Returns a [`ReadPlanError`] if the bytes are not a plan, have another format version, or were changed.
pub fn read_plan(bytes: &[u8]) -> Result<SavedPlan, ReadPlanError> {
    let envelope: PlanEnvelope =
        serde_json::from_slice(bytes).map_err(|error| ReadPlanError::Foreign(error.to_string()))?;
    if envelope.leasehold_plan != FORMAT {
        return Err(ReadPlanError::OtherFormat { format: envelope.leasehold_plan, version: envelope.version });
    }
    let PlanFileContent { plan, sealed } = serde_json::from_slice(bytes).map_err(|_| ReadPlanError::Altered)?;
    // This includes the digest, and refuses what a reader of JSON would skip: unknown and repeated keys.
    if to_bytes(&plan, sealed.as_ref()).map_err(|_| ReadPlanError::Altered)? != bytes {
        return Err(ReadPlanError::Altered);
    }
    if !shown::shows_its_steps(&plan) {
        return Err(ReadPlanError::Misleading);
    }
    Ok(SavedPlan { plan, sealed })
}
