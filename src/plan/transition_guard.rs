//! Decides which changes need a transition guard, so that no interim state allows more than before or after.
//!
//! In: the changes of one identity or shared object ([`GuardRequest`]). Out: a [`TransitionGuard`], or `None` if the
//! changes are safe without one.
//!
//! # Why and how
//!
//! Say that an identity is allowed `A` less what is denied, `D`, and will be allowed `A'` less `D'`. A single write
//! goes from one state to the other at once and needs no guard. Several writes, of which some deny, go in three
//! parts:
//!
//! 1. Only take access away, until all of `D` and `D'` is denied.
//! 2. Change what is allowed, in any order. Whatever is allowed now is allowed by a statement of before or of after,
//!    and not denied there.
//! 3. Only give access. Every step leaves less than `A'` without `D'`.
//!
//! The invariant: at every moment the effective access is within (`A` − `D`) ∪ (`A'` − `D'`).
//!
//! A permissions boundary or a trust policy changes in the middle of part 2: after everything that must go is
//! detached, and before anything new is attached. During that time, policies allow only what both of their states
//! allow.
//!
//! The provider computes the interim state of a policy ([`Realizer::build_interim_policy`]). An attachment has no
//! interim state: it is attached or detached as a whole. If the attached policy both allows and denies, the
//! identity's own policy (the one that Leasehold writes for it) denies the same until part 3.
//!
//! # Example
//!
//! ```text
//! before:  own policy allows s3:*; scope.ops is attached, which allows sqs:* and denies s3:DeleteBucket
//! after:   own policy allows s3:GetObject; scope.ops is detached
//! ```
//!
//! `s3:DeleteBucket` is allowed neither before nor after. If the detachment came first, it would be allowed until the
//! own policy is updated. The guarded order (an arrow points from a step to the step that it waits for):
//!
//! ```text
//! own policy: allow s3:GetObject, deny s3:DeleteBucket   [Take]
//!      ▲
//! detach scope.ops                                       [Release]
//!      ▲
//! own policy: allow s3:GetObject                         [Give]
//! ```

use std::collections::BTreeSet;

use jiff::Timestamp;
use leasehold_provider::{Address, Aspect, Change, DenyExtent, InterimDeny, Realizer, Resource, ResourceId, Value};

use super::denials::DenialIndex;
use super::tags;

/// How to make the changes of one identity or shared object without an unsafe interim state.
#[derive(Debug, Default)]
pub struct TransitionGuard {
    /// Whether the effective principal changes: the identity gets another boundary, trust policy or tags, or a new
    /// lease after its lease had expired, or trusts a federation that admits others; or the object is attached to
    /// such an identity. Policies that only allow are then narrowed in the interim, too.
    pub opens: bool,
    /// What the own policy denies in the interim.
    pub withheld: InterimDeny,
    /// The own policy: its live state, if it exists, and its state without any statement. `None` if nothing is
    /// withheld.
    pub own: Option<(Option<Resource>, Resource)>,
    /// Attachments of policies that allow nothing while they are attached in the interim: ones that only deny, and
    /// ones that the same run creates or deletes. They are attached before all others, or detached after them.
    pub held: BTreeSet<ResourceId>,
    /// Attachments that both allow and deny: they are detached once the own policy denies the same, and attached
    /// while it does.
    pub stood_in_for: BTreeSet<ResourceId>,
}

/// The changes of one identity or shared object, and the facts about it that decide whether they need a guard.
pub struct GuardRequest<'a, 'l> {
    /// The principal, group or scope.
    pub whole: &'a ResourceId,
    /// The address of the identity; `None` for a shared object.
    pub address: Option<&'a Address>,
    /// The changes of the object and of its parts.
    pub changes: &'a [Change],
    /// The instant of the plan.
    pub now: Timestamp,
    /// The number of attached shared objects that the plan rewrites.
    pub rewritten: usize,
    /// Whether one of these rewritten objects denies something.
    pub rewrites_deny: bool,
    /// Whether one of these rewritten objects is a federation that the principal trusts.
    pub rewrites_open: bool,
    /// Whether its tags change and an attached policy has a condition on a changed tag.
    pub heeds_tags: bool,
    /// Whether the object is attached to an identity that has a guard; `Some(true)` if that guard has
    /// [`TransitionGuard::opens`].
    pub held_with_care: Option<bool>,
    /// Finds a live object of the stack by id; `None` if there is none.
    pub live: &'a dyn Fn(&ResourceId) -> Option<&'l Resource>,
}

/// The guard that these changes need; `None` if they are safe without one.
#[must_use]
pub fn guard_transition(
    asked: &GuardRequest<'_, '_>,
    denials: &DenialIndex<'_>,
    realize: &Realizer,
) -> Option<TransitionGuard> {
    let opens = |change: &Change| change.id() == asked.whole && is_boundary_or_trust_change(change, realize);
    let moves = |change: &&Change| opens(change) || is_access_change(change, realize);
    let tags = if asked.heeds_tags { tags::count_tag_writes(asked.changes, asked.whole, realize) } else { 0 };
    let count = asked.changes.iter().filter(moves).count().saturating_add(asked.rewritten).saturating_add(tags);
    let is_held = asked.held_with_care.is_some();
    if count < 2 && !is_held {
        return None;
    }
    let was_over = asked
        .changes
        .iter()
        .filter_map(Change::resource_before)
        .any(|before| realize.semantics.has_expired_lease(before, asked.now));
    let opens_itself = was_over || tags > 0 || asked.rewrites_open || asked.changes.iter().any(opens);
    let mut care =
        TransitionGuard { opens: opens_itself || asked.held_with_care == Some(true), ..TransitionGuard::default() };
    let mut denies = is_held || asked.rewrites_deny || opens_itself;
    // Tags change in several writes. No interim policy can express what a tag condition means between two of them.
    care.withheld.everything = tags > 0;
    for change in asked.changes {
        denies |= has_denial(change, realize);
        denies |= care.note_denial_attachment(change, asked, denials, realize);
    }
    // A change without effect today, such as that of a lease deny, does not count, unless the old lease had expired:
    // then the change of the lease deny restores access.
    let idle = || {
        if was_over {
            0
        } else {
            asked.changes.iter().filter(moves).filter(|change| has_no_effect_today(change, realize)).count()
        }
    };
    if !denies || !is_held && count.saturating_sub(idle()) < 2 {
        return None;
    }
    if !care.withheld.is_nothing() {
        let own = realize.empty_own_policy(asked.whole).map(|own| Resource { identity: asked.address.cloned(), ..own });
        care.own = own.map(|own| ((asked.live)(&own.id).cloned(), own));
    }
    Some(care)
}

impl TransitionGuard {
    /// Whether a change attaches or detaches something that denies. Records how to do it in the guard.
    fn note_denial_attachment(
        &mut self,
        change: &Change,
        asked: &GuardRequest<'_, '_>,
        denials: &DenialIndex<'_>,
        realize: &Realizer,
    ) -> bool {
        if change.id() == asked.whole || change.is_marks_only() || !is_access_change(change, realize) {
            return false;
        }
        let of_own = find_own_policy_deny(change, asked, realize);
        let (withheld, alone) = match (denials.find_denial(change, asked.whole), of_own) {
            (Some(denial), _) => (denial.withheld.clone(), denial.alone),
            (None, Some(of_own)) => of_own,
            (None, None) => return false,
        };
        if alone {
            self.held.insert(change.id().clone());
        } else {
            self.withheld.merge_denials(&withheld);
            self.stood_in_for.insert(change.id().clone());
        }
        true
    }
}

/// What a customer-managed policy of the identity itself denies that a change attaches or detaches; and whether that
/// policy allows nothing while it is attached. A policy that the same run creates or deletes is in its interim state
/// then, and allows nothing.
fn find_own_policy_deny(
    change: &Change,
    asked: &GuardRequest<'_, '_>,
    realize: &Realizer,
) -> Option<(InterimDeny, bool)> {
    let (attachment, is_new) = match change {
        Change::Create { after } => (after, true),
        Change::Delete { before } => (before, false),
        _ => return None,
    };
    for id in attachment.depends_on.iter().filter(|id| *id != asked.whole) {
        let changed = asked.changes.iter().find(|other| other.id() == id && !other.is_marks_only());
        let states: Vec<&Resource> = match changed {
            Some(other) => both_states(other).collect(),
            None => (asked.live)(id).into_iter().filter(|live| live.identity.is_some()).collect(),
        };
        let denying = states.iter().filter(|state| realize.semantics.classify_denial(state) != DenyExtent::Nothing);
        let values = denying.flat_map(|state| state.attributes.values());
        let documents: Vec<_> = values.filter_map(value_document).collect();
        let is_inline = || realize.empty_own_policy(asked.whole).is_some_and(|own| own.id == *id);
        if !documents.is_empty() && !is_inline() {
            let comes_along = match changed {
                Some(Change::Create { .. }) => is_new,
                Some(Change::Delete { .. }) => !is_new,
                _ => false,
            };
            let everything = states.iter().any(|state| !state.sensitive.is_empty());
            return Some((InterimDeny { everything, documents }, comes_along));
        }
    }
    None
}

/// Whether a change updates a boundary or a trust attribute: of a principal, or of a federation.
pub fn is_boundary_or_trust_change(change: &Change, realize: &Realizer) -> bool {
    let of = |resource: &Resource| {
        let opens = |name: &str| {
            matches!(realize.semantics.classify_attribute(&resource.id, name), Aspect::Boundary | Aspect::Trust)
        };
        let named = resource.attributes.iter().filter(|(name, _)| opens(name));
        named.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>()
    };
    matches!(change, Change::Update { before, after } if of(before) != of(after))
}

/// Whether a shared object has a trust attribute: it is a federation.
pub fn has_trust_attribute(object: &Resource, realize: &Realizer) -> bool {
    object.attributes.keys().any(|name| realize.semantics.classify_attribute(&object.id, name) == Aspect::Trust)
}

/// Whether a change attaches, detaches, creates, deletes or updates something that allows or denies access.
pub fn is_access_change(change: &Change, realize: &Realizer) -> bool {
    both_states(change).any(|side| {
        side.attributes.keys().any(|name| realize.semantics.classify_attribute(&side.id, name) == Aspect::Access)
    })
}

fn has_denial(change: &Change, realize: &Realizer) -> bool {
    both_states(change).any(|side| realize.semantics.classify_denial(side) != DenyExtent::Nothing)
}

/// Whether a change concerns only a policy that neither allows nor denies anything today, such as a lone lease deny.
fn has_no_effect_today(change: &Change, realize: &Realizer) -> bool {
    let gives_nothing = |side: &Resource| {
        let tight = realize.build_interim_policy(None, Some(side), &InterimDeny::default());
        tight.is_some_and(|tight| tight.attributes == side.attributes)
    };
    both_states(change)
        .all(|side| realize.semantics.classify_denial(side) == DenyExtent::Nothing && gives_nothing(side))
}

fn both_states(change: &Change) -> impl Iterator<Item = &Resource> {
    change.resource_before().into_iter().chain(change.resource_after())
}

fn value_document(value: &Value) -> Option<leasehold_provider::Document> {
    match value {
        Value::Document(document) => Some(document.clone()),
        _ => None,
    }
}
