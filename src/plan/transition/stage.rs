//! The order in which one subject changes.
//!
//! A subject is an identity or a shared object. Each of its changes belongs to a [`TransitionStage`]; each stage waits
//! for all steps of the earlier stages. The order takes access away before it gives any.
//!
//! # Example
//!
//! An identity without a guard replaces `scope.a` by `scope.b` and updates its policy. An arrow points from a step to
//! the step that it waits for:
//!
//! ```text
//! detach scope.a ◄── update the policy ◄── attach scope.b ◄── write the marks
//!    [Detach]             [Update]             [Attach]            [Mark]
//! ```
//!
//! If `scope.a` both allows and denies, the changes have a guard ([`super::guard`]): the update of the own policy
//! becomes two steps, and the other steps run between them:
//!
//! ```text
//! own policy: interim state ◄── detach scope.a ◄── attach scope.b ◄── own policy: final state ◄── write the marks
//!        [Narrow]              [DetachDenying]        [Attach]                [Widen]                 [Mark]
//! ```

use leasehold_provider::Credential;

/// The stages of the steps of one identity or shared object, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransitionStage {
    /// The principal is created or imported.
    Establish,
    /// Something that is no Deny is detached or deleted. In a quarantine: the trust policy is replaced.
    Detach,
    /// Access is narrowed: a Deny is attached, or a policy or trust goes to its interim state. In a quarantine:
    /// everything is denied.
    Narrow,
    /// Something that only denies is attached.
    AttachDeny,
    /// Something that allows and denies is detached: the own policy denies the same by now.
    DetachDenying,
    /// Attributes of the principal change, such as its boundary, its trust policy or its tags.
    ChangePrincipal,
    /// Anything else is updated.
    Update,
    /// Something that allows access is created or attached.
    Attach,
    /// In a quarantine: credentials are disabled or deleted, one kind after the other.
    Disable(Credential),
    /// Something that only denies is detached.
    DetachDeny,
    /// Access is widened: a Deny is removed, or a policy goes from its interim state to its final one. In a
    /// quarantine: the remaining attachments are detached.
    Widen,
    /// An access key or another object whose name the cloud chooses is created.
    Issue,
    /// The marks are written or removed, last, so that they record only a completed change.
    Mark,
}

/// The phases of a guarded change: groups of stages, by which several subjects change together.
/// [`Narrow`](Self::Narrow) only takes access away, [`Widen`](Self::Widen) only gives access; what is denied before or
/// afterwards is denied during the four phases between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransitionPhase {
    /// Access is only taken away. A joiner with a guard is created here, without any access.
    Narrow,
    /// Attachments that both allow and deny are detached.
    DetachDenying,
    /// The principal gets its new boundary and trust policy.
    ChangePrincipal,
    /// What is neither detached nor attached is rewritten.
    Update,
    /// New attachments are made.
    Attach,
    /// Access is only given.
    Widen,
}

impl TransitionStage {
    /// The phase to which the steps of this stage belong. A later stage never belongs to an earlier phase.
    #[must_use]
    pub fn transition_phase(self) -> TransitionPhase {
        match self {
            Self::Establish | Self::Detach | Self::Narrow | Self::AttachDeny => TransitionPhase::Narrow,
            Self::DetachDenying => TransitionPhase::DetachDenying,
            Self::ChangePrincipal => TransitionPhase::ChangePrincipal,
            Self::Update | Self::Disable(_) => TransitionPhase::Update,
            Self::Attach => TransitionPhase::Attach,
            Self::DetachDeny | Self::Widen | Self::Issue | Self::Mark => TransitionPhase::Widen,
        }
    }
}
