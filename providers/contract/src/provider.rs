//! [`Provider`]: the parts of a provider, each behind its own trait, so that each stage of the engine gets only the
//! access that it needs.
//!
//! In: what a provider crate builds when it connects. Out: the value that the engine and the conformance suite use. A
//! part that a system does not have is `None`: the engine then rejects a declaration that needs it, and the suite
//! skips the laws about it. Every method of a part is required, so no provider can forget one.
//!
//! Example: a database whose roles nobody can assume sets [`Realizer::trusts`] to `None`. An identity with
//! `principal = "role"` in its configuration is then an error, and the suite works with users only.

use std::sync::Arc;

use crate::{
    CheckLimits, CloudNames, Compare, Enact, InterimDeny, IssueKeys, KeyIds, Lineage, NarrowedPrincipal, ObjectIds,
    Observe, PolicyDocuments, PolicySemantics, RealizeFederations, RealizeGroups, RealizeObjects, Resource, ResourceId,
    RoleTrusts,
};

/// A provider that is connected to its system.
#[derive(Clone)]
pub struct Provider {
    /// The pure half: it needs no connection.
    pub realize: Realizer,
    /// Compares accesses. Pure.
    pub compare: Arc<dyn Compare>,
    /// Reads the system. It cannot write.
    pub observe: Arc<dyn Observe>,
    /// Writes the system.
    pub enact: Arc<dyn Enact>,
    /// Creates access keys. `None` if and only if [`Realizer::keys`] is `None`.
    pub issue: Option<Arc<dyn IssueKeys>>,
}

/// The pure half of a provider: equal arguments give equal results.
///
/// Only the parts that take a [`Realm`](crate::Realm) depend on the account. The other parts do not look at
/// [`ResourceId::account`], and keep it in the ids that they derive from other ids.
#[derive(Clone)]
pub struct Realizer {
    /// The lineage of the stack that is realized, which the marks of its objects name. `None`: the stack has none yet.
    pub lineage: Option<Lineage>,
    /// The ids of objects.
    pub ids: Arc<dyn ObjectIds>,
    /// The system's own names of objects.
    pub names: Arc<dyn CloudNames>,
    /// The desired objects of scopes and identities.
    pub objects: Arc<dyn RealizeObjects>,
    /// The limits of the system.
    pub limits: Arc<dyn CheckLimits>,
    /// What objects and their attributes mean.
    pub semantics: Arc<dyn PolicySemantics>,
    /// Policies that can be rewritten in steps, and whose statements can deny. `None`: no object is such a policy;
    /// each grant exists or does not.
    pub policies: Option<Arc<dyn PolicyDocuments>>,
    /// Principals that others assume. `None`: the system has users only.
    pub trusts: Option<Arc<dyn RoleTrusts>>,
    /// Groups. `None`: the system has no groups.
    pub groups: Option<Arc<dyn RealizeGroups>>,
    /// Federations. `None`: the system trusts no other issuer.
    pub federations: Option<Arc<dyn RealizeFederations>>,
    /// The ids of access keys. `None`: the provider issues no keys.
    pub keys: Option<Arc<dyn KeyIds>>,
}

impl Realizer {
    /// The same realizer, for a stack with this lineage.
    #[must_use]
    pub fn for_lineage(&self, lineage: Option<&Lineage>) -> Self {
        Self { lineage: lineage.cloned(), ..self.clone() }
    }

    /// [`KeyIds::key_id`]. `None`: the provider issues no keys.
    #[must_use]
    pub fn key_id(&self, user: &str, key: &str) -> Option<ResourceId> {
        Some(self.keys.as_ref()?.key_id(user, key))
    }

    /// [`RoleTrusts::narrow_trust`]. `None`: nobody can assume the resource in any case.
    #[must_use]
    pub fn narrow_trust(&self, before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal> {
        self.trusts.as_ref()?.narrow_trust(before, after, closed)
    }

    /// [`PolicyDocuments::has_tag_condition`]. False: the system has no policies with conditions.
    #[must_use]
    pub fn has_tag_condition(&self, policy: &Resource, tag: &str) -> bool {
        self.policies.as_ref().is_some_and(|policies| policies.has_tag_condition(policy, tag))
    }

    /// [`PolicyDocuments::empty_own_policy`]. `None`: such an object has no policy of its own.
    #[must_use]
    pub fn empty_own_policy(&self, whole: &ResourceId) -> Option<Resource> {
        self.policies.as_ref()?.empty_own_policy(whole)
    }

    /// [`PolicyDocuments::build_interim_policy`]. `None`: the resource is not a policy.
    #[must_use]
    pub fn build_interim_policy(
        &self,
        before: Option<&Resource>,
        after: Option<&Resource>,
        withheld: &InterimDeny,
    ) -> Option<Resource> {
        self.policies.as_ref()?.build_interim_policy(before, after, withheld)
    }
}
