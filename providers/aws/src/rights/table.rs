//! Every action that is ever asked for: by which commands, for which part of a stack, and on what.

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

/// The commands that a policy is printed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RightsPurpose {
    /// `audit` and `lock show`: they read the records and call nothing of IAM.
    Audit,
    /// `drift`.
    Drift,
    /// `plan`, and what reads the same: `list`, `show`, `who-can`.
    Plan,
    /// `sweep`: quarantines after leases, deletions after graces, and keys that are due. It makes no principal and attaches no policy.
    Sweep,
    /// `apply`, `revoke` and `restore`; it covers all other purposes.
    Apply,
}

impl RightsPurpose {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Audit, Self::Drift, Self::Plan, Self::Sweep, Self::Apply];
}

/// The commands that need a right of IAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandGroup {
    /// All that look at the account.
    Reading,
    /// Those that plan what a configuration changes, and hold it against the account's quotas: plan and apply.
    Planning,
    /// Those that write: sweep and apply.
    Writing,
    /// Sweep alone: what apply may do on more objects, under another right.
    Sweeping,
    /// Apply alone.
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

/// What a right is cut to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RightsTarget {
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
    /// Principals that carry the stack's mark and keep it: their other marks change.
    KeptUser,
    KeptRole,
    /// Policies and groups under the stack's path.
    OurPolicy,
    /// The policies that hold what has no room in a user's inline policy: a user's own, deleted with it.
    OwnPolicy,
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

/// One action: which commands need it, for which part (`None`: any), on what.
pub type RequiredRight = (&'static str, CommandGroup, Option<StackPart>, RightsTarget);

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
    // Asked of all users at once as well, and then about none.
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
