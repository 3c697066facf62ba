//! The parts of a [`Realizer`](crate::Realizer) that say what an object means: what it grants and denies, and which
//! interim states lead from one state to the next. Pure, and independent of the account.
//!
//! In: live and desired resources. Out: classifications and interim resources. Invariant: a resource with an account
//! in its id gives the same answer as without, and an interim resource keeps the id.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Change, Credential, DenyExtent, Document, InterimDeny, NarrowedPrincipal, Realm, Resource, ResourceId, Trust,
};

/// What objects and their attributes mean.
pub trait PolicySemantics: Send + Sync {
    /// The kind of credential that an object is. `None`: the object is not a credential.
    fn credential_kind(&self, id: &ResourceId) -> Option<Credential>;

    /// True for objects Leasehold must not change while the identity is active, declared or not: the second factor
    /// that a person enrolled, or a part that another team assigns. The identity's digest does not include them.
    ///
    /// `guards_a_person`: the identity is a person, or has a password. If Leasehold deleted the second factor of a
    /// person as unmanaged, only the password would protect the account.
    fn is_left_unchanged(&self, id: &ResourceId, guards_a_person: bool) -> bool;

    /// Whether the resource removes access (a Deny). Such a resource is created before, and deleted after, the
    /// resources that grant access.
    fn is_restriction(&self, resource: &Resource) -> bool;

    /// What an attribute of a resource affects. Views show it as the reason why an identity is a mover.
    fn classify_attribute(&self, id: &ResourceId, attribute: &str) -> Aspect;

    /// Whether the resource removes access now, and whether it also grants access. The identity's lease deny does not
    /// count.
    fn classify_denial(&self, resource: &Resource) -> DenyExtent;

    /// Whether this resource carries the lease deny that Leasehold writes for an identity, and the lease deny is in
    /// effect at `now`. If somebody has rewritten the lease deny so that its deadline cannot be read, it counts as
    /// expired.
    fn has_expired_lease(&self, resource: &Resource, now: Timestamp) -> bool;

    /// Whether the system treats two documents as the same, even if they are written differently. A live document
    /// that was only rewritten in another form has not drifted.
    fn is_same_document(&self, a: &Document, b: &Document) -> bool;

    /// A short description of a change, where its attributes do not show its effect: `lease deny`, `deny everything`.
    /// `None`: the attributes are enough.
    fn describe_change(&self, change: &Change) -> Option<String>;
}

/// Policies: objects whose statements allow and deny, and that can be rewritten in steps.
pub trait PolicyDocuments: Send + Sync {
    /// Whether the effect of a policy depends on the tag with key `tag` of the principal it is attached to.
    fn has_tag_condition(&self, policy: &Resource, tag: &str) -> bool;

    /// The policy that Leasehold writes for the principal or group `whole`, without any statements. `None`: such an
    /// object has no policy of its own.
    fn empty_own_policy(&self, whole: &ResourceId) -> Option<Resource>;

    /// An interim state between `before` and `after` of one policy. It grants no more than either: it allows what
    /// both allow, minus what either of them or `withheld` denies. `None` as `before` or `after` means that the
    /// policy does not exist and allows nothing. If the interim policy would exceed the system's size limit, it denies
    /// everything. Returns `None` if the resource is not a policy.
    fn build_interim_policy(
        &self,
        before: Option<&Resource>,
        after: Option<&Resource>,
        withheld: &InterimDeny,
    ) -> Option<Resource>;
}

/// Principals that other principals assume, and their trust policies.
pub trait RoleTrusts: Send + Sync {
    /// The principals that may assume a live role. First: the trusts that a configuration can express. Second:
    /// descriptions, for people, of the trusts that it cannot express.
    fn extract_trusts(&self, realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>);

    /// The principal `before`, with its trust narrowed to the principals that both `before` and `after` trust; if
    /// `closed` is true, it trusts none. `None`: the resource cannot be assumed in any case.
    fn narrow_trust(&self, before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal>;
}

/// What an attribute affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Which principals may assume the identity.
    Trust,
    /// The permissions it has.
    Access,
    /// The permissions boundary that limits its access.
    Boundary,
    /// The maximum session duration.
    Session,
    /// A credential: an access key or a login.
    Credential,
    /// Tags that are not marks.
    Tags,
    /// A description, and every attribute that is not one of the above.
    Description,
}
