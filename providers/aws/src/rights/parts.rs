//! The parts of a stack that take rights of their own.

use std::collections::BTreeSet;

use leasehold_provider::Resource;

use crate::kinds;
use crate::realize::federation::THUMBPRINTS;

/// A part of a stack that takes rights of its own. What may live although nobody declared it, such as a stray attachment or a boundary that is
/// to go, is taken away with the rights of who may have it; what is only ever put there by declaration has a part of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StackPart {
    /// Identities that are users. Whatever credential somebody gives one, it must be possible to take it away.
    Users,
    /// Managed policies on users.
    UserAttachments,
    /// Boundaries of users.
    UserBoundaries,
    /// Identities that are roles.
    Roles,
    /// Managed policies on roles.
    RoleAttachments,
    /// Boundaries of roles.
    RoleBoundaries,
    /// Policies of the stack's own: scopes, and statements that have no room in a user.
    Policies,
    /// Groups of people.
    Groups,
    /// Managed policies on groups.
    GroupAttachments,
    /// Statements of groups' own.
    GroupPolicies,
    /// Memberships in groups of the stack.
    Members,
    /// Memberships in groups that others manage.
    OthersGroups,
    /// Groups that live already and are taken in.
    GroupsTakenIn,
    /// Issuers of web identities.
    Issuers,
    /// Thumbprints of issuers.
    Thumbprints,
    /// SAML providers.
    Directories,
    /// Access keys that are issued.
    Keys,
}

impl StackPart {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Users,
        Self::UserAttachments,
        Self::UserBoundaries,
        Self::Roles,
        Self::RoleAttachments,
        Self::RoleBoundaries,
        Self::Policies,
        Self::Groups,
        Self::GroupAttachments,
        Self::GroupPolicies,
        Self::Members,
        Self::OthersGroups,
        Self::GroupsTakenIn,
        Self::Issuers,
        Self::Thumbprints,
        Self::Directories,
        Self::Keys,
    ];
}

/// The parts that a stack with these resources has. What it takes in is not among resources.
pub fn stack_parts<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> BTreeSet<StackPart> {
    let mut parts = BTreeSet::new();
    let (mut groups, mut memberships) = (BTreeSet::new(), BTreeSet::new());
    for resource in resources {
        parts.extend(part_for_kind(resource));
        let bounded = resource.get("permissions_boundary").is_some();
        parts.extend((bounded && resource.id.kind == kinds::USER).then_some(StackPart::UserBoundaries));
        parts.extend((bounded && resource.id.kind == kinds::ROLE).then_some(StackPart::RoleBoundaries));
        parts.extend(resource.get(THUMBPRINTS).map(|_| StackPart::Thumbprints));
        // While a group changes what is attached to it, a policy of its own may stand in for that.
        parts.extend((resource.id.kind == kinds::GROUP_ATTACHMENT).then_some(StackPart::GroupPolicies));
        if resource.id.kind == kinds::GROUP {
            groups.insert(resource.id.name.as_str());
        } else if resource.id.kind == kinds::MEMBERSHIP {
            memberships.insert(kinds::part_name(&resource.id));
        }
    }
    parts.extend((!memberships.is_disjoint(&groups)).then_some(StackPart::Members));
    parts.extend((!memberships.is_subset(&groups)).then_some(StackPart::OthersGroups));
    parts
}

/// The part that a resource is by its kind.
fn part_for_kind(resource: &Resource) -> Option<StackPart> {
    match &resource.id.kind {
        kind if *kind == kinds::USER => Some(StackPart::Users),
        kind if *kind == kinds::USER_ATTACHMENT => Some(StackPart::UserAttachments),
        kind if *kind == kinds::ROLE => Some(StackPart::Roles),
        kind if *kind == kinds::ROLE_ATTACHMENT => Some(StackPart::RoleAttachments),
        kind if *kind == kinds::POLICY => Some(StackPart::Policies),
        kind if *kind == kinds::GROUP => Some(StackPart::Groups),
        kind if *kind == kinds::GROUP_ATTACHMENT => Some(StackPart::GroupAttachments),
        kind if *kind == kinds::GROUP_POLICY => Some(StackPart::GroupPolicies),
        kind if *kind == kinds::OIDC_PROVIDER => Some(StackPart::Issuers),
        kind if *kind == kinds::SAML_PROVIDER => Some(StackPart::Directories),
        kind if *kind == kinds::ACCESS_KEY => Some(StackPart::Keys),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use leasehold_provider::{ResourceId, ResourceKind, Value};

    use super::*;

    fn resource(kind: ResourceKind, name: &str) -> Resource {
        Resource::new(ResourceId::new(kind, name), None)
    }

    #[test]
    fn what_nobody_declares_is_no_part() {
        let user = resource(kinds::USER, "ann");
        assert_eq!(stack_parts([&user]), [StackPart::Users].into());
        let bound = user.with_attribute("permissions_boundary", "arn:aws:iam::aws:policy/PowerUserAccess");
        assert_eq!(stack_parts([&bound]), [StackPart::Users, StackPart::UserBoundaries].into());
        let attached = resource(kinds::ROLE_ATTACHMENT, "ci/read");
        assert_eq!(
            stack_parts([&resource(kinds::ROLE, "ci"), &attached]),
            [StackPart::Roles, StackPart::RoleAttachments].into()
        );
        let issuer = resource(kinds::OIDC_PROVIDER, "issuer.example.com");
        assert_eq!(stack_parts([&issuer]), [StackPart::Issuers].into());
        let pinned = issuer.with_attribute(THUMBPRINTS, Value::Set(["11".to_owned()].into()));
        assert_eq!(stack_parts([&pinned]), [StackPart::Issuers, StackPart::Thumbprints].into());
    }

    #[test]
    fn memberships_are_told_apart_by_whose_the_group_is() {
        let (crew, member) = (resource(kinds::GROUP, "crew"), resource(kinds::MEMBERSHIP, "ann/crew"));
        assert_eq!(stack_parts([&crew]), [StackPart::Groups].into());
        assert_eq!(stack_parts([&crew, &member]), [StackPart::Groups, StackPart::Members].into());
        assert_eq!(stack_parts([&member]), [StackPart::OthersGroups].into());
    }
}
