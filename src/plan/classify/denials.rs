//! What shared and foreign objects deny, for changes that attach or detach them.
//!
//! In: the shared objects (live and wanted), and the foreign policies that deny something. Out: a [`DenialIndex`],
//! which answers what an attachment denies. [`crate::plan::transition::guard`] uses it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{
    Aspect, Change, DenyExtent, Document, InterimDeny, ObjectName, Realizer, Resource, ResourceId, Value,
};

use crate::diff::access::SharedObjects;

/// What a principal is denied through one attached object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SharedDenial {
    /// The Deny statements.
    pub withheld: InterimDeny,
    /// Whether the object only denies and the plan does not rewrite it. It can then be attached first and detached
    /// last, and no other policy has to deny the same in the interim.
    pub alone: bool,
}

/// Policies and groups outside the stack that deny something, by account and name.
pub type ForeignDenials = BTreeMap<ObjectName, Document>;

/// What each object denies that can be attached to an identity or a group.
pub struct DenialIndex<'a> {
    live: BTreeMap<&'a ResourceId, SharedDenial>,
    desired: BTreeMap<&'a ResourceId, SharedDenial>,
    /// Policies and groups outside the stack, by account and name.
    others: &'a ForeignDenials,
    /// Groups outside the stack to which a rewritten object is attached: what they deny differs before and after.
    rewritten_through: BTreeSet<&'a ResourceId>,
    realize: &'a Realizer,
}

impl<'a> DenialIndex<'a> {
    /// Indexes what the shared objects deny, in their live and their wanted state.
    #[must_use]
    pub fn new(
        (live, desired): (&SharedObjects<'a>, &SharedObjects<'a>),
        rewritten: &BTreeMap<ResourceId, String>,
        others: &'a ForeignDenials,
        realize: &'a Realizer,
    ) -> Self {
        let of = |shared: &SharedObjects<'a>| {
            let denial = |id: &'a ResourceId| {
                let is_rewritten = shared.reachable_objects(id).any(|id| rewritten.contains_key(id));
                Some((id, combine_denials(shared.relevant_objects(id), is_rewritten, others, realize)?))
            };
            shared.object_ids().filter_map(denial).collect()
        };
        let rewritten_through = live.foreign_groups_with(|id| rewritten.contains_key(id)).collect();
        Self { live: of(live), desired: of(desired), others, rewritten_through, realize }
    }

    /// An index without any denial.
    #[must_use]
    pub fn without_denials(realize: &'a Realizer) -> Self {
        const NONE: &ForeignDenials = &ForeignDenials::new();
        Self {
            live: BTreeMap::new(),
            desired: BTreeMap::new(),
            others: NONE,
            rewritten_through: BTreeSet::new(),
            realize,
        }
    }

    /// What a change of an object attached to `whole` starts or stops to deny; `None` if nothing. A change that
    /// points an attachment to another policy does both.
    #[must_use]
    pub fn find_denial(&self, change: &Change, whole: &ResourceId) -> Option<Cow<'_, SharedDenial>> {
        if change.is_marks_only() {
            return None;
        }
        let taken_up = change.resource_after().and_then(|after| self.find_shared_denial(after, whole, &self.desired));
        let let_go = change.resource_before().and_then(|before| self.find_shared_denial(before, whole, &self.live));
        match (taken_up, let_go) {
            (Some(one), Some(other)) => {
                let mut both = one.into_owned();
                both.withheld.merge_denials(&other.withheld);
                both.alone = false;
                Some(Cow::Owned(both))
            }
            (one, other) => one.or(other),
        }
    }

    /// Whether a shared object denies something in its live or its wanted state.
    #[must_use]
    pub fn contains_denial(&self, id: &ResourceId) -> bool {
        self.live.contains_key(id) || self.desired.contains_key(id)
    }

    fn find_shared_denial<'b>(
        &'b self,
        resource: &Resource,
        whole: &ResourceId,
        shared: &'b BTreeMap<&'a ResourceId, SharedDenial>,
    ) -> Option<Cow<'b, SharedDenial>> {
        let held = resource.depends_on.iter().filter(|id| *id != whole).filter_map(|id| shared.get(id));
        let mut held = held.map(Cow::Borrowed).chain(self.find_foreign_denial(resource).map(Cow::Owned));
        let first = held.next()?;
        Some(held.fold(first, |mut all, other| {
            let both = all.to_mut();
            both.withheld.merge_denials(&other.withheld);
            both.alone &= other.alone;
            all
        }))
    }

    fn find_foreign_denial(&self, resource: &Resource) -> Option<SharedDenial> {
        let named = resource.attributes.iter().any(|(name, value)| {
            matches!(value, Value::Text(_))
                && self.realize.semantics.classify_attribute(&resource.id, name) == Aspect::Access
        });
        if resource.depends_on.iter().any(|id| self.rewritten_through.contains(id)) {
            let withheld = InterimDeny { everything: true, ..InterimDeny::default() };
            return Some(SharedDenial { withheld, alone: false });
        }
        if named { combine_denials(std::iter::once(resource), false, self.others, self.realize) } else { None }
    }
}

/// What these resources together deny the principal that they are attached to; `None` if nothing.
fn combine_denials<'a>(
    resources: impl Iterator<Item = &'a Resource>,
    is_rewritten: bool,
    others: &ForeignDenials,
    realize: &Realizer,
) -> Option<SharedDenial> {
    let mut denial = SharedDenial { withheld: InterimDeny::default(), alone: !is_rewritten };
    let (mut denies, mut unread) = (false, false);
    for resource in resources {
        let access = resource
            .attributes
            .iter()
            .filter(|(name, _)| realize.semantics.classify_attribute(&resource.id, name) == Aspect::Access);
        for (_, value) in access {
            let says = match value {
                Value::Text(name) => {
                    let named = || others.get(&ObjectName::for_object(&resource.id, name));
                    let policy = if others.is_empty() { None } else { named() };
                    policy.map(|policy| {
                        (policy, realize.semantics.classify_denial(&to_policy_resource(resource, policy)))
                    })
                }
                Value::Document(policy) => Some((policy, realize.semantics.classify_denial(resource))),
                _ => None,
            };
            let withholds = match says {
                // A document with a sensitive value must not be copied to a resource that is not marked as sensitive.
                Some((_, withholds)) if !resource.sensitive.is_empty() => {
                    unread |= withholds != DenyExtent::Nothing;
                    withholds
                }
                Some((policy, withholds)) => {
                    if withholds != DenyExtent::Nothing {
                        denial.withheld.documents.push(policy.clone());
                    }
                    withholds
                }
                // A policy of the cloud provider: only its name is known.
                None => {
                    let withholds = realize.semantics.classify_denial(resource);
                    unread |= withholds != DenyExtent::Nothing;
                    withholds
                }
            };
            denies |= withholds != DenyExtent::Nothing;
            denial.alone &= matches!(withholds, DenyExtent::Only | DenyExtent::Everything);
        }
    }
    denial.withheld.everything = unread && !denial.alone;
    denies.then_some(denial)
}

/// A resource with the content of a policy, in place of the attachment that names the policy.
pub fn to_policy_resource(attachment: &Resource, policy: &Document) -> Resource {
    Resource::new(attachment.id.clone(), None).with_attribute("policy", Value::Document(policy.clone()))
}
