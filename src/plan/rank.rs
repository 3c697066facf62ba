//! The rank of each change among the changes of one object that is kept. Each rank waits for all steps of the earlier
//! ranks.
//!
//! In: a [`Change`] and the transition guard of its object. Out: one [`RankedChange`], or two if the change goes
//! through an interim state. The order of ranks takes access away before it gives any.
//!
//! # Example
//!
//! An identity without a guard replaces `scope.a` by `scope.b` and updates its policy. An arrow points from a step to
//! the step that it waits for:
//!
//! ```text
//! detach scope.a ◄── update the policy ◄── attach scope.b ◄── write the marks
//!    [GiveUp]              [Rest]              [Give]              [Mark]
//! ```
//!
//! If `scope.a` both allows and denies, the changes have a guard: the update of the own policy becomes two steps, and
//! the other steps run between them:
//!
//! ```text
//! own policy: interim state ◄── detach scope.a ◄── attach scope.b ◄── own policy: final state ◄── write the marks
//!        [Tighten]                [Release]            [Give]                [Loosen]                 [Mark]
//! ```

use std::collections::BTreeSet;

use leasehold_provider::{
    Aspect, Change, Credential, DenyExtent, InterimDeny, NarrowedPrincipal, Realizer, Resource, ResourceId,
};

use super::interim::InterimState;
use super::transition_guard::{TransitionGuard, is_access_change};

/// The ranks of the steps of one identity or shared object, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepRank {
    /// The principal is created or imported.
    Adopt,
    /// Something that is no Deny is detached or deleted. In a quarantine: the trust policy is replaced.
    GiveUp,
    /// Access is narrowed: a Deny is attached, or a policy or trust goes to its interim state. In a quarantine:
    /// everything is denied.
    Tighten,
    /// Something that only denies is attached.
    Hold,
    /// Something that allows and denies is detached: the own policy denies the same by now.
    Release,
    /// Attributes of the principal change, such as its boundary, its trust policy or its tags.
    Principal,
    /// Anything else is updated.
    Rest,
    /// Something that allows access is created or attached.
    Give,
    /// In a quarantine: credentials are disabled or deleted, one kind after the other.
    Shut(Credential),
    /// Something that only denies is detached.
    LetGo,
    /// Access is widened: a Deny is removed, or a policy goes from its interim state to its final one. In a
    /// quarantine: the remaining attachments are detached.
    Loosen,
    /// An access key or another object whose name the cloud chooses is created.
    Issue,
    /// The marks are written or removed, last, so that they record only a completed change.
    Mark,
}

/// The phases of a guarded change. [`Take`](Self::Take) only takes access away, [`Give`](Self::Give) only gives
/// access; what is denied before or afterwards is denied during the four phases between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransitionPhase {
    /// Access is only taken away. A joiner with a guard is created here, without any access.
    Take,
    /// Attachments that both allow and deny are detached.
    Release,
    /// The principal gets its new boundary and trust policy.
    Open,
    /// What is neither detached nor attached is rewritten.
    Exchange,
    /// New attachments are made.
    TakeUp,
    /// Access is only given.
    Give,
}

impl StepRank {
    /// The phase to which the steps of this rank belong.
    pub fn transition_phase(self) -> TransitionPhase {
        match self {
            Self::Adopt | Self::GiveUp | Self::Tighten | Self::Hold => TransitionPhase::Take,
            Self::Release => TransitionPhase::Release,
            Self::Principal => TransitionPhase::Open,
            Self::Rest | Self::Shut(_) => TransitionPhase::Exchange,
            Self::Give => TransitionPhase::TakeUp,
            Self::LetGo | Self::Loosen | Self::Issue | Self::Mark => TransitionPhase::Give,
        }
    }
}

/// A change that one step makes, or one of the two steps of a change through an interim state.
pub struct RankedChange {
    pub rank: StepRank,
    pub change: Change,
    /// The interim state until the second step; `None` for a change in one step, and for the second step.
    pub meanwhile: Option<InterimState>,
}

impl RankedChange {
    /// A change in one step.
    pub fn from_change(rank: StepRank, change: Change) -> Self {
        Self { rank, change, meanwhile: None }
    }
}

/// Ranks a change, and splits it in two where it must go through an interim state.
pub fn rank_change(
    change: &Change,
    principal: &ResourceId,
    care: Option<&TransitionGuard>,
    opening: &BTreeSet<&ResourceId>,
    realize: &Realizer,
) -> Vec<RankedChange> {
    if let Some(parts) = split_trust_change(change, opening, realize) {
        return parts;
    }
    let plain = || vec![RankedChange::from_change(find_rank(change, principal, care, realize), change.clone())];
    let Some(care) = care else { return plain() };
    let is_own = care.own.as_ref().is_some_and(|(_, own)| own.id == *change.id());
    let withholds = |resource: &Resource| realize.semantics.classify_denial(resource) != DenyExtent::Nothing;
    let (before, after) = match change {
        // A policy that only allows may go to its new state in one step: everything that is denied before or after is
        // denied then.
        Change::Update { before, after } if !care.opens && !is_own && !withholds(before) && !withholds(after) => {
            return plain();
        }
        Change::Update { before, after } => (Some(before), Some(after)),
        Change::Create { after } if is_own || realize.semantics.is_restriction(after) => (None, Some(after)),
        Change::Delete { before } if is_own || realize.semantics.is_restriction(before) => (Some(before), None),
        _ => return plain(),
    };
    let (before, after) = (before.map(AsRef::as_ref), after.map(AsRef::as_ref));
    let withheld = if is_own { &care.withheld } else { &InterimDeny::default() };
    let Some(tight) = realize.build_interim_policy(before, after, withheld) else { return plain() };
    let says_as = |other: Option<&Resource>| other.is_some_and(|other| other.attributes == tight.attributes);
    if says_as(after) {
        return vec![RankedChange::from_change(StepRank::Tighten, change.clone())];
    }
    if says_as(before) {
        return vec![RankedChange::from_change(StepRank::Loosen, change.clone())];
    }
    split_at_interim([before, after], tight, withheld, realize)
}

/// Splits a change of a trust policy that comes together with a change of the boundary or of a trusted federation.
/// First the principal trusts only those that it trusts before and after: no caller may combine the old trust with
/// the new boundary, or the reverse. If the boundary changes together with a federation that the principal keeps
/// trusting, the federation admits other callers, so the principal trusts no one in the interim. `None` if the change
/// is one step, or no one can assume the principal.
fn split_trust_change(
    change: &Change,
    opening: &BTreeSet<&ResourceId>,
    realize: &Realizer,
) -> Option<Vec<RankedChange>> {
    let Change::Update { before, after } = change else { return None };
    let of = |resource: &Resource, aspect: Aspect| {
        let named = resource
            .attributes
            .iter()
            .filter(|(name, _)| realize.semantics.classify_attribute(&resource.id, name) == aspect);
        named.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let differs = |aspect| of(before, aspect) != of(after, aspect);
    let (trust, boundary) = (differs(Aspect::Trust), differs(Aspect::Boundary));
    let (stays, goes): (Vec<&ResourceId>, Vec<&ResourceId>) =
        before.depends_on.iter().filter(|id| opening.contains(id)).partition(|id| after.depends_on.contains(*id));
    let begins_to_trust = after.depends_on.difference(&before.depends_on).next().is_some();
    let shut = boundary && !stays.is_empty();
    let meets = boundary || !stays.is_empty() || !goes.is_empty() && begins_to_trust;
    if !(shut || trust && meets) {
        return None;
    }
    let NarrowedPrincipal { principal: reserved, closed } = realize.narrow_trust(before, after, shut)?;
    if reserved.attributes == before.attributes {
        return None;
    }
    if reserved.attributes == after.attributes {
        return Some(vec![RankedChange::from_change(StepRank::Tighten, change.clone())]);
    }
    let meanwhile = if closed { InterimState::Closed } else { InterimState::Narrowed };
    let reserved = Box::new(reserved);
    let first = Change::Update { before: before.clone(), after: reserved.clone() };
    let second = Change::Update { before: reserved, after: after.clone() };
    Some(vec![
        RankedChange { rank: StepRank::Tighten, change: first, meanwhile: Some(meanwhile) },
        RankedChange::from_change(StepRank::Principal, second),
    ])
}

/// The two steps of an own policy that has no change of its own, but must deny in the interim what other policies
/// deny.
pub fn deny_in_own_policy(care: &TransitionGuard, realize: &Realizer) -> Vec<RankedChange> {
    let Some((live, empty)) = &care.own else { return Vec::new() };
    let (now, says) = (live.as_ref(), live.as_ref().unwrap_or(empty));
    match realize.build_interim_policy(Some(says), Some(says), &care.withheld) {
        Some(tight) if tight.attributes != says.attributes => {
            split_at_interim([now, now], tight, &care.withheld, realize)
        }
        _ => Vec::new(),
    }
}

/// The two steps between two states of a policy: to the interim state `tight`, and from it to the final state.
fn split_at_interim(
    [before, after]: [Option<&Resource>; 2],
    mut tight: Resource,
    withheld: &InterimDeny,
    realize: &Realizer,
) -> Vec<RankedChange> {
    let sensitive = [before, after].into_iter().flatten().flat_map(|side| &side.sensitive);
    tight.sensitive.extend(sensitive.cloned());
    let everything = InterimDeny { everything: true, ..InterimDeny::default() };
    let shut = realize.build_interim_policy(Some(&tight), Some(&tight), &everything);
    let meanwhile = match shut {
        Some(shut) if shut.attributes == tight.attributes => InterimState::Shut,
        _ if !withheld.is_nothing() => InterimState::StandsIn,
        _ => InterimState::Narrowed,
    };
    let boxed = |resource: &Resource| Box::new(resource.clone());
    let tight = Box::new(tight);
    let first = match before {
        Some(before) => Change::Update { before: boxed(before), after: tight.clone() },
        None => Change::Create { after: tight.clone() },
    };
    let second = match after {
        Some(after) => Change::Update { before: tight, after: boxed(after) },
        None => Change::Delete { before: tight },
    };
    vec![
        RankedChange { rank: StepRank::Tighten, change: first, meanwhile: Some(meanwhile) },
        RankedChange::from_change(StepRank::Loosen, second),
    ]
}

fn find_rank(change: &Change, principal: &ResourceId, care: Option<&TransitionGuard>, realize: &Realizer) -> StepRank {
    let is_held = care.is_some_and(|care| care.held.contains(change.id()));
    let is_stood_in_for = care.is_some_and(|care| care.stood_in_for.contains(change.id()));
    match change {
        Change::Create { .. } if is_held => StepRank::Hold,
        Change::Delete { .. } if is_held => StepRank::LetGo,
        Change::Delete { .. } if is_stood_in_for => StepRank::Release,
        Change::Create { .. } if is_stood_in_for => StepRank::Give,
        Change::Adopt { .. } => StepRank::Adopt,
        Change::Create { after } if after.id == *principal => StepRank::Adopt,
        Change::Mark { .. } | Change::Unmark { .. } => StepRank::Mark,
        Change::Delete { before } if realize.semantics.is_restriction(before) => StepRank::Loosen,
        Change::Delete { .. } => StepRank::GiveUp,
        Change::Create { after } if realize.semantics.is_restriction(after) => StepRank::Tighten,
        Change::Create { after } if after.id.is_new() => StepRank::Issue,
        Change::Create { .. } => StepRank::Give,
        Change::Update { after, .. } if after.id == *principal && !is_access_change(change, realize) => {
            StepRank::Principal
        }
        Change::Update { .. } => StepRank::Rest,
    }
}

/// The rank of a change in a quarantine. The order: replace the trust policy, deny everything, disable or delete the
/// credentials kind by kind, detach the rest, write the marks.
pub fn find_quarantine_rank(change: &Change, principal: &ResourceId, realize: &Realizer) -> StepRank {
    match change {
        Change::Adopt { .. } => StepRank::Adopt,
        Change::Mark { .. } | Change::Unmark { .. } => StepRank::Mark,
        Change::Update { after, .. } if after.id == *principal => StepRank::GiveUp,
        Change::Create { after } | Change::Update { after, .. } if realize.semantics.is_restriction(after) => {
            StepRank::Tighten
        }
        _ => match (realize.semantics.credential_kind(change.id()), change) {
            (Some(sort), _) => StepRank::Shut(sort),
            (None, Change::Delete { .. }) => StepRank::Loosen,
            (None, _) => StepRank::Rest,
        },
    }
}
