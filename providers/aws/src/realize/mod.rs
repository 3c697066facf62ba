//! Turns desired identities, scopes, groups and federations into IAM resources. Pure.
//!
//! In: desired objects and the [`Realm`]. Out: [`Resource`]s with their dependencies. Invariant: the same input always gives the same
//! resources, in the same normal form that `observe` gives live objects.
//!
//! Example: a user `ci` with one scope `read` and a deadline becomes three resources: the user `ci`, its inline policy `ci/leasehold` with
//! the lease deny, and the attachment of the policy of `read`.

mod describe;
pub mod federation;
pub mod group;
pub mod limits;
pub mod managed;
mod quarantine;
mod trust;
mod trusted;

use std::sync::Arc;

use jiff::Timestamp;
use leasehold_provider::{
    Aspect, Change, CheckLimits, CloudNames, Credential, Custody, DenyExtent, DesiredIdentity, Document, Federation,
    Group, InterimDeny, KeyIds, LiveIdentity, Marks, NarrowedPrincipal, ObjectIds, PolicyDocuments, PolicySemantics,
    Principal, Quarantine, RealizeFederations, RealizeGroups, RealizeObjects, Realizer, Realm, Resource, ResourceId,
    RoleTrusts, Scope, StackName, Trust, Value, Violation,
};
use serde_json::Value as Json;

use crate::{arn, document, kinds, links};

/// The pure half of the provider: it needs no credentials, account or network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AwsRealizer;

/// The pure half of the provider, in its parts.
#[must_use]
pub fn build_realizer() -> Realizer {
    Realizer {
        lineage: None,
        ids: Arc::new(AwsRealizer),
        names: Arc::new(AwsRealizer),
        objects: Arc::new(AwsRealizer),
        limits: Arc::new(AwsRealizer),
        semantics: Arc::new(AwsRealizer),
        policies: Some(Arc::new(AwsRealizer)),
        trusts: Some(Arc::new(AwsRealizer)),
        groups: Some(Arc::new(AwsRealizer)),
        federations: Some(Arc::new(AwsRealizer)),
        keys: Some(Arc::new(AwsRealizer)),
    }
}

impl ObjectIds for AwsRealizer {
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId {
        kinds::principal_id(principal, name)
    }

    fn scope_id(&self, stack: &StackName, scope: &str) -> ResourceId {
        kinds::scope_policy_id(stack, scope)
    }

    fn shared_root_id(&self, id: &ResourceId) -> ResourceId {
        kinds::containing_group(id).map_or_else(|| id.clone(), |group| id.sibling(kinds::GROUP, group))
    }

    fn has_single_namespace(&self) -> bool {
        false
    }
}

impl CloudNames for AwsRealizer {
    fn find_by_cloud_name(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        arn::resolve_principal_id(realm, name)
    }

    fn cloud_name(&self, realm: &Realm, resource: &Resource) -> Option<String> {
        arn::object_arn(realm, resource)
    }

    fn classify_custody(&self, name: &str) -> Custody {
        arn::custody_from_arn(name)
    }
}

impl RealizeObjects for AwsRealizer {
    fn realize_scope(&self, _realm: &Realm, stack: &StackName, realize_scope: &Scope) -> Resource {
        shared_policy(stack, realize_scope)
    }

    fn realize_identity(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        realize_active(realm, identity, marks)
    }

    fn realize_quarantine(&self, realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
        quarantine::realize_quarantined(realm, live, quarantine)
    }
}

impl RealizeGroups for AwsRealizer {
    fn group_id(&self, name: &str) -> ResourceId {
        kinds::group_id(name)
    }

    fn realize_group(&self, realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource> {
        group::realize_group(realm, stack, group)
    }

    fn check_group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation> {
        limits::check_group(group, resources)
    }
}

impl RealizeFederations for AwsRealizer {
    fn realize_federation(&self, _realm: &Realm, stack: &StackName, federation: &Federation) -> Resource {
        federation::federation_resource(stack, federation)
    }

    fn check_federation_limits(&self, federation: &Federation, resource: &Resource) -> Vec<Violation> {
        limits::check_federation(federation, resource)
    }
}

impl KeyIds for AwsRealizer {
    fn key_id(&self, user: &str, key: &str) -> ResourceId {
        kinds::access_key_id(user, key)
    }
}

impl CheckLimits for AwsRealizer {
    fn check_identity_limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
        limits::check_identity(identity, resources)
    }

    fn check_scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation> {
        limits::check_scope(scope, resource)
    }

    fn count_characters(&self, resource: &Resource, attribute: &str) -> usize {
        limits::document_size(resource, attribute)
    }
}

impl PolicySemantics for AwsRealizer {
    fn credential_kind(&self, id: &ResourceId) -> Option<Credential> {
        kinds::credential_kind(id)
    }

    fn is_left_unchanged(&self, id: &ResourceId, guards_a_person: bool) -> bool {
        // The team that runs the instances decides which instances a role is given to. The role's trust policy decides whether EC2 may
        // assume it at all.
        id.kind == kinds::PROFILE_MEMBERSHIP
            || (guards_a_person && kinds::credential_kind(id) == Some(Credential::MfaDevice))
    }

    fn is_restriction(&self, resource: &Resource) -> bool {
        // An MFA device protects a password, so it is removed after the password.
        kinds::credential_kind(&resource.id) == Some(Credential::MfaDevice)
            || matches!(resource.get("policy"), Some(Value::Document(policy)) if document::has_deny(policy))
    }

    fn classify_attribute(&self, id: &ResourceId, attribute: &str) -> Aspect {
        match attribute {
            "assume_role_policy" => Aspect::Trust,
            _ if [kinds::OIDC_PROVIDER, kinds::SAML_PROVIDER].contains(&id.kind) => Aspect::Trust,
            "permissions_boundary" => Aspect::Boundary,
            "policy" | "policy_arn" | "group" => Aspect::Access,
            "max_session_duration" => Aspect::Session,
            "tags" => Aspect::Tags,
            _ if kinds::credential_kind(id).is_some() => Aspect::Credential,
            _ => Aspect::Description,
        }
    }

    fn classify_denial(&self, resource: &Resource) -> DenyExtent {
        match (resource.get("policy"), resource.get("policy_arn")) {
            (Some(Value::Document(policy)), _) => {
                leasehold_policy::provider::classify_denies(policy, kinds::is_own_inline_policy(&resource.id))
            }
            (_, Some(Value::Text(policy))) => managed::classify_managed_policy(policy),
            _ => DenyExtent::Nothing,
        }
    }

    fn has_expired_lease(&self, policy: &Resource, now: Timestamp) -> bool {
        match policy.get("policy") {
            Some(Value::Document(document)) => {
                kinds::is_own_inline_policy(&policy.id)
                    && leasehold_policy::provider::is_lease_deny_in_effect(document, now)
            }
            _ => false,
        }
    }

    fn is_same_document(&self, a: &Document, b: &Document) -> bool {
        leasehold_policy::provider::are_same_policy(a, b)
    }

    fn describe_change(&self, change: &Change) -> Option<String> {
        describe::describe_change(change)
    }
}

impl PolicyDocuments for AwsRealizer {
    fn has_tag_condition(&self, policy: &Resource, tag: &str) -> bool {
        matches!(policy.get("policy"), Some(Value::Document(document)) if leasehold_policy::provider::tests_principal_tag(document, tag))
    }

    fn empty_own_policy(&self, whole: &ResourceId) -> Option<Resource> {
        let id = match kinds::containing_group(whole) {
            Some(name) => ResourceId::new(kinds::GROUP_POLICY, format!("{name}/{}", kinds::INLINE)),
            None => {
                kinds::owning_principal(whole).map(|(form, name)| kinds::inline_policy_id(form, name, kinds::INLINE))?
            }
        }
        .with_account(whole.account.as_ref());
        Some(
            Resource::new(id, None)
                .with_attribute("policy", Value::Document(document::build_policy(Vec::new())))
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
        let policy = |resource: Option<&Resource>| match resource?.get("policy")? {
            Value::Document(policy) => Some(document::parse_uncached(policy)),
            _ => None,
        };
        let fits = |policy: &Json| limits::fits_size_limit(&whole.id, &document::canonicalize_document(policy));
        let (old, new) = (policy(before), policy(after));
        let tight = leasehold_policy::provider::interim_policy(old.as_ref(), new.as_ref(), withheld, fits)?;
        Some(whole.clone().with_attribute("policy", Value::Document(document::canonicalize_document(&tight))))
    }
}

impl RoleTrusts for AwsRealizer {
    fn extract_trusts(&self, _realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        trusted::parse_trusts(role)
    }

    fn narrow_trust(&self, before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal> {
        trust::intersect_trusts(before, after, closed)
    }
}

/// A scope as a customer-managed policy. The description is not sent to AWS, because IAM cannot change the description of a policy.
fn shared_policy(stack: &StackName, scope: &Scope) -> Resource {
    let statements = scope.statements.iter().map(document::render_statement).collect();
    let mut policy = Resource::new(kinds::scope_policy_id(stack, &scope.name), None)
        .with_attribute("name", arn::scope_policy_name(stack, &scope.name))
        .with_attribute("path", arn::stack_path(stack))
        .with_attribute("policy", Value::Document(document::build_policy(statements)));
    policy.marks = Some(Marks::new(stack.clone(), scope.address()));
    if scope.statements.iter().any(|statement| statement.sensitive) {
        policy.sensitive.insert("policy".to_owned());
    }
    policy
}

fn realize_active(realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
    let mut resources = vec![realize_principal(realm, identity, marks)];
    resources.extend(own_policies(realm, identity, &marks.stack));
    let scopes = identity.spec.scopes.iter().map(|scope| arn::scope_policy_arn(realm, &marks.stack, scope));
    let policies = scopes.chain(identity.spec.outside_policies.iter().cloned());
    resources.extend(policies.map(|policy_arn| {
        let short = arn::policy_short_name(realm, &marks.stack, &policy_arn);
        let id = kinds::attachment_id(identity.spec.principal, &identity.spec.name, &short);
        Resource::new(id, Some(identity.spec.address.clone())).with_attribute("policy_arn", policy_arn)
    }));
    resources.extend(identity.spec.groups.iter().map(|group| {
        let id = ResourceId::new(kinds::MEMBERSHIP, format!("{}/{group}", identity.spec.name));
        Resource::new(id, Some(identity.spec.address.clone())).with_attribute("group", group.as_str())
    }));
    links::link_resources(realm, &marks.stack, &mut resources);
    resources
}

fn realize_principal(realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Resource {
    let id = kinds::principal_id(identity.spec.principal, &identity.spec.name);
    let mut principal = Resource::new(id, Some(identity.spec.address.clone()));
    principal.marks = Some(marks.clone());
    if let Some(path) = identity.spec.path.as_ref().filter(|path| *path != "/") {
        principal = principal.with_attribute("path", path.as_str());
    }
    if let Some(boundary) = &identity.spec.permissions_boundary {
        principal = principal.with_attribute("permissions_boundary", boundary.as_str());
    }
    if !identity.spec.tags.is_empty() {
        principal = principal.with_attribute("tags", Value::Map(identity.spec.tags.clone()));
    }
    if !identity.spec.sensitive_tags.is_empty() {
        principal.sensitive.insert("tags".to_owned());
    }
    if identity.spec.principal == Principal::User {
        return principal;
    }
    let trust = trust::build_trust_policy(realm, &identity.spec.trusts, identity.deadline);
    principal = principal.with_attribute("assume_role_policy", Value::Document(trust));
    if let Some(purpose) = identity.spec.purpose.as_ref().filter(|purpose| !purpose.is_empty()) {
        principal = principal.with_attribute("description", purpose.as_str());
    }
    match identity.spec.max_session_duration.map(|span| i64::from(span.as_seconds())) {
        Some(seconds) if seconds != DEFAULT_SESSION => {
            principal.with_attribute("max_session_duration", Value::Number(seconds))
        }
        _ => principal,
    }
}

/// The session duration in seconds of a role that declares none. It is never an attribute.
pub const DEFAULT_SESSION: i64 = 3600;

/// The identity's own statements and its lease deny, in one policy so that one call writes both. If they exceed the size of a user's inline
/// policies, the statements move to a managed policy of the user's own, and the lease deny stays inline.
fn own_policies(realm: &Realm, identity: &DesiredIdentity, stack: &StackName) -> Vec<Resource> {
    let statements: Vec<_> = identity.spec.statements.iter().map(document::render_statement).collect();
    let fence = identity.deadline.map(document::lease_deny_statement);
    let whole = document::build_policy(statements.iter().cloned().chain(fence.clone()).collect());
    let id = kinds::inline_policy_id(identity.spec.principal, &identity.spec.name, kinds::INLINE);
    let resource = |id: ResourceId| Resource::new(id, Some(identity.spec.address.clone()));
    let sensitive = identity.spec.statements.iter().any(|statement| statement.sensitive);
    let hidden = |mut resource: Resource| {
        resource.sensitive.extend(sensitive.then(|| "policy".to_owned()));
        resource
    };
    if statements.is_empty() && fence.is_none() {
        return Vec::new();
    }
    if identity.spec.principal == Principal::Role
        || document::render_document(&whole).chars().count() <= limits::USER_INLINE
    {
        return vec![hidden(resource(id).with_attribute("policy", Value::Document(whole)))];
    }
    let own = kinds::own_policy_id(stack, &identity.spec.name);
    let arn = arn::own_policy_arn(realm, stack, &identity.spec.name);
    let attachment =
        kinds::attachment_id(identity.spec.principal, &identity.spec.name, &arn::policy_short_name(realm, stack, &arn));
    let fence =
        fence.map(|fence| resource(id).with_attribute("policy", Value::Document(document::build_policy(vec![fence]))));
    let own = resource(own.clone())
        .with_attribute("name", arn::scope_policy_name(stack, kinds::part_name(&own)))
        .with_attribute("path", arn::stack_path(stack))
        .with_attribute("policy", Value::Document(document::build_policy(statements)));
    fence.into_iter().chain([hidden(own), resource(attachment).with_attribute("policy_arn", arn)]).collect()
}

#[cfg(test)]
mod tests;
