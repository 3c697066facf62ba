//! The parts of a group in normal form, the same for desired and live ones.

use leasehold_provider::{Document, Resource, ResourceId, Value};

use crate::kinds;

/// A policy inside a group.
pub fn inline(group: &str, name: &str, policy: Document) -> Resource {
    let id = kinds::part_id(kinds::GROUP_POLICY, group, name);
    Resource::new(id, None).with("policy", Value::Document(policy)).after(kinds::group_id(group))
}

/// A policy's attachment to a group.
pub fn attachment(group: &str, policy: &str) -> Resource {
    let id = kinds::part_id(kinds::GROUP_ATTACHMENT, group, policy);
    let attachment = Resource::new(id, None).with("policy", policy).after(kinds::group_id(group));
    if kinds::is_arn(policy) { attachment } else { attachment.after(ResourceId::new(kinds::POLICY, policy)) }
}
