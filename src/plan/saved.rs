//! A plan in a file.
//!
//! JSON with a format version and the plan's own digest, so that a changed byte is noticed. Reading needs nothing but the file.

use serde::{Deserialize, Serialize};

use super::{Plan, PlanDigest};

/// The version of the format this program writes. It reads no other.
pub const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    leasehold_plan: u32,
    version: &'a str,
    digest: PlanDigest,
    plan: &'a Plan,
}

#[derive(Deserialize)]
struct Envelope {
    leasehold_plan: u32,
    version: String,
}

#[derive(Deserialize)]
struct Read {
    digest: PlanDigest,
    plan: Plan,
}

/// Why a plan cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum NotSaved {
    /// It holds values that must not lie in a file.
    #[error("{subject} holds sensitive values, and a plan file may be read by many")]
    Sensitive {
        /// The identity or scope.
        subject: String,
    },
    /// It does not serialize.
    #[error("the plan does not serialize: {0}")]
    Format(#[from] serde_json::Error),
}

/// Why a file is not a plan that can be applied.
#[derive(Debug, thiserror::Error)]
pub enum NotAPlan {
    /// It is something else.
    #[error("this is not a leasehold plan: {0}")]
    Foreign(String),
    /// Another version of the format.
    #[error("the plan has format {format}, made by leasehold {version}; this program reads format {FORMAT}")]
    OtherFormat {
        /// The format.
        format: u32,
        /// The program that made it.
        version: String,
    },
    /// Its content is not what was written.
    #[error("the plan was changed after it was made: its digest does not fit its content")]
    Altered,
}

/// The bytes of a plan file.
pub fn write(plan: &Plan) -> Result<Vec<u8>, NotSaved> {
    for step in &plan.steps {
        let resources = step.change.before().into_iter().chain(step.change.after());
        if resources.flat_map(|resource| &resource.sensitive).next().is_some() {
            return Err(NotSaved::Sensitive { subject: step.subject.to_string() });
        }
    }
    let written = Written { leasehold_plan: FORMAT, version: &plan.basis.version, digest: plan.digest(), plan };
    let mut bytes = serde_json::to_vec(&written)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a plan back from a file's bytes.
pub fn read(bytes: &[u8]) -> Result<Plan, NotAPlan> {
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|error| NotAPlan::Foreign(error.to_string()))?;
    if envelope.leasehold_plan != FORMAT {
        return Err(NotAPlan::OtherFormat { format: envelope.leasehold_plan, version: envelope.version });
    }
    let read: Read = serde_json::from_slice(bytes).map_err(|_| NotAPlan::Altered)?;
    if read.plan.digest() == read.digest { Ok(read.plan) } else { Err(NotAPlan::Altered) }
}
