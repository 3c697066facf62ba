//! The state of an object between the two steps of its change.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The state of a policy, or of the trust policy of a role, until a later step of the plan completes the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterimState {
    /// It allows what both its states allow, and denies what either denies.
    Narrowed,
    /// In addition, it denies what the policies deny that are attached or detached in the meantime.
    StandsIn,
    /// No one can assume the role: no statement of its trust policy is in both states.
    Closed,
    /// It denies everything: the policy has no room for the exact Deny, or it is not known what to deny.
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
