//! The phases an identity can be in, and why it leaves.

use std::fmt;

use jiff::Timestamp;
use leasehold_provider::{DesiredIdentity, Marks, Quarantine};
use serde::{Deserialize, Serialize};

/// What an identity should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It has its access.
    Active(Box<Active>),
    /// All access is shut and every credential off; it can still be restored.
    Quarantined(Quarantined),
    /// It is no longer this stack's: its marks are taken off, and everything else stays as it is.
    Released,
    /// It is gone.
    Absent {
        /// Why it left.
        reason: LeaveReason,
    },
}

/// What an active identity should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    /// The identity, whole.
    pub identity: DesiredIdentity,
    /// Its marks, without a digest: that follows from the resources.
    pub marks: Marks,
}

/// A quarantine, as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Since when, and why, as the mark says or will say.
    pub quarantine: Quarantine,
    /// Why it leaves as of now.
    pub reason: LeaveReason,
    /// When it may be deleted. `None`: not while its block stands.
    pub delete_after: Option<Timestamp>,
    /// The last use that keeps it from being deleted although its grace is over.
    pub held_by_use: Option<Timestamp>,
}

/// Why an identity leaves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LeaveReason {
    /// Its block is gone.
    Removed,
    /// Its block now makes a principal of another name or form.
    Replaced {
        /// The new principal's name.
        by: String,
    },
    /// Its lease is over.
    LeaseEnded {
        /// Since when.
        at: Timestamp,
    },
    /// The service it works for is retired.
    ServiceRetired {
        /// The service's label.
        service: String,
    },
    /// Somebody stopped it by hand; it stays so until somebody restores it.
    Revoked,
}

impl LeaveReason {
    /// The code that the `reason` mark holds.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Replaced { .. } => "replaced",
            Self::LeaseEnded { .. } => "lease-ended",
            Self::ServiceRetired { .. } => "service-retired",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for LeaveReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("no longer in configuration"),
            Self::Replaced { by } => write!(f, "replaced by principal {by}"),
            Self::LeaseEnded { at } => write!(f, "lease ended {at}"),
            Self::ServiceRetired { service } => write!(f, "service {service} is retired"),
            Self::Revoked => f.write_str("revoked by hand"),
        }
    }
}
