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
//! The provider computes the interim state of a policy (the module `interim`). An attachment has no interim state: it is
//! attached or detached as a whole. If the attached policy both allows and denies, the identity's own policy (the one
//! that Leasehold writes for it) denies the same until part 3.
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
//! own policy: allow s3:GetObject, deny s3:DeleteBucket   [Narrow]
//!      ▲
//! detach scope.ops                                       [DetachDenying]
//!      ▲
//! own policy: allow s3:GetObject                         [Widen]
//! ```

use std::collections::BTreeSet;

use leasehold_provider::{Change, DenyExtent, Document, InterimDeny, Realizer, Resource, ResourceId, Value};

use crate::plan::classify::{ChangeFacts, SubjectFacts};
use crate::plan::context::PlanContext;

/// How to make the changes of one identity or shared object without an unsafe interim state.
#[derive(Debug, Default)]
pub struct TransitionGuard {
    /// Whether the effective principal changes: the identity gets another boundary, trust policy or tags, or a new
    /// lease after its lease had expired, or trusts a federation that admits others; or the object is attached to
    /// such an identity. Policies that only allow are then narrowed in the interim, too.
    pub changes_principal: bool,
    /// What the own policy denies in the interim.
    pub withheld: InterimDeny,
    /// The own policy: its live state, if it exists, and its state without any statement. `None` if nothing is
    /// withheld.
    pub own: Option<(Option<Resource>, Resource)>,
    /// Attachments of policies that allow nothing while they are attached in the interim: ones that only deny, and
    /// ones that the same run creates or deletes. They are attached before all others, or detached after them.
    pub denying_only: BTreeSet<ResourceId>,
    /// Attachments that both allow and deny: they are detached once the own policy denies the same, and attached
    /// while it does.
    pub denied_by_own: BTreeSet<ResourceId>,
}

/// The changes of one identity or shared object, and what else decides whether they need a guard.
pub struct GuardRequest<'a> {
    /// The identity or shared object.
    pub subject: &'a SubjectFacts<'a>,
    /// Whether it is an identity.
    pub is_identity: bool,
    /// The rewritten shared objects that are attached to it before and after.
    pub rewritten: RewrittenAttachments,
    /// The number of writes in which its tags change, if an attached policy has a condition on a changed tag;
    /// otherwise 0.
    pub tag_writes: usize,
    /// For a shared object that is attached to an identity with a guard: whether that guard has
    /// [`TransitionGuard::changes_principal`]. `None` if it is attached to no such identity.
    pub guarded_holder: Option<bool>,
}

/// The rewritten shared objects that are attached to an identity before and after.
#[derive(Debug, Clone, Copy, Default)]
pub struct RewrittenAttachments {
    /// Their number.
    pub count: usize,
    /// Whether one of them denies something.
    pub any_denies: bool,
    /// Whether one of them is a federation that the principal trusts, and that admits others than before.
    pub any_admits_others: bool,
}

/// The guard that these changes need; `None` if they are safe without one.
#[must_use]
pub fn guard_transition(request: &GuardRequest<'_>, context: &PlanContext<'_>) -> Option<TransitionGuard> {
    let GuardRequest { subject, rewritten, tag_writes, guarded_holder, .. } = request;
    let changes_principal =
        |facts: &ChangeFacts<'_>| facts.change.id() == subject.id && facts.changes_boundary_or_trust();
    let affects_access = |facts: &&ChangeFacts<'_>| changes_principal(facts) || facts.is_access;
    let count = subject.changes.iter().filter(affects_access).count() + rewritten.count + tag_writes;
    let has_guarded_holder = guarded_holder.is_some();
    if count < 2 && !has_guarded_holder {
        return None;
    }
    let had_expired_lease = subject.changes.iter().any(|facts| facts.had_expired_lease);
    let changes_itself = had_expired_lease
        || *tag_writes > 0
        || rewritten.any_admits_others
        || subject.changes.iter().any(changes_principal);
    let mut guard = TransitionGuard {
        changes_principal: changes_itself || *guarded_holder == Some(true),
        ..TransitionGuard::default()
    };
    let mut denies = has_guarded_holder || rewritten.any_denies || changes_itself;
    // Tags change in several writes. No interim policy can express what a tag condition means between two of them.
    guard.withheld.everything = *tag_writes > 0;
    for facts in &subject.changes {
        denies |= facts.has_denial();
        denies |= guard.record_denial_attachment(facts, subject, context);
    }
    // A change without effect today, such as that of a lease deny, does not count, unless the old lease had expired:
    // then the change of the lease deny restores access.
    let without_effect = || {
        if had_expired_lease {
            return 0;
        }
        let affecting = subject.changes.iter().filter(affects_access);
        affecting.filter(|facts| has_no_effect(facts, context.realize)).count()
    };
    if !denies || !has_guarded_holder && count - without_effect() < 2 {
        return None;
    }
    if !guard.withheld.is_nothing() {
        let identity = request.is_identity.then(|| subject.address.clone());
        let own = context.realize.empty_own_policy(subject.id).map(|own| Resource { identity, ..own });
        guard.own = own.map(|own| ((context.live)(&own.id).cloned(), own));
    }
    Some(guard)
}

impl TransitionGuard {
    /// Whether a change attaches or detaches something that denies. Records how to do it in the guard.
    fn record_denial_attachment(
        &mut self,
        facts: &ChangeFacts<'_>,
        subject: &SubjectFacts<'_>,
        context: &PlanContext<'_>,
    ) -> bool {
        let change = facts.change;
        if change.id() == subject.id || change.is_marks_only() || !facts.is_access {
            return false;
        }
        let of_own = find_own_policy_deny(change, subject, context);
        let (withheld, alone) = match (context.denials.find_denial(change, subject.id), of_own) {
            (Some(denial), _) => (denial.withheld.clone(), denial.alone),
            (None, Some(of_own)) => of_own,
            (None, None) => return false,
        };
        if alone {
            self.denying_only.insert(change.id().clone());
        } else {
            self.withheld.merge_denials(&withheld);
            self.denied_by_own.insert(change.id().clone());
        }
        true
    }
}

/// What a customer-managed policy of the identity itself denies that a change attaches or detaches; and whether that
/// policy allows nothing while it is attached. A policy that the same run creates or deletes is in its interim state
/// then, and allows nothing.
fn find_own_policy_deny(
    change: &Change,
    subject: &SubjectFacts<'_>,
    context: &PlanContext<'_>,
) -> Option<(InterimDeny, bool)> {
    let (attachment, is_new) = match change {
        Change::Create { after } => (after, true),
        Change::Delete { before } => (before, false),
        _ => return None,
    };
    for id in attachment.depends_on.iter().filter(|id| *id != subject.id) {
        let changed = subject.changes.iter().find(|other| other.change.id() == id && !other.change.is_marks_only());
        let live = || (context.live)(id).filter(|live| live.identity.is_some());
        let (states, denying): (Vec<&Resource>, Vec<&Resource>) = match changed {
            Some(other) => (other.states().collect(), other.denying_states().collect()),
            None => {
                let states: Vec<&Resource> = live().into_iter().collect();
                let denies = |it: &&&Resource| context.realize.semantics.classify_denial(it) != DenyExtent::Nothing;
                let denying = states.iter().filter(denies).copied().collect();
                (states, denying)
            }
        };
        let documents: Vec<_> =
            denying.iter().flat_map(|state| state.attributes.values()).filter_map(value_document).collect();
        let is_inline = || context.realize.empty_own_policy(subject.id).is_some_and(|own| own.id == *id);
        if !documents.is_empty() && !is_inline() {
            let comes_along = match changed.map(|other| other.change) {
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

/// Whether a change concerns only a policy that neither allows nor denies anything today, such as a lone lease deny.
fn has_no_effect(facts: &ChangeFacts<'_>, realize: &Realizer) -> bool {
    let allows_nothing = |state: &Resource| {
        let interim = realize.build_interim_policy(None, Some(state), &InterimDeny::default());
        interim.is_some_and(|interim| interim.attributes == state.attributes)
    };
    !facts.has_denial() && facts.states().all(allows_nothing)
}

fn value_document(value: &Value) -> Option<Document> {
    match value {
        Value::Document(document) => Some(document.clone()),
        _ => None,
    }
}
