//! Builds the resources of a group's parts. Desired and live parts are built here alike, so that they compare equal.

use leasehold_provider::{Document, Resource, ResourceId, Value};

use crate::kinds;

/// Builds an inline policy of a group.
pub fn group_inline_policy(group: &str, name: &str, policy: Document) -> Resource {
    let id = kinds::part_id(kinds::GROUP_POLICY, group, name);
    Resource::new(id, None).with_attribute("policy", Value::Document(policy)).with_dependency(kinds::group_id(group))
}

/// Builds the attachment of a policy, by name or ARN, to a group.
pub fn group_attachment(group: &str, policy: &str) -> Resource {
    let id = kinds::part_id(kinds::GROUP_ATTACHMENT, group, policy);
    let attachment = Resource::new(id, None).with_attribute("policy", policy).with_dependency(kinds::group_id(group));
    if kinds::is_arn(policy) { attachment } else { attachment.with_dependency(ResourceId::new(kinds::POLICY, policy)) }
}
