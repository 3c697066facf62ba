//! Converts declared identities, scopes and groups to the resources of this directory. Pure.
//!
//! In: desired or live objects of the engine. Out: resources with attributes in canonical form and with `depends_on`.
//! Equal inputs give equal resources.

use jiff::Timestamp;
use leasehold_provider::{
    Change, Credential, DenyExtent, DesiredIdentity, Document, Group, InterimDeny, LiveIdentity, Marks,
    NarrowedPrincipal, Principal, Quarantine, Realize, Realm, Resource, ResourceId, Scope, StackName, Trust, Value,
    Violation,
};

use leasehold_policy::provider::INTERIM_DENY_SID;

use crate::kinds::{self, DirectoryObject, DirectoryPart};
use crate::{LocalDirectory, dependencies, documents, group_parts, limits, trusts};

/// Status of an access key that can be used.
pub const KEY_ACTIVE: &str = "Active";
/// Status of a disabled access key.
pub const KEY_INACTIVE: &str = "Inactive";

impl Realize for LocalDirectory {
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId {
        kinds::principal_id(principal, name)
    }

    fn scope_id(&self, _stack: &StackName, scope: &str) -> ResourceId {
        ResourceId::new(kinds::POLICY, scope)
    }

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
        for policy in identity.spec.scopes.iter().chain(&identity.spec.managed_policy_arns) {
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

    fn group_id(&self, name: &str) -> ResourceId {
        kinds::group_id(name)
    }

    fn credential_kind(&self, id: &ResourceId) -> Option<Credential> {
        match kinds::parse_object_id(id)? {
            DirectoryObject::Part(_, DirectoryPart::Key(_)) => Some(Credential::AccessKey),
            DirectoryObject::Part(_, DirectoryPart::Login) => Some(Credential::Login),
            _ => None,
        }
    }

    fn key_id(&self, user: &str, key: &str) -> Option<ResourceId> {
        Some(kinds::part_id(kinds::ACCESS_KEY, user, key))
    }

    fn extract_trusts(&self, _realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        trusts::parse_trusts(role)
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
        let policies = realize_group.scopes.iter().chain(&realize_group.managed_policy_arns);
        resources.extend(policies.map(|policy| group_parts::group_attachment(&realize_group.name, policy)));
        resources
    }

    fn shared_root_id(&self, id: &ResourceId) -> ResourceId {
        match kinds::parse_object_id(id) {
            Some(DirectoryObject::GroupPart(group, _)) => kinds::group_id(group),
            _ => id.clone(),
        }
    }

    fn check_group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation> {
        limits::check_group_limits(group, resources)
    }

    fn check_identity_limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
        limits::check_identity_limits(identity, resources)
    }

    fn check_scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation> {
        limits::check_scope_limits(scope, resource)
    }

    fn is_restriction(&self, resource: &Resource) -> bool {
        matches!(resource.get("policy"), Some(Value::Document(policy)) if documents::contains_deny(policy))
    }

    fn count_characters(&self, resource: &Resource, attribute: &str) -> usize {
        resource.document_attribute(attribute).map_or(0, |document| document.to_string().chars().count())
    }

    fn has_single_namespace(&self) -> bool {
        true
    }

    fn find_by_cloud_name(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        kinds::parse_principal_path(name.strip_prefix(&realm.account)?.strip_prefix(':')?)
    }

    fn classify_denial(&self, resource: &Resource) -> DenyExtent {
        match resource.get("policy") {
            Some(Value::Document(policy)) => {
                leasehold_policy::provider::classify_denies(policy, kinds::is_lease_policy(&resource.id))
            }
            _ => DenyExtent::Nothing,
        }
    }

    fn has_expired_lease(&self, policy: &Resource, now: Timestamp) -> bool {
        match policy.get("policy") {
            Some(Value::Document(document)) => {
                kinds::is_lease_policy(&policy.id) && leasehold_policy::provider::is_lease_deny_in_effect(document, now)
            }
            _ => false,
        }
    }

    fn has_tag_condition(&self, policy: &Resource, tag: &str) -> bool {
        matches!(policy.get("policy"), Some(Value::Document(document)) if leasehold_policy::provider::tests_principal_tag(document, tag))
    }

    fn empty_own_policy(&self, whole: &ResourceId) -> Option<Resource> {
        let kind = match kinds::parse_object_id(whole)? {
            DirectoryObject::Principal(..) => kinds::INLINE_POLICY,
            DirectoryObject::Group(_) => kinds::GROUP_POLICY,
            _ => return None,
        };
        let id = kinds::part_id(kind, &whole.name, kinds::LEASE_POLICY);
        Some(
            Resource::new(id, None)
                .with_attribute("policy", Value::Document(documents::empty_policy()))
                .with_dependency(whole.clone()),
        )
    }

    fn build_interim_policy(
        &self,
        before: Option<&Resource>,
        after: Option<&Resource>,
        withheld: &InterimDeny,
    ) -> Option<Resource> {
        let whole = after.or(before)?;
        let fits = |policy: &serde_json::Value| limits::fits_policy_limit(&whole.id, policy);
        let policy = |resource: Option<&Resource>| resource.and_then(|it| it.document_attribute("policy")).cloned();
        let interim = leasehold_policy::provider::interim_policy(
            policy(before).as_ref(),
            policy(after).as_ref(),
            withheld,
            fits,
        )?;
        Some(whole.clone().with_attribute("policy", Value::Document(interim.into())))
    }

    fn narrow_trust(&self, before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal> {
        let (Some(Value::Document(old)), Some(Value::Document(new))) = (before.get("trust"), after.get("trust")) else {
            return None;
        };
        let both = leasehold_policy::provider::interim_trust_statements(old, new);
        let closed = closed || !leasehold_policy::provider::trusts_any_principal(&both);
        let trust = if closed { documents::empty_trust() } else { documents::document_from_statements(both) };
        let mut principal = before.clone().with_attribute("trust", Value::Document(trust));
        principal.depends_on.retain(|id| !closed && after.depends_on.contains(id));
        Some(NarrowedPrincipal { principal, closed })
    }

    fn is_same_document(&self, a: &Document, b: &Document) -> bool {
        leasehold_policy::provider::are_same_policy(a, b)
    }

    fn describe_change(&self, change: &Change) -> Option<String> {
        let attribute = |name| change.resource_after().and_then(|after| after.get(name));
        match kinds::parse_object_id(change.id())? {
            DirectoryObject::Part(_, DirectoryPart::Inline(_))
            | DirectoryObject::GroupPart(_, DirectoryPart::Inline(_)) => {
                let policy = attribute("policy")?.as_document()?;
                let descriptions = [
                    (documents::QUARANTINE_SID, "deny everything"),
                    (documents::LEASE_DENY_SID, "lease deny"),
                    (INTERIM_DENY_SID, "deny everything (interim)"),
                ];
                let (_, text) = descriptions.into_iter().find(|(sid, _)| documents::has_statement(policy, sid))?;
                Some(text.to_owned())
            }
            DirectoryObject::Part(_, DirectoryPart::Key(ResourceId::NEW)) => {
                Some(format!("secret → {}", attribute("store")?.as_text()?))
            }
            DirectoryObject::Part(_, DirectoryPart::Key(_)) => {
                (attribute("status")?.as_text()? == KEY_INACTIVE).then(|| "key disabled".to_owned())
            }
            DirectoryObject::Principal(Principal::Role, _) => {
                let closed = Value::Document(documents::empty_trust());
                let was_open =
                    change.resource_before().and_then(|before| before.get("trust")).is_some_and(|t| *t != closed);
                (was_open && *attribute("trust")? == closed).then(|| "trust policy emptied".to_owned())
            }
            DirectoryObject::Principal(Principal::User, _)
            | DirectoryObject::Policy(_)
            | DirectoryObject::Part(..)
            | DirectoryObject::Group(_)
            | DirectoryObject::GroupPart(..) => None,
        }
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
