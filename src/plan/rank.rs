//! The rank of a change among those of one object that stays: each rank waits for all of the one before.

use std::collections::BTreeSet;

use leasehold_provider::{
    Aspect, Change, Credential, DenyExtent, InterimDeny, NarrowedPrincipal, Realize, Resource, ResourceId,
};

use super::interim::InterimState;
use super::transition_guard::{TransitionGuard, is_access_change};

/// The ranks of the steps of one identity or shared object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepRank {
    /// It is made, or taken in.
    Adopt,
    GiveUp,
    Tighten,
    /// What only denies is taken up.
    Hold,
    /// What gives and denies is let go of: another policy denies the same by now.
    Release,
    Principal,
    Rest,
    Give,
    /// In a quarantine: credentials go off sort by sort.
    Shut(Credential),
    /// What only denies is let go of.
    LetGo,
    Loosen,
    Issue,
    Mark,
}

/// The phases of a change that is made with care: one that only takes away, four that exchange, and one that only gives. Whatever is
/// denied before or afterwards is denied in the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransitionPhase {
    /// Access is taken away only; who joins with care is made, with nothing in it yet.
    Take,
    /// What shall not be held any more is let go of.
    Release,
    /// The principal gets its boundary and its trust.
    Open,
    /// What is neither taken nor given is rewritten.
    Exchange,
    /// What is held anew is taken up.
    TakeUp,
    /// Access is given only.
    Give,
}

impl StepRank {
    /// The phase in which its changes are made.
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

/// One change that a step makes, or one of the two that it is made in.
pub struct RankedChange {
    pub rank: StepRank,
    pub change: Change,
    /// What the object is until the second.
    pub meanwhile: Option<InterimState>,
}

impl RankedChange {
    /// A change that is made at once.
    pub fn from_change(rank: StepRank, change: Change) -> Self {
        Self { rank, change, meanwhile: None }
    }
}

/// A change with its rank, or the two changes it is made in.
pub fn rank_change(
    change: &Change,
    principal: &ResourceId,
    care: Option<&TransitionGuard>,
    opening: &BTreeSet<&ResourceId>,
    realize: &dyn Realize,
) -> Vec<RankedChange> {
    if let Some(parts) = split_trust_change(change, opening, realize) {
        return parts;
    }
    let plain = || vec![RankedChange::from_change(find_rank(change, principal, care, realize), change.clone())];
    let Some(care) = care else { return plain() };
    let is_own = care.own.as_ref().is_some_and(|(_, own)| own.id == *change.id());
    let withholds = |resource: &Resource| realize.classify_denial(resource) != DenyExtent::Nothing;
    let (before, after) = match change {
        // What only allows may go from the one state to the other at once while all is denied that either denies.
        Change::Update { before, after } if !care.opens && !is_own && !withholds(before) && !withholds(after) => {
            return plain();
        }
        Change::Update { before, after } => (Some(before), Some(after)),
        Change::Create { after } if is_own || realize.is_restriction(after) => (None, Some(after)),
        Change::Delete { before } if is_own || realize.is_restriction(before) => (Some(before), None),
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

/// A principal whose trust changes together with its boundary, or with a federation that it trusts, first trusts those only whom it
/// shall go on trusting: nobody shall meet the one as it was and the other as it will be. Where its boundary changes together with a
/// federation that it goes on trusting, whom that lets in is another, and it trusts nobody. `None`: at once, or nobody takes it on.
fn split_trust_change(
    change: &Change,
    opening: &BTreeSet<&ResourceId>,
    realize: &dyn Realize,
) -> Option<Vec<RankedChange>> {
    let Change::Update { before, after } = change else { return None };
    let of = |resource: &Resource, aspect: Aspect| {
        let named =
            resource.attributes.iter().filter(|(name, _)| realize.classify_attribute(&resource.id, name) == aspect);
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

/// The own policy that nothing changes, and that stands in for others meanwhile.
pub fn deny_in_own_policy(care: &TransitionGuard, realize: &dyn Realize) -> Vec<RankedChange> {
    let Some((live, empty)) = &care.own else { return Vec::new() };
    let (now, says) = (live.as_ref(), live.as_ref().unwrap_or(empty));
    match realize.build_interim_policy(Some(says), Some(says), &care.withheld) {
        Some(tight) if tight.attributes != says.attributes => {
            split_at_interim([now, now], tight, &care.withheld, realize)
        }
        _ => Vec::new(),
    }
}

/// The two changes from the one state to the other by way of the one between them.
fn split_at_interim(
    [before, after]: [Option<&Resource>; 2],
    mut tight: Resource,
    withheld: &InterimDeny,
    realize: &dyn Realize,
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

fn find_rank(
    change: &Change,
    principal: &ResourceId,
    care: Option<&TransitionGuard>,
    realize: &dyn Realize,
) -> StepRank {
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
        Change::Delete { before } if realize.is_restriction(before) => StepRank::Loosen,
        Change::Delete { .. } => StepRank::GiveUp,
        Change::Create { after } if realize.is_restriction(after) => StepRank::Tighten,
        Change::Create { after } if after.id.is_new() => StepRank::Issue,
        Change::Create { .. } => StepRank::Give,
        Change::Update { after, .. } if after.id == *principal && !is_access_change(change, realize) => {
            StepRank::Principal
        }
        Change::Update { .. } => StepRank::Rest,
    }
}

/// The ranks of a quarantine: closed to newcomers, everything denied, credentials off or removed sort by sort, other holds let go, marked.
pub fn find_quarantine_rank(change: &Change, principal: &ResourceId, realize: &dyn Realize) -> StepRank {
    match change {
        Change::Adopt { .. } => StepRank::Adopt,
        Change::Mark { .. } | Change::Unmark { .. } => StepRank::Mark,
        Change::Update { after, .. } if after.id == *principal => StepRank::GiveUp,
        Change::Create { after } | Change::Update { after, .. } if realize.is_restriction(after) => StepRank::Tighten,
        _ => match (realize.credential_kind(change.id()), change) {
            (Some(sort), _) => StepRank::Shut(sort),
            (None, Change::Delete { .. }) => StepRank::Loosen,
            (None, _) => StepRank::Rest,
        },
    }
}
