//! The order of the steps.
//!
//! Within an identity:
//! - a joiner follows its resources' dependencies: principal, then what hangs on it, keys last;
//! - one that goes is taken apart the other way round: keys and attachments first, the Deny after them, the principal last;
//! - one that goes into quarantine is closed, denied everything, its credentials are disabled, and then it is marked;
//! - any other change goes in ranks, each waiting for all of the one before, so that at no point more is allowed than the union
//!   of before and after: give up, tighten, change the principal, change the rest, give, loosen, mark. Where something is denied
//!   before or after and more than one thing changes, it is done with care ([`super::transition_guard`]); by a joiner, too.
//!
//! Between objects: what is needed is made, or changed, before what needs it; what others hang on goes after they let go. Who holds
//! what is rewritten, and what is rewritten, go through the phases of a careful change together ([`super::shared_edges`]).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{Change, DenyExtent, Realize, Resource, ResourceId};

use super::denials::DenialIndex;
use super::drafts::StepDrafts;
use super::sequence::{find_cycles, find_step_mut, number_steps, sort_steps};
use super::shared_edges::{self, SharedHolder, SharedRewrite};
use super::transition_guard::{
    GuardRequest, TransitionGuard, guard_transition, has_trust_attribute, is_boundary_or_trust_change,
};
use super::waits::{self, DependsOn, StepEdge};
use super::{Step, dependencies};
use crate::diff::access::SharedObjects;
use crate::diff::{IdentityDelta, SharedDelta};

/// By principal: the addresses of the scopes and groups that it held and goes on holding, and that the plan rewrites.
pub type RewrittenByHolder = BTreeMap<ResourceId, BTreeSet<String>>;

/// What the order depends on beside the deltas.
#[derive(Clone, Copy)]
pub struct OrderContext<'a> {
    /// Those that hold rewritten objects.
    pub holders: &'a RewrittenByHolder,
    /// The principals whose tags change and are heeded by a policy that they hold.
    pub heeding: &'a BTreeSet<ResourceId>,
    /// What is shared, as it lives and as it is wanted.
    pub shared: (&'a SharedObjects<'a>, &'a SharedObjects<'a>),
    /// What those deny.
    pub denials: &'a DenialIndex<'a>,
    /// Whom an identity names in `depends_on`.
    pub depends_on: &'a DependsOn<'a>,
    /// A live object of the stack.
    pub live: &'a dyn Fn(&ResourceId) -> Option<&'a Resource>,
    /// The instant of the plan.
    pub now: Timestamp,
}

impl<'a> OrderContext<'a> {
    /// Nothing is shared.
    #[must_use]
    pub fn without_shared(denials: &'a DenialIndex<'a>, shared: &'a SharedObjects<'a>, now: Timestamp) -> Self {
        const NOBODY: &RewrittenByHolder = &RewrittenByHolder::new();
        const NONE: &DependsOn<'_> = &DependsOn::new();
        const NO_TAGS: &BTreeSet<ResourceId> = &BTreeSet::new();
        Self {
            holders: NOBODY,
            heeding: NO_TAGS,
            shared: (shared, shared),
            denials,
            depends_on: NONE,
            live: &|_| None,
            now,
        }
    }
}

/// The steps of all deltas, in an order that holds. Steps that wait for each other stand last: [`super::circle`] tells of them.
#[must_use]
pub fn order_steps<'a>(
    identities: &[IdentityDelta],
    shared: &[SharedDelta],
    around: OrderContext<'a>,
    realize: &'a dyn Realize,
    digest_of: &'a dyn Fn(&ResourceId) -> Option<leasehold_provider::Digest>,
) -> Vec<Step> {
    let opening = shared.iter().filter(|delta| is_federation_widened(delta, realize)).map(|delta| &delta.id).collect();
    let mut drafts = StepDrafts::new(opening, around.shared.0, realize, digest_of);
    let cares = guard_identities(identities, shared, around, realize);
    let held_with_care = find_guarded_objects(identities, &cares, around.holders);
    let mut rewrites: Vec<SharedRewrite> = Vec::new();
    for delta in shared {
        let held_with_care = held_with_care.get(delta.address.as_str()).copied();
        rewrites.push(
            drafts.draft_shared_object(delta, guard_shared_object(delta, held_with_care, around, realize).as_ref()),
        );
    }
    let (mut holders, mut leavers) = (Vec::new(), Vec::new());
    for (delta, care) in identities.iter().zip(&cares) {
        let phases = drafts.draft_identity(delta, care.as_ref(), has_removed_denial(delta, around, realize));
        if let (Some(phases), Some(rewritten)) = (phases, around.holders.get(&delta.id)) {
            match (delta.leaving.is_some(), care) {
                (true, _) => leavers.push(SharedHolder { rewritten, phases }),
                (false, Some(_)) => holders.push(SharedHolder { rewritten, phases }),
                (false, None) => {}
            }
        }
    }
    let StepDrafts { mut steps, ranked, .. } = drafts;
    dependencies::add_dependency_edges(&mut steps, &ranked, &rewrites, realize);
    for (waiter, waited_for) in
        shared_edges::edges_for_shared_objects(&steps, &rewrites, (&holders, &leavers), around.shared)
    {
        if let Some(step) = find_step_mut(&mut steps, waiter) {
            step.needs.extend(waited_for);
        }
    }
    let waits = waits::edges_for_joiners(&steps, identities, around.depends_on);
    add_acyclic_waits(&mut steps, waits);
    number_steps(steps)
}

/// The care that the changes of each identity need, without regard to who else holds what it holds.
fn guard_identities(
    identities: &[IdentityDelta],
    shared: &[SharedDelta],
    around: OrderContext<'_>,
    realize: &dyn Realize,
) -> Vec<Option<TransitionGuard>> {
    let addresses = |of: &dyn Fn(&&SharedDelta) -> bool| -> BTreeSet<&str> {
        shared.iter().filter(of).map(|delta| delta.address.as_str()).collect()
    };
    let deny = addresses(&|delta| around.denials.contains_denial(&delta.id));
    let open = addresses(&|delta| is_federation_widened(delta, realize));
    let care_of = |delta: &IdentityDelta| {
        if delta.leaving.is_some() {
            return None;
        }
        let rewritten = around.holders.get(&delta.id);
        let any = |of: &BTreeSet<&str>| {
            rewritten.is_some_and(|held| held.iter().any(|address| of.contains(address.as_str())))
        };
        let asked = GuardRequest {
            whole: &delta.id,
            address: Some(&delta.address),
            changes: &delta.changes,
            now: around.now,
            rewritten: rewritten.map_or(0, BTreeSet::len),
            rewrites_deny: any(&deny),
            rewrites_open: any(&open),
            heeds_tags: around.heeding.contains(&delta.id),
            held_with_care: None,
            live: around.live,
        };
        guard_transition(&asked, around.denials, realize)
    };
    identities.iter().map(care_of).collect()
}

/// Whether it is taken apart and loses something that denies.
fn has_removed_denial(delta: &IdentityDelta, around: OrderContext<'_>, realize: &dyn Realize) -> bool {
    if !delta.changes.iter().any(|change| matches!(change, Change::Delete { before } if before.id == delta.id)) {
        return false;
    }
    let own = realize.empty_own_policy(&delta.id);
    delta.changes.iter().filter(|change| matches!(change, Change::Delete { .. })).any(|change| {
        let is_own = own.as_ref().is_some_and(|own| own.id == *change.id());
        let denies = change.resource_before().is_some_and(|it| realize.classify_denial(it) != DenyExtent::Nothing);
        denies && !is_own || around.denials.find_denial(change, &delta.id).is_some()
    })
}

/// Whether a shared object lets others in than before: a federation that changes, or is made and may be named by roles already.
fn is_federation_widened(delta: &SharedDelta, realize: &dyn Realize) -> bool {
    delta.changes.iter().any(|change| match change {
        Change::Create { after } => has_trust_attribute(after, realize),
        change => is_boundary_or_trust_change(change, realize),
    })
}

/// By address: what is held by somebody who is changed with care; `true`: by one who gets another boundary, trust or lease.
fn find_guarded_objects<'a>(
    identities: &[IdentityDelta],
    cares: &[Option<TransitionGuard>],
    holders: &'a RewrittenByHolder,
) -> BTreeMap<&'a str, bool> {
    let mut held: BTreeMap<&str, bool> = BTreeMap::new();
    for (delta, care) in identities.iter().zip(cares) {
        let Some(care) = care else { continue };
        for address in holders.get(&delta.id).into_iter().flatten() {
            *held.entry(address).or_default() |= care.opens;
        }
    }
    held
}

fn guard_shared_object(
    delta: &SharedDelta,
    held_with_care: Option<bool>,
    around: OrderContext<'_>,
    realize: &dyn Realize,
) -> Option<TransitionGuard> {
    let asked = GuardRequest {
        whole: &delta.id,
        address: None,
        changes: &delta.changes,
        now: around.now,
        rewritten: 0,
        rewrites_deny: false,
        rewrites_open: false,
        heeds_tags: false,
        held_with_care,
        live: around.live,
    };
    if delta.is_kept() { guard_transition(&asked, around.denials, realize) } else { None }
}

/// Adds waits that order needs not, and takes back those that would close a circle.
fn add_acyclic_waits(steps: &mut [Step], waits: Vec<StepEdge>) {
    let mut added = waits;
    added.retain(|(waiter, waited_for)| {
        find_step_mut(steps, *waiter).is_some_and(|step| step.needs.insert(*waited_for))
    });
    if added.is_empty() {
        return;
    }
    if sort_steps(steps).len() == steps.len() {
        return;
    }
    let circles = find_cycles(steps);
    let closes =
        |(waiter, waited_for): &&StepEdge| circles.iter().any(|it| it.contains(waiter) && it.contains(waited_for));
    for (waiter, waited_for) in added.iter().filter(closes) {
        if let Some(step) = find_step_mut(steps, *waiter) {
            step.needs.remove(waited_for);
        }
    }
}
