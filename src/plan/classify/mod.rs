//! What the provider says about the changes of a plan, asked once for each change.
//!
//! In: the deltas of identities and shared objects. Out: [`SubjectFacts`], one [`ChangeFacts`] for each change. All
//! later stages of the plan read these facts; the provider is asked again only to build interim states
//! ([`super::transition::interim`]).

pub mod denials;
pub mod tags;

use jiff::Timestamp;
use leasehold_provider::{Address, Aspect, Change, Credential, DenyExtent, Realizer, Resource, ResourceId, Value};

/// An identity or a shared object, and the facts about each of its changes.
pub struct SubjectFacts<'a> {
    /// The address of the identity or shared object.
    pub address: &'a Address,
    /// The id of the principal or of the shared object.
    pub id: &'a ResourceId,
    /// The facts about its changes, in the order of the delta.
    pub changes: Vec<ChangeFacts<'a>>,
}

/// The facts about one change.
pub struct ChangeFacts<'a> {
    /// The change.
    pub change: &'a Change,
    /// Whether it attaches, detaches, creates, deletes or updates something that allows or denies access.
    pub is_access: bool,
    /// Whether the object that it writes or deletes removes access (a Deny).
    pub is_restriction: bool,
    /// What the object denies before the change; [`DenyExtent::Nothing`] if it does not exist.
    pub denied_before: DenyExtent,
    /// What the object denies after the change; [`DenyExtent::Nothing`] if it does not exist.
    pub denied_after: DenyExtent,
    /// Whether it is a policy whose lease deny is in effect before the change.
    pub had_expired_lease: bool,
    /// Whether it updates a trust attribute: of a principal, or of a federation.
    pub changes_trust: bool,
    /// Whether it updates a permissions boundary.
    pub changes_boundary: bool,
    /// Whether it creates an object with a trust attribute: a role, or a federation.
    pub creates_trust: bool,
    /// The kind of credential that the object is; `None` if it is none.
    pub credential: Option<Credential>,
}

impl<'a> SubjectFacts<'a> {
    /// Asks the provider about each change. `now` decides which leases have expired.
    #[must_use]
    pub fn classify(
        address: &'a Address,
        id: &'a ResourceId,
        changes: &'a [Change],
        now: Timestamp,
        realize: &Realizer,
    ) -> Self {
        let changes = changes.iter().map(|change| ChangeFacts::classify(change, now, realize)).collect();
        Self { address, id, changes }
    }
}

impl<'a> ChangeFacts<'a> {
    fn classify(change: &'a Change, now: Timestamp, realize: &Realizer) -> Self {
        let (before, after) = (change.resource_before(), change.resource_after());
        let states = || before.into_iter().chain(after);
        let denies = |state: Option<&Resource>| {
            state.map_or(DenyExtent::Nothing, |state| realize.semantics.classify_denial(state))
        };
        let differs = |aspect| match change {
            Change::Update { before, after } => {
                attributes_of_aspect(before, aspect, realize).ne(attributes_of_aspect(after, aspect, realize))
            }
            _ => false,
        };
        Self {
            change,
            is_access: states().any(|state| attributes_of_aspect(state, Aspect::Access, realize).next().is_some()),
            is_restriction: after.or(before).is_some_and(|written| realize.semantics.is_restriction(written)),
            denied_before: denies(before),
            denied_after: denies(after),
            had_expired_lease: before.is_some_and(|before| realize.semantics.has_expired_lease(before, now)),
            changes_trust: differs(Aspect::Trust),
            changes_boundary: differs(Aspect::Boundary),
            creates_trust: matches!(change, Change::Create { after } if has_trust_attribute(after, realize)),
            credential: realize.semantics.credential_kind(change.id()),
        }
    }

    /// Whether the object denies something before or after the change.
    #[must_use]
    pub fn has_denial(&self) -> bool {
        [self.denied_before, self.denied_after].iter().any(|denied| *denied != DenyExtent::Nothing)
    }

    /// Whether it updates a permissions boundary or a trust attribute.
    #[must_use]
    pub fn changes_boundary_or_trust(&self) -> bool {
        self.changes_boundary || self.changes_trust
    }

    /// The states of the object before and after the change, as far as it exists.
    pub fn states(&self) -> impl Iterator<Item = &'a Resource> + use<'a> {
        self.change.resource_before().into_iter().chain(self.change.resource_after())
    }

    /// The states of the object before and after the change that deny something.
    pub fn denying_states(&self) -> impl Iterator<Item = &'a Resource> + use<'a> {
        let before = self.change.resource_before().filter(|_| self.denied_before != DenyExtent::Nothing);
        before.into_iter().chain(self.change.resource_after().filter(|_| self.denied_after != DenyExtent::Nothing))
    }
}

/// Whether a shared object has a trust attribute: it is a federation.
#[must_use]
pub fn has_trust_attribute(object: &Resource, realize: &Realizer) -> bool {
    attributes_of_aspect(object, Aspect::Trust, realize).next().is_some()
}

/// The attributes of a resource that affect this aspect, by name.
fn attributes_of_aspect<'r>(
    resource: &'r Resource,
    aspect: Aspect,
    realize: &Realizer,
) -> impl Iterator<Item = (&'r str, &'r Value)> {
    let named = resource.attributes.iter().map(|(name, value)| (name.as_ref(), value));
    named.filter(move |(name, _)| realize.semantics.classify_attribute(&resource.id, name) == aspect)
}
