//! The kinds of object in the directory, and how their ids are written and parsed.
//!
//! The id of a principal's part (a policy, an attachment, a key) is `PRINCIPAL/NAME`, and a group's part `GROUP/NAME`.
//! Names of principals contain no slash and are unique among users and roles, so that the text before the first slash
//! identifies the principal.

use leasehold_provider::{Principal, ResourceId, ResourceKind};

/// A user, which can have access keys and a login.
pub const USER: ResourceKind = ResourceKind::new("directory_user");
/// A role, which the principals of its trust policy can assume.
pub const ROLE: ResourceKind = ResourceKind::new("directory_role");
/// A policy that is attached to principals and groups, as an AWS managed policy is. Each scope becomes one.
pub const POLICY: ResourceKind = ResourceKind::new("directory_policy");
/// An inline policy of a principal. Leasehold's own is named [`LEASE_POLICY`].
pub const INLINE_POLICY: ResourceKind = ResourceKind::new("directory_inline_policy");
/// The attachment of a policy to a principal.
pub const ATTACHMENT: ResourceKind = ResourceKind::new("directory_attachment");
/// An access key of a user. The directory stores its id and status but not its secret.
pub const ACCESS_KEY: ResourceKind = ResourceKind::new("directory_access_key");
/// A user's login (console password). The directory stores whether it exists, not the password.
pub const LOGIN: ResourceKind = ResourceKind::new("directory_login");

/// A group of users.
pub const GROUP: ResourceKind = ResourceKind::new("directory_group");
/// An inline policy of a group. Leasehold's own is named [`LEASE_POLICY`].
pub const GROUP_POLICY: ResourceKind = ResourceKind::new("directory_group_policy");
/// The attachment of a policy to a group.
pub const GROUP_ATTACHMENT: ResourceKind = ResourceKind::new("directory_group_attachment");
/// A user's membership in a group.
pub const MEMBERSHIP: ResourceKind = ResourceKind::new("directory_membership");

/// Name of the inline policy with an identity's own statements and its lease deny.
pub const LEASE_POLICY: &str = "leasehold";

/// The name in the id of a login: `jane/login`.
const LOGIN_NAME: &str = "login";

/// Returns the id of a user or role.
pub fn principal_id(principal: Principal, name: &str) -> ResourceId {
    match principal {
        Principal::User => ResourceId::new(USER, name),
        Principal::Role => ResourceId::new(ROLE, name),
    }
}

/// Returns the id of a part of a principal or group.
pub fn part_id(kind: ResourceKind, principal: &str, name: &str) -> ResourceId {
    ResourceId::new(kind, format!("{principal}/{name}"))
}

/// Returns whether the id is that of a principal's lease policy, the inline policy named [`LEASE_POLICY`].
pub fn is_lease_policy(id: &ResourceId) -> bool {
    id.kind == INLINE_POLICY && id.local_name() == LEASE_POLICY
}

/// Returns the id of a user's login.
pub fn login_id(principal: &str) -> ResourceId {
    part_id(LOGIN, principal, LOGIN_NAME)
}

/// Returns the id of a group.
pub fn group_id(name: &str) -> ResourceId {
    ResourceId::new(GROUP, name)
}

/// What the id of an object refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryObject<'a> {
    /// A user or role.
    Principal(Principal, &'a str),
    /// A policy that is attached to principals, by its name.
    Policy(&'a str),
    /// A part of the principal with this name.
    Part(&'a str, DirectoryPart<'a>),
    /// A group.
    Group(&'a str),
    /// An inline policy or attachment of the group with this name.
    GroupPart(&'a str, DirectoryPart<'a>),
}

/// A part of a principal or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryPart<'a> {
    /// The inline policy with this name.
    Inline(&'a str),
    /// The attachment of the policy with this name or ARN.
    Attachment(&'a str),
    /// The access key with this id.
    Key(&'a str),
    /// The login.
    Login,
    /// The membership in the group with this name.
    Membership(&'a str),
}

/// Parses an id. `None` if the directory does not have this kind, or if the id of a part does not name its principal or
/// group.
pub fn parse_object_id(id: &ResourceId) -> Option<DirectoryObject<'_>> {
    let kind = &id.kind;
    if *kind == USER {
        return Some(DirectoryObject::Principal(Principal::User, &id.name));
    }
    if *kind == ROLE {
        return Some(DirectoryObject::Principal(Principal::Role, &id.name));
    }
    if *kind == POLICY {
        return Some(DirectoryObject::Policy(&id.name));
    }
    if *kind == GROUP {
        return Some(DirectoryObject::Group(&id.name));
    }
    let (principal, name) = id.name.split_once('/')?;
    if *kind == GROUP_POLICY {
        return Some(DirectoryObject::GroupPart(principal, DirectoryPart::Inline(name)));
    }
    if *kind == GROUP_ATTACHMENT {
        return Some(DirectoryObject::GroupPart(principal, DirectoryPart::Attachment(name)));
    }
    let part = if *kind == INLINE_POLICY {
        DirectoryPart::Inline(name)
    } else if *kind == ATTACHMENT {
        DirectoryPart::Attachment(name)
    } else if *kind == ACCESS_KEY {
        DirectoryPart::Key(name)
    } else if *kind == MEMBERSHIP {
        DirectoryPart::Membership(name)
    } else if *kind == LOGIN && name == LOGIN_NAME {
        DirectoryPart::Login
    } else {
        return None;
    };
    Some(DirectoryObject::Part(principal, part))
}

/// Returns whether a policy is named by ARN. Such a policy is managed outside this directory and need not exist in it.
pub fn is_arn(policy: &str) -> bool {
    policy.starts_with("arn:")
}

/// Returns the path of a principal, which trust policies and lists of holders use: `user/jane`, `role/ci`.
pub fn principal_path(principal: Principal, name: &str) -> String {
    format!("{}/{name}", principal.as_str())
}

/// Returns the name of a principal of another directory, from its account and path: `embedded/b:role/ci`.
pub fn qualified_principal_name(account: &str, path: &str) -> String {
    format!("{account}:{path}")
}

/// Parses a path that [`principal_path`] writes. `None` for any other text.
pub fn parse_principal_path(path: &str) -> Option<ResourceId> {
    let (form, name) = path.split_once('/')?;
    match form {
        "user" => Some(principal_id(Principal::User, name)),
        "role" => Some(principal_id(Principal::Role, name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_parsed_as_written() {
        let role = principal_id(Principal::Role, "ci");
        assert_eq!(parse_object_id(&role), Some(DirectoryObject::Principal(Principal::Role, "ci")));
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        let attachment = part_id(ATTACHMENT, "ci", arn);
        assert_eq!(parse_object_id(&attachment), Some(DirectoryObject::Part("ci", DirectoryPart::Attachment(arn))));
        assert_eq!(parse_object_id(&login_id("jane")), Some(DirectoryObject::Part("jane", DirectoryPart::Login)));
        assert_eq!(parse_object_id(&ResourceId::new(INLINE_POLICY, "leasehold")), None);
        assert_eq!(parse_object_id(&ResourceId::new(ResourceKind::new("aws_iam_role"), "a/b")), None);
        assert_eq!(parse_principal_path(&principal_path(Principal::Role, "ci")), Some(role));
    }
}
