//! Turns groups into resources: the group, its inline policy and its attachments. IAM cannot tag groups, so the path is the mark.

use std::collections::BTreeMap;

use leasehold_provider::{Address, Group, Marks, Realm, Resource, ResourceId, StackName, Value};

use crate::{arn, document, kinds};

/// All resources of a group.
pub fn realize_group(realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource> {
    let mut resources = vec![group_resource(stack, &group.name)];
    for root in &mut resources {
        root.marks = Some(Marks::new(stack.clone(), group.address.clone()));
    }
    if !group.statements.is_empty() {
        let policy = document::build_policy(group.statements.iter().map(document::render_statement).collect());
        let mut inline = group_inline_policy(&group.name, kinds::INLINE, Value::Document(policy));
        if group.statements.iter().any(|statement| statement.sensitive) {
            inline.sensitive.insert("policy".to_owned());
        }
        resources.push(inline);
    }
    let scopes = group.scopes.iter().map(|scope| arn::scope_policy_arn(realm, stack, scope));
    let policies = scopes.chain(group.outside_policies.iter().cloned());
    resources.extend(policies.map(|policy| group_attachment(realm, stack, &group.name, policy)));
    resources
}

/// A group of the stack, without marks.
pub fn group_resource(stack: &StackName, name: &str) -> Resource {
    Resource::new(kinds::group_id(name), None).with_attribute("path", arn::stack_path(stack))
}

/// An inline policy of a group.
pub fn group_inline_policy(group: &str, policy: &str, document: Value) -> Resource {
    let id = ResourceId::new(kinds::GROUP_POLICY, format!("{group}/{policy}"));
    Resource::new(id, None).with_attribute("policy", document).with_dependency(kinds::group_id(group))
}

/// A managed policy attached to a group.
pub fn group_attachment(realm: &Realm, stack: &StackName, group: &str, policy_arn: String) -> Resource {
    let short = arn::policy_short_name(realm, stack, &policy_arn);
    let id = ResourceId::new(kinds::GROUP_ATTACHMENT, format!("{group}/{short}"));
    let scope = arn::scope_from_policy_arn(realm, stack, &policy_arn).map(|scope| kinds::scope_policy_id(stack, scope));
    let mut attachment =
        Resource::new(id, None).with_attribute("policy_arn", policy_arn).with_dependency(kinds::group_id(group));
    attachment.depends_on.extend(scope);
    attachment
}

/// The address of a live group. No attribute of the group contains its label, so the address uses its name.
pub fn address_from_name(name: &str) -> Address {
    Address::from_text(format!("group.{name}"))
}

/// Indexes resources by id.
pub fn index_by_id(resources: Vec<Resource>) -> BTreeMap<ResourceId, Resource> {
    resources.into_iter().map(|resource| (resource.id.clone(), resource)).collect()
}
