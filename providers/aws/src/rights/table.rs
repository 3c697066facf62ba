//! The table of IAM actions that Leasehold calls: which commands need an action, for which part of a stack, and on which resources.

use CommandGroup::{Applying, Planning, Reading, Sweeping, Writing};
use RightsTarget::{
    AnyDirectory, AnyGroup, AnyIssuer, AnyRole, AnyUser, Device, Everything, ManagedRole, ManagedUser, MarkedDirectory,
    MarkedIssuer, MarkedRole, MarkedUser, NewDirectory, NewIssuer, NewRole, NewUser, OurPolicy, OwnPolicy, Profile,
    StackDirectory, StackGroup, StackIssuer, StackRole, StackUser,
};

use super::StackPart::{
    self, Directories, ForeignGroups, GroupAttachments, GroupPolicies, Groups, ImportedGroups, Issuers, Keys, Members,
    Policies, RoleAttachments, RoleBoundaries, Roles, Thumbprints, UserAttachments, UserBoundaries, Users,
};

/// The commands that a printed policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RightsPurpose {
    /// `audit` and `lock show`: they read only the records and make no IAM call.
    Audit,
    /// `drift`.
    Drift,
    /// `plan`, and the commands that read the same objects: `list`, `show`, `who-can`.
    Plan,
    /// `sweep`: quarantines identities at their deadline, deletes them after the grace period, and handles keys that are due. It creates no
    /// principal and attaches no policy.
    Sweep,
    /// `apply`, `revoke` and `restore`. It includes all other purposes.
    Apply,
}

impl RightsPurpose {
    /// All purposes.
    pub const ALL: [Self; 5] = [Self::Audit, Self::Drift, Self::Plan, Self::Sweep, Self::Apply];
}

/// The commands that need a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandGroup {
    /// All commands that read the account.
    Reading,
    /// The commands that plan configuration changes and compare them with the account's quotas: plan and apply.
    Planning,
    /// The commands that write: sweep and apply.
    Writing,
    /// Only sweep: `apply` may do the same on more objects, through another entry of the table.
    Sweeping,
    /// Only apply.
    Applying,
}

impl CommandGroup {
    /// Whether a policy for the purpose grants what these commands need.
    #[must_use]
    pub fn is_granted_for(self, purpose: RightsPurpose) -> bool {
        match self {
            Self::Reading => purpose != RightsPurpose::Audit,
            Self::Planning => matches!(purpose, RightsPurpose::Plan | RightsPurpose::Apply),
            Self::Writing => matches!(purpose, RightsPurpose::Sweep | RightsPurpose::Apply),
            Self::Sweeping => purpose == RightsPurpose::Sweep,
            Self::Applying => purpose == RightsPurpose::Apply,
        }
    }
}

/// The resources that a permission is limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RightsTarget {
    /// The action does not support resource-level permissions.
    Everything,
    /// Any user: the call happens before the user's mark is known.
    AnyUser,
    /// Any role.
    AnyRole,
    /// Existing principals with the stack's mark.
    StackUser,
    StackRole,
    /// Principals that get the stack's mark at creation.
    NewUser,
    NewRole,
    /// Objects that are being marked: they already have the stack's mark, or have no mark because they are being created or imported.
    MarkedUser,
    MarkedRole,
    /// Principals that carry the stack's mark and keep it while their other tags change.
    ManagedUser,
    ManagedRole,
    /// Policies and groups under the stack's path.
    OurPolicy,
    /// Managed policies with a user's own statements, used when the inline policy is too small and deleted with the user.
    OwnPolicy,
    StackGroup,
    /// Any group: an unmanaged membership is removed from whichever group it is in, and a group to import has another path until then.
    AnyGroup,
    /// Virtual MFA devices: users choose their names, and they carry no mark until just before they are deleted.
    Device,
    AnyIssuer,
    StackIssuer,
    NewIssuer,
    MarkedIssuer,
    AnyDirectory,
    StackDirectory,
    NewDirectory,
    MarkedDirectory,
    /// Instance profiles: the teams that run the instances choose their names.
    Profile,
}

/// One entry: the action, the commands that need it, the part that needs it (`None`: every stack), and the resources it is limited to.
pub type RequiredRight = (&'static str, CommandGroup, Option<StackPart>, RightsTarget);

/// The actions of all commands on all parts of a stack. A test in `rights` compares the table with the calls in the code.
pub const RIGHTS: &[RequiredRight] = &[
    ("GetAccountAuthorizationDetails", Reading, None, Everything),
    ("GetAccountSummary", Planning, None, Everything),
    ("GenerateCredentialReport", Reading, Some(Users), Everything),
    ("GetCredentialReport", Reading, Some(Users), Everything),
    ("GetUser", Reading, Some(Users), AnyUser),
    ("GetLoginProfile", Reading, Some(Users), AnyUser),
    ("ListAccessKeys", Reading, Some(Users), AnyUser),
    ("GetAccessKeyLastUsed", Reading, Some(Users), AnyUser),
    ("ListSSHPublicKeys", Reading, Some(Users), AnyUser),
    ("ListSigningCertificates", Reading, Some(Users), AnyUser),
    // One call also lists them for all users; that call has no user as its resource.
    ("ListServiceSpecificCredentials", Reading, Some(Users), Everything),
    ("ListMFADevices", Reading, Some(Users), AnyUser),
    ("ListRoles", Reading, None, Everything),
    ("GetRole", Reading, Some(Roles), AnyRole),
    ("ListPolicyTags", Reading, Some(Policies), OurPolicy),
    ("ListOpenIDConnectProviders", Reading, None, Everything),
    ("GetOpenIDConnectProvider", Reading, None, AnyIssuer),
    ("ListSAMLProviders", Reading, None, Everything),
    ("GetSAMLProvider", Reading, None, AnyDirectory),
    ("CreateUser", Applying, Some(Users), NewUser),
    ("TagUser", Applying, Some(Users), MarkedUser),
    ("TagUser", Sweeping, Some(Users), ManagedUser),
    ("UntagUser", Applying, Some(Users), StackUser),
    ("UpdateUser", Applying, Some(Users), StackUser),
    ("DeleteUser", Writing, Some(Users), StackUser),
    ("PutUserPolicy", Writing, Some(Users), StackUser),
    ("DeleteUserPolicy", Writing, Some(Users), StackUser),
    ("AttachUserPolicy", Applying, Some(UserAttachments), StackUser),
    ("DetachUserPolicy", Writing, Some(Users), StackUser),
    ("PutUserPermissionsBoundary", Applying, Some(UserBoundaries), StackUser),
    ("DeleteUserPermissionsBoundary", Applying, Some(Users), StackUser),
    ("UpdateAccessKey", Writing, Some(Users), StackUser),
    ("DeleteAccessKey", Writing, Some(Users), StackUser),
    ("DeleteLoginProfile", Writing, Some(Users), StackUser),
    ("UpdateSSHPublicKey", Writing, Some(Users), StackUser),
    ("DeleteSSHPublicKey", Writing, Some(Users), StackUser),
    ("UpdateSigningCertificate", Writing, Some(Users), StackUser),
    ("DeleteSigningCertificate", Writing, Some(Users), StackUser),
    ("UpdateServiceSpecificCredential", Writing, Some(Users), StackUser),
    ("DeleteServiceSpecificCredential", Writing, Some(Users), StackUser),
    ("DeactivateMFADevice", Writing, Some(Users), StackUser),
    ("ListVirtualMFADevices", Writing, Some(Users), Everything),
    ("ListMFADeviceTags", Writing, Some(Users), Device),
    ("TagMFADevice", Writing, Some(Users), Device),
    ("DeleteVirtualMFADevice", Writing, Some(Users), Device),
    ("CreateAccessKey", Writing, Some(Keys), StackUser),
    ("RemoveUserFromGroup", Writing, Some(Users), AnyGroup),
    ("CreateRole", Applying, Some(Roles), NewRole),
    ("TagRole", Applying, Some(Roles), MarkedRole),
    ("TagRole", Sweeping, Some(Roles), ManagedRole),
    ("UntagRole", Applying, Some(Roles), StackRole),
    ("UpdateRole", Applying, Some(Roles), StackRole),
    ("UpdateAssumeRolePolicy", Writing, Some(Roles), StackRole),
    ("DeleteRole", Writing, Some(Roles), StackRole),
    ("PutRolePolicy", Writing, Some(Roles), StackRole),
    ("DeleteRolePolicy", Writing, Some(Roles), StackRole),
    ("AttachRolePolicy", Applying, Some(RoleAttachments), StackRole),
    ("DetachRolePolicy", Writing, Some(Roles), StackRole),
    ("PutRolePermissionsBoundary", Applying, Some(RoleBoundaries), StackRole),
    ("DeleteRolePermissionsBoundary", Applying, Some(Roles), StackRole),
    ("ListInstanceProfilesForRole", Writing, Some(Roles), StackRole),
    ("RemoveRoleFromInstanceProfile", Writing, Some(Roles), Profile),
    ("CreatePolicy", Applying, Some(Policies), OurPolicy),
    ("GetPolicy", Applying, Some(Policies), OurPolicy),
    ("GetPolicyVersion", Applying, Some(Policies), OurPolicy),
    ("ListPolicyVersions", Applying, Some(Policies), OurPolicy),
    ("CreatePolicyVersion", Applying, Some(Policies), OurPolicy),
    ("DeletePolicyVersion", Applying, Some(Policies), OurPolicy),
    ("DeletePolicy", Applying, Some(Policies), OurPolicy),
    ("TagPolicy", Applying, Some(Policies), OurPolicy),
    ("UntagPolicy", Applying, Some(Policies), OurPolicy),
    ("ListPolicyVersions", Sweeping, Some(Users), OwnPolicy),
    ("DeletePolicyVersion", Sweeping, Some(Users), OwnPolicy),
    ("DeletePolicy", Sweeping, Some(Users), OwnPolicy),
    ("GetGroup", Applying, Some(Groups), StackGroup),
    ("CreateGroup", Applying, Some(Groups), StackGroup),
    ("GetGroup", Applying, Some(ImportedGroups), AnyGroup),
    ("UpdateGroup", Applying, Some(ImportedGroups), AnyGroup),
    ("DeleteGroup", Applying, Some(Groups), StackGroup),
    ("PutGroupPolicy", Applying, Some(GroupPolicies), StackGroup),
    ("DeleteGroupPolicy", Applying, Some(Groups), StackGroup),
    ("AttachGroupPolicy", Applying, Some(GroupAttachments), StackGroup),
    ("DetachGroupPolicy", Applying, Some(Groups), StackGroup),
    ("AddUserToGroup", Applying, Some(Members), StackGroup),
    ("AddUserToGroup", Applying, Some(ForeignGroups), AnyGroup),
    ("CreateOpenIDConnectProvider", Applying, Some(Issuers), NewIssuer),
    ("TagOpenIDConnectProvider", Applying, Some(Issuers), MarkedIssuer),
    ("UntagOpenIDConnectProvider", Applying, Some(Issuers), StackIssuer),
    ("AddClientIDToOpenIDConnectProvider", Applying, Some(Issuers), StackIssuer),
    ("RemoveClientIDFromOpenIDConnectProvider", Applying, Some(Issuers), StackIssuer),
    ("UpdateOpenIDConnectProviderThumbprint", Applying, Some(Thumbprints), StackIssuer),
    ("DeleteOpenIDConnectProvider", Applying, Some(Issuers), StackIssuer),
    ("CreateSAMLProvider", Applying, Some(Directories), NewDirectory),
    ("TagSAMLProvider", Applying, Some(Directories), MarkedDirectory),
    ("UntagSAMLProvider", Applying, Some(Directories), StackDirectory),
    ("UpdateSAMLProvider", Applying, Some(Directories), StackDirectory),
    ("DeleteSAMLProvider", Applying, Some(Directories), StackDirectory),
];
