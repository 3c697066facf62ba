//! The kinds of resources this provider knows, by Terraform's names, and how their objects are named.

use leasehold_provider::{Credential, Principal, ResourceId, ResourceKind, StackName};

/// A role.
pub const ROLE: ResourceKind = ResourceKind::new("aws_iam_role");
/// A user.
pub const USER: ResourceKind = ResourceKind::new("aws_iam_user");
/// An inline policy of a role.
pub const ROLE_POLICY: ResourceKind = ResourceKind::new("aws_iam_role_policy");
/// An inline policy of a user.
pub const USER_POLICY: ResourceKind = ResourceKind::new("aws_iam_user_policy");
/// A customer-managed policy: a scope of the stack.
pub const POLICY: ResourceKind = ResourceKind::new("aws_iam_policy");
/// A managed policy on a role.
pub const ROLE_ATTACHMENT: ResourceKind = ResourceKind::new("aws_iam_role_policy_attachment");
/// A managed policy on a user.
pub const USER_ATTACHMENT: ResourceKind = ResourceKind::new("aws_iam_user_policy_attachment");
/// An access key of a user.
pub const ACCESS_KEY: ResourceKind = ResourceKind::new("aws_iam_access_key");
/// A user's password for the console.
pub const LOGIN_PROFILE: ResourceKind = ResourceKind::new("aws_iam_user_login_profile");
/// A user's membership in one group.
pub const MEMBERSHIP: ResourceKind = ResourceKind::new("aws_iam_user_group_membership");
/// An SSH public key of a user, for CodeCommit.
pub const SSH_KEY: ResourceKind = ResourceKind::new("aws_iam_user_ssh_key");
/// An X.509 certificate of a user, for old SOAP interfaces.
pub const CERTIFICATE: ResourceKind = ResourceKind::new("aws_iam_signing_certificate");
/// A user's credential for one service: CodeCommit, Keyspaces, Bedrock.
pub const SERVICE_CREDENTIAL: ResourceKind = ResourceKind::new("aws_iam_service_specific_credential");
/// A user's virtual MFA device.
pub const VIRTUAL_DEVICE: ResourceKind = ResourceKind::new("aws_iam_virtual_mfa_device");
/// A user's MFA device that is a thing: a token, a security key, a passkey. Terraform has no name for it.
pub const DEVICE: ResourceKind = ResourceKind::new("aws_iam_mfa_device");
/// A role's place in an instance profile: `ROLE/PROFILE`. Terraform has it as an attribute of the profile.
pub const PROFILE_MEMBERSHIP: ResourceKind = ResourceKind::new("aws_iam_instance_profile_membership");

/// Credentials of users that can be disabled.
pub const SWITCHED: [ResourceKind; 4] = [ACCESS_KEY, SSH_KEY, CERTIFICATE, SERVICE_CREDENTIAL];

/// A group.
pub const GROUP: ResourceKind = ResourceKind::new("aws_iam_group");
/// An inline policy of a group.
pub const GROUP_POLICY: ResourceKind = ResourceKind::new("aws_iam_group_policy");
/// A managed policy on a group.
pub const GROUP_ATTACHMENT: ResourceKind = ResourceKind::new("aws_iam_group_policy_attachment");

/// An OpenID Connect provider: named by its issuer's URL without `https://`.
pub const OIDC_PROVIDER: ResourceKind = ResourceKind::new("aws_iam_openid_connect_provider");
/// A SAML provider.
pub const SAML_PROVIDER: ResourceKind = ResourceKind::new("aws_iam_saml_provider");

/// The name of the one inline policy that Leasehold writes.
pub const INLINE: &str = "leasehold";

/// The id of a principal.
pub fn principal_id(principal: Principal, name: &str) -> ResourceId {
    ResourceId::new(if principal == Principal::Role { ROLE } else { USER }, name)
}

/// The id of an inline policy.
pub fn inline_policy_id(principal: Principal, owner: &str, policy: &str) -> ResourceId {
    let kind = if principal == Principal::Role { ROLE_POLICY } else { USER_POLICY };
    ResourceId::new(kind, format!("{owner}/{policy}"))
}

/// The id of an attachment.
pub fn attachment_id(principal: Principal, owner: &str, short: &str) -> ResourceId {
    let kind = if principal == Principal::Role { ROLE_ATTACHMENT } else { USER_ATTACHMENT };
    ResourceId::new(kind, format!("{owner}/{short}"))
}

/// The id of an access key.
pub fn access_key_id(user: &str, key: &str) -> ResourceId {
    ResourceId::new(ACCESS_KEY, format!("{user}/{key}"))
}

/// The id of a scope's policy: `STACK/SCOPE`.
pub fn scope_policy_id(stack: &StackName, scope: &str) -> ResourceId {
    ResourceId::new(POLICY, format!("{stack}/{scope}"))
}

/// The id of the policy that holds a user's own statements where its inline policy has no room: `STACK/user.NAME`. Labels of
/// scopes hold no dot.
pub fn own_policy_id(stack: &StackName, user: &str) -> ResourceId {
    ResourceId::new(POLICY, format!("{stack}/user.{user}"))
}

/// The group that a resource is or hangs on. IAM cannot tag groups: the path says whose one is.
pub fn containing_group(id: &ResourceId) -> Option<&str> {
    let is = [GROUP, GROUP_POLICY, GROUP_ATTACHMENT].contains(&id.kind);
    is.then(|| id.name.split_once('/').map_or(id.name.as_str(), |(group, _)| group))
}

/// The id of a group.
pub fn group_id(name: &str) -> ResourceId {
    ResourceId::new(GROUP, name)
}

/// The principal that a resource is or hangs on: `checkout_ci` of `checkout_ci/leasehold`.
pub fn owning_principal(id: &ResourceId) -> Option<(Principal, &str)> {
    let name = id.name.split_once('/').map_or(id.name.as_str(), |(owner, _)| owner);
    let kind = &id.kind;
    if [ROLE, ROLE_POLICY, ROLE_ATTACHMENT, PROFILE_MEMBERSHIP].contains(kind) {
        Some((Principal::Role, name))
    } else if [USER, USER_POLICY, USER_ATTACHMENT, MEMBERSHIP].contains(kind) || credential_kind(id).is_some() {
        Some((Principal::User, name))
    } else {
        None
    }
}

/// The name of a virtual MFA device, with its path, of its serial number: `phone` of `arn:aws:iam::111122223333:mfa/phone`. `None`: it is a
/// thing, whose serial number is its maker's, or an ARN of another sort.
pub fn virtual_device_name(serial: &str) -> Option<&str> {
    serial.strip_prefix("arn:")?.split_once(":mfa/").map(|(_, name)| name)
}

/// What sort of credential an object is, if it is one.
pub fn credential_kind(id: &ResourceId) -> Option<Credential> {
    match &id.kind {
        kind if *kind == ACCESS_KEY => Some(Credential::AccessKey),
        kind if *kind == LOGIN_PROFILE => Some(Credential::Login),
        kind if *kind == SSH_KEY => Some(Credential::SshKey),
        kind if *kind == CERTIFICATE => Some(Credential::SigningCertificate),
        kind if *kind == SERVICE_CREDENTIAL => Some(Credential::ServiceSpecific),
        kind if [VIRTUAL_DEVICE, DEVICE].contains(kind) => Some(Credential::MfaDevice),
        _ => None,
    }
}

/// What stands after the principal's name: `leasehold` of `checkout_ci/leasehold`. Names of IAM hold no `/`; short names of
/// attached policies may.
pub fn part_name(id: &ResourceId) -> &str {
    id.local_name()
}

/// Whether the id is that of a principal's own inline policy `leasehold`.
pub fn is_own_inline_policy(id: &ResourceId) -> bool {
    (id.kind == ROLE_POLICY || id.kind == USER_POLICY) && part_name(id) == INLINE
}
