//! Which changes are made with care, so that at no point more is allowed than before or after.
//!
//! Say that somebody is allowed `A`, less what is denied, `D`; and `A'` less `D'` afterwards. One change that stands for itself goes from
//! the one to the other at once. Several, of which some deny, go in three phases: first only is taken away, until all of `D` and `D'` is
//! denied; then what is allowed changes, in any order, for what is allowed then is allowed by a statement of before or of after that is not
//! denied there; then only is given, which leaves less than `A'` without `D'` at every step. Another permissions boundary, or another
//! trust, changes in the middle of the second phase, when nothing is held any more that shall go, and nothing yet that shall come; and
//! meanwhile policies allow what both their states do.
//!
//! A policy is brought into the state between its two by the provider ([`Realize::build_interim_policy`]). What is attached or detached whole, and gives
//! and denies at once, cannot: the own policy of who takes it up or lets go of it denies the same until the third phase.

use std::collections::BTreeSet;

use jiff::Timestamp;
use leasehold_provider::{Address, Aspect, Change, DenyExtent, InterimDeny, Realize, Resource, ResourceId, Value};

use super::denials::DenialIndex;
use super::tags;

/// What a change made with care needs.
#[derive(Debug, Default)]
pub struct TransitionGuard {
    /// It gets another boundary, trust or tags, or a lease after its own was over, or trusts a federation that opens to others; or somebody
    /// does who holds it. What only allows is narrowed meanwhile, too.
    pub opens: bool,
    /// What the own policy denies meanwhile.
    pub withheld: InterimDeny,
    /// The own policy, as it lives and as it would be with nothing in it, where something is withheld.
    pub own: Option<(Option<Resource>, Resource)>,
    /// Attachments that are put on before all others, or taken off after them: what they attach gives nothing then.
    pub held: BTreeSet<ResourceId>,
    /// Attachments of what gives and denies: they are taken off once the own policy denies the same.
    pub stood_in_for: BTreeSet<ResourceId>,
}

/// What is asked of one identity or shared object.
pub struct GuardRequest<'a, 'l> {
    /// The principal, group or scope.
    pub whole: &'a ResourceId,
    /// The address of an identity; `None`: it is shared.
    pub address: Option<&'a Address>,
    /// Its own changes.
    pub changes: &'a [Change],
    /// The instant of the plan.
    pub now: Timestamp,
    /// How many of the shared objects that it holds are rewritten.
    pub rewritten: usize,
    /// Whether one of those denies something.
    pub rewrites_deny: bool,
    /// Whether one of those is a federation that the principal trusts.
    pub rewrites_open: bool,
    /// Whether its tags change, and a policy that it holds says something else for that.
    pub heeds_tags: bool,
    /// Whether somebody who holds it is changed with care; `Some(true)`: and gets another boundary or trust.
    pub held_with_care: Option<bool>,
    /// A live object of the stack.
    pub live: &'a dyn Fn(&ResourceId) -> Option<&'l Resource>,
}

/// The care that these changes need; `None`: none, for they hold in any order.
#[must_use]
pub fn guard_transition(
    asked: &GuardRequest<'_, '_>,
    denials: &DenialIndex<'_>,
    realize: &dyn Realize,
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
        .any(|before| realize.has_expired_lease(before, asked.now));
    let opens_itself = was_over || tags > 0 || asked.rewrites_open || asked.changes.iter().any(opens);
    let mut care =
        TransitionGuard { opens: opens_itself || asked.held_with_care == Some(true), ..TransitionGuard::default() };
    let mut denies = is_held || asked.rewrites_deny || opens_itself;
    // What conditions on tags come to between two of them, no policy between two others tells.
    care.withheld.everything = tags > 0;
    for change in asked.changes {
        denies |= has_denial(change, realize);
        denies |= care.note_denial_attachment(change, asked, denials, realize);
    }
    // What a fence leaves counts where the one before was over.
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
    /// Whether a change attaches or detaches something that denies; and notes how that is done.
    fn note_denial_attachment(
        &mut self,
        change: &Change,
        asked: &GuardRequest<'_, '_>,
        denials: &DenialIndex<'_>,
        realize: &dyn Realize,
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

/// What a managed policy of the identity's own denies that a change attaches or detaches, and whether it gives nothing while it hangs there.
/// One that is made, or removed, in the same run is between its states then, and allows nothing.
fn find_own_policy_deny(
    change: &Change,
    asked: &GuardRequest<'_, '_>,
    realize: &dyn Realize,
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
        let denying = states.iter().filter(|state| realize.classify_denial(state) != DenyExtent::Nothing);
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

/// Whether a change gives a principal another boundary, opens it to others, or opens what it trusts to others.
pub fn is_boundary_or_trust_change(change: &Change, realize: &dyn Realize) -> bool {
    let of = |resource: &Resource| {
        let opens =
            |name: &str| matches!(realize.classify_attribute(&resource.id, name), Aspect::Boundary | Aspect::Trust);
        let named = resource.attributes.iter().filter(|(name, _)| opens(name));
        named.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>()
    };
    matches!(change, Change::Update { before, after } if of(before) != of(after))
}

/// Whether a shared object says who is let in: a federation.
pub fn has_trust_attribute(object: &Resource, realize: &dyn Realize) -> bool {
    object.attributes.keys().any(|name| realize.classify_attribute(&object.id, name) == Aspect::Trust)
}

/// Whether a change puts on, rewrites or takes off something that gives or takes access.
pub fn is_access_change(change: &Change, realize: &dyn Realize) -> bool {
    both_states(change)
        .any(|side| side.attributes.keys().any(|name| realize.classify_attribute(&side.id, name) == Aspect::Access))
}

fn has_denial(change: &Change, realize: &dyn Realize) -> bool {
    both_states(change).any(|side| realize.classify_denial(side) != DenyExtent::Nothing)
}

/// Whether a change touches a policy that neither gives nor takes anything today, such as a fence alone.
fn has_no_effect_today(change: &Change, realize: &dyn Realize) -> bool {
    let gives_nothing = |side: &Resource| {
        let tight = realize.build_interim_policy(None, Some(side), &InterimDeny::default());
        tight.is_some_and(|tight| tight.attributes == side.attributes)
    };
    both_states(change).all(|side| realize.classify_denial(side) == DenyExtent::Nothing && gives_nothing(side))
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
