//! The provider traits: [`Realize`] and [`Compare`] are pure, [`Observe`] reads the cloud, [`Enact`] writes it.
//!
//! In: desired identities, live objects and changes. Out: resources, snapshots, results of writes, and comparisons of
//! access. A provider decides nothing about the plan: it reads, translates and writes what it is given.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Access, Address, Answer, Assessment, Change, Comparison, Credential, DenyExtent, DesiredIdentity, Document,
    Federation, Group, InterimDeny, LiveIdentity, Marks, NarrowedPrincipal, Principal, Quarantine, Question, Quota,
    Realm, Resource, ResourceId, Scope, Snapshot, StackName, Trust, Vault, Violation,
};

/// Turns desired identities, scopes, groups and federations into resources. Pure: equal arguments give equal results.
pub trait Realize: Send + Sync {
    /// The id of the principal with this form and name.
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId;

    /// The id of the object that a scope becomes, such as a managed policy.
    fn scope_id(&self, stack: &StackName, scope: &str) -> ResourceId;

    /// The object that a scope becomes, with its marks. The engine sets the `digest` mark.
    fn realize_scope(&self, realm: &Realm, stack: &StackName, scope: &Scope) -> Resource;

    /// The object that a federation becomes, with its marks. The engine sets the `digest` mark. `None`: the provider
    /// does not support federations.
    fn realize_federation(&self, realm: &Realm, stack: &StackName, federation: &Federation) -> Option<Resource> {
        let _ = (realm, stack, federation);
        None
    }

    /// The cloud limits that the resource of a federation would exceed. Empty: none.
    fn check_federation_limits(&self, federation: &Federation, resource: &Resource) -> Vec<Violation> {
        let _ = (federation, resource);
        Vec::new()
    }

    /// The id of the group with this name.
    fn group_id(&self, name: &str) -> ResourceId;

    /// The kind of credential that an object is. `None`: the object is not a credential.
    fn credential_kind(&self, id: &ResourceId) -> Option<Credential> {
        let _ = id;
        None
    }

    /// The id of an access key of a user. `key` is [`ResourceId::NEW`] for a key that is not created yet. `None`:
    /// this provider does not issue keys.
    fn key_id(&self, user: &str, key: &str) -> Option<ResourceId> {
        let _ = (user, key);
        None
    }

    /// True for objects Leasehold must not change while the identity is active, declared or not: on AWS,
    /// instance-profile membership and a person's MFA device. The identity's digest does not include them.
    ///
    /// `guards_a_person`: the identity is a person, or has a password. A person enrolls their own MFA device by hand.
    /// If Leasehold deleted it as unmanaged, only the password would protect the account.
    fn is_left_unchanged(&self, id: &ResourceId, guards_a_person: bool) -> bool {
        let _ = (id, guards_a_person);
        false
    }

    /// The principals that may assume a live role. First: the trusts that a configuration can express. Second:
    /// descriptions, for people, of the trusts that it cannot express.
    fn extract_trusts(&self, realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        let _ = (realm, role);
        (Vec::new(), vec!["this provider cannot tell who may take it on".to_owned()])
    }

    /// The objects of a group, the group itself first, with its marks. The engine sets the `digest` mark.
    fn realize_group(&self, realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource>;

    /// The shared object that an object is part of: for a group's policy, the group. A scope's object is returned
    /// unchanged.
    fn shared_root_id(&self, id: &ResourceId) -> ResourceId {
        id.clone()
    }

    /// All resources of an active identity, including the principal. The principal carries the given `marks`; the
    /// engine sets their `digest`. After they are enacted, an observation returns resources equal to these.
    fn realize_identity(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource>;

    /// All resources of a live identity once it is quarantined: access is denied, credentials are disabled, and the
    /// rest keeps its live state, so that the identity can be restored. Applied to its own result, it changes
    /// nothing.
    fn realize_quarantine(&self, realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource>;

    /// The cloud limits that the resources of an identity would exceed. Empty: none.
    fn check_identity_limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation>;

    /// The cloud limits that the resource of a scope would exceed. Empty: none.
    fn check_scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation>;

    /// The cloud limits that the resources of a group would exceed. Empty: none.
    fn check_group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation>;

    /// Whether the resource removes access (a Deny). Such a resource is created before, and deleted after, the
    /// resources that grant access.
    fn is_restriction(&self, resource: &Resource) -> bool;

    /// What an attribute of a resource affects. Views show it as the reason why an identity is a mover. The default
    /// covers the attribute names that providers share; a provider that uses other names overrides this method.
    fn classify_attribute(&self, id: &ResourceId, attribute: &str) -> Aspect {
        let _ = id;
        match attribute {
            "assume_role_policy" | "trust" => Aspect::Trust,
            "permissions_boundary" => Aspect::Boundary,
            "policy" | "policy_arn" | "group" => Aspect::Access,
            "max_session_duration" => Aspect::Session,
            "status" => Aspect::Credential,
            "tags" => Aspect::Tags,
            _ => Aspect::Description,
        }
    }

    /// Whether the resource removes access now, and whether it also grants access. The lease deny in an identity's
    /// own policy does not count.
    fn classify_denial(&self, resource: &Resource) -> DenyExtent;

    /// Whether this is a policy that Leasehold writes for an identity, and its lease deny is in effect at `now`. If
    /// somebody has rewritten the lease deny so that its deadline cannot be read, it counts as expired.
    fn has_expired_lease(&self, policy: &Resource, now: Timestamp) -> bool;

    /// Whether the effect of a policy depends on the tag with key `tag` of the principal it is attached to.
    fn has_tag_condition(&self, policy: &Resource, tag: &str) -> bool;

    /// The policy that Leasehold writes for the principal or group `whole`, without any statements. `None`: such an
    /// object has no policy of its own.
    fn empty_own_policy(&self, whole: &ResourceId) -> Option<Resource>;

    /// An interim state between `before` and `after` of one policy. It grants no more than either: it allows what
    /// both allow, minus what either of them or `withheld` denies. `None` as `before` or `after` means that the
    /// policy does not exist and allows nothing. If the interim policy would exceed the cloud's size limit, it denies
    /// everything. Returns `None` if the resource is not a policy.
    fn build_interim_policy(
        &self,
        before: Option<&Resource>,
        after: Option<&Resource>,
        withheld: &InterimDeny,
    ) -> Option<Resource>;

    /// The principal `before`, with its trust narrowed to the principals that both `before` and `after` trust; if
    /// `closed` is true, it trusts none. `None`: the resource cannot be assumed in any case.
    fn narrow_trust(&self, before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal>;

    /// The number of characters of a document that count towards the cloud's limit. 0: the attribute is not a document.
    fn count_characters(&self, resource: &Resource, attribute: &str) -> usize;

    /// Whether users and roles share one namespace, so that a user and a role cannot have the same name. False on AWS.
    fn has_single_namespace(&self) -> bool;

    /// The object with this cloud name, such as an ARN. The name of a role session resolves to the role. `None`: the
    /// name does not resolve to an object.
    fn find_by_cloud_name(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        let _ = (realm, name);
        None
    }

    /// The cloud's own name of a live object, such as its ARN. `None`: it has no name other than its id.
    fn cloud_name(&self, realm: &Realm, resource: &Resource) -> Option<String> {
        let _ = (realm, resource);
        None
    }

    /// Who may change an object, derived from its cloud name.
    fn classify_custody(&self, name: &str) -> Custody {
        let _ = name;
        Custody::Customer
    }

    /// Whether the cloud treats two documents as the same, even if they are written differently. A live document that
    /// was only rewritten in another form has not drifted.
    fn is_same_document(&self, a: &Document, b: &Document) -> bool {
        a == b
    }

    /// A short description of a change, where its attributes do not show its effect: `lease deny`, `deny everything`.
    /// `None`: the attributes are enough.
    fn describe_change(&self, change: &Change) -> Option<String>;
}

/// Who may change an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Custody {
    /// The owner of the account.
    Customer,
    /// A service of the cloud that created the object in the account, such as a service-linked role.
    ServiceLinked,
    /// The cloud's own directory of people, such as AWS IAM Identity Center.
    Reserved,
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

/// What to read, and how exactly.
#[derive(Debug, Clone, Copy)]
pub struct ObserveRequest<'a> {
    /// The stack whose objects are read completely.
    pub stack: &'a StackName,
    /// The shared objects that the stack declares. If a live object differs from its entry, its marks are read too.
    pub shared: &'a BTreeMap<ResourceId, Resource>,
    /// Principals whose credentials must be read one by one, even if a bulk report already covers them.
    pub exact: &'a BTreeSet<ResourceId>,
    /// Principals whose access keys must be read one by one. For their other credentials, reports are enough.
    pub keys_of: &'a BTreeSet<ResourceId>,
    /// Principals and groups without marks to read completely, for an import, with the address that each will have.
    pub adopt: &'a BTreeMap<ResourceId, Address>,
    /// Whether only the credentials of `exact` are needed, for example when written objects are read back. The
    /// snapshot may then contain no credentials for other principals, even if they have some.
    pub no_other_credentials: bool,
}

impl<'a> ObserveRequest<'a> {
    /// The request for a plan that imports nothing and needs no exact reads.
    #[must_use]
    pub fn for_plan(stack: &'a StackName, shared: &'a BTreeMap<ResourceId, Resource>) -> Self {
        const NONE: &BTreeSet<ResourceId> = &BTreeSet::new();
        const NOBODY: &BTreeMap<ResourceId, Address> = &BTreeMap::new();
        Self { stack, shared, exact: NONE, keys_of: NONE, adopt: NOBODY, no_other_credentials: false }
    }
}

/// Reads the cloud. It cannot write.
#[async_trait]
pub trait Observe: Send + Sync {
    /// The account this provider works in, and the caller it works as.
    ///
    /// # Errors
    /// The account is not one that the configuration allows ([`ObserveErrorKind::WrongRealm`]), or the cloud cannot
    /// be read.
    async fn read_realm(&self) -> Result<Realm, ObserveError>;

    /// Reads everything that a plan for the stack needs.
    ///
    /// # Errors
    /// Any part cannot be read. There is no partial snapshot.
    async fn observe_stack(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError>;

    /// The cloud's limits on numbers of objects, and how many objects exist. Read when a plan creates something. A
    /// limit that is not listed is not checked in advance; the cloud enforces it.
    ///
    /// # Errors
    /// The limits cannot be read.
    async fn read_quotas(&self) -> Result<Vec<Quota>, ObserveError> {
        Ok(Vec::new())
    }

    /// Whether the snapshot may lack details of principals that were not read exactly, such as credentials that no
    /// report includes.
    fn has_unread_details(&self, snapshot: &Snapshot) -> bool {
        let _ = snapshot;
        false
    }

    /// Reads the missing details of these principals and adds them to the snapshot.
    ///
    /// # Errors
    /// A principal cannot be read.
    async fn read_exactly(
        &self,
        stack: &StackName,
        snapshot: &mut Snapshot,
        principals: &BTreeSet<ResourceId>,
    ) -> Result<(), ObserveError> {
        let _ = (stack, snapshot, principals);
        Ok(())
    }
}

/// Writes the cloud, one change per call.
#[async_trait]
pub trait Enact: Send + Sync {
    /// Makes one change to an object of `stack`. It is idempotent: two calls have the effect of one.
    ///
    /// # Errors
    /// The object does not carry the stack's mark ([`EnactErrorKind::NotOurs`]; nothing is written), or the cloud
    /// refuses the change or does not answer.
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError>;

    /// Creates an access key whose id the cloud chooses, gives its secret to `vault`, and returns the id in
    /// [`Enacted::made`].
    ///
    /// It is not idempotent: two calls create two keys. If the cloud's response to the creation was lost, the
    /// provider deletes the key that the vault did not receive before it creates another one, or returns
    /// [`EnactErrorKind::Unreachable`]; the next run then reads the actual state.
    ///
    /// # Errors
    /// The key cannot be created, or the vault does not accept the secret. In the second case the key is deleted
    /// before the error is returned.
    async fn issue_access_key(
        &self,
        stack: &StackName,
        change: &Change,
        vault: &dyn Vault,
    ) -> Result<Enacted, EnactError> {
        let _ = (stack, vault);
        Err(EnactError {
            kind: EnactErrorKind::Other,
            operation: change.id().to_string(),
            message: "this provider issues no keys".to_owned(),
            help: Some("leave the credential out".to_owned()),
            requests: Vec::new(),
        })
    }
}

/// Compares accesses and answers questions about them. Pure.
pub trait Compare: Send + Sync {
    /// Whether `new` allows the same requests as `old`, more, or fewer.
    fn compare_access(&self, old: &Access, new: &Access) -> Comparison;

    /// The access level and the findings of each access, in the order of `accesses`. One call takes all of them
    /// because the accesses of a stack have much in common.
    fn assess_accesses(&self, accesses: &[Access]) -> Vec<Assessment> {
        vec![Assessment::default(); accesses.len()]
    }

    /// Whether an access allows the action in question, and which statements allow it.
    fn decide_permission(&self, access: &Access, question: &Question<'_>) -> Answer {
        let _ = (access, question);
        Answer::default()
    }
}

/// All four traits together: what a provider crate implements.
pub trait Provider: Realize + Observe + Enact + Compare {}
impl<T: Realize + Observe + Enact + Compare> Provider for T {}

/// The result of a change that succeeded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enacted {
    /// The number of API calls that were made.
    pub calls: u32,
    /// A remark for people, such as that the object was already in this state.
    pub note: Option<String>,
    /// The cloud's request ids. Empty: the cloud returns none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// The object that was created, if the cloud chose its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<ResourceId>,
}

/// Why the cloud could not be read. There is no snapshot in this case, not even a partial one.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct ObserveError {
    /// The kind of failure.
    pub kind: ObserveErrorKind,
    /// The operation, as the cloud names it: `iam:ListRoles`.
    pub operation: String,
    /// What happened, as reported by the cloud.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Kinds of read failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObserveErrorKind {
    /// There are no credentials, or the cloud rejects them.
    Unauthenticated,
    /// The caller is not allowed to read this.
    Denied,
    /// The account is not one that the configuration allows.
    WrongRealm,
    /// The service does not answer.
    Unreachable,
    /// The service throttles the caller.
    Throttled,
    /// The response does not have the documented form.
    Malformed,
    /// Anything else.
    Other,
}

/// Why a change failed, or may have failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct EnactError {
    /// The kind of failure.
    pub kind: EnactErrorKind,
    /// The operation, as the cloud names it: `iam:CreateRole`.
    pub operation: String,
    /// What happened, as reported by the cloud.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The cloud's request ids. Empty: the cloud returns none.
    pub requests: Vec<String>,
}

/// Kinds of write failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnactErrorKind {
    /// The object does not carry this stack's mark.
    NotOurs,
    /// The caller is not allowed to write this.
    Denied,
    /// The change would exceed a quota or size limit.
    Limit,
    /// The object has changed since the plan was made.
    Conflict,
    /// The service still throttled the caller after the last retry.
    Throttled,
    /// There was no response, so the change may or may not have been made. The next run reads the actual state.
    Unreachable,
    /// Anything else.
    Other,
}
