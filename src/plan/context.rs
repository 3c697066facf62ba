//! What the transitions and edges of a plan depend on, in addition to the deltas.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{Address, Realizer, Resource, ResourceId};

use super::classify::denials::DenialIndex;
use crate::diff::access::SharedObjects;

/// By principal: the addresses of the shared objects that the plan rewrites and that are attached before and after.
pub type RewrittenByPrincipal = BTreeMap<ResourceId, BTreeSet<String>>;

/// By address: the identities that the identity names in `depends_on`.
pub type DeclaredDependencies<'a> = BTreeMap<&'a Address, &'a BTreeSet<Address>>;

/// What the order of the writes depends on, in addition to the deltas.
#[derive(Clone, Copy)]
pub struct PlanContext<'a> {
    /// The identities to which rewritten objects are attached.
    pub holders: &'a RewrittenByPrincipal,
    /// The principals whose tags change, and to which a policy with a condition on a changed tag is attached.
    pub heeding: &'a BTreeSet<ResourceId>,
    /// The live state of the shared objects.
    pub live_shared: &'a SharedObjects<'a>,
    /// The wanted state of the shared objects.
    pub wanted_shared: &'a SharedObjects<'a>,
    /// What shared and foreign objects deny.
    pub denials: &'a DenialIndex<'a>,
    /// The identities that each identity names in `depends_on`.
    pub depends_on: &'a DeclaredDependencies<'a>,
    /// Finds a live object of the stack by id; `None` if there is none.
    pub live: &'a dyn Fn(&ResourceId) -> Option<&'a Resource>,
    /// The instant of the plan: it decides which leases have expired.
    pub now: Timestamp,
    /// The provider's pure half.
    pub realize: &'a Realizer,
}

impl<'a> PlanContext<'a> {
    /// A context without shared objects.
    #[must_use]
    pub fn without_shared(
        denials: &'a DenialIndex<'a>,
        shared: &'a SharedObjects<'a>,
        now: Timestamp,
        realize: &'a Realizer,
    ) -> Self {
        const NO_PRINCIPALS: &RewrittenByPrincipal = &RewrittenByPrincipal::new();
        const NONE: &DeclaredDependencies<'_> = &DeclaredDependencies::new();
        const NO_TAGS: &BTreeSet<ResourceId> = &BTreeSet::new();
        Self {
            holders: NO_PRINCIPALS,
            heeding: NO_TAGS,
            live_shared: shared,
            wanted_shared: shared,
            denials,
            depends_on: NONE,
            live: &|_| None,
            now,
            realize,
        }
    }
}
