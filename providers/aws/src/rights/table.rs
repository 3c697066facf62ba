//! The table of IAM actions that Leasehold calls: which commands need an action, for which part of a stack, and on which resources.

use CommandGroup::{Applying, Planning, Reading, Sweeping, Writing};
use RightsTarget::{
    AnyDirectory, AnyGroup, AnyIssuer, AnyRole, AnyUser, Device, Everything, KeptRole, KeptUser, MarkedDirectory,
    MarkedIssuer, MarkedRole, MarkedUser, NewDirectory, NewIssuer, NewRole, NewUser, OurDirectory, OurGroup, OurIssuer,
    OurPolicy, OurRole, OurUser, OwnPolicy, Profile,
};

use super::StackPart::{
    self, Directories, GroupAttachments, GroupPolicies, Groups, GroupsTakenIn, Issuers, Keys, Members, OthersGroups,
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
    OurUser,
    OurRole,
    /// Principals that get the stack's mark at creation.
    NewUser,
    NewRole,
    /// Objects that are being marked: they already have the stack's mark, or have no mark because they are being created or imported.
    MarkedUser,
    MarkedRole,
    /// Principals that carry the stack's mark and keep it while their other tags change.
    KeptUser,
    KeptRole,
    /// Policies and groups under the stack's path.
    OurPolicy,
    /// Managed policies with a user's own statements, used when the inline policy is too small and deleted with the user.
    OwnPolicy,
    OurGroup,
    /// Any group: an unmanaged membership is removed from whichever group it is in, and a group to import has another path until then.
    AnyGroup,
    /// Virtual MFA devices: users choose their names, and they carry no mark until just before they are deleted.
    Device,
    AnyIssuer,
    OurIssuer,
    NewIssuer,
    MarkedIssuer,
    AnyDirectory,
    OurDirectory,
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
    ("TagUser", Sweeping, Some(Users), KeptUser),
    ("UntagUser", Applying, Some(Users), OurUser),
    ("UpdateUser", Applying, Some(Users), OurUser),
    ("DeleteUser", Writing, Some(Users), OurUser),
    ("PutUserPolicy", Writing, Some(Users), OurUser),
    ("DeleteUserPolicy", Writing, Some(Users), OurUser),
    ("AttachUserPolicy", Applying, Some(UserAttachments), OurUser),
    ("DetachUserPolicy", Writing, Some(Users), OurUser),
    ("PutUserPermissionsBoundary", Applying, Some(UserBoundaries), OurUser),
    ("DeleteUserPermissionsBoundary", Applying, Some(Users), OurUser),
    ("UpdateAccessKey", Writing, Some(Users), OurUser),
    ("DeleteAccessKey", Writing, Some(Users), OurUser),
    ("DeleteLoginProfile", Writing, Some(Users), OurUser),
    ("UpdateSSHPublicKey", Writing, Some(Users), OurUser),
    ("DeleteSSHPublicKey", Writing, Some(Users), OurUser),
    ("UpdateSigningCertificate", Writing, Some(Users), OurUser),
    ("DeleteSigningCertificate", Writing, Some(Users), OurUser),
    ("UpdateServiceSpecificCredential", Writing, Some(Users), OurUser),
    ("DeleteServiceSpecificCredential", Writing, Some(Users), OurUser),
    ("DeactivateMFADevice", Writing, Some(Users), OurUser),
    ("ListVirtualMFADevices", Writing, Some(Users), Everything),
    ("ListMFADeviceTags", Writing, Some(Users), Device),
    ("TagMFADevice", Writing, Some(Users), Device),
    ("DeleteVirtualMFADevice", Writing, Some(Users), Device),
    ("CreateAccessKey", Writing, Some(Keys), OurUser),
    ("RemoveUserFromGroup", Writing, Some(Users), AnyGroup),
    ("CreateRole", Applying, Some(Roles), NewRole),
    ("TagRole", Applying, Some(Roles), MarkedRole),
    ("TagRole", Sweeping, Some(Roles), KeptRole),
    ("UntagRole", Applying, Some(Roles), OurRole),
    ("UpdateRole", Applying, Some(Roles), OurRole),
    ("UpdateAssumeRolePolicy", Writing, Some(Roles), OurRole),
    ("DeleteRole", Writing, Some(Roles), OurRole),
    ("PutRolePolicy", Writing, Some(Roles), OurRole),
    ("DeleteRolePolicy", Writing, Some(Roles), OurRole),
    ("AttachRolePolicy", Applying, Some(RoleAttachments), OurRole),
    ("DetachRolePolicy", Writing, Some(Roles), OurRole),
    ("PutRolePermissionsBoundary", Applying, Some(RoleBoundaries), OurRole),
    ("DeleteRolePermissionsBoundary", Applying, Some(Roles), OurRole),
    ("ListInstanceProfilesForRole", Writing, Some(Roles), OurRole),
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
    ("GetGroup", Applying, Some(Groups), OurGroup),
    ("CreateGroup", Applying, Some(Groups), OurGroup),
    ("GetGroup", Applying, Some(GroupsTakenIn), AnyGroup),
    ("UpdateGroup", Applying, Some(GroupsTakenIn), AnyGroup),
    ("DeleteGroup", Applying, Some(Groups), OurGroup),
    ("PutGroupPolicy", Applying, Some(GroupPolicies), OurGroup),
    ("DeleteGroupPolicy", Applying, Some(Groups), OurGroup),
    ("AttachGroupPolicy", Applying, Some(GroupAttachments), OurGroup),
    ("DetachGroupPolicy", Applying, Some(Groups), OurGroup),
    ("AddUserToGroup", Applying, Some(Members), OurGroup),
    ("AddUserToGroup", Applying, Some(OthersGroups), AnyGroup),
    ("CreateOpenIDConnectProvider", Applying, Some(Issuers), NewIssuer),
    ("TagOpenIDConnectProvider", Applying, Some(Issuers), MarkedIssuer),
    ("UntagOpenIDConnectProvider", Applying, Some(Issuers), OurIssuer),
    ("AddClientIDToOpenIDConnectProvider", Applying, Some(Issuers), OurIssuer),
    ("RemoveClientIDFromOpenIDConnectProvider", Applying, Some(Issuers), OurIssuer),
    ("UpdateOpenIDConnectProviderThumbprint", Applying, Some(Thumbprints), OurIssuer),
    ("DeleteOpenIDConnectProvider", Applying, Some(Issuers), OurIssuer),
    ("CreateSAMLProvider", Applying, Some(Directories), NewDirectory),
    ("TagSAMLProvider", Applying, Some(Directories), MarkedDirectory),
    ("UntagSAMLProvider", Applying, Some(Directories), OurDirectory),
    ("UpdateSAMLProvider", Applying, Some(Directories), OurDirectory),
    ("DeleteSAMLProvider", Applying, Some(Directories), OurDirectory),
];
