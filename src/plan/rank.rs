//! The rank of a change among those of one object that stays: each rank waits for all of the one before.

use leasehold_provider::{Aspect, Change, Credential, Realize, Resource, ResourceId};

/// The ranks of a mover's, a quarantine's and a drift's steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// It is made, or taken in.
    Adopt,
    GiveUp,
    Tighten,
    /// What denies something is taken up.
    Hold,
    Principal,
    Rest,
    Give,
    /// In a quarantine: credentials go off sort by sort.
    Shut(Credential),
    /// What denies something is let go of.
    LetGo,
    Loosen,
    Issue,
    Mark,
}

/// Whether these changes give a principal another boundary.
pub fn changes_boundary(changes: &[Change], principal: &ResourceId, realize: &dyn Realize) -> bool {
    let boundary = |resource: &Resource| {
        let of = resource.attributes.iter().filter(|(name, _)| realize.aspect(&resource.id, name) == Aspect::Boundary);
        of.map(|(_, value)| value.clone()).next()
    };
    changes.iter().any(|change| {
        matches!(change, Change::Update { before, after } if after.id == *principal && boundary(before) != boundary(after))
    })
}

/// A change with its rank, or the two changes it is made in. `is_bound`: who holds it gets another boundary meanwhile, or something that
/// denies, so that a policy must say what both its states do while that changes.
pub fn parts(change: &Change, principal: &ResourceId, is_bound: bool, realize: &dyn Realize) -> Vec<(Rank, Change)> {
    let (before, after) = match change {
        Change::Update { before, after } => (Some(before), Some(after)),
        Change::Create { after } if is_bound && realize.restricts(after) => (None, Some(after)),
        Change::Delete { before } if is_bound && realize.restricts(before) => (Some(before), None),
        _ => return vec![(rank(change, principal, realize), change.clone())],
    };
    let tight = if is_bound {
        realize.common(before.map(AsRef::as_ref), after.map(AsRef::as_ref))
    } else {
        before.zip(after).and_then(|(before, after)| realize.tightened(before, after))
    };
    let Some(tight) = tight else { return vec![(rank(change, principal, realize), change.clone())] };
    let says_as = |other: Option<&Box<Resource>>| other.is_some_and(|other| other.attributes == tight.attributes);
    if says_as(after) {
        return vec![(Rank::Tighten, change.clone())];
    }
    if says_as(before) {
        return vec![(Rank::Loosen, change.clone())];
    }
    let tight = Box::new(tight);
    let first = match before {
        Some(before) => Change::Update { before: before.clone(), after: tight.clone() },
        None => Change::Create { after: tight.clone() },
    };
    let second = match after {
        Some(after) => Change::Update { before: tight, after: after.clone() },
        None => Change::Delete { before: tight },
    };
    vec![(Rank::Tighten, first), (Rank::Loosen, second)]
}

fn rank(change: &Change, principal: &ResourceId, realize: &dyn Realize) -> Rank {
    match change {
        Change::Adopt { .. } => Rank::Adopt,
        Change::Create { after } if after.id == *principal => Rank::Adopt,
        Change::Mark { .. } | Change::Unmark { .. } => Rank::Mark,
        Change::Delete { before } if realize.restricts(before) => Rank::Loosen,
        Change::Delete { .. } => Rank::GiveUp,
        Change::Create { after } if realize.restricts(after) => Rank::Tighten,
        Change::Create { after } if after.id.is_new() => Rank::Issue,
        Change::Create { .. } => Rank::Give,
        Change::Update { after, .. } if after.id == *principal => Rank::Principal,
        Change::Update { .. } => Rank::Rest,
    }
}

/// The ranks of a quarantine: closed to newcomers, everything denied, credentials off or removed sort by sort, other holds let go, marked.
pub fn quarantine_rank(change: &Change, principal: &ResourceId, realize: &dyn Realize) -> Rank {
    match change {
        Change::Adopt { .. } => Rank::Adopt,
        Change::Mark { .. } | Change::Unmark { .. } => Rank::Mark,
        Change::Update { after, .. } if after.id == *principal => Rank::GiveUp,
        Change::Create { after } | Change::Update { after, .. } if realize.restricts(after) => Rank::Tighten,
        _ => match (realize.credential(change.id()), change) {
            (Some(sort), _) => Rank::Shut(sort),
            (None, Change::Delete { .. }) => Rank::Loosen,
            (None, _) => Rank::Rest,
        },
    }
}
