//! The pure half: users, scopes and grants as resources.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use leasehold_provider::{
    Access, AccessLevel, AccessVerdict, Answer, Aspect, Assessment, Change, CheckLimits, CloudNames, Compare,
    Comparison, ContributingStatement, Credential, Custody, DenyExtent, DesiredIdentity, Document, Effect,
    LiveIdentity, Marks, ObjectIds, Permission, PolicySemantics, Principal, Quarantine, Question, RealizeObjects,
    Realizer, Realm, Resource, ResourceId, ResourceKind, Scope, StackName, Statement, Value, Violation,
};
use serde_json::json;

/// A role that can log in.
pub const USER: ResourceKind = ResourceKind::new("database_user");
/// A role without login, which has the grants of a scope.
pub const SCOPE: ResourceKind = ResourceKind::new("database_role");
/// A user's membership of a role: `USER/ROLE`.
pub const MEMBERSHIP: ResourceKind = ResourceKind::new("database_membership");
/// A grant to a user: `USER/PRIVILEGE OBJECT`.
pub const GRANT: ResourceKind = ResourceKind::new("database_grant");
/// A user's password: `USER/password`.
pub const PASSWORD: ResourceKind = ResourceKind::new("database_password");

/// A privilege on an object, such as `SELECT` on `orders`.
pub type Grant = (String, String);

/// The pure half of the provider.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseRealizer;

pub fn build_realizer() -> Realizer {
    Realizer {
        lineage: None,
        ids: Arc::new(DatabaseRealizer),
        names: Arc::new(DatabaseRealizer),
        objects: Arc::new(DatabaseRealizer),
        limits: Arc::new(DatabaseRealizer),
        semantics: Arc::new(DatabaseRealizer),
        policies: None,
        trusts: None,
        groups: None,
        federations: None,
        keys: None,
    }
}

pub fn user_id(name: &str) -> ResourceId {
    ResourceId::new(USER, name)
}

pub fn part_id(kind: ResourceKind, user: &str, part: &str) -> ResourceId {
    ResourceId::new(kind, format!("{user}/{part}"))
}

/// The name of the role of a scope. The names of users have no dot.
pub fn scope_role(stack: &StackName, scope: &str) -> String {
    format!("{stack}.{scope}")
}

pub fn grants_document(grants: &BTreeSet<Grant>) -> Document {
    Document::new(grants.iter().map(|(privilege, object)| json!([privilege, object])).collect())
}

pub fn parse_grants(document: &Document) -> BTreeSet<Grant> {
    serde_json::from_value(document.as_json_value().clone()).unwrap_or_default()
}

pub fn list_grants(statements: &[Statement]) -> BTreeSet<Grant> {
    let pairs = |statement: &Statement| {
        let objects = statement.resources.clone();
        let actions = statement.actions.clone();
        actions
            .into_iter()
            .flat_map(move |action| objects.clone().into_iter().map(move |object| (action.clone(), object)))
    };
    statements.iter().flat_map(pairs).collect()
}

pub fn user_resource(name: &str, login: bool, valid_until: Option<&str>, comment: Option<&str>) -> Resource {
    let mut user = Resource::new(user_id(name), None).with_attribute("login", Value::Flag(login));
    if let Some(date) = valid_until {
        user = user.with_attribute("valid_until", date);
    }
    if let Some(comment) = comment {
        user = user.with_attribute("comment", comment);
    }
    user
}

pub fn membership_resource(user: &str, role: &str) -> Resource {
    Resource::new(part_id(MEMBERSHIP, user, role), None)
        .with_attribute("role", role)
        .with_dependency(user_id(user))
        .with_dependency(ResourceId::new(SCOPE, role))
}

pub fn grant_resource(user: &str, (privilege, object): &Grant) -> Resource {
    let one = BTreeSet::from([(privilege.clone(), object.clone())]);
    Resource::new(part_id(GRANT, user, &format!("{privilege} {object}")), None)
        .with_attribute("grants", Value::Document(grants_document(&one)))
        .with_dependency(user_id(user))
}

pub fn scope_resource(role: &str, grants: &BTreeSet<Grant>, comment: Option<&str>) -> Resource {
    let resource = Resource::new(ResourceId::new(SCOPE, role), None)
        .with_attribute("grants", Value::Document(grants_document(grants)));
    match comment {
        Some(comment) => resource.with_attribute("comment", comment),
        None => resource,
    }
}

impl ObjectIds for DatabaseRealizer {
    fn principal_id(&self, _principal: Principal, name: &str) -> ResourceId {
        user_id(name)
    }

    fn scope_id(&self, stack: &StackName, scope: &str) -> ResourceId {
        ResourceId::new(SCOPE, scope_role(stack, scope))
    }

    fn shared_root_id(&self, id: &ResourceId) -> ResourceId {
        id.clone()
    }

    fn has_single_namespace(&self) -> bool {
        true
    }
}

impl CloudNames for DatabaseRealizer {
    fn find_by_cloud_name(&self, _realm: &Realm, name: &str) -> Option<ResourceId> {
        (!name.contains(['.', '/'])).then(|| user_id(name))
    }

    fn cloud_name(&self, _realm: &Realm, resource: &Resource) -> Option<String> {
        (resource.id.kind == USER).then(|| resource.id.name.clone())
    }

    fn classify_custody(&self, name: &str) -> Custody {
        if name.starts_with("pg_") { Custody::Reserved } else { Custody::Customer }
    }
}

impl RealizeObjects for DatabaseRealizer {
    fn realize_scope(&self, _realm: &Realm, stack: &StackName, scope: &Scope) -> Resource {
        let role = scope_role(stack, &scope.name);
        let mut resource = scope_resource(&role, &list_grants(&scope.statements), scope.description.as_deref());
        resource.marks = Some(Marks::new(stack.clone(), scope.address()));
        resource
    }

    fn realize_identity(&self, _realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        let date = identity.deadline.map(|deadline| deadline.to_string());
        let mut user = user_resource(&identity.spec.name, true, date.as_deref(), identity.spec.purpose.as_deref());
        if !identity.spec.tags.is_empty() {
            user = user.with_attribute("labels", Value::Map(identity.spec.tags.clone()));
        }
        user.marks = Some(marks.clone());
        let scopes = identity.spec.scopes.iter().map(|scope| scope_role(&marks.stack, scope));
        let roles = scopes.chain(identity.spec.outside_policies.iter().cloned());
        let members = roles.map(|role| membership_resource(&identity.spec.name, &role));
        let grants = list_grants(&identity.spec.statements);
        let grants = grants.iter().map(|grant| grant_resource(&identity.spec.name, grant));
        let whole = std::iter::once(user).chain(members).chain(grants);
        whole.map(|part| Resource { identity: Some(identity.spec.address.clone()), ..part }).collect()
    }

    fn realize_quarantine(&self, _realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
        let shut = |part: &Resource| {
            if part.id != live.id {
                return part.clone();
            }
            let marks = Marks { quarantine: Some(quarantine.clone()), ..live.marks.clone() };
            Resource { marks: Some(marks), ..part.clone().with_attribute("login", Value::Flag(false)) }
        };
        live.resources.values().map(shut).collect()
    }
}

impl CheckLimits for DatabaseRealizer {
    fn check_identity_limits(&self, identity: &DesiredIdentity, _resources: &[Resource]) -> Vec<Violation> {
        check_statements(&identity.spec.address, &identity.spec.statements)
    }

    fn check_scope_limits(&self, scope: &Scope, _resource: &Resource) -> Vec<Violation> {
        check_statements(&scope.address(), &scope.statements)
    }

    fn count_characters(&self, _resource: &Resource, _attribute: &str) -> usize {
        0
    }
}

/// A grant has no conditions, and cannot deny.
fn check_statements(subject: &leasehold_provider::Address, statements: &[Statement]) -> Vec<Violation> {
    let wrong = statements.iter().filter(|it| it.effect == Effect::Deny || !it.conditions.is_empty());
    let violation = |_| Violation {
        subject: subject.clone(),
        attribute: "statement",
        problem: "a database grants privileges without conditions, and denies none".to_owned(),
        help: "state what is granted".to_owned(),
    };
    wrong.map(violation).collect()
}

impl PolicySemantics for DatabaseRealizer {
    fn credential_kind(&self, id: &ResourceId) -> Option<Credential> {
        (id.kind == PASSWORD).then_some(Credential::Login)
    }

    fn is_left_unchanged(&self, _id: &ResourceId, _guards_a_person: bool) -> bool {
        false
    }

    fn is_restriction(&self, resource: &Resource) -> bool {
        resource.get("login") == Some(&Value::Flag(false)) || resource.get("valid_until").is_some()
    }

    fn classify_attribute(&self, _id: &ResourceId, attribute: &str) -> Aspect {
        match attribute {
            "role" | "grants" => Aspect::Access,
            "login" | "status" => Aspect::Credential,
            "labels" => Aspect::Tags,
            _ => Aspect::Description,
        }
    }

    fn classify_denial(&self, resource: &Resource) -> DenyExtent {
        match resource.get("login") {
            Some(Value::Flag(false)) => DenyExtent::Everything,
            _ => DenyExtent::Nothing,
        }
    }

    fn has_expired_lease(&self, resource: &Resource, now: Timestamp) -> bool {
        let date = resource.get("valid_until").and_then(Value::as_text);
        date.is_some_and(|date| date.parse::<Timestamp>().is_ok_and(|date| date <= now))
    }

    fn is_same_document(&self, a: &Document, b: &Document) -> bool {
        parse_grants(a) == parse_grants(b)
    }

    fn describe_change(&self, change: &Change) -> Option<String> {
        let after = change.resource_after()?;
        (after.get("login") == Some(&Value::Flag(false))).then(|| "login disabled".to_owned())
    }
}

/// All grants of an access.
fn union_of_grants(access: &Access) -> BTreeSet<Grant> {
    access.policies.iter().flat_map(parse_grants).collect()
}

impl Compare for DatabaseRealizer {
    fn compare_access(&self, old: &Access, new: &Access) -> Comparison {
        let (before, after) = (union_of_grants(old), union_of_grants(new));
        let verdict = match (old.opaque == new.opaque, before.is_subset(&after), after.is_subset(&before)) {
            (false, ..) => AccessVerdict::Unknown,
            (_, true, true) => AccessVerdict::Equivalent,
            (_, true, false) => AccessVerdict::Expands,
            (_, false, true) => AccessVerdict::Narrows,
            (_, false, false) => AccessVerdict::Incomparable,
        };
        let witness = after.difference(&before).next().map(|(privilege, object)| format!("{privilege} on {object}"));
        let reason = (verdict == AccessVerdict::Unknown).then(|| "the grants of a role are not read".to_owned());
        Comparison { verdict, witness, reason }
    }

    fn assess_accesses(&self, accesses: &[Access]) -> Vec<Assessment> {
        let level = |access: &Access| {
            let of_grant = |(privilege, _): &Grant| match privilege.as_str() {
                "SELECT" => AccessLevel::Read,
                _ => AccessLevel::Write,
            };
            union_of_grants(access).iter().map(of_grant).max().unwrap_or(AccessLevel::None)
        };
        accesses.iter().map(|access| Assessment { level: level(access), findings: Vec::new() }).collect()
    }

    fn decide_permission(&self, access: &Access, question: &Question<'_>) -> Answer {
        let desired = (question.action.to_owned(), question.resource.to_owned());
        let through: Vec<ContributingStatement> = access
            .policies
            .iter()
            .enumerate()
            .flat_map(|(policy, document)| parse_grants(document).into_iter().enumerate().map(move |it| (policy, it)))
            .filter(|(_, (_, grant))| *grant == desired)
            .map(|(policy, (statement, _))| ContributingStatement {
                policy,
                statement,
                sid: None,
                conditions: Vec::new(),
            })
            .collect();
        let permission = if through.is_empty() { Permission::No } else { Permission::Yes };
        Answer { permission, through, unless: Vec::new(), unread: access.opaque.clone() }
    }
}

/// The resources of a user by id, each part of `whole`.
pub fn index_parts(
    parts: impl IntoIterator<Item = Resource>,
    whole: &leasehold_provider::Address,
) -> BTreeMap<ResourceId, Resource> {
    let part = |part: Resource| (part.id.clone(), Resource { identity: Some(whole.clone()), ..part });
    parts.into_iter().map(part).collect()
}
