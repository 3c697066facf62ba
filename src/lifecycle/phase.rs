//! The phases of an identity, and the reasons for leaving.

use std::fmt;

use jiff::Timestamp;
use leasehold_provider::{DesiredIdentity, Marks, Quarantine};
use serde::{Deserialize, Serialize};

use super::keys::DesiredKeys;

/// The phase an identity should be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LifecyclePhase {
    /// It has its declared access.
    Active(Box<ActiveIdentity>),
    /// It has no access and its credentials are disabled. It can still be restored.
    Quarantined(QuarantinedIdentity),
    /// The stack no longer manages it: its marks are removed and everything else stays unchanged.
    Released,
    /// It does not exist.
    Absent {
        /// Why it left.
        reason: LeaveReason,
    },
}

/// The desired state of an active identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveIdentity {
    /// The complete desired identity.
    pub identity: DesiredIdentity,
    /// Its marks, without the digest. [`crate::realize`] computes the digest from the resources.
    pub marks: Marks,
    /// The access keys it should have. `None`: Leasehold issues none and has issued none.
    pub keys: Option<DesiredKeys>,
}

/// The desired state of a quarantined identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedIdentity {
    /// When the quarantine began and why: from the mark where it exists, else from this run.
    pub quarantine: Quarantine,
    /// Why the identity leaves, as decided in this run. The mark may give an earlier reason.
    pub reason: LeaveReason,
    /// The end of the grace period. `None`: the identity is not deleted while its block is declared.
    pub delete_after: Option<Timestamp>,
    /// The last use after the quarantine began, which prevents the deletion although the grace period is over. `None`: nothing prevents
    /// it.
    pub last_use: Option<Timestamp>,
}

/// Why an identity leaves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LeaveReason {
    /// Its block was removed from the configuration.
    Removed,
    /// Its block now declares a principal with another name or form.
    Replaced {
        /// The new principal's name.
        by: String,
    },
    /// Its lease has expired.
    #[serde(rename = "lease_ended")]
    LeaseExpired {
        /// The deadline of the lease.
        at: Timestamp,
    },
    /// The service it belongs to is retired.
    ServiceRetired {
        /// The service's label.
        service: String,
    },
    /// A person revoked it. It stays quarantined until a person restores it.
    Revoked {
        /// The reason that person gave; empty if the mark has none.
        why: String,
    },
}

/// The prefix of the `reason` mark of a revoked identity.
const REVOKED: &str = "revoked";
/// The maximum length of a tag value in IAM, in characters.
const LONGEST_MARK: usize = 256;

impl LeaveReason {
    /// A revocation whose reason fits into a tag. Each run of characters that tags do not allow becomes one space; the rest is cut off.
    #[must_use]
    pub fn from_revocation(why: &str) -> Self {
        let fits = |c: char| c.is_alphanumeric() || "_.:/=+-@".contains(c);
        let plain: String = why.chars().map(|c| if fits(c) { c } else { ' ' }).collect();
        let plain = plain.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let room = LONGEST_MARK.saturating_sub(REVOKED.len()).saturating_sub(2);
        Self::Revoked { why: plain.chars().take(room).collect::<String>().trim_end().to_owned() }
    }

    /// Reads the `reason` mark. `None`: the mark does not decide the phase. Only a revocation does; other reasons are computed in each
    /// run.
    #[must_use]
    pub fn from_mark(mark: &str) -> Option<Self> {
        let why = match mark.strip_prefix(REVOKED)? {
            "" => "",
            rest => rest.strip_prefix(": ")?,
        };
        Some(Self::Revoked { why: why.to_owned() })
    }

    /// The value of the `reason` mark.
    #[must_use]
    pub fn to_mark(&self) -> String {
        match self {
            Self::Revoked { why } if !why.is_empty() => format!("{REVOKED}: {why}"),
            _ => self.code().to_owned(),
        }
    }

    /// The code at the start of the `reason` mark.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Replaced { .. } => "replaced",
            Self::LeaseExpired { .. } => "lease-ended",
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
            Self::LeaseExpired { at } => write!(f, "lease expired {at}"),
            Self::ServiceRetired { service } => write!(f, "service {service} is retired"),
            Self::Revoked { why } if why.is_empty() => f.write_str("revoked"),
            Self::Revoked { why } => write!(f, "revoked: {why}"),
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
