//! Finds the next change that happens because of time alone.

use std::fmt;

use jiff::Timestamp;
use leasehold_provider::Address;

use super::{IdentityStatus, LifecyclePhase};

/// A change that happens because of time alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueEvent {
    /// When it happens.
    pub at: Timestamp,
    /// The identity that changes.
    pub address: Address,
    /// What happens to it.
    pub what: DueEventKind,
}

/// The changes that happen because of time alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DueEventKind {
    /// A lease expires.
    LeaseExpires,
    /// A grace period ends.
    GracePeriodExpires,
    /// A key must be replaced, disabled or deleted.
    KeyChangeDue,
}

impl fmt::Display for DueEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            DueEventKind::LeaseExpires => "lease expires",
            DueEventKind::GracePeriodExpires => "grace period ends",
            DueEventKind::KeyChangeDue => "access keys rotate",
        };
        write!(f, "{}: {what} at {}", self.address, self.at)
    }
}

/// The earliest change among live identities, given their current phases. `None`: nothing is due.
#[must_use]
pub fn find_next_due(statuses: &[IdentityStatus<'_>]) -> Option<DueEvent> {
    let due = |status: &IdentityStatus<'_>| {
        let (lease, keys, grace) = match (&status.phase, status.live) {
            (LifecyclePhase::Active(active), Some(_)) => {
                (active.identity.deadline, active.keys.as_ref().and_then(|keys| keys.next), None)
            }
            (LifecyclePhase::Quarantined(quarantined), Some(_)) => (None, None, quarantined.delete_after),
            _ => (None, None, None),
        };
        let due = [
            (lease, DueEventKind::LeaseExpires),
            (grace, DueEventKind::GracePeriodExpires),
            (keys, DueEventKind::KeyChangeDue),
        ];
        let first = due.into_iter().filter_map(|(at, what)| Some((at?, what))).min()?;
        Some(DueEvent { at: first.0, address: status.address.clone(), what: first.1 })
    };
    statuses.iter().filter_map(due).min()
}
