//! Groups: the group, its one inline policy, its attachments. The path is the mark.

use std::collections::BTreeMap;

use leasehold_provider::{Address, Group, Marks, Realm, Resource, ResourceId, StackName, Value};

use crate::{arn, document, kinds};

/// All that a group is and holds.
pub fn group(realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource> {
    let mut resources = vec![resource(stack, &group.name)];
    for root in &mut resources {
        root.marks = Some(Marks::new(stack.clone(), group.address.clone()));
    }
    if !group.statements.is_empty() {
        let policy = document::policy(group.statements.iter().map(document::statement).collect());
        let mut inline = inline(&group.name, kinds::INLINE, Value::Document(policy));
        if group.statements.iter().any(|statement| statement.sensitive) {
            inline.sensitive.insert("policy".to_owned());
        }
        resources.push(inline);
    }
    let scopes = group.scopes.iter().map(|scope| arn::scope_policy(realm, stack, scope));
    let policies = scopes.chain(group.managed_policy_arns.iter().cloned());
    resources.extend(policies.map(|policy| attachment(realm, stack, &group.name, policy)));
    resources
}

/// A group of the stack, without marks.
pub fn resource(stack: &StackName, name: &str) -> Resource {
    Resource::new(kinds::group(name), None).with("path", arn::stack_path(stack))
}

/// An inline policy of a group.
pub fn inline(group: &str, policy: &str, document: Value) -> Resource {
    let id = ResourceId::new(kinds::GROUP_POLICY, format!("{group}/{policy}"));
    Resource::new(id, None).with("policy", document).after(kinds::group(group))
}

/// A managed policy on a group.
pub fn attachment(realm: &Realm, stack: &StackName, group: &str, policy_arn: String) -> Resource {
    let short = arn::short_name(realm, stack, &policy_arn);
    let id = ResourceId::new(kinds::GROUP_ATTACHMENT, format!("{group}/{short}"));
    let scope = arn::scope_of(realm, stack, &policy_arn).map(|scope| kinds::scope(stack, scope));
    let mut attachment = Resource::new(id, None).with("policy_arn", policy_arn).after(kinds::group(group));
    attachment.depends_on.extend(scope);
    attachment
}

/// The address of a group that lives: nothing in the cloud says its label, so it goes by its name.
pub fn address(name: &str) -> Address {
    Address::from_text(format!("group.{name}"))
}

/// The resources by id.
pub fn by_id(resources: Vec<Resource>) -> BTreeMap<ResourceId, Resource> {
    resources.into_iter().map(|resource| (resource.id.clone(), resource)).collect()
}
