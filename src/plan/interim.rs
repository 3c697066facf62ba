//! What an object is between the two steps of its change.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a policy, or the trust of a role, is for the time of a change, until a later step makes it what it shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterimState {
    /// It allows what both its states do, and denies what either does.
    Narrowed,
    /// It denies, besides, what is denied by policies that are taken up or let go of.
    StandsIn,
    /// Nobody may take it on: no trust stands in both its states.
    Closed,
    /// It denies everything: there is no room for what must be denied, or nobody can tell what that is.
    Shut,
}

impl fmt::Display for InterimState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Narrowed => "allows what both its states do",
            Self::StandsIn => "denies what the policies do that are taken up or let go of",
            Self::Closed => "lets nobody in",
            Self::Shut => "denies everything",
        })
    }
}
