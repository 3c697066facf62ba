//! The parts of a [`Realizer`](crate::Realizer) that name and build objects. Pure.
//!
//! In: desired identities, scopes, groups and federations. Out: ids, names and resources. A method that takes a
//! [`Realm`] depends on the account; the ids that it returns have no account, and the engine adds it.

use serde::{Deserialize, Serialize};

use crate::{
    DesiredIdentity, Federation, Group, LiveIdentity, Marks, Principal, Quarantine, Realm, Resource, ResourceId, Scope,
    StackName, Violation,
};

/// The ids of objects. An id that is derived from another id is in the same account.
pub trait ObjectIds: Send + Sync {
    /// The id of the principal with this form and name.
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId;

    /// The id of the object that a scope becomes, such as a managed policy.
    fn scope_id(&self, stack: &StackName, scope: &str) -> ResourceId;

    /// The shared object that an object is part of: for a group's policy, the group. A scope's object is returned
    /// unchanged.
    fn shared_root_id(&self, id: &ResourceId) -> ResourceId;

    /// Whether users and roles share one namespace, so that a user and a role cannot have the same name.
    fn has_single_namespace(&self) -> bool;
}

/// The system's own names of objects, such as ARNs.
pub trait CloudNames: Send + Sync {
    /// The object with this cloud name. The name of a session resolves to the role. `None`: the name does not resolve
    /// to an object.
    fn find_by_cloud_name(&self, realm: &Realm, name: &str) -> Option<ResourceId>;

    /// The cloud's own name of a live object. `None`: it has no name other than its id.
    fn cloud_name(&self, realm: &Realm, resource: &Resource) -> Option<String>;

    /// Who may change an object, derived from its cloud name.
    fn classify_custody(&self, name: &str) -> Custody;
}

/// The desired objects of scopes and identities.
pub trait RealizeObjects: Send + Sync {
    /// The object that a scope becomes, with its marks. The engine sets the `digest` mark.
    fn realize_scope(&self, realm: &Realm, stack: &StackName, scope: &Scope) -> Resource;

    /// All resources of an active identity, including the principal. The principal carries the given `marks`; the
    /// engine sets their `digest`. After they are enacted, an observation returns resources equal to these.
    fn realize_identity(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource>;

    /// All resources of a live identity once it is quarantined: access is denied, credentials are disabled, and the
    /// rest keeps its live state, so that the identity can be restored. Applied to its own result, it changes
    /// nothing.
    fn realize_quarantine(&self, realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource>;
}

/// Groups: permissions that all members have.
pub trait RealizeGroups: Send + Sync {
    /// The id of the group with this name.
    fn group_id(&self, name: &str) -> ResourceId;

    /// The objects of a group, the group itself first, with its marks. The engine sets the `digest` mark.
    fn realize_group(&self, realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource>;

    /// The limits that the resources of a group would exceed. Empty: none.
    fn check_group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation>;
}

/// Federations: issuers of tokens or assertions that the account trusts.
pub trait RealizeFederations: Send + Sync {
    /// The object that a federation becomes, with its marks. The engine sets the `digest` mark.
    fn realize_federation(&self, realm: &Realm, stack: &StackName, federation: &Federation) -> Resource;

    /// The limits that the resource of a federation would exceed. Empty: none.
    fn check_federation_limits(&self, federation: &Federation, resource: &Resource) -> Vec<Violation>;
}

/// The ids of access keys that the provider issues.
pub trait KeyIds: Send + Sync {
    /// The id of an access key of a user. `key` is [`ResourceId::NEW`] for a key that is not created yet.
    fn key_id(&self, user: &str, key: &str) -> ResourceId;
}

/// The limits of the system.
pub trait CheckLimits: Send + Sync {
    /// The limits that the resources of an identity would exceed. Empty: none.
    fn check_identity_limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation>;

    /// The limits that the resource of a scope would exceed. Empty: none.
    fn check_scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation>;

    /// The number of characters of a document that count towards the system's limit. 0: the attribute is not a
    /// document.
    fn count_characters(&self, resource: &Resource, attribute: &str) -> usize;
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
