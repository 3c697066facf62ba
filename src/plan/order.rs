//! The order of the steps.
//!
//! In: the deltas of identities and shared objects. Out: numbered steps, each after the steps that it needs. The
//! invariant: between two steps, no identity is allowed more than the union of before and after.
//!
//! Within an identity:
//!
//! - A joiner follows the dependencies of its resources: the principal, then its policies and attachments, keys last.
//! - A deleted identity goes the other way round: keys and attachments first, then the Deny, the principal last.
//! - A quarantined identity gets its trust policy replaced and is denied everything, its credentials are disabled,
//!   and then the marks are written.
//! - Any other change goes in ranks ([`super::rank`]), each waiting for all earlier ones: detach, narrow, change the
//!   principal, change the rest, attach, widen, mark. If something is denied before or after, and more than one thing
//!   changes, the change has a transition guard ([`super::transition_guard`]); this includes joiners.
//!
//! Between objects: an object is created or changed before the objects that depend on it, and deleted after they are
//! detached ([`super::dependencies`]). Rewritten shared objects and the identities that use them go through the
//! phases of a guarded change together ([`super::shared_edges`]). A joiner waits for the identities in its
//! `depends_on` ([`super::waits`]).
//!
//! # Example
//!
//! `identity.api` replaces `scope.orders_read` by `scope.orders_write`; `scope.orders_write` gets another action, and
//! `identity.report` loses it. An arrow points from a step to the step that it waits for:
//!
//! ```text
//! detach orders_write from report ◄── rewrite orders_write ◄──┐
//!                                                             ├── attach orders_write to api ◄── write the marks of api
//! detach orders_read from api ◄───────────────────────────────┘
//! ```
//!
//! The left edge: `report` must not get the added action. The edge to the rewrite: `api` never has an old state of
//! the scope attached. The lower edge: `api` gives up access before it gets any.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{Change, DenyExtent, Realizer, Resource, ResourceId};

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

/// By principal: the addresses of the shared objects that the plan rewrites and that are attached before and after.
pub type RewrittenByHolder = BTreeMap<ResourceId, BTreeSet<String>>;

/// What the order depends on, in addition to the deltas.
#[derive(Clone, Copy)]
pub struct OrderContext<'a> {
    /// The identities to which rewritten objects are attached.
    pub holders: &'a RewrittenByHolder,
    /// The principals whose tags change, and to which a policy with a condition on a changed tag is attached.
    pub heeding: &'a BTreeSet<ResourceId>,
    /// The shared objects: the live state and the wanted state.
    pub shared: (&'a SharedObjects<'a>, &'a SharedObjects<'a>),
    /// What shared and foreign objects deny.
    pub denials: &'a DenialIndex<'a>,
    /// The identities that each identity names in `depends_on`.
    pub depends_on: &'a DependsOn<'a>,
    /// Finds a live object of the stack by id; `None` if there is none.
    pub live: &'a dyn Fn(&ResourceId) -> Option<&'a Resource>,
    /// The instant of the plan: it decides which leases have expired.
    pub now: Timestamp,
}

impl<'a> OrderContext<'a> {
    /// A context without shared objects.
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

/// The steps of all deltas, each after the steps that it needs. Steps on a cycle come last; [`super::circle`] reports
/// them.
#[must_use]
pub fn order_steps<'a>(
    identities: &[IdentityDelta],
    shared: &[SharedDelta],
    around: OrderContext<'a>,
    realize: &'a Realizer,
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

/// The transition guard of each identity, in the same order; other holders of the same objects are not considered.
fn guard_identities(
    identities: &[IdentityDelta],
    shared: &[SharedDelta],
    around: OrderContext<'_>,
    realize: &Realizer,
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

/// Whether the delta deletes the identity, and something that denies is deleted with it or detached from it.
fn has_removed_denial(delta: &IdentityDelta, around: OrderContext<'_>, realize: &Realizer) -> bool {
    if !delta.changes.iter().any(|change| matches!(change, Change::Delete { before } if before.id == delta.id)) {
        return false;
    }
    let own = realize.empty_own_policy(&delta.id);
    delta.changes.iter().filter(|change| matches!(change, Change::Delete { .. })).any(|change| {
        let is_own = own.as_ref().is_some_and(|own| own.id == *change.id());
        let denies =
            change.resource_before().is_some_and(|it| realize.semantics.classify_denial(it) != DenyExtent::Nothing);
        denies && !is_own || around.denials.find_denial(change, &delta.id).is_some()
    })
}

/// Whether a shared object is a federation that admits others than before: one that changes, or one that is created
/// and that roles may name already.
fn is_federation_widened(delta: &SharedDelta, realize: &Realizer) -> bool {
    delta.changes.iter().any(|change| match change {
        Change::Create { after } => has_trust_attribute(after, realize),
        change => is_boundary_or_trust_change(change, realize),
    })
}

/// By address: the rewritten objects that are attached to an identity with a guard; `true` if one of these guards has
/// [`TransitionGuard::opens`].
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
    realize: &Realizer,
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

/// Adds edges that are not needed for safety, and removes those of them that are on a cycle.
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
