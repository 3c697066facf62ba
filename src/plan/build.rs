//! Declared + snapshot + now → Plan: the pure stages put together.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{Access, Aspect, Change, Compare, Realize, ResourceId, Snapshot};

use super::check::{self, Unsound};
use super::select::{self, Selection};
use super::stale::LiveIndex;
use super::{Basis, Plan, Waiting, names, order};
use crate::config::{Declared, Diagnostic};
use crate::diff::access::Shared;
use crate::diff::{self, IdentityDelta, Lifecycle, Reason, SharedDelta};
use crate::lifecycle::{self, Phase, Standing};
use crate::realize::{self, Resources};

/// Everything a plan is a function of.
pub struct Inputs<'a> {
    /// What is declared.
    pub declared: &'a Declared,
    /// What the stack shares, realized: it was needed to observe.
    pub shared: &'a Resources,
    /// What lives.
    pub snapshot: &'a Snapshot,
    /// The instant to plan for, in whole seconds.
    pub now: Timestamp,
    /// The provider's pure half.
    pub realize: &'a dyn Realize,
    /// The provider's comparison of access.
    pub compare: &'a dyn Compare,
    /// What the plan is made from.
    pub basis: Basis,
    /// Which part of it is wanted.
    pub selection: &'a Selection,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum Refused {
    /// The configuration does not fit the cloud or the moment.
    Findings(Vec<Diagnostic>),
    /// The engine made a plan that its own check refuses.
    Unsound(Vec<Unsound>),
}

/// Builds the plan.
pub fn build(inputs: Inputs<'_>) -> Result<Plan, Refused> {
    let Inputs { declared, shared, snapshot, now, realize, .. } = inputs;
    let principal_id = |principal, name: &str| realize.principal_id(principal, name);
    let (standings, mut findings) = lifecycle::decide(declared, snapshot, now, principal_id);
    findings.extend(names::taken(declared, &standings, shared, snapshot, realize.one_space_of_names()));
    if findings.is_empty() {
        let whole = deltas(&inputs, &standings, &mut findings);
        if findings.is_empty() {
            return finish(inputs, whole);
        }
    }
    Err(Refused::Findings(findings))
}

struct Deltas {
    identities: Vec<IdentityDelta>,
    shared: Vec<SharedDelta>,
    kept: diff::shared::Kept,
    quarantined: BTreeMap<leasehold_provider::Address, Waiting>,
    holds_rewritten: order::Rewritten,
}

fn deltas(inputs: &Inputs<'_>, standings: &[Standing<'_>], findings: &mut Vec<Diagnostic>) -> Deltas {
    let realm = &inputs.snapshot.realm;
    let mut identities: Vec<IdentityDelta> = Vec::new();
    let mut still_needed: BTreeSet<ResourceId> = BTreeSet::new();
    let mut holders: BTreeMap<ResourceId, usize> = BTreeMap::new();
    let mut quarantined = BTreeMap::new();
    let mut holds_rewritten = order::Rewritten::new();
    let live_shared = Shared::live(inputs.snapshot, inputs.realize);
    let wanted_shared = Shared::of(inputs.shared.values(), inputs.realize);
    let rewritten: BTreeMap<ResourceId, String> = rewritten(inputs);
    let mut assessed: Vec<usize> = Vec::new();
    let mut accesses: Vec<Access> = Vec::new();
    for standing in standings {
        let (wanted, violations) = realize::identity(standing, inputs.realize, realm);
        findings.extend(violations);
        let needs: BTreeSet<&ResourceId> = wanted.values().flat_map(|resource| &resource.depends_on).collect();
        let on: BTreeSet<&ResourceId> =
            needs.into_iter().flat_map(|id| wanted_shared.reach(id).chain(live_shared.reach(id))).collect();
        for id in &on {
            still_needed.insert((*id).clone());
            let holders = holders.entry((*id).clone()).or_default();
            *holders = holders.saturating_add(1);
        }
        let held: BTreeSet<String> = on.iter().filter_map(|id| rewritten.get(*id)).cloned().collect();
        let scopes: BTreeSet<Reason> = held.iter().map(|scope| Reason::Scope { scope: scope.clone() }).collect();
        if !held.is_empty() {
            holds_rewritten.insert(standing.id.clone(), held);
        }
        let mut delta = diff::classify(standing, &wanted, inputs.realize);
        if !scopes.is_empty() && matches!(standing.phase, Phase::Active(_)) && standing.live.is_some() {
            delta = Some(through_scopes(delta, standing, scopes));
        }
        if let Some(delta) = delta.as_mut().filter(|delta| access_may_change(delta)) {
            let empty = Resources::new();
            let before = standing.live.map_or(&empty, |live| &live.resources);
            let (old, new) = ((before, &live_shared), (&wanted, &wanted_shared));
            delta.access = Some(diff::access::compare(old, new, inputs.realize, inputs.compare));
        }
        if let Some(delta) = delta.as_mut().filter(|delta| says_what_access_is(delta)) {
            let held = diff::access::held(wanted.values(), &wanted_shared, inputs.realize);
            delta.policies = held.sources;
            assessed.push(identities.len());
            accesses.push(held.access);
        }
        if delta.is_none()
            && let Phase::Quarantined(q) = &standing.phase
        {
            quarantined.insert(standing.address.clone(), waiting(q));
        }
        identities.extend(delta);
    }
    for (index, assessment) in assessed.into_iter().zip(inputs.compare.assess(&accesses)) {
        if let Some(delta) = identities.get_mut(index) {
            delta.assessment = Some(assessment);
        }
    }
    let (shared, kept) = diff::shared::shared(inputs.shared, inputs.snapshot, &still_needed, &holders, inputs.realize);
    Deltas { identities, shared, kept, quarantined, holds_rewritten }
}

fn waiting(quarantined: &lifecycle::phase::Quarantined) -> Waiting {
    Waiting {
        since: quarantined.quarantine.at,
        reason: quarantined.quarantine.reason.clone(),
        delete_after: quarantined.delete_after,
        held_by_use: quarantined.held_by_use,
    }
}

/// The live shared objects that this plan rewrites, themselves or a part of them, with their addresses.
fn rewritten(inputs: &Inputs<'_>) -> BTreeMap<ResourceId, String> {
    let live: Resources =
        inputs.snapshot.shared.iter().map(|(id, shared)| (id.clone(), shared.resource.clone())).collect();
    let mut rewritten = BTreeMap::new();
    for change in diff::resources::changes(inputs.shared, &live) {
        let whole = inputs.realize.shared_whole(change.id());
        let says_the_same = match &change {
            Change::Update { before, after } => diff::shared::is_only_respelled(before, after, inputs.realize),
            change => change.is_of_marks(),
        };
        if let (false, true, Some(after)) = (says_the_same, live.contains_key(&whole), inputs.shared.get(&whole)) {
            let address = after.marks.as_ref().map_or_else(|| after.id.name.clone(), |m| m.address.to_string());
            rewritten.insert(whole, address);
        }
    }
    rewritten
}

/// A mover whose scopes say something else: the reasons of its own delta and these, or a delta with no changes of its own.
fn through_scopes(delta: Option<IdentityDelta>, standing: &Standing<'_>, scopes: BTreeSet<Reason>) -> IdentityDelta {
    let mut delta = delta.unwrap_or_else(|| diff::classify::unchanged(standing));
    if delta.lifecycle == Lifecycle::Drift {
        delta.lifecycle = Lifecycle::Mover;
    }
    delta.reasons.extend(scopes);
    delta
}

/// Whether a comparison of access says anything: of a live identity that stays, whose policies or boundary differ.
fn access_may_change(delta: &IdentityDelta) -> bool {
    moves_in_access(delta) && !delta.reasons.iter().any(|reason| matches!(reason, Reason::Restored { .. }))
}

/// Whether people are told what an access amounts to: of who joins, and of who moves to another.
fn says_what_access_is(delta: &IdentityDelta) -> bool {
    delta.lifecycle == Lifecycle::Joiner || moves_in_access(delta)
}

fn moves_in_access(delta: &IdentityDelta) -> bool {
    let bears = |reason: &Reason| {
        matches!(reason, Reason::Differs { aspect: Aspect::Access | Aspect::Boundary } | Reason::Scope { .. })
    };
    delta.lifecycle == Lifecycle::Mover && delta.reasons.iter().any(bears)
}

fn finish(inputs: Inputs<'_>, deltas: Deltas) -> Result<Plan, Refused> {
    let live = LiveIndex::of(inputs.snapshot);
    let (old, new) =
        (Shared::live(inputs.snapshot, inputs.realize), Shared::of(inputs.shared.values(), inputs.realize));
    let around = order::Around {
        holders: &deltas.holds_rewritten,
        reach: &|id| old.reach(id).chain(new.reach(id)).cloned().collect(),
    };
    let steps = order::order(&deltas.identities, &deltas.shared, around, inputs.realize, &|id| live.digest(id));
    let plan = Plan {
        stack: inputs.declared.stack.clone(),
        realm: inputs.snapshot.realm.clone(),
        now: inputs.now,
        basis: inputs.basis,
        identities: deltas.identities,
        shared: deltas.shared,
        steps,
        managed: inputs.snapshot.identities.len(),
        quarantined: deltas.quarantined,
        kept: deltas.kept,
    };
    let plan = select::select(plan, inputs.selection);
    let faults = check::check(&plan, inputs.snapshot);
    if faults.is_empty() { Ok(plan) } else { Err(Refused::Unsound(faults)) }
}
