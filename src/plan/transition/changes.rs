//! The stage of each change of a subject that is kept or quarantined.
//!
//! In: the facts about a change, and the guard of its subject. Out: one [`StagedChange`], or two if the change goes
//! through an interim state.

use std::collections::BTreeSet;

use leasehold_provider::{Change, Realizer, ResourceId};

use super::guard::TransitionGuard;
use super::interim;
use super::stage::TransitionStage;
use super::staged_change::StagedChange;
use crate::plan::classify::{ChangeFacts, SubjectFacts};

/// The changes of a subject that is kept, each in its stage. `widened` are the federations that admit others than
/// before.
pub fn stage_changes<'a>(
    subject: &SubjectFacts<'a>,
    guard: Option<&TransitionGuard>,
    widened: &BTreeSet<&ResourceId>,
    realize: &Realizer,
) -> Vec<StagedChange<'a>> {
    let mut staged: Vec<StagedChange<'a>> = Vec::new();
    for facts in &subject.changes {
        let split = interim::split_trust_change(facts, widened, realize)
            .or_else(|| interim::split_guarded_policy(facts, guard?, realize));
        match split {
            Some(parts) => staged.extend(parts),
            None => staged.push(StagedChange::from_facts(find_stage(facts, subject.id, guard), facts)),
        }
    }
    if let Some(guard) = guard {
        let is_own = |facts: &ChangeFacts<'_>| guard.own.as_ref().is_some_and(|(_, own)| own.id == *facts.change.id());
        if !subject.changes.iter().any(is_own) {
            staged.extend(interim::deny_in_own_policy(guard, realize));
        }
    }
    staged
}

fn find_stage(facts: &ChangeFacts<'_>, principal: &ResourceId, guard: Option<&TransitionGuard>) -> TransitionStage {
    let id = facts.change.id();
    let denies_only = guard.is_some_and(|guard| guard.denying_only.contains(id));
    let is_denied_by_own = guard.is_some_and(|guard| guard.denied_by_own.contains(id));
    match facts.change {
        Change::Create { .. } if denies_only => TransitionStage::AttachDeny,
        Change::Delete { .. } if denies_only => TransitionStage::DetachDeny,
        Change::Delete { .. } if is_denied_by_own => TransitionStage::DetachDenying,
        Change::Create { .. } if is_denied_by_own => TransitionStage::Attach,
        Change::Import { .. } => TransitionStage::Establish,
        Change::Create { .. } if id == principal => TransitionStage::Establish,
        Change::Mark { .. } | Change::Release { .. } => TransitionStage::Mark,
        Change::Delete { .. } if facts.is_restriction => TransitionStage::Widen,
        Change::Delete { .. } => TransitionStage::Detach,
        Change::Create { .. } if facts.is_restriction => TransitionStage::Narrow,
        Change::Create { .. } if id.is_new() => TransitionStage::Issue,
        Change::Create { .. } => TransitionStage::Attach,
        Change::Update { .. } if id == principal && !facts.is_access => TransitionStage::ChangePrincipal,
        Change::Update { .. } => TransitionStage::Update,
    }
}

/// The changes of an identity that goes into quarantine, each in its stage: replace the trust policy, deny everything,
/// disable or delete the credentials kind by kind, detach the rest, write the marks.
pub fn stage_quarantine<'a>(subject: &SubjectFacts<'a>) -> Vec<StagedChange<'a>> {
    let staged = |facts: &ChangeFacts<'a>| StagedChange::from_facts(find_quarantine_stage(facts, subject.id), facts);
    subject.changes.iter().map(staged).collect()
}

fn find_quarantine_stage(facts: &ChangeFacts<'_>, principal: &ResourceId) -> TransitionStage {
    match facts.change {
        Change::Import { .. } => TransitionStage::Establish,
        Change::Mark { .. } | Change::Release { .. } => TransitionStage::Mark,
        Change::Update { after, .. } if after.id == *principal => TransitionStage::Detach,
        Change::Create { .. } | Change::Update { .. } if facts.is_restriction => TransitionStage::Narrow,
        change => match (facts.credential, change) {
            (Some(credential), _) => TransitionStage::Disable(credential),
            (None, Change::Delete { .. }) => TransitionStage::Widen,
            (None, _) => TransitionStage::Update,
        },
    }
}
