//! The provider traits, split by power.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Access, Address, Answer, Assessment, Change, Comparison, Credential, DenyExtent, DesiredIdentity, Document,
    Federation, Group, InterimDeny, LiveIdentity, Marks, NarrowedPrincipal, Principal, Quarantine, Question, Quota,
    Realm, Resource, ResourceId, Scope, Snapshot, StackName, Trust, Vault, Violation,
};

/// Turns decisions into resources. Pure: the same arguments, the same result.
pub trait Realize: Send + Sync {
    /// The id of the resource that is the principal of that form and name.
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId;

    /// The id of the object that holds a scope.
    fn scope_id(&self, stack: &StackName, scope: &str) -> ResourceId;

    /// The object that holds a scope, with its marks (the engine sets their `digest`).
    fn realize_scope(&self, realm: &Realm, stack: &StackName, scope: &Scope) -> Resource;

    /// The object that a federation is, with its marks (the engine sets their `digest`). `None`: the provider has no notion of one.
    fn realize_federation(&self, realm: &Realm, stack: &StackName, federation: &Federation) -> Option<Resource> {
        let _ = (realm, stack, federation);
        None
    }

    /// The limits of the cloud that a federation's resource would break.
    fn check_federation_limits(&self, federation: &Federation, resource: &Resource) -> Vec<Violation> {
        let _ = (federation, resource);
        Vec::new()
    }

    /// The id of the group of that name.
    fn group_id(&self, name: &str) -> ResourceId;

    /// What sort of credential an object is, if it is one.
    fn credential_kind(&self, id: &ResourceId) -> Option<Credential> {
        let _ = id;
        None
    }

    /// The id of an access key of a user; [`ResourceId::NEW`] stands for the id of one that is to be made. `None`: this provider
    /// issues no keys.
    fn key_id(&self, user: &str, key: &str) -> Option<ResourceId> {
        let _ = (user, key);
        None
    }

    /// Whether a live part of an identity is left as it lives, declared or not, until the identity leaves; the digest passes over it.
    /// `guards_a_person`: the identity is a person's, or has a password. Their second factor is theirs to change: it is enrolled by hand, and
    /// taking one off as a stray would leave the password alone.
    fn is_left_unchanged(&self, id: &ResourceId, guards_a_person: bool) -> bool {
        let _ = (id, guards_a_person);
        false
    }

    /// Who may take on a live role, as a configuration would say it, and in words what no configuration can say.
    fn extract_trusts(&self, realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        let _ = (realm, role);
        (Vec::new(), vec!["this provider cannot tell who may take it on".to_owned()])
    }

    /// The objects that a group is and holds, itself first, with its marks (the engine sets their `digest`).
    fn realize_group(&self, realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource>;

    /// The shared object that one is part of: the group of a group's policy. A scope's object is whole by itself.
    fn shared_root_id(&self, id: &ResourceId) -> ResourceId {
        id.clone()
    }

    /// All that an active identity is and holds, the principal among it. The principal carries `marks` as they are given;
    /// the engine sets their `digest`. Once enacted and observed again, the resources are equal to these.
    fn realize_identity(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource>;

    /// All that a live identity is and holds once it is quarantined: every access shut, every credential off, the rest as
    /// it lives, so that it can be restored. Applied to its own result it changes nothing.
    fn realize_quarantine(&self, realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource>;

    /// The limits of the cloud that an identity's resources would break.
    fn check_identity_limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation>;

    /// The limits of the cloud that a scope's resource would break.
    fn check_scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation>;

    /// The limits of the cloud that a group's resources would break.
    fn check_group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation>;

    /// Whether the resource takes access away (a Deny): it is then put on before, and taken off after, what gives access.
    fn is_restriction(&self, resource: &Resource) -> bool;

    /// What an attribute of a resource bears on; people read it as the reason of a mover. The names that providers share are
    /// known here; a provider with others answers for them.
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

    /// Whether the resource takes access away today, and whether it gives any too. The fence of an own policy does not count.
    fn classify_denial(&self, resource: &Resource) -> DenyExtent;

    /// Whether a policy is one that Leasehold writes for an identity, and the fence that lives in it denies everything by `now`. A fence
    /// that somebody wrote anew so that its end cannot be told counts as over.
    fn has_expired_lease(&self, policy: &Resource, now: Timestamp) -> bool;

    /// Whether what a policy says depends on the tag of that key that its holder carries.
    fn has_tag_condition(&self, policy: &Resource, tag: &str) -> bool;

    /// The policy that Leasehold writes for a principal or group of its own, as it would be with nothing in it. `None`: such an object
    /// has none.
    fn empty_own_policy(&self, whole: &ResourceId) -> Option<Resource>;

    /// A state between `before` and `after` of one policy in which it gives no more than either: what both allow, less what either or
    /// `withheld` denies. One that is not there allows nothing. Where the cloud has no room for all that, it denies everything. `None` where
    /// the resource is no policy.
    fn build_interim_policy(
        &self,
        before: Option<&Resource>,
        after: Option<&Resource>,
        withheld: &InterimDeny,
    ) -> Option<Resource>;

    /// A principal as it was `before`, but trusted only by those whom both its states trust; by nobody, where `closed`. `None` where nobody
    /// takes it on in any case.
    fn narrow_trust(&self, before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal>;

    /// How many characters of a document count towards the cloud's limit on it; 0 where the attribute is none.
    fn count_characters(&self, resource: &Resource, attribute: &str) -> usize;

    /// Whether a user and a role cannot have the same name. On AWS they can.
    fn has_single_namespace(&self) -> bool;

    /// The object that somebody means by the cloud's own name for it, such as an ARN. A session of a role stands for the role.
    fn find_by_cloud_name(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        let _ = (realm, name);
        None
    }

    /// The cloud's own name of a live object, such as its ARN; `None`: it has none but its id.
    fn cloud_name(&self, realm: &Realm, resource: &Resource) -> Option<String> {
        let _ = (realm, resource);
        None
    }

    /// Who may write an object, by the cloud's own name for it.
    fn classify_custody(&self, name: &str) -> Custody {
        let _ = name;
        Custody::Customer
    }

    /// Whether the cloud takes two documents for the same, however they are written. What lives and was only written otherwise by
    /// somebody has not drifted.
    fn is_same_document(&self, a: &Document, b: &Document) -> bool {
        a == b
    }

    /// A few words on what a change does, where its attributes do not say it: `lease deny`, `deny everything`.
    fn describe_change(&self, change: &Change) -> Option<String>;
}

/// Who may write an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Custody {
    /// The account's owners.
    Customer,
    /// A service of the cloud, which linked it to the account.
    ServiceLinked,
    /// The cloud's own directory of people, such as Identity Center.
    Reserved,
}

/// What an attribute bears on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Who may take the identity on.
    Trust,
    /// What it may do.
    Access,
    /// What its access is cut to.
    Boundary,
    /// How long a session lasts.
    Session,
    /// A key or a login.
    Credential,
    /// Tags that are not marks.
    Tags,
    /// Words about it.
    Description,
}

/// What to observe.
#[derive(Debug, Clone, Copy)]
pub struct ObserveRequest<'a> {
    /// Whose objects are wanted whole.
    pub stack: &'a StackName,
    /// The shared objects the stack wants. Where a live one differs, its marks are read too.
    pub shared: &'a BTreeMap<ResourceId, Resource>,
    /// Principals whose credentials must be read exactly, whatever bulk reports say.
    pub exact: &'a BTreeSet<ResourceId>,
    /// Principals of whose credentials the access keys must be read exactly; of the others reports will do.
    pub keys_of: &'a BTreeSet<ResourceId>,
    /// Principals and groups without marks that are wanted whole, with the address each shall have.
    pub adopt: &'a BTreeMap<ResourceId, Address>,
    /// Whether nothing but those of `exact` matters of all credentials, as when what was written is read back. Of other principals there may then
    /// be none in the snapshot, which is no word on whether they have any.
    pub no_other_credentials: bool,
}

impl<'a> ObserveRequest<'a> {
    /// What a plan for a stack needs, when it takes in nothing and nothing must be read exactly.
    #[must_use]
    pub fn for_plan(stack: &'a StackName, shared: &'a BTreeMap<ResourceId, Resource>) -> Self {
        const NONE: &BTreeSet<ResourceId> = &BTreeSet::new();
        const NOBODY: &BTreeMap<ResourceId, Address> = &BTreeMap::new();
        Self { stack, shared, exact: NONE, keys_of: NONE, adopt: NOBODY, no_other_credentials: false }
    }
}

/// Reads the cloud. It has no way to write.
#[async_trait]
pub trait Observe: Send + Sync {
    /// Where this provider works and as whom. Refuses a place that the configuration does not allow.
    async fn read_realm(&self) -> Result<Realm, ObserveError>;

    /// Reads everything a plan for the stack needs, or fails.
    async fn observe_stack(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError>;

    /// How many objects the cloud takes, and has. Asked when a plan would make something; what is not told is left to the cloud.
    async fn read_quotas(&self) -> Result<Vec<Quota>, ObserveError> {
        Ok(Vec::new())
    }

    /// Whether the reading of a snapshot may have left something open of principals that were not to be read exactly, such as
    /// credentials that no report tells.
    fn has_unread_details(&self, snapshot: &Snapshot) -> bool {
        let _ = snapshot;
        false
    }

    /// Reads of these principals of a snapshot what was left open.
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

/// Writes the cloud, one change a call.
#[async_trait]
pub trait Enact: Send + Sync {
    /// Carries out one change of an object of `stack`. Doing it twice has the effect of doing it once. An object that does not
    /// carry the stack's mark is not written: the error is [`EnactErrorKind::NotOurs`].
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError>;

    /// Makes an access key whose id the cloud chooses, hands its secret to the vault, and says which it made. A key whose secret
    /// could not be handed over is deleted again before the error is given. Doing it twice makes two keys: where the answer to the
    /// making was lost, a key that the vault was not given is deleted before another is made, or the error is
    /// [`EnactErrorKind::Unreachable`], and another run will see.
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

/// Says what a change of access means. Pure.
pub trait Compare: Send + Sync {
    /// How `new` stands to `old`.
    fn compare_access(&self, old: &Access, new: &Access) -> Comparison;

    /// What is to be said of each access, in the order they are given. All at once, because those of a stack are much alike.
    fn assess_accesses(&self, accesses: &[Access]) -> Vec<Assessment> {
        vec![Assessment::default(); accesses.len()]
    }

    /// Whether an access allows something, and by which statements.
    fn decide_permission(&self, access: &Access, question: &Question<'_>) -> Answer {
        let _ = (access, question);
        Answer::default()
    }
}

/// All powers together: what a provider crate implements.
pub trait Provider: Realize + Observe + Enact + Compare {}
impl<T: Realize + Observe + Enact + Compare> Provider for T {}

/// A change was carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enacted {
    /// Calls it took.
    pub calls: u32,
    /// What the provider wants people to know, such as that the object was already so.
    pub note: Option<String>,
    /// The ids that the cloud gave to the requests, where it gives any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// The object that was made, where the cloud chose its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<ResourceId>,
}

/// Why the cloud could not be read. There is then no snapshot, not a smaller one.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct ObserveError {
    /// What sort of failure.
    pub kind: ObserveErrorKind,
    /// The operation, as the cloud names it: `iam:ListRoles`.
    pub operation: String,
    /// What happened, as far as the cloud says.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Sorts of read failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObserveErrorKind {
    /// No credentials, or ones that are not accepted.
    Unauthenticated,
    /// The caller may not read this.
    Denied,
    /// The account is not one the configuration allows.
    WrongRealm,
    /// The service does not answer.
    Unreachable,
    /// The service refuses for now.
    Throttled,
    /// The answer is not what the service's documents say.
    Malformed,
    /// Anything else.
    Other,
}

/// Why a change was not, or not knowingly, carried out.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct EnactError {
    /// What sort of failure.
    pub kind: EnactErrorKind,
    /// The operation, as the cloud names it: `iam:CreateRole`.
    pub operation: String,
    /// What happened, as far as the cloud says.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The ids that the cloud gave to the requests, where it gives any.
    pub requests: Vec<String>,
}

/// Sorts of write failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnactErrorKind {
    /// The object does not carry this stack's mark.
    NotOurs,
    /// The caller may not write this.
    Denied,
    /// A quota or size limit.
    Limit,
    /// The object is not as the plan found it.
    Conflict,
    /// The service refused for now, to the end of all retries.
    Throttled,
    /// No answer: the change may or may not have happened. Another run will see.
    Unreachable,
    /// Anything else.
    Other,
}
