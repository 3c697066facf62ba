//! The parts of a stack that need their own permissions.

use std::collections::BTreeSet;

use leasehold_provider::Resource;

use crate::kinds;
use crate::realize::federation::THUMBPRINTS;

/// A part of a stack that needs its own permissions. Objects that may exist although they are not declared, such as an unmanaged attachment
/// or a boundary to be removed, are removed with the permissions of the part that may have them. Objects that exist only because they are
/// declared have their own part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StackPart {
    /// Identities that are users. Leasehold must be able to remove any credential that somebody adds to a user.
    Users,
    /// Managed policies attached to users.
    UserAttachments,
    /// Permissions boundaries of users.
    UserBoundaries,
    /// Identities that are roles.
    Roles,
    /// Managed policies attached to roles.
    RoleAttachments,
    /// Permissions boundaries of roles.
    RoleBoundaries,
    /// Managed policies of the stack: scopes, and users' own statements that do not fit into an inline policy.
    Policies,
    /// Groups of people.
    Groups,
    /// Managed policies attached to groups.
    GroupAttachments,
    /// Inline policies of groups.
    GroupPolicies,
    /// Memberships in groups of the stack.
    Members,
    /// Memberships in groups that the stack does not manage.
    ForeignGroups,
    /// Existing groups that are imported.
    ImportedGroups,
    /// OpenID Connect providers.
    Issuers,
    /// Thumbprints of OpenID Connect providers.
    Thumbprints,
    /// SAML providers.
    Directories,
    /// Access keys that Leasehold issues.
    Keys,
}

impl StackPart {
    /// All parts.
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
        Self::ForeignGroups,
        Self::ImportedGroups,
        Self::Issuers,
        Self::Thumbprints,
        Self::Directories,
        Self::Keys,
    ];
}

/// The parts that a stack with these resources has. Groups to import are not among the resources, so [`StackPart::ImportedGroups`] is never
/// returned.
pub fn stack_parts<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> BTreeSet<StackPart> {
    let mut parts = BTreeSet::new();
    let (mut groups, mut memberships) = (BTreeSet::new(), BTreeSet::new());
    for resource in resources {
        parts.extend(part_for_kind(resource));
        let bounded = resource.get("permissions_boundary").is_some();
        parts.extend((bounded && resource.id.kind == kinds::USER).then_some(StackPart::UserBoundaries));
        parts.extend((bounded && resource.id.kind == kinds::ROLE).then_some(StackPart::RoleBoundaries));
        parts.extend(resource.get(THUMBPRINTS).map(|_| StackPart::Thumbprints));
        // While the attachments of a group change, an inline policy of the group may replace them for the interim.
        parts.extend((resource.id.kind == kinds::GROUP_ATTACHMENT).then_some(StackPart::GroupPolicies));
        if resource.id.kind == kinds::GROUP {
            groups.insert(resource.id.name.as_str());
        } else if resource.id.kind == kinds::MEMBERSHIP {
            memberships.insert(kinds::part_name(&resource.id));
        }
    }
    parts.extend((!memberships.is_disjoint(&groups)).then_some(StackPart::Members));
    parts.extend((!memberships.is_subset(&groups)).then_some(StackPart::ForeignGroups));
    parts
}

/// The part that a resource belongs to, by its kind.
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
    fn undeclared_parts_need_no_permissions() {
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
    fn memberships_are_classified_by_group_owner() {
        let (crew, member) = (resource(kinds::GROUP, "crew"), resource(kinds::MEMBERSHIP, "ann/crew"));
        assert_eq!(stack_parts([&crew]), [StackPart::Groups].into());
        assert_eq!(stack_parts([&crew, &member]), [StackPart::Groups, StackPart::Members].into());
        assert_eq!(stack_parts([&member]), [StackPart::ForeignGroups].into());
    }
}
