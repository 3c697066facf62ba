//! Converts declared identities, scopes and groups to the resources of this directory. Pure.
//!
//! In: desired or live objects of the engine. Out: resources with attributes in canonical form and with `depends_on`.
//! Equal inputs give equal resources.

use std::sync::Arc;

use leasehold_provider::{
    CheckLimits, CloudNames, Custody, DesiredIdentity, Group, KeyIds, LiveIdentity, Marks, ObjectIds, Principal,
    Quarantine, RealizeGroups, RealizeObjects, Realizer, Realm, Resource, ResourceId, Scope, StackName, Value,
    Violation,
};

use crate::kinds::{self, DirectoryObject, DirectoryPart};
use crate::{dependencies, documents, group_parts, limits};

/// Status of an access key that can be used.
pub const KEY_ACTIVE: &str = "Active";
/// Status of a disabled access key.
pub const KEY_INACTIVE: &str = "Inactive";

/// The pure half of the directory: it needs no file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LocalRealizer;

/// The pure half of the directory, in its parts.
#[must_use]
pub fn build_realizer() -> Realizer {
    Realizer {
        lineage: None,
        ids: Arc::new(LocalRealizer),
        names: Arc::new(LocalRealizer),
        objects: Arc::new(LocalRealizer),
        limits: Arc::new(LocalRealizer),
        semantics: Arc::new(LocalRealizer),
        policies: Some(Arc::new(LocalRealizer)),
        trusts: Some(Arc::new(LocalRealizer)),
        groups: Some(Arc::new(LocalRealizer)),
        federations: None,
        keys: Some(Arc::new(LocalRealizer)),
    }
}

impl ObjectIds for LocalRealizer {
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId {
        kinds::principal_id(principal, name)
    }

    fn scope_id(&self, _stack: &StackName, scope: &str) -> ResourceId {
        ResourceId::new(kinds::POLICY, scope)
    }

    fn shared_root_id(&self, id: &ResourceId) -> ResourceId {
        match kinds::parse_object_id(id) {
            Some(DirectoryObject::GroupPart(group, _)) => id.sibling(kinds::GROUP, group),
            _ => id.clone(),
        }
    }

    fn has_single_namespace(&self) -> bool {
        true
    }
}

impl CloudNames for LocalRealizer {
    fn find_by_cloud_name(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        kinds::parse_principal_path(name.strip_prefix(&realm.account)?.strip_prefix(':')?)
    }

    fn cloud_name(&self, _realm: &Realm, _resource: &Resource) -> Option<String> {
        None
    }

    fn classify_custody(&self, _name: &str) -> Custody {
        Custody::Customer
    }
}

impl RealizeObjects for LocalRealizer {
    fn realize_scope(&self, _realm: &Realm, stack: &StackName, realize_scope: &Scope) -> Resource {
        let mut resource = Resource::new(ResourceId::new(kinds::POLICY, realize_scope.name.as_str()), None)
            .with_attribute("policy", Value::Document(documents::policy_document(&realize_scope.statements)));
        if let Some(description) = &realize_scope.description {
            resource = resource.with_attribute("description", description.as_str());
        }
        if realize_scope.statements.iter().any(|statement| statement.sensitive) {
            resource.sensitive.insert("policy".to_owned());
        }
        resource.marks = Some(Marks::new(stack.clone(), realize_scope.address()));
        resource
    }

    fn realize_identity(&self, _realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        let principal = active_principal(identity, marks);
        let id = principal.id.clone();
        let mut resources = vec![principal];
        let part = |kind, name: &str| {
            Resource::new(kinds::part_id(kind, &identity.spec.name, name), Some(identity.spec.address.clone()))
        };
        if let Some(policy) = documents::lease_policy_document(&identity.spec.statements, identity.deadline) {
            let mut lease =
                part(kinds::INLINE_POLICY, kinds::LEASE_POLICY).with_attribute("policy", Value::Document(policy));
            if identity.spec.statements.iter().any(|statement| statement.sensitive) {
                lease.sensitive.insert("policy".to_owned());
            }
            resources.push(lease);
        }
        for policy in identity.spec.scopes.iter().chain(&identity.spec.outside_policies) {
            resources.push(part(kinds::ATTACHMENT, policy).with_attribute("policy", policy.as_str()));
        }
        for group in &identity.spec.groups {
            resources.push(part(kinds::MEMBERSHIP, group).with_attribute("group", group.as_str()));
        }
        dependencies::set_dependencies(&id, &mut resources);
        resources
    }

    fn realize_quarantine(&self, _realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
        let lease = kinds::part_id(kinds::INLINE_POLICY, &live.name, kinds::LEASE_POLICY);
        let mut resources: Vec<Resource> =
            live.resources.values().filter_map(|resource| quarantine_resource(resource, live, quarantine)).collect();
        if !resources.iter().any(|resource| resource.id == lease) {
            resources.push(Resource::new(lease.clone(), Some(live.marks.address.clone())));
        }
        for resource in resources.iter_mut().filter(|resource| resource.id == lease) {
            *resource = resource.clone().with_attribute("policy", Value::Document(documents::deny_all_policy()));
        }
        dependencies::set_dependencies(&live.id, &mut resources);
        resources.sort_by(|a, b| a.id.cmp(&b.id));
        resources
    }
}

impl RealizeGroups for LocalRealizer {
    fn group_id(&self, name: &str) -> ResourceId {
        kinds::group_id(name)
    }

    fn realize_group(&self, _realm: &Realm, stack: &StackName, realize_group: &Group) -> Vec<Resource> {
        let mut root = Resource::new(kinds::group_id(&realize_group.name), None);
        root.marks = Some(Marks::new(stack.clone(), realize_group.address.clone()));
        let mut resources = vec![root];
        if !realize_group.statements.is_empty() {
            let mut inline = group_parts::group_inline_policy(
                &realize_group.name,
                kinds::LEASE_POLICY,
                documents::policy_document(&realize_group.statements),
            );
            if realize_group.statements.iter().any(|statement| statement.sensitive) {
                inline.sensitive.insert("policy".to_owned());
            }
            resources.push(inline);
        }
        let policies = realize_group.scopes.iter().chain(&realize_group.outside_policies);
        resources.extend(policies.map(|policy| group_parts::group_attachment(&realize_group.name, policy)));
        resources
    }

    fn check_group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation> {
        limits::check_group_limits(group, resources)
    }
}

impl KeyIds for LocalRealizer {
    fn key_id(&self, user: &str, key: &str) -> ResourceId {
        kinds::part_id(kinds::ACCESS_KEY, user, key)
    }
}

impl CheckLimits for LocalRealizer {
    fn check_identity_limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
        limits::check_identity_limits(identity, resources)
    }

    fn check_scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation> {
        limits::check_scope_limits(scope, resource)
    }

    fn count_characters(&self, resource: &Resource, attribute: &str) -> usize {
        resource.document_attribute(attribute).map_or(0, |document| document.to_string().chars().count())
    }
}

/// Builds the user or role of an active identity.
fn active_principal(identity: &DesiredIdentity, marks: &Marks) -> Resource {
    let id = kinds::principal_id(identity.spec.principal, &identity.spec.name);
    let mut resource = Resource::new(id, Some(identity.spec.address.clone()));
    if let Some(purpose) = &identity.spec.purpose {
        resource = resource.with_attribute("description", purpose.as_str());
    }
    if let Some(boundary) = &identity.spec.permissions_boundary {
        resource = resource.with_attribute("permissions_boundary", boundary.as_str());
    }
    if !identity.spec.tags.is_empty() {
        resource = resource.with_attribute("tags", Value::Map(identity.spec.tags.clone()));
    }
    // Output hides whole attributes only, so one sensitive tag hides all tags.
    if identity.spec.tags.keys().any(|key| identity.spec.sensitive_tags.contains(key)) {
        resource.sensitive.insert("tags".to_owned());
    }
    if identity.spec.principal == Principal::Role {
        resource = resource.with_attribute(
            "trust",
            Value::Document(documents::trust_document(&identity.spec.trusts, identity.deadline)),
        );
        if let Some(longest) = identity.spec.max_session_duration {
            resource = resource.with_attribute("max_session_duration", Value::Number(i64::from(longest.as_seconds())));
        }
    }
    resource.marks = Some(marks.clone());
    resource
}

/// Builds the quarantined state of a live object; `None` if quarantine deletes it. Policies and attachments do not
/// change: the Deny of the lease policy overrides them, and they take effect again when the identity is restored.
fn quarantine_resource(resource: &Resource, live: &LiveIdentity, quarantine: &Quarantine) -> Option<Resource> {
    let mut resource = resource.clone();
    match kinds::parse_object_id(&resource.id) {
        Some(DirectoryObject::Principal(form, _)) => {
            if form == Principal::Role {
                resource = resource.with_attribute("trust", Value::Document(documents::empty_trust()));
            }
            resource.marks = Some(Marks { quarantine: Some(quarantine.clone()), ..live.marks.clone() });
        }
        Some(DirectoryObject::Part(_, DirectoryPart::Key(_))) => {
            resource = resource.with_attribute("status", KEY_INACTIVE);
        }
        // A restored identity gets its login and groups again from the configuration.
        Some(DirectoryObject::Part(_, DirectoryPart::Login | DirectoryPart::Membership(_))) => return None,
        Some(
            DirectoryObject::Part(_, DirectoryPart::Inline(_) | DirectoryPart::Attachment(_))
            | DirectoryObject::Policy(_)
            | DirectoryObject::Group(_)
            | DirectoryObject::GroupPart(..),
        )
        | None => {}
    }
    Some(resource)
}
