//! Chooses the transition of each identity and shared object.
//!
//! In: the deltas of a plan. Out: one [`Subject`] for each, shared objects first, with its [`Transition`] and no
//! drafts yet.
//!
//! The guard of an identity depends on the shared objects that are rewritten and attached to it. A shared object
//! that is attached to a guarded identity gets a guard, too. No guard depends on another one beyond that.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Change, ResourceId};
use rayon::prelude::*;

use super::guard::{GuardRequest, RewrittenAttachments, TransitionGuard, guard_transition};
use super::{DraftPhases, Subject, SubjectKind, Transition};
use crate::diff::{IdentityDelta, Lifecycle, SharedDelta};
use crate::plan::classify::{SubjectFacts, tags};
use crate::plan::context::{PlanContext, RewrittenByPrincipal};

/// The transitions of all shared objects and identities, in the order of the deltas.
#[must_use]
pub fn decide_transitions<'a>(
    identities: &'a [IdentityDelta],
    shared: &'a [SharedDelta],
    context: &PlanContext<'a>,
) -> Vec<Subject<'a>> {
    let (now, realize) = (context.now, context.realize);
    let shared_facts: Vec<SubjectFacts<'a>> = shared
        .iter()
        .map(|delta| SubjectFacts::classify(&delta.address, &delta.id, &delta.changes, now, realize))
        .collect();
    let identity_facts: Vec<SubjectFacts<'a>> = identities
        .par_iter()
        .map(|delta| SubjectFacts::classify(&delta.address, &delta.id, &delta.changes, now, realize))
        .collect();
    let guards = guard_identities(identities, &identity_facts, &shared_facts, context);
    let guarded_objects = find_guarded_objects(identities, &guards, context.holders);
    let mut subjects = Vec::with_capacity(shared_facts.len() + identity_facts.len());
    for (delta, facts) in shared.iter().zip(shared_facts) {
        let guarded_holder = guarded_objects.get(delta.address.as_str()).copied();
        subjects.push(decide_shared_object(delta, facts, guarded_holder, context));
    }
    for ((delta, facts), guard) in identities.iter().zip(identity_facts).zip(guards) {
        let transition = decide_identity(delta, &facts, guard, context);
        let kind = SubjectKind::Identity { lifecycle: delta.lifecycle, rewritten: context.holders.get(&delta.id) };
        subjects.push(Subject { facts, kind, transition, drafts: Vec::new(), phases: DraftPhases::default() });
    }
    subjects
}

fn decide_identity(
    delta: &IdentityDelta,
    facts: &SubjectFacts<'_>,
    guard: Option<TransitionGuard>,
    context: &PlanContext<'_>,
) -> Transition {
    let deletes_principal = |change: &Change| matches!(change, Change::Delete { before } if before.id == delta.id);
    if delta.changes.iter().any(deletes_principal) {
        return Transition::Deletion { removes_denial: removes_denial(facts, context) };
    }
    match guard {
        _ if delta.leaving.is_some() => Transition::Quarantine,
        Some(guard) => Transition::GuardedChange(Box::new(guard)),
        None if delta.lifecycle == Lifecycle::Joiner => Transition::Creation,
        None => change_or_import(facts),
    }
}

fn decide_shared_object<'a>(
    delta: &SharedDelta,
    facts: SubjectFacts<'a>,
    guarded_holder: Option<bool>,
    context: &PlanContext<'_>,
) -> Subject<'a> {
    let request = GuardRequest {
        subject: &facts,
        is_identity: false,
        rewritten: RewrittenAttachments::default(),
        tag_writes: 0,
        guarded_holder,
    };
    let guard = if delta.is_kept() { guard_transition(&request, context) } else { None };
    let transition = match (delta.lifecycle, guard) {
        (Lifecycle::Joiner, _) => Transition::Creation,
        (Lifecycle::Leaver, _) => Transition::Deletion { removes_denial: false },
        (_, Some(guard)) => Transition::GuardedChange(Box::new(guard)),
        (_, None) => change_or_import(&facts),
    };
    let admits_others = admits_others(&facts);
    let kind = SubjectKind::Shared { stays: delta.is_kept() || admits_others, admits_others };
    Subject { facts, kind, transition, drafts: Vec::new(), phases: DraftPhases::default() }
}

fn change_or_import(facts: &SubjectFacts<'_>) -> Transition {
    let is_import = facts.changes.iter().any(|facts| matches!(facts.change, Change::Import { .. }));
    if is_import { Transition::Import } else { Transition::Change }
}

/// The transition guard of each identity, in the same order.
fn guard_identities(
    identities: &[IdentityDelta],
    identity_facts: &[SubjectFacts<'_>],
    shared_facts: &[SubjectFacts<'_>],
    context: &PlanContext<'_>,
) -> Vec<Option<TransitionGuard>> {
    let addresses = |is_meant: &dyn Fn(&SubjectFacts<'_>) -> bool| -> BTreeSet<&str> {
        shared_facts.iter().filter(|object| is_meant(object)).map(|object| object.address.as_str()).collect()
    };
    let denying = addresses(&|object| context.denials.contains_denial(object.id));
    let admitting = addresses(&admits_others);
    let guard_identity = |(delta, facts): (&IdentityDelta, &SubjectFacts<'_>)| {
        if delta.leaving.is_some() {
            return None;
        }
        let attached = context.holders.get(&delta.id);
        let any = |addresses: &BTreeSet<&str>| {
            attached.is_some_and(|attached| attached.iter().any(|address| addresses.contains(address.as_str())))
        };
        let rewritten = RewrittenAttachments {
            count: attached.map_or(0, BTreeSet::len),
            any_denies: any(&denying),
            any_admits_others: any(&admitting),
        };
        let tag_writes = if context.heeding.contains(&delta.id) {
            tags::count_tag_writes(&delta.changes, &delta.id, context.realize)
        } else {
            0
        };
        let request = GuardRequest { subject: facts, is_identity: true, rewritten, tag_writes, guarded_holder: None };
        guard_transition(&request, context)
    };
    identities.iter().zip(identity_facts).map(guard_identity).collect()
}

/// By address: the rewritten objects that are attached to an identity with a guard; `true` if one of these guards has
/// [`TransitionGuard::changes_principal`].
fn find_guarded_objects<'a>(
    identities: &[IdentityDelta],
    guards: &[Option<TransitionGuard>],
    holders: &'a RewrittenByPrincipal,
) -> BTreeMap<&'a str, bool> {
    let mut guarded: BTreeMap<&str, bool> = BTreeMap::new();
    for (delta, guard) in identities.iter().zip(guards) {
        let Some(guard) = guard else { continue };
        for address in holders.get(&delta.id).into_iter().flatten() {
            *guarded.entry(address).or_default() |= guard.changes_principal;
        }
    }
    guarded
}

/// Whether a shared object is a federation that admits others than before: one that changes, or one that is created
/// and that roles may name already.
fn admits_others(object: &SubjectFacts<'_>) -> bool {
    object.changes.iter().any(|facts| facts.creates_trust || facts.changes_boundary_or_trust())
}

/// Whether something that denies is deleted with an identity or detached from it, other than its own policy.
fn removes_denial(subject: &SubjectFacts<'_>, context: &PlanContext<'_>) -> bool {
    let own: Option<ResourceId> = context.realize.empty_own_policy(subject.id).map(|own| own.id);
    let removed = subject.changes.iter().filter(|facts| matches!(facts.change, Change::Delete { .. }));
    let mut denying = removed.filter(|facts| {
        facts.has_denial() && own.as_ref() != Some(facts.change.id())
            || context.denials.find_denial(facts.change, subject.id).is_some()
    });
    denying.next().is_some()
}
