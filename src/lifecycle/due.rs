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
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::LeaseEnds => "its lease ends",
            What::GraceEnds => "its grace ends",
        };
        write!(f, "{}: {what} at {}", self.address, self.at)
    }
}

/// The earliest end of a live identity's lease or grace, as they stand.
#[must_use]
pub fn next(standings: &[Standing<'_>]) -> Option<Due> {
    let due = |standing: &Standing<'_>| {
        standing.live?;
        let (at, what) = match &standing.phase {
            Phase::Active(active) => (active.identity.deadline?, What::LeaseEnds),
            Phase::Quarantined(quarantined) => (quarantined.delete_after?, What::GraceEnds),
            Phase::Absent { .. } | Phase::Released => return None,
        };
        Some(Due { at, address: standing.address.clone(), what })
    };
    standings.iter().filter_map(due).min()
}
