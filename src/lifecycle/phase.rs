//! The phases an identity can be in, and why it leaves.

use std::fmt;

use jiff::Timestamp;
use leasehold_provider::{DesiredIdentity, Marks, Quarantine};
use serde::{Deserialize, Serialize};

use super::keys::DesiredKeys;

/// What an identity should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LifecyclePhase {
    /// It has its access.
    Active(Box<ActiveIdentity>),
    /// All access is shut and every credential off; it can still be restored.
    Quarantined(QuarantinedIdentity),
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
pub struct ActiveIdentity {
    /// The identity, whole.
    pub identity: DesiredIdentity,
    /// Its marks, without a digest: that follows from the resources.
    pub marks: Marks,
    /// Its access keys, where it is issued any, or was.
    pub keys: Option<DesiredKeys>,
}

/// A quarantine, as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedIdentity {
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
    Revoked {
        /// Why, in that person's words; empty where the mark has none.
        why: String,
    },
}

/// The `reason` mark of an identity that was revoked begins so.
const REVOKED: &str = "revoked";
/// The longest value of a tag, in characters.
const LONGEST_MARK: usize = 256;

impl LeaveReason {
    /// A revocation, with as much of its reason as a mark can hold: every run of other characters becomes one space.
    #[must_use]
    pub fn from_revocation(why: &str) -> Self {
        let fits = |c: char| c.is_alphanumeric() || "_.:/=+-@".contains(c);
        let plain: String = why.chars().map(|c| if fits(c) { c } else { ' ' }).collect();
        let plain = plain.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let room = LONGEST_MARK.saturating_sub(REVOKED.len()).saturating_sub(2);
        Self::Revoked { why: plain.chars().take(room).collect::<String>().trim_end().to_owned() }
    }

    /// What the `reason` mark says, where that decides what the identity should be.
    #[must_use]
    pub fn from_mark(mark: &str) -> Option<Self> {
        let why = match mark.strip_prefix(REVOKED)? {
            "" => "",
            rest => rest.strip_prefix(": ")?,
        };
        Some(Self::Revoked { why: why.to_owned() })
    }

    /// The `reason` mark.
    #[must_use]
    pub fn to_mark(&self) -> String {
        match self {
            Self::Revoked { why } if !why.is_empty() => format!("{REVOKED}: {why}"),
            _ => self.code().to_owned(),
        }
    }

    /// The code that the `reason` mark holds.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Replaced { .. } => "replaced",
            Self::LeaseEnded { .. } => "lease-ended",
            Self::ServiceRetired { .. } => "service-retired",
            Self::Revoked { .. } => REVOKED,
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
            Self::Revoked { why } if why.is_empty() => f.write_str("revoked by hand"),
            Self::Revoked { why } => write!(f, "revoked by hand: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_fits_its_mark_and_reads_back() {
        let long = "x".repeat(400);
        for (why, kept) in [
            ("key leaked", "key leaked"),
            ("key leaked, <b>see</b> #42!\u{1b}[31m", "key leaked b see /b 42 31m"),
            ("", ""),
            (long.as_str(), &long[..247]),
        ] {
            let reason = LeaveReason::from_revocation(why);
            assert_eq!(reason, LeaveReason::Revoked { why: kept.to_owned() });
            let mark = reason.to_mark();
            assert!(
                mark.chars().count() <= 256 && mark.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c))
            );
            assert_eq!(LeaveReason::from_mark(&mark), Some(reason));
        }
        assert_eq!(LeaveReason::from_mark("removed"), None);
        assert_eq!(LeaveReason::from_mark("revokedish"), None);
    }
}
