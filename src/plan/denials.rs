//! What a change takes up, or lets go of, that denies something.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{
    Aspect, Change, DenyExtent, Document, InterimDeny, ObjectName, Realize, Resource, ResourceId, Value,
};

use crate::diff::access::SharedObjects;

/// What one takes up, or lets go of, with an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SharedDenial {
    /// What it denies.
    pub withheld: InterimDeny,
    /// It only denies, and nobody rewrites it: taken up first and let go of last, it needs nothing to stand in for it.
    pub alone: bool,
}

/// What is not the stack's and denies something.
pub type ForeignDenials = BTreeMap<ObjectName, Document>;

/// The denials of everything that identities and groups can hang on.
pub struct DenialIndex<'a> {
    live: BTreeMap<&'a ResourceId, SharedDenial>,
    wanted: BTreeMap<&'a ResourceId, SharedDenial>,
    /// Policies and groups that are not the stack's, by account and name.
    others: &'a ForeignDenials,
    /// Groups that are not the stack's and hold what is rewritten: what they deny is not the same before and afterwards.
    rewritten_through: BTreeSet<&'a ResourceId>,
    realize: &'a dyn Realize,
}

impl<'a> DenialIndex<'a> {
    /// The denials of what is shared, as it lives and as it is wanted.
    #[must_use]
    pub fn new(
        (live, wanted): (&SharedObjects<'a>, &SharedObjects<'a>),
        rewritten: &BTreeMap<ResourceId, String>,
        others: &'a ForeignDenials,
        realize: &'a dyn Realize,
    ) -> Self {
        let of = |shared: &SharedObjects<'a>| {
            let denial = |id: &'a ResourceId| {
                let is_rewritten = shared.reachable_objects(id).any(|id| rewritten.contains_key(id));
                Some((id, combine_denials(shared.relevant_objects(id), is_rewritten, others, realize)?))
            };
            shared.object_ids().filter_map(denial).collect()
        };
        let rewritten_through = live.foreign_groups_with(|id| rewritten.contains_key(id)).collect();
        Self { live: of(live), wanted: of(wanted), others, rewritten_through, realize }
    }

    /// None at all.
    #[must_use]
    pub fn without_denials(realize: &'a dyn Realize) -> Self {
        const NONE: &ForeignDenials = &ForeignDenials::new();
        Self {
            live: BTreeMap::new(),
            wanted: BTreeMap::new(),
            others: NONE,
            rewritten_through: BTreeSet::new(),
            realize,
        }
    }

    /// What a change of something that hangs on `whole` takes up or lets go of; `None`: nothing that denies. An attachment that is turned
    /// from one policy to another does both.
    #[must_use]
    pub fn find_denial(&self, change: &Change, whole: &ResourceId) -> Option<Cow<'_, SharedDenial>> {
        if change.is_marks_only() {
            return None;
        }
        let taken_up = change.resource_after().and_then(|after| self.find_shared_denial(after, whole, &self.wanted));
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

    /// Whether a shared object denies something, as it lives or as it is wanted.
    #[must_use]
    pub fn contains_denial(&self, id: &ResourceId) -> bool {
        self.live.contains_key(id) || self.wanted.contains_key(id)
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
            matches!(value, Value::Text(_)) && self.realize.classify_attribute(&resource.id, name) == Aspect::Access
        });
        if resource.depends_on.iter().any(|id| self.rewritten_through.contains(id)) {
            let withheld = InterimDeny { everything: true, ..InterimDeny::default() };
            return Some(SharedDenial { withheld, alone: false });
        }
        if named { combine_denials(std::iter::once(resource), false, self.others, self.realize) } else { None }
    }
}

/// What these resources together deny whoever hangs on them.
fn combine_denials<'a>(
    resources: impl Iterator<Item = &'a Resource>,
    is_rewritten: bool,
    others: &ForeignDenials,
    realize: &dyn Realize,
) -> Option<SharedDenial> {
    let mut denial = SharedDenial { withheld: InterimDeny::default(), alone: !is_rewritten };
    let (mut denies, mut unread) = (false, false);
    for resource in resources {
        let access = resource
            .attributes
            .iter()
            .filter(|(name, _)| realize.classify_attribute(&resource.id, name) == Aspect::Access);
        for (_, value) in access {
            let says = match value {
                Value::Text(name) => {
                    let named = || others.get(&ObjectName::for_object(&resource.id, name));
                    let policy = if others.is_empty() { None } else { named() };
                    policy.map(|policy| (policy, realize.classify_denial(&to_policy_resource(resource, policy))))
                }
                Value::Document(policy) => Some((policy, realize.classify_denial(resource))),
                _ => None,
            };
            let withholds = match says {
                // What was made from a sensitive value is not copied to where nothing says that it is.
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
                // The cloud's own: known by name alone.
                None => {
                    let withholds = realize.classify_denial(resource);
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

/// A resource that says what a policy of that name does.
pub fn to_policy_resource(attachment: &Resource, policy: &Document) -> Resource {
    Resource::new(attachment.id.clone(), None).with_attribute("policy", Value::Document(policy.clone()))
}
