//! A change in its stage, and the interim state in which it may leave an object.

use std::borrow::Cow;
use std::fmt;

use leasehold_provider::Change;
use serde::{Deserialize, Serialize};

use super::stage::TransitionStage;
use crate::plan::classify::ChangeFacts;

/// The state of a policy, or of the trust policy of a role, until a later step of the plan completes the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterimState {
    /// It allows what both its states allow, and denies what either denies.
    Narrowed,
    /// In addition, it denies what the policies deny that are attached or detached in the meantime.
    #[serde(rename = "stands_in")]
    DeniesForOthers,
    /// No one can assume the role: no statement of its trust policy is in both states.
    #[serde(rename = "closed")]
    TrustsNoPrincipal,
    /// It denies everything: the policy has no room for the exact Deny, or it is not known what to deny.
    #[serde(rename = "shut")]
    DeniesEverything,
}

impl fmt::Display for InterimState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Narrowed => "allows only what both the old and the new state allow",
            Self::DeniesForOthers => "also denies what the attached and detached policies deny",
            Self::TrustsNoPrincipal => "can be assumed by no principal",
            Self::DeniesEverything => "denies everything",
        })
    }
}

/// A change that one step makes, or one of the two steps of a change through an interim state.
pub struct StagedChange<'a> {
    pub stage: TransitionStage,
    pub change: Cow<'a, Change>,
    /// Whether it attaches, detaches, creates, deletes or updates something that allows or denies access.
    pub is_access: bool,
    /// The interim state until the second step; `None` for a change in one step, and for the second step.
    pub interim: Option<InterimState>,
}

impl<'a> StagedChange<'a> {
    /// A change in one step.
    pub fn from_facts(stage: TransitionStage, facts: &ChangeFacts<'a>) -> Self {
        Self { stage, change: Cow::Borrowed(facts.change), is_access: facts.is_access, interim: None }
    }
}
