//! The interim states of policies and trust policies: the states between the two writes of a change.
//!
//! In: the states of an object before and after its change, and what must be denied meanwhile. Out: two
//! [`StagedChange`]s, one to the interim state and one from it. The provider computes the interim state; the invariant
//! is that it allows no more than the state before and no more than the state after.

use std::borrow::Cow;
use std::collections::BTreeSet;

use leasehold_provider::{Change, InterimDeny, NarrowedPrincipal, Realizer, Resource, ResourceId};

use super::guard::TransitionGuard;
use super::stage::TransitionStage;
use super::staged_change::{InterimState, StagedChange};
use crate::plan::classify::{ChangeFacts, SubjectFacts};

/// Everything is denied.
const DENY_EVERYTHING: InterimDeny = InterimDeny { everything: true, documents: Vec::new() };

/// Whether the changes of a shared object only narrow it, or leave its content as it was.
#[must_use]
pub fn is_only_narrowed(subject: &SubjectFacts<'_>, realize: &Realizer) -> bool {
    subject.changes.iter().all(|facts| {
        let Change::Update { before, after } = facts.change else { return facts.change.is_marks_only() };
        let interim = realize.build_interim_policy(Some(before), Some(after), &InterimDeny::default());
        interim.is_some_and(|interim| interim.attributes == after.attributes)
    })
}

/// The own policy `policy`, with everything denied; `None` if the provider has no such policy.
#[must_use]
pub fn deny_everything(policy: &Resource, realize: &Realizer) -> Option<Resource> {
    realize.build_interim_policy(Some(policy), Some(policy), &DENY_EVERYTHING)
}

/// The steps of a policy's change under a guard; `None` if one step makes the change, in the stage that it has without
/// a guard.
pub fn split_guarded_policy<'a>(
    facts: &ChangeFacts<'a>,
    guard: &TransitionGuard,
    realize: &Realizer,
) -> Option<Vec<StagedChange<'a>>> {
    let is_own = guard.own.as_ref().is_some_and(|(_, own)| own.id == *facts.change.id());
    let goes_through_interim = match facts.change {
        // A policy that only allows may go to its new state in one step: everything that is denied before or after is
        // denied then.
        Change::Update { .. } => guard.changes_principal || is_own || facts.has_denial(),
        Change::Create { .. } | Change::Delete { .. } => is_own || facts.is_restriction,
        Change::Mark { .. } | Change::Import { .. } | Change::Release { .. } => false,
    };
    if !goes_through_interim {
        return None;
    }
    let (before, after) = (facts.change.resource_before(), facts.change.resource_after());
    let withheld = if is_own { &guard.withheld } else { &InterimDeny::default() };
    let interim = realize.build_interim_policy(before, after, withheld)?;
    let is_like = |other: Option<&Resource>| other.is_some_and(|other| other.attributes == interim.attributes);
    if is_like(after) {
        return Some(vec![StagedChange::from_facts(TransitionStage::Narrow, facts)]);
    }
    if is_like(before) {
        return Some(vec![StagedChange::from_facts(TransitionStage::Widen, facts)]);
    }
    Some(split_at_interim([before, after], interim, withheld, realize))
}

/// The two steps of an own policy that has no change of its own, but must deny in the interim what other policies
/// deny. Empty if it denies that already.
pub fn deny_in_own_policy<'a>(guard: &TransitionGuard, realize: &Realizer) -> Vec<StagedChange<'a>> {
    let Some((live, empty)) = &guard.own else { return Vec::new() };
    let (now, content) = (live.as_ref(), live.as_ref().unwrap_or(empty));
    match realize.build_interim_policy(Some(content), Some(content), &guard.withheld) {
        Some(interim) if interim.attributes != content.attributes => {
            split_at_interim([now, now], interim, &guard.withheld, realize)
        }
        _ => Vec::new(),
    }
}

/// The two steps between two states of a policy: to the interim state, and from it to the final state.
fn split_at_interim<'a>(
    [before, after]: [Option<&Resource>; 2],
    mut interim: Resource,
    withheld: &InterimDeny,
    realize: &Realizer,
) -> Vec<StagedChange<'a>> {
    let sensitive = [before, after].into_iter().flatten().flat_map(|side| &side.sensitive);
    interim.sensitive.extend(sensitive.cloned());
    let state = match deny_everything(&interim, realize) {
        Some(shut) if shut.attributes == interim.attributes => InterimState::DeniesEverything,
        _ if !withheld.is_nothing() => InterimState::DeniesForOthers,
        _ => InterimState::Narrowed,
    };
    let boxed = |resource: &Resource| Box::new(resource.clone());
    let interim = Box::new(interim);
    let first = match before {
        Some(before) => Change::Update { before: boxed(before), after: interim.clone() },
        None => Change::Create { after: interim.clone() },
    };
    let second = match after {
        Some(after) => Change::Update { before: interim, after: boxed(after) },
        None => Change::Delete { before: interim },
    };
    let staged = |stage, change, interim| StagedChange {
        stage,
        change: Cow::Owned(change),
        // It is a policy.
        is_access: true,
        interim,
    };
    vec![staged(TransitionStage::Narrow, first, Some(state)), staged(TransitionStage::Widen, second, None)]
}

/// Splits a change of a trust policy that comes together with a change of the boundary or of a trusted federation.
/// First the principal trusts only those that it trusts before and after: no caller may combine the old trust with
/// the new boundary, or the reverse. If the boundary changes together with a federation that the principal keeps
/// trusting, the federation admits other callers, so the principal trusts no one in the interim. `None` if the change
/// is one step, or no one can assume the principal. `widened` are the federations that admit others than before.
pub fn split_trust_change<'a>(
    facts: &ChangeFacts<'a>,
    widened: &BTreeSet<&ResourceId>,
    realize: &Realizer,
) -> Option<Vec<StagedChange<'a>>> {
    let Change::Update { before, after } = facts.change else { return None };
    let (keeps, stops): (Vec<&ResourceId>, Vec<&ResourceId>) =
        before.depends_on.iter().filter(|id| widened.contains(id)).partition(|id| after.depends_on.contains(*id));
    let begins_to_trust = after.depends_on.difference(&before.depends_on).next().is_some();
    let closed = facts.changes_boundary && !keeps.is_empty();
    let meets_another = facts.changes_boundary || !keeps.is_empty() || !stops.is_empty() && begins_to_trust;
    if !(closed || facts.changes_trust && meets_another) {
        return None;
    }
    let NarrowedPrincipal { principal: narrowed, closed } = realize.narrow_trust(before, after, closed)?;
    if narrowed.attributes == before.attributes {
        return None;
    }
    if narrowed.attributes == after.attributes {
        return Some(vec![StagedChange::from_facts(TransitionStage::Narrow, facts)]);
    }
    let interim = if closed { InterimState::TrustsNoPrincipal } else { InterimState::Narrowed };
    let narrowed = Box::new(narrowed);
    let first = Change::Update { before: before.clone(), after: narrowed.clone() };
    let second = Change::Update { before: narrowed, after: after.clone() };
    let staged = |stage, change, interim| StagedChange {
        stage,
        change: Cow::Owned(change),
        is_access: facts.is_access,
        interim,
    };
    Some(vec![
        staged(TransitionStage::Narrow, first, Some(interim)),
        staged(TransitionStage::ChangePrincipal, second, None),
    ])
}
