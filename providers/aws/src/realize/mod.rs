//! Desired identities and scopes → resources of IAM. Pure.

mod describe;
pub mod federation;
pub mod group;
pub mod limits;
pub mod managed;
mod quarantine;
mod trust;
mod trusted;

use jiff::Timestamp;
use leasehold_provider::{
    Aspect, Change, Credential, Custody, DesiredIdentity, Document, Federation, Group, LiveIdentity, Marks, Principal,
    Quarantine, Realize, Realm, Reserved, Resource, ResourceId, Scope, StackName, Trust, Value, Violation, Withheld,
    Withholds,
};
use serde_json::Value as Json;

use crate::{AwsProvider, arn, document, kinds, links};

/// The pure half of the provider: it needs no credentials, no account and no network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AwsRealizer;

impl Realize for AwsRealizer {
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId {
        kinds::principal(principal, name)
    }

    fn scope_id(&self, stack: &StackName, scope: &str) -> ResourceId {
        kinds::scope(stack, scope)
    }

    fn scope(&self, _realm: &Realm, stack: &StackName, scope: &Scope) -> Resource {
        shared_policy(stack, scope)
    }

    fn active(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        active(realm, identity, marks)
    }

    fn quarantined(&self, realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
        quarantine::quarantined(realm, live, quarantine)
    }

    fn federation(&self, _realm: &Realm, stack: &StackName, federation: &Federation) -> Option<Resource> {
        Some(federation::resource(stack, federation))
    }

    fn federation_limits(&self, federation: &Federation, resource: &Resource) -> Vec<Violation> {
        limits::federation(federation, resource)
    }

    fn group_id(&self, name: &str) -> ResourceId {
        kinds::group(name)
    }

    fn credential(&self, id: &ResourceId) -> Option<Credential> {
        kinds::credential(id)
    }

    fn leaves_be(&self, id: &ResourceId, guards_a_person: bool) -> bool {
        // Which instances a role is handed to is for those to say who run them; that it may be at all, its trust says.
        id.kind == kinds::PROFILE_MEMBERSHIP
            || (guards_a_person && kinds::credential(id) == Some(Credential::MfaDevice))
    }

    fn key_id(&self, user: &str, key: &str) -> Option<ResourceId> {
        Some(kinds::access_key(user, key))
    }

    fn trusts(&self, _realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        trusted::of(role)
    }

    fn group(&self, realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource> {
        group::group(realm, stack, group)
    }

    fn shared_whole(&self, id: &ResourceId) -> ResourceId {
        kinds::group_of(id).map_or_else(|| id.clone(), kinds::group)
    }

    fn group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation> {
        limits::group(group, resources)
    }

    fn limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
        limits::identity(identity, resources)
    }

    fn scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation> {
        limits::scope(scope, resource)
    }

    fn restricts(&self, resource: &Resource) -> bool {
        // A second factor guards a password: it goes after what it guards.
        kinds::credential(&resource.id) == Some(Credential::MfaDevice)
            || matches!(resource.get("policy"), Some(Value::Document(policy)) if document::denies(policy))
    }

    fn aspect(&self, id: &ResourceId, attribute: &str) -> Aspect {
        match attribute {
            "assume_role_policy" => Aspect::Trust,
            _ if [kinds::OIDC_PROVIDER, kinds::SAML_PROVIDER].contains(&id.kind) => Aspect::Trust,
            "permissions_boundary" => Aspect::Boundary,
            "policy" | "policy_arn" | "group" => Aspect::Access,
            "max_session_duration" => Aspect::Session,
            "tags" => Aspect::Tags,
            _ if kinds::credential(id).is_some() => Aspect::Credential,
            _ => Aspect::Description,
        }
    }

    fn withholds(&self, resource: &Resource) -> Withholds {
        match (resource.get("policy"), resource.get("policy_arn")) {
            (Some(Value::Document(policy)), _) => {
                leasehold_policy::provider::classify_denies(policy, kinds::is_own_inline(&resource.id))
            }
            (_, Some(Value::Text(policy))) => managed::withholds(policy),
            _ => Withholds::Nothing,
        }
    }

    fn is_over(&self, policy: &Resource, now: Timestamp) -> bool {
        match policy.get("policy") {
            Some(Value::Document(document)) => {
                kinds::is_own_inline(&policy.id) && leasehold_policy::provider::is_lease_deny_in_effect(document, now)
            }
            _ => false,
        }
    }

    fn heeds(&self, policy: &Resource, tag: &str) -> bool {
        matches!(policy.get("policy"), Some(Value::Document(document)) if leasehold_policy::provider::tests_principal_tag(document, tag))
    }

    fn own_policy(&self, whole: &ResourceId) -> Option<Resource> {
        let id = match kinds::group_of(whole) {
            Some(name) => ResourceId::new(kinds::GROUP_POLICY, format!("{name}/{}", kinds::INLINE)),
            None => kinds::holder(whole).map(|(form, name)| kinds::inline(form, name, kinds::INLINE))?,
        };
        Some(Resource::new(id, None).with("policy", Value::Document(document::policy(Vec::new()))).after(whole.clone()))
    }

    fn between(&self, before: Option<&Resource>, after: Option<&Resource>, withheld: &Withheld) -> Option<Resource> {
        let whole = after.or(before)?;
        let policy = |resource: Option<&Resource>| match resource?.get("policy")? {
            Value::Document(policy) => Some(document::glance(policy)),
            _ => None,
        };
        let fits = |policy: &Json| limits::has_room(&whole.id, &document::canonical(policy));
        let (old, new) = (policy(before), policy(after));
        let tight = leasehold_policy::provider::interim_policy(old.as_ref(), new.as_ref(), withheld, fits)?;
        Some(whole.clone().with("policy", Value::Document(document::canonical(&tight))))
    }

    fn reserved(&self, before: &Resource, after: &Resource, closed: bool) -> Option<Reserved> {
        trust::reserved(before, after, closed)
    }

    fn characters(&self, resource: &Resource, attribute: &str) -> usize {
        limits::size(resource, attribute)
    }

    fn one_space_of_names(&self) -> bool {
        false
    }

    fn named(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        arn::meant(realm, name)
    }

    fn name_of(&self, realm: &Realm, resource: &Resource) -> Option<String> {
        arn::of_object(realm, resource)
    }

    fn custody(&self, name: &str) -> Custody {
        arn::custody(name)
    }

    fn same_document(&self, a: &Document, b: &Document) -> bool {
        leasehold_policy::provider::are_same_policy(a, b)
    }

    fn describe(&self, change: &Change) -> Option<String> {
        describe::describe(change)
    }
}

/// The provider realizes as its pure half does.
impl Realize for AwsProvider {
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId {
        AwsRealizer.principal_id(principal, name)
    }

    fn scope_id(&self, stack: &StackName, scope: &str) -> ResourceId {
        AwsRealizer.scope_id(stack, scope)
    }

    fn scope(&self, realm: &Realm, stack: &StackName, scope: &Scope) -> Resource {
        AwsRealizer.scope(realm, stack, scope)
    }

    fn active(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        AwsRealizer.active(realm, identity, marks)
    }

    fn quarantined(&self, realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
        AwsRealizer.quarantined(realm, live, quarantine)
    }

    fn federation(&self, realm: &Realm, stack: &StackName, federation: &Federation) -> Option<Resource> {
        AwsRealizer.federation(realm, stack, federation)
    }

    fn federation_limits(&self, federation: &Federation, resource: &Resource) -> Vec<Violation> {
        AwsRealizer.federation_limits(federation, resource)
    }

    fn group_id(&self, name: &str) -> ResourceId {
        AwsRealizer.group_id(name)
    }

    fn credential(&self, id: &ResourceId) -> Option<Credential> {
        AwsRealizer.credential(id)
    }

    fn key_id(&self, user: &str, key: &str) -> Option<ResourceId> {
        AwsRealizer.key_id(user, key)
    }

    fn leaves_be(&self, id: &ResourceId, guards_a_person: bool) -> bool {
        AwsRealizer.leaves_be(id, guards_a_person)
    }

    fn trusts(&self, realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        AwsRealizer.trusts(realm, role)
    }

    fn group(&self, realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource> {
        AwsRealizer.group(realm, stack, group)
    }

    fn shared_whole(&self, id: &ResourceId) -> ResourceId {
        AwsRealizer.shared_whole(id)
    }

    fn group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation> {
        AwsRealizer.group_limits(group, resources)
    }

    fn limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
        AwsRealizer.limits(identity, resources)
    }

    fn scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation> {
        AwsRealizer.scope_limits(scope, resource)
    }

    fn restricts(&self, resource: &Resource) -> bool {
        AwsRealizer.restricts(resource)
    }

    fn aspect(&self, id: &ResourceId, attribute: &str) -> Aspect {
        AwsRealizer.aspect(id, attribute)
    }

    fn withholds(&self, resource: &Resource) -> Withholds {
        AwsRealizer.withholds(resource)
    }

    fn is_over(&self, policy: &Resource, now: Timestamp) -> bool {
        AwsRealizer.is_over(policy, now)
    }

    fn heeds(&self, policy: &Resource, tag: &str) -> bool {
        AwsRealizer.heeds(policy, tag)
    }

    fn own_policy(&self, whole: &ResourceId) -> Option<Resource> {
        AwsRealizer.own_policy(whole)
    }

    fn between(&self, before: Option<&Resource>, after: Option<&Resource>, withheld: &Withheld) -> Option<Resource> {
        AwsRealizer.between(before, after, withheld)
    }

    fn reserved(&self, before: &Resource, after: &Resource, closed: bool) -> Option<Reserved> {
        AwsRealizer.reserved(before, after, closed)
    }

    fn characters(&self, resource: &Resource, attribute: &str) -> usize {
        AwsRealizer.characters(resource, attribute)
    }

    fn one_space_of_names(&self) -> bool {
        AwsRealizer.one_space_of_names()
    }

    fn named(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        AwsRealizer.named(realm, name)
    }

    fn name_of(&self, realm: &Realm, resource: &Resource) -> Option<String> {
        AwsRealizer.name_of(realm, resource)
    }

    fn custody(&self, name: &str) -> Custody {
        AwsRealizer.custody(name)
    }

    fn same_document(&self, a: &Document, b: &Document) -> bool {
        AwsRealizer.same_document(a, b)
    }

    fn describe(&self, change: &Change) -> Option<String> {
        AwsRealizer.describe(change)
    }
}

/// A scope as a customer-managed policy. Its description stays in the configuration: IAM cannot change one.
fn shared_policy(stack: &StackName, scope: &Scope) -> Resource {
    let statements = scope.statements.iter().map(document::statement).collect();
    let mut policy = Resource::new(kinds::scope(stack, &scope.name), None)
        .with("name", arn::scope_policy_name(stack, &scope.name))
        .with("path", arn::stack_path(stack))
        .with("policy", Value::Document(document::policy(statements)));
    policy.marks = Some(Marks::new(stack.clone(), scope.address()));
    if scope.statements.iter().any(|statement| statement.sensitive) {
        policy.sensitive.insert("policy".to_owned());
    }
    policy
}

fn active(realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
    let mut resources = vec![principal(realm, identity, marks)];
    resources.extend(own_policies(realm, identity, &marks.stack));
    let scopes = identity.scopes.iter().map(|scope| arn::scope_policy(realm, &marks.stack, scope));
    let policies = scopes.chain(identity.managed_policy_arns.iter().cloned());
    resources.extend(policies.map(|policy_arn| {
        let short = arn::short_name(realm, &marks.stack, &policy_arn);
        let id = kinds::attachment(identity.principal, &identity.name, &short);
        Resource::new(id, Some(identity.address.clone())).with("policy_arn", policy_arn)
    }));
    resources.extend(identity.groups.iter().map(|group| {
        let id = ResourceId::new(kinds::MEMBERSHIP, format!("{}/{group}", identity.name));
        Resource::new(id, Some(identity.address.clone())).with("group", group.as_str())
    }));
    links::link(realm, &marks.stack, &mut resources);
    resources
}

fn principal(realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Resource {
    let id = kinds::principal(identity.principal, &identity.name);
    let mut principal = Resource::new(id, Some(identity.address.clone()));
    principal.marks = Some(marks.clone());
    if let Some(path) = identity.path.as_ref().filter(|path| *path != "/") {
        principal = principal.with("path", path.as_str());
    }
    if let Some(boundary) = &identity.permissions_boundary {
        principal = principal.with("permissions_boundary", boundary.as_str());
    }
    if !identity.tags.is_empty() {
        principal = principal.with("tags", Value::Map(identity.tags.clone()));
    }
    if !identity.sensitive_tags.is_empty() {
        principal.sensitive.insert("tags".to_owned());
    }
    if identity.principal == Principal::User {
        return principal;
    }
    let trust = trust::policy(realm, &identity.trusts, identity.deadline);
    principal = principal.with("assume_role_policy", Value::Document(trust));
    if let Some(purpose) = identity.purpose.as_ref().filter(|purpose| !purpose.is_empty()) {
        principal = principal.with("description", purpose.as_str());
    }
    match identity.max_session_duration.map(|span| i64::from(span.seconds())) {
        Some(seconds) if seconds != DEFAULT_SESSION => principal.with("max_session_duration", Value::Number(seconds)),
        _ => principal,
    }
}

/// The session duration of a role that says nothing, in seconds. It is never an attribute.
pub const DEFAULT_SESSION: i64 = 3600;

/// The identity's own statements and its lease fence, together in one policy: there is no moment between the two. Where a
/// user's inline policy has no room for them, the statements move to a managed policy of the user's own, and the fence stays.
fn own_policies(realm: &Realm, identity: &DesiredIdentity, stack: &StackName) -> Vec<Resource> {
    let statements: Vec<_> = identity.statements.iter().map(document::statement).collect();
    let fence = identity.deadline.map(document::fence);
    let whole = document::policy(statements.iter().cloned().chain(fence.clone()).collect());
    let id = kinds::inline(identity.principal, &identity.name, kinds::INLINE);
    let resource = |id: ResourceId| Resource::new(id, Some(identity.address.clone()));
    let sensitive = identity.statements.iter().any(|statement| statement.sensitive);
    let hidden = |mut resource: Resource| {
        resource.sensitive.extend(sensitive.then(|| "policy".to_owned()));
        resource
    };
    if statements.is_empty() && fence.is_none() {
        return Vec::new();
    }
    if identity.principal == Principal::Role || document::text(&whole).chars().count() <= limits::USER_INLINE {
        return vec![hidden(resource(id).with("policy", Value::Document(whole)))];
    }
    let own = kinds::own_policy(stack, &identity.name);
    let arn = arn::own_policy(realm, stack, &identity.name);
    let attachment = kinds::attachment(identity.principal, &identity.name, &arn::short_name(realm, stack, &arn));
    let fence = fence.map(|fence| resource(id).with("policy", Value::Document(document::policy(vec![fence]))));
    let own = resource(own.clone())
        .with("name", arn::scope_policy_name(stack, kinds::part(&own)))
        .with("path", arn::stack_path(stack))
        .with("policy", Value::Document(document::policy(statements)));
    fence.into_iter().chain([hidden(own), resource(attachment).with("policy_arn", arn)]).collect()
}

#[cfg(test)]
mod tests;
