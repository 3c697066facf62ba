//! The resource kinds of this provider, with Terraform's names, and the format of their ids.
//!
//! The id of a part starts with the name of the object that it belongs to: `checkout_ci/leasehold` is the inline policy `leasehold` of
//! `checkout_ci`.

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
/// A managed policy attached to a role.
pub const ROLE_ATTACHMENT: ResourceKind = ResourceKind::new("aws_iam_role_policy_attachment");
/// A managed policy attached to a user.
pub const USER_ATTACHMENT: ResourceKind = ResourceKind::new("aws_iam_user_policy_attachment");
/// An access key of a user.
pub const ACCESS_KEY: ResourceKind = ResourceKind::new("aws_iam_access_key");
/// A user's console password.
pub const LOGIN_PROFILE: ResourceKind = ResourceKind::new("aws_iam_user_login_profile");
/// A user's membership in one group.
pub const MEMBERSHIP: ResourceKind = ResourceKind::new("aws_iam_user_group_membership");
/// An SSH public key of a user, for CodeCommit.
pub const SSH_KEY: ResourceKind = ResourceKind::new("aws_iam_user_ssh_key");
/// An X.509 signing certificate of a user, for older SOAP interfaces.
pub const CERTIFICATE: ResourceKind = ResourceKind::new("aws_iam_signing_certificate");
/// A user's service-specific credential: CodeCommit, Keyspaces, Bedrock.
pub const SERVICE_CREDENTIAL: ResourceKind = ResourceKind::new("aws_iam_service_specific_credential");
/// A user's virtual MFA device.
pub const VIRTUAL_DEVICE: ResourceKind = ResourceKind::new("aws_iam_virtual_mfa_device");
/// A user's hardware MFA device: a token, a security key or a passkey. Terraform has no resource for it.
pub const DEVICE: ResourceKind = ResourceKind::new("aws_iam_mfa_device");
/// A role's membership in an instance profile: `ROLE/PROFILE`. In Terraform it is an attribute of the profile.
pub const PROFILE_MEMBERSHIP: ResourceKind = ResourceKind::new("aws_iam_instance_profile_membership");

/// The kinds of user credentials that can be disabled.
pub const SWITCHED: [ResourceKind; 4] = [ACCESS_KEY, SSH_KEY, CERTIFICATE, SERVICE_CREDENTIAL];

/// A group.
pub const GROUP: ResourceKind = ResourceKind::new("aws_iam_group");
/// An inline policy of a group.
pub const GROUP_POLICY: ResourceKind = ResourceKind::new("aws_iam_group_policy");
/// A managed policy attached to a group.
pub const GROUP_ATTACHMENT: ResourceKind = ResourceKind::new("aws_iam_group_policy_attachment");

/// An OpenID Connect provider. Its name is the issuer's URL without `https://`.
pub const OIDC_PROVIDER: ResourceKind = ResourceKind::new("aws_iam_openid_connect_provider");
/// A SAML provider.
pub const SAML_PROVIDER: ResourceKind = ResourceKind::new("aws_iam_saml_provider");

/// The name of the single inline policy that Leasehold writes on each principal and group.
pub const INLINE: &str = "leasehold";

/// The id of a role or user.
pub fn principal_id(principal: Principal, name: &str) -> ResourceId {
    ResourceId::new(if principal == Principal::Role { ROLE } else { USER }, name)
}

/// The id of an inline policy of a principal: `OWNER/POLICY`.
pub fn inline_policy_id(principal: Principal, owner: &str, policy: &str) -> ResourceId {
    let kind = if principal == Principal::Role { ROLE_POLICY } else { USER_POLICY };
    ResourceId::new(kind, format!("{owner}/{policy}"))
}

/// The id of a managed policy attached to a principal: `OWNER/SHORT`. See [`policy_short_name`](crate::arn::policy_short_name).
pub fn attachment_id(principal: Principal, owner: &str, short: &str) -> ResourceId {
    let kind = if principal == Principal::Role { ROLE_ATTACHMENT } else { USER_ATTACHMENT };
    ResourceId::new(kind, format!("{owner}/{short}"))
}

/// The id of an access key: `USER/KEY`.
pub fn access_key_id(user: &str, key: &str) -> ResourceId {
    ResourceId::new(ACCESS_KEY, format!("{user}/{key}"))
}

/// The id of a scope's policy: `STACK/SCOPE`.
pub fn scope_policy_id(stack: &StackName, scope: &str) -> ResourceId {
    ResourceId::new(POLICY, format!("{stack}/{scope}"))
}

/// The id of the managed policy that contains a user's own statements when its inline policy is too small for them: `STACK/user.NAME`. It
/// cannot collide with a scope, because scope labels contain no dot.
pub fn own_policy_id(stack: &StackName, user: &str) -> ResourceId {
    ResourceId::new(POLICY, format!("{stack}/user.{user}"))
}

/// The group that a resource is or belongs to. IAM cannot tag groups, so the group's path says which stack manages it.
pub fn containing_group(id: &ResourceId) -> Option<&str> {
    let is = [GROUP, GROUP_POLICY, GROUP_ATTACHMENT].contains(&id.kind);
    is.then(|| id.name.split_once('/').map_or(id.name.as_str(), |(group, _)| group))
}

/// The id of a group.
pub fn group_id(name: &str) -> ResourceId {
    ResourceId::new(GROUP, name)
}

/// The principal that a resource is or belongs to: `checkout_ci` for `checkout_ci/leasehold`. `None` for resources that are not part of a
/// principal.
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

/// The name of a virtual MFA device with its path, taken from its serial number: `phone` for `arn:aws:iam::111122223333:mfa/phone`. `None`
/// for a hardware device, whose serial number comes from its manufacturer, and for any other ARN.
pub fn virtual_device_name(serial: &str) -> Option<&str> {
    serial.strip_prefix("arn:")?.split_once(":mfa/").map(|(_, name)| name)
}

/// The credential type of an object. `None` if the object is not a credential.
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

/// The part of an id after the principal's name: `leasehold` for `checkout_ci/leasehold`. IAM names contain no `/`; short names of attached
/// policies may.
pub fn part_name(id: &ResourceId) -> &str {
    id.local_name()
}

/// Whether the id names a principal's own inline policy `leasehold`.
pub fn is_own_inline_policy(id: &ResourceId) -> bool {
    (id.kind == ROLE_POLICY || id.kind == USER_POLICY) && part_name(id) == INLINE
}
