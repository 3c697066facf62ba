//! Decisions in, resources out. Pure.

use jiff::Timestamp;
use leasehold_provider::{
    Change, Credential, DesiredIdentity, Document, Group, LiveIdentity, Marks, Principal, Quarantine, Realize, Realm,
    Reserved, Resource, ResourceId, Scope, StackName, Trust, Value, Violation, Withheld, Withholds,
};

use leasehold_policy::provider::INTERIM_DENY_SID;

use crate::kinds::{self, Part, Target};
use crate::{LocalDirectory, documents, groups, limits, order, trusts};

/// The status of a key that works.
pub const KEY_ACTIVE: &str = "Active";
/// The status of a key that is switched off.
pub const KEY_INACTIVE: &str = "Inactive";

impl Realize for LocalDirectory {
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId {
        kinds::principal_id(principal, name)
    }

    fn scope_id(&self, _stack: &StackName, scope: &str) -> ResourceId {
        ResourceId::new(kinds::POLICY, scope)
    }

    fn scope(&self, _realm: &Realm, stack: &StackName, scope: &Scope) -> Resource {
        let mut resource = Resource::new(ResourceId::new(kinds::POLICY, scope.name.as_str()), None)
            .with("policy", Value::Document(documents::policy(&scope.statements)));
        if let Some(description) = &scope.description {
            resource = resource.with("description", description.as_str());
        }
        if scope.statements.iter().any(|statement| statement.sensitive) {
            resource.sensitive.insert("policy".to_owned());
        }
        resource.marks = Some(Marks::new(stack.clone(), scope.address()));
        resource
    }

    fn active(&self, _realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        let principal = active_principal(identity, marks);
        let id = principal.id.clone();
        let mut resources = vec![principal];
        let part = |kind, name: &str| {
            Resource::new(kinds::part_id(kind, &identity.name, name), Some(identity.address.clone()))
        };
        if let Some(policy) = documents::lease_policy(&identity.statements, identity.deadline) {
            let mut lease = part(kinds::INLINE_POLICY, kinds::LEASE_POLICY).with("policy", Value::Document(policy));
            if identity.statements.iter().any(|statement| statement.sensitive) {
                lease.sensitive.insert("policy".to_owned());
            }
            resources.push(lease);
        }
        for policy in identity.scopes.iter().chain(&identity.managed_policy_arns) {
            resources.push(part(kinds::ATTACHMENT, policy).with("policy", policy.as_str()));
        }
        for group in &identity.groups {
            resources.push(part(kinds::MEMBERSHIP, group).with("group", group.as_str()));
        }
        order::arrange(&id, &mut resources);
        resources
    }

    fn quarantined(&self, _realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
        let lease = kinds::part_id(kinds::INLINE_POLICY, &live.name, kinds::LEASE_POLICY);
        let mut resources: Vec<Resource> =
            live.resources.values().filter_map(|resource| shut(resource, live, quarantine)).collect();
        if !resources.iter().any(|resource| resource.id == lease) {
            resources.push(Resource::new(lease.clone(), Some(live.marks.address.clone())));
        }
        for resource in resources.iter_mut().filter(|resource| resource.id == lease) {
            *resource = resource.clone().with("policy", Value::Document(documents::deny_everything()));
        }
        order::arrange(&live.id, &mut resources);
        resources.sort_by(|a, b| a.id.cmp(&b.id));
        resources
    }

    fn group_id(&self, name: &str) -> ResourceId {
        kinds::group_id(name)
    }

    fn credential(&self, id: &ResourceId) -> Option<Credential> {
        match kinds::target(id)? {
            Target::Part(_, Part::Key(_)) => Some(Credential::AccessKey),
            Target::Part(_, Part::Login) => Some(Credential::Login),
            _ => None,
        }
    }

    fn key_id(&self, user: &str, key: &str) -> Option<ResourceId> {
        Some(kinds::part_id(kinds::ACCESS_KEY, user, key))
    }

    fn trusts(&self, _realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        trusts::of(role)
    }

    fn group(&self, _realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource> {
        let mut root = Resource::new(kinds::group_id(&group.name), None);
        root.marks = Some(Marks::new(stack.clone(), group.address.clone()));
        let mut resources = vec![root];
        if !group.statements.is_empty() {
            let mut inline = groups::inline(&group.name, kinds::LEASE_POLICY, documents::policy(&group.statements));
            if group.statements.iter().any(|statement| statement.sensitive) {
                inline.sensitive.insert("policy".to_owned());
            }
            resources.push(inline);
        }
        let policies = group.scopes.iter().chain(&group.managed_policy_arns);
        resources.extend(policies.map(|policy| groups::attachment(&group.name, policy)));
        resources
    }

    fn shared_whole(&self, id: &ResourceId) -> ResourceId {
        match kinds::target(id) {
            Some(Target::GroupPart(group, _)) => kinds::group_id(group),
            _ => id.clone(),
        }
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
        matches!(resource.get("policy"), Some(Value::Document(policy)) if documents::denies(policy))
    }

    fn characters(&self, resource: &Resource, attribute: &str) -> usize {
        resource.json(attribute).map_or(0, |document| document.to_string().chars().count())
    }

    fn one_space_of_names(&self) -> bool {
        true
    }

    fn named(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        kinds::principal_of_path(name.strip_prefix(&realm.account)?.strip_prefix(':')?)
    }

    fn withholds(&self, resource: &Resource) -> Withholds {
        match resource.get("policy") {
            Some(Value::Document(policy)) => {
                leasehold_policy::provider::classify_denies(policy, kinds::is_fenced(&resource.id))
            }
            _ => Withholds::Nothing,
        }
    }

    fn is_over(&self, policy: &Resource, now: Timestamp) -> bool {
        match policy.get("policy") {
            Some(Value::Document(document)) => {
                kinds::is_fenced(&policy.id) && leasehold_policy::provider::is_lease_deny_in_effect(document, now)
            }
            _ => false,
        }
    }

    fn heeds(&self, policy: &Resource, tag: &str) -> bool {
        matches!(policy.get("policy"), Some(Value::Document(document)) if leasehold_policy::provider::tests_principal_tag(document, tag))
    }

    fn own_policy(&self, whole: &ResourceId) -> Option<Resource> {
        let kind = match kinds::target(whole)? {
            Target::Principal(..) => kinds::INLINE_POLICY,
            Target::Group(_) => kinds::GROUP_POLICY,
            _ => return None,
        };
        let id = kinds::part_id(kind, &whole.name, kinds::LEASE_POLICY);
        Some(Resource::new(id, None).with("policy", Value::Document(documents::empty())).after(whole.clone()))
    }

    fn between(&self, before: Option<&Resource>, after: Option<&Resource>, withheld: &Withheld) -> Option<Resource> {
        let whole = after.or(before)?;
        let fits = |policy: &serde_json::Value| limits::has_room(&whole.id, policy);
        let policy = |resource: Option<&Resource>| resource.and_then(|it| it.json("policy")).cloned();
        let tight = leasehold_policy::provider::interim_policy(
            policy(before).as_ref(),
            policy(after).as_ref(),
            withheld,
            fits,
        )?;
        Some(whole.clone().with("policy", Value::Document(tight.into())))
    }

    fn reserved(&self, before: &Resource, after: &Resource, closed: bool) -> Option<Reserved> {
        let (Some(Value::Document(old)), Some(Value::Document(new))) = (before.get("trust"), after.get("trust")) else {
            return None;
        };
        let both = leasehold_policy::provider::interim_trust_statements(old, new);
        let closed = closed || !leasehold_policy::provider::trusts_any_principal(&both);
        let trust = if closed { documents::closed_trust() } else { documents::document(both) };
        let mut principal = before.clone().with("trust", Value::Document(trust));
        principal.depends_on.retain(|id| !closed && after.depends_on.contains(id));
        Some(Reserved { principal, closed })
    }

    fn same_document(&self, a: &Document, b: &Document) -> bool {
        leasehold_policy::provider::are_same_policy(a, b)
    }

    fn describe(&self, change: &Change) -> Option<String> {
        let attribute = |name| change.after().and_then(|after| after.get(name));
        match kinds::target(change.id())? {
            Target::Part(_, Part::Inline(_)) | Target::GroupPart(_, Part::Inline(_)) => {
                let policy = attribute("policy")?.as_document()?;
                let words = [
                    (documents::QUARANTINE_SID, "deny everything"),
                    (documents::FENCE_SID, "lease fence"),
                    (INTERIM_DENY_SID, "deny everything meanwhile"),
                ];
                let (_, text) = words.into_iter().find(|(sid, _)| documents::has_statement(policy, sid))?;
                Some(text.to_owned())
            }
            Target::Part(_, Part::Key(ResourceId::NEW)) => Some(format!("secret → {}", attribute("store")?.as_text()?)),
            Target::Part(_, Part::Key(_)) => {
                (attribute("status")?.as_text()? == KEY_INACTIVE).then(|| "key switched off".to_owned())
            }
            Target::Principal(Principal::Role, _) => {
                let closed = Value::Document(documents::closed_trust());
                let was_open = change.before().and_then(|before| before.get("trust")).is_some_and(|t| *t != closed);
                (was_open && *attribute("trust")? == closed).then(|| "trust closed".to_owned())
            }
            Target::Principal(Principal::User, _)
            | Target::Policy(_)
            | Target::Part(..)
            | Target::Group(_)
            | Target::GroupPart(..) => None,
        }
    }
}

fn active_principal(identity: &DesiredIdentity, marks: &Marks) -> Resource {
    let id = kinds::principal_id(identity.principal, &identity.name);
    let mut resource = Resource::new(id, Some(identity.address.clone()));
    if let Some(purpose) = &identity.purpose {
        resource = resource.with("description", purpose.as_str());
    }
    if let Some(boundary) = &identity.permissions_boundary {
        resource = resource.with("permissions_boundary", boundary.as_str());
    }
    if !identity.tags.is_empty() {
        resource = resource.with("tags", Value::Map(identity.tags.clone()));
    }
    // Views hide whole attributes, so that one sensitive tag hides them all.
    if identity.tags.keys().any(|key| identity.sensitive_tags.contains(key)) {
        resource.sensitive.insert("tags".to_owned());
    }
    if identity.principal == Principal::Role {
        resource = resource.with("trust", Value::Document(documents::trust(&identity.trusts, identity.deadline)));
        if let Some(longest) = identity.max_session_duration {
            resource = resource.with("max_session_duration", Value::Number(i64::from(longest.seconds())));
        }
    }
    resource.marks = Some(marks.clone());
    resource
}

/// The object as it is while its identity is quarantined; `None` where it goes. Attachments and policies stay as they are:
/// the Deny beats them, and a restored identity finds them again.
fn shut(resource: &Resource, live: &LiveIdentity, quarantine: &Quarantine) -> Option<Resource> {
    let mut resource = resource.clone();
    match kinds::target(&resource.id) {
        Some(Target::Principal(form, _)) => {
            if form == Principal::Role {
                resource = resource.with("trust", Value::Document(documents::closed_trust()));
            }
            resource.marks = Some(Marks { quarantine: Some(quarantine.clone()), ..live.marks.clone() });
        }
        Some(Target::Part(_, Part::Key(_))) => resource = resource.with("status", KEY_INACTIVE),
        // Groups are left; the configuration says them anew when it comes back.
        Some(Target::Part(_, Part::Login | Part::Membership(_))) => return None,
        Some(
            Target::Part(_, Part::Inline(_) | Part::Attachment(_))
            | Target::Policy(_)
            | Target::Group(_)
            | Target::GroupPart(..),
        )
        | None => {}
    }
    Some(resource)
}
