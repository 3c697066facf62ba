//! Every action that is ever asked for: for which purpose, for which part of a stack, and on what.

use On::{
    AnyDirectory, AnyGroup, AnyIssuer, AnyRole, AnyUser, Device, Everything, MarkedDirectory, MarkedIssuer, MarkedRole,
    MarkedUser, NewDirectory, NewIssuer, NewRole, NewUser, OurDirectory, OurGroup, OurIssuer, OurPolicy, OurRole,
    OurUser, Profile,
};
use Purpose::{Apply, Plan};

use super::Part::{
    self, Directories, GroupAttachments, GroupPolicies, Groups, GroupsTakenIn, Issuers, Keys, Members, OthersGroups,
    Policies, RoleAttachments, RoleBoundaries, Roles, Thumbprints, UserAttachments, UserBoundaries, Users,
};

/// What a policy shall be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Reading all that a plan needs.
    Plan,
    /// The same, and carrying it out.
    Apply,
}

/// What a right is cut to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// The call knows no resources.
    Everything,
    /// Any user: what is read before it is known whose it is.
    AnyUser,
    /// Any role.
    AnyRole,
    /// Principals that carry the stack's mark.
    OurUser,
    OurRole,
    /// Principals that are given the mark as they are made.
    NewUser,
    NewRole,
    /// Marks are put on what is ours, and on what is nobody's when it is made or taken in.
    MarkedUser,
    MarkedRole,
    /// Policies and groups under the stack's path.
    OurPolicy,
    OurGroup,
    /// Any group: a stray membership is taken away wherever it is, and a group that is taken in has another path before.
    AnyGroup,
    /// Virtual devices are named as people please, and carry no mark until they go.
    Device,
    AnyIssuer,
    OurIssuer,
    NewIssuer,
    MarkedIssuer,
    AnyDirectory,
    OurDirectory,
    NewDirectory,
    MarkedDirectory,
    /// Whoever runs instances names the profiles.
    Profile,
}

/// One action: for which purpose, for which part (`None`: any), on what.
pub type Right = (&'static str, Purpose, Option<Part>, On);

pub const RIGHTS: &[Right] = &[
    ("GetAccountAuthorizationDetails", Plan, None, Everything),
    ("GetAccountSummary", Plan, None, Everything),
    ("GenerateCredentialReport", Plan, Some(Users), Everything),
    ("GetCredentialReport", Plan, Some(Users), Everything),
    ("GetUser", Plan, Some(Users), AnyUser),
    ("GetLoginProfile", Plan, Some(Users), AnyUser),
    ("ListAccessKeys", Plan, Some(Users), AnyUser),
    ("GetAccessKeyLastUsed", Plan, Some(Users), AnyUser),
    ("ListSSHPublicKeys", Plan, Some(Users), AnyUser),
    ("ListSigningCertificates", Plan, Some(Users), AnyUser),
    // Asked of all users at once as well, and then about none.
    ("ListServiceSpecificCredentials", Plan, Some(Users), Everything),
    ("ListMFADevices", Plan, Some(Users), AnyUser),
    ("ListRoles", Plan, None, Everything),
    ("GetRole", Plan, Some(Roles), AnyRole),
    ("ListPolicyTags", Plan, Some(Policies), OurPolicy),
    ("ListOpenIDConnectProviders", Plan, None, Everything),
    ("GetOpenIDConnectProvider", Plan, None, AnyIssuer),
    ("ListSAMLProviders", Plan, None, Everything),
    ("GetSAMLProvider", Plan, None, AnyDirectory),
    ("CreateUser", Apply, Some(Users), NewUser),
    ("TagUser", Apply, Some(Users), MarkedUser),
    ("UntagUser", Apply, Some(Users), OurUser),
    ("UpdateUser", Apply, Some(Users), OurUser),
    ("DeleteUser", Apply, Some(Users), OurUser),
    ("PutUserPolicy", Apply, Some(Users), OurUser),
    ("DeleteUserPolicy", Apply, Some(Users), OurUser),
    ("AttachUserPolicy", Apply, Some(UserAttachments), OurUser),
    ("DetachUserPolicy", Apply, Some(Users), OurUser),
    ("PutUserPermissionsBoundary", Apply, Some(UserBoundaries), OurUser),
    ("DeleteUserPermissionsBoundary", Apply, Some(Users), OurUser),
    ("UpdateAccessKey", Apply, Some(Users), OurUser),
    ("DeleteAccessKey", Apply, Some(Users), OurUser),
    ("DeleteLoginProfile", Apply, Some(Users), OurUser),
    ("UpdateSSHPublicKey", Apply, Some(Users), OurUser),
    ("DeleteSSHPublicKey", Apply, Some(Users), OurUser),
    ("UpdateSigningCertificate", Apply, Some(Users), OurUser),
    ("DeleteSigningCertificate", Apply, Some(Users), OurUser),
    ("UpdateServiceSpecificCredential", Apply, Some(Users), OurUser),
    ("DeleteServiceSpecificCredential", Apply, Some(Users), OurUser),
    ("DeactivateMFADevice", Apply, Some(Users), OurUser),
    ("ListVirtualMFADevices", Apply, Some(Users), Everything),
    ("ListMFADeviceTags", Apply, Some(Users), Device),
    ("TagMFADevice", Apply, Some(Users), Device),
    ("DeleteVirtualMFADevice", Apply, Some(Users), Device),
    ("CreateAccessKey", Apply, Some(Keys), OurUser),
    ("RemoveUserFromGroup", Apply, Some(Users), AnyGroup),
    ("CreateRole", Apply, Some(Roles), NewRole),
    ("TagRole", Apply, Some(Roles), MarkedRole),
    ("UntagRole", Apply, Some(Roles), OurRole),
    ("UpdateRole", Apply, Some(Roles), OurRole),
    ("UpdateAssumeRolePolicy", Apply, Some(Roles), OurRole),
    ("DeleteRole", Apply, Some(Roles), OurRole),
    ("PutRolePolicy", Apply, Some(Roles), OurRole),
    ("DeleteRolePolicy", Apply, Some(Roles), OurRole),
    ("AttachRolePolicy", Apply, Some(RoleAttachments), OurRole),
    ("DetachRolePolicy", Apply, Some(Roles), OurRole),
    ("PutRolePermissionsBoundary", Apply, Some(RoleBoundaries), OurRole),
    ("DeleteRolePermissionsBoundary", Apply, Some(Roles), OurRole),
    ("ListInstanceProfilesForRole", Apply, Some(Roles), OurRole),
    ("RemoveRoleFromInstanceProfile", Apply, Some(Roles), Profile),
    ("CreatePolicy", Apply, Some(Policies), OurPolicy),
    ("GetPolicy", Apply, Some(Policies), OurPolicy),
    ("GetPolicyVersion", Apply, Some(Policies), OurPolicy),
    ("ListPolicyVersions", Apply, Some(Policies), OurPolicy),
    ("CreatePolicyVersion", Apply, Some(Policies), OurPolicy),
    ("DeletePolicyVersion", Apply, Some(Policies), OurPolicy),
    ("DeletePolicy", Apply, Some(Policies), OurPolicy),
    ("TagPolicy", Apply, Some(Policies), OurPolicy),
    ("UntagPolicy", Apply, Some(Policies), OurPolicy),
    ("GetGroup", Apply, Some(Groups), OurGroup),
    ("CreateGroup", Apply, Some(Groups), OurGroup),
    ("GetGroup", Apply, Some(GroupsTakenIn), AnyGroup),
    ("UpdateGroup", Apply, Some(GroupsTakenIn), AnyGroup),
    ("DeleteGroup", Apply, Some(Groups), OurGroup),
    ("PutGroupPolicy", Apply, Some(GroupPolicies), OurGroup),
    ("DeleteGroupPolicy", Apply, Some(Groups), OurGroup),
    ("AttachGroupPolicy", Apply, Some(GroupAttachments), OurGroup),
    ("DetachGroupPolicy", Apply, Some(Groups), OurGroup),
    ("AddUserToGroup", Apply, Some(Members), OurGroup),
    ("AddUserToGroup", Apply, Some(OthersGroups), AnyGroup),
    ("CreateOpenIDConnectProvider", Apply, Some(Issuers), NewIssuer),
    ("TagOpenIDConnectProvider", Apply, Some(Issuers), MarkedIssuer),
    ("UntagOpenIDConnectProvider", Apply, Some(Issuers), OurIssuer),
    ("AddClientIDToOpenIDConnectProvider", Apply, Some(Issuers), OurIssuer),
    ("RemoveClientIDFromOpenIDConnectProvider", Apply, Some(Issuers), OurIssuer),
    ("UpdateOpenIDConnectProviderThumbprint", Apply, Some(Thumbprints), OurIssuer),
    ("DeleteOpenIDConnectProvider", Apply, Some(Issuers), OurIssuer),
    ("CreateSAMLProvider", Apply, Some(Directories), NewDirectory),
    ("TagSAMLProvider", Apply, Some(Directories), MarkedDirectory),
    ("UntagSAMLProvider", Apply, Some(Directories), OurDirectory),
    ("UpdateSAMLProvider", Apply, Some(Directories), OurDirectory),
    ("DeleteSAMLProvider", Apply, Some(Directories), OurDirectory),
];
