//! The kinds of object the directory holds, and how their ids are written and read.
//!
//! What hangs on a principal is named after it, `PRINCIPAL/NAME`. A principal's name never contains a slash, and users and
//! roles share one space of names, so that the part before the first slash says which principal is meant.

use leasehold_provider::{Principal, ResourceId, ResourceKind};

/// A user: it has credentials of its own.
pub const USER: ResourceKind = ResourceKind::new("directory_user");
/// A role: it is assumed by those it trusts.
pub const ROLE: ResourceKind = ResourceKind::new("directory_role");
/// A policy that stands on its own and is attached to principals: what a scope becomes.
pub const POLICY: ResourceKind = ResourceKind::new("directory_policy");
/// A policy inside a principal; ours is called [`LEASE_POLICY`].
pub const INLINE_POLICY: ResourceKind = ResourceKind::new("directory_inline_policy");
/// A policy's attachment to a principal.
pub const ATTACHMENT: ResourceKind = ResourceKind::new("directory_attachment");
/// An access key of a user. The directory knows its id and status, never its secret.
pub const ACCESS_KEY: ResourceKind = ResourceKind::new("directory_access_key");
/// A user's password, as far as the directory is concerned: there is one or there is not.
pub const LOGIN: ResourceKind = ResourceKind::new("directory_login");

/// A group of users.
pub const GROUP: ResourceKind = ResourceKind::new("directory_group");
/// A policy inside a group; ours is called [`LEASE_POLICY`].
pub const GROUP_POLICY: ResourceKind = ResourceKind::new("directory_group_policy");
/// A policy's attachment to a group.
pub const GROUP_ATTACHMENT: ResourceKind = ResourceKind::new("directory_group_attachment");
/// A user's membership in a group.
pub const MEMBERSHIP: ResourceKind = ResourceKind::new("directory_membership");

/// The name of the inline policy that holds an identity's own statements and its lease fence.
pub const LEASE_POLICY: &str = "leasehold";

/// What an object is called in the id of a login.
const LOGIN_NAME: &str = "login";

/// The id of a principal.
pub fn principal_id(principal: Principal, name: &str) -> ResourceId {
    match principal {
        Principal::User => ResourceId::new(USER, name),
        Principal::Role => ResourceId::new(ROLE, name),
    }
}

/// The id of an object that hangs on a principal.
pub fn part_id(kind: ResourceKind, principal: &str, name: &str) -> ResourceId {
    ResourceId::new(kind, format!("{principal}/{name}"))
}

/// Whether the id is that of the policy in which a principal's fence stands.
pub fn is_fenced(id: &ResourceId) -> bool {
    id.kind == INLINE_POLICY && id.part() == LEASE_POLICY
}

/// The id of a principal's login.
pub fn login_id(principal: &str) -> ResourceId {
    part_id(LOGIN, principal, LOGIN_NAME)
}

/// The id of a group.
pub fn group_id(name: &str) -> ResourceId {
    ResourceId::new(GROUP, name)
}

/// What an id points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A user or role.
    Principal(Principal, &'a str),
    /// A policy that stands on its own.
    Policy(&'a str),
    /// Something that hangs on the principal named first.
    Part(&'a str, Part<'a>),
    /// A group.
    Group(&'a str),
    /// A policy inside, or an attachment to, the group named first.
    GroupPart(&'a str, Part<'a>),
}

/// Something that hangs on a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// The inline policy of that name.
    Inline(&'a str),
    /// The attachment of the policy of that name or ARN.
    Attachment(&'a str),
    /// The access key of that id.
    Key(&'a str),
    /// The login.
    Login,
    /// The membership in the group of that name.
    Membership(&'a str),
}

/// Reads an id. `None`: the directory has no such kind, or the name lacks its principal.
pub fn target(id: &ResourceId) -> Option<Target<'_>> {
    let kind = &id.kind;
    if *kind == USER {
        return Some(Target::Principal(Principal::User, &id.name));
    }
    if *kind == ROLE {
        return Some(Target::Principal(Principal::Role, &id.name));
    }
    if *kind == POLICY {
        return Some(Target::Policy(&id.name));
    }
    if *kind == GROUP {
        return Some(Target::Group(&id.name));
    }
    let (principal, name) = id.name.split_once('/')?;
    if *kind == GROUP_POLICY {
        return Some(Target::GroupPart(principal, Part::Inline(name)));
    }
    if *kind == GROUP_ATTACHMENT {
        return Some(Target::GroupPart(principal, Part::Attachment(name)));
    }
    let part = if *kind == INLINE_POLICY {
        Part::Inline(name)
    } else if *kind == ATTACHMENT {
        Part::Attachment(name)
    } else if *kind == ACCESS_KEY {
        Part::Key(name)
    } else if *kind == MEMBERSHIP {
        Part::Membership(name)
    } else if *kind == LOGIN && name == LOGIN_NAME {
        Part::Login
    } else {
        return None;
    };
    Some(Target::Part(principal, part))
}

/// Whether a policy is named by ARN: it belongs to others and need not stand in this directory.
pub fn is_arn(policy: &str) -> bool {
    policy.starts_with("arn:")
}

/// How a trust document and a stranger's listing name a principal: `user/jane`, `role/ci`.
pub fn principal_path(principal: Principal, name: &str) -> String {
    format!("{}/{name}", principal.as_str())
}

/// How a principal is called beyond its directory: `embedded/b:role/ci`.
pub fn name_of(account: &str, path: &str) -> String {
    format!("{account}:{path}")
}

/// Reads what [`principal_path`] writes.
pub fn principal_of_path(path: &str) -> Option<ResourceId> {
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
    fn ids_read_back() {
        let role = principal_id(Principal::Role, "ci");
        assert_eq!(target(&role), Some(Target::Principal(Principal::Role, "ci")));
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        let attachment = part_id(ATTACHMENT, "ci", arn);
        assert_eq!(target(&attachment), Some(Target::Part("ci", Part::Attachment(arn))));
        assert_eq!(target(&login_id("jane")), Some(Target::Part("jane", Part::Login)));
        assert_eq!(target(&ResourceId::new(INLINE_POLICY, "leasehold")), None);
        assert_eq!(target(&ResourceId::new(ResourceKind::new("aws_iam_role"), "a/b")), None);
        assert_eq!(principal_of_path(&principal_path(Principal::Role, "ci")), Some(role));
    }
}
