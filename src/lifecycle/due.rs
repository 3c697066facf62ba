//! What time brings next, if nobody does anything.

use std::fmt;

use jiff::Timestamp;
use leasehold_provider::Address;

use super::{Phase, Standing};

/// The next thing that time brings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// To whom.
    pub address: Address,
    /// What.
    pub what: What,
}

/// What time brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A lease ends.
    LeaseEnds,
    /// A grace ends.
    GraceEnds,
    /// A key is due to be replaced, switched off or deleted.
    KeysChange,
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::LeaseEnds => "its lease ends",
            What::GraceEnds => "its grace ends",
            What::KeysChange => "its keys change",
        };
        write!(f, "{}: {what} at {}", self.address, self.at)
    }
}

/// The earliest end of a live identity's lease or grace, as they stand.
#[must_use]
pub fn find_next_due(standings: &[Standing<'_>]) -> Option<Due> {
    let due = |standing: &Standing<'_>| {
        let (lease, keys, grace) = match (&standing.phase, standing.live) {
            (Phase::Active(active), Some(_)) => {
                (active.identity.deadline, active.keys.as_ref().and_then(|keys| keys.next), None)
            }
            (Phase::Quarantined(quarantined), Some(_)) => (None, None, quarantined.delete_after),
            _ => (None, None, None),
        };
        let due = [(lease, What::LeaseEnds), (grace, What::GraceEnds), (keys, What::KeysChange)];
        let first = due.into_iter().filter_map(|(at, what)| Some((at?, what))).min()?;
        Some(Due { at: first.0, address: standing.address.clone(), what: first.1 })
    };
    standings.iter().filter_map(due).min()
}
