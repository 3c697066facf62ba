//! Live objects in the same normal form as desired ones. Pure.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{AttachedPolicy, PolicyDetail};
use leasehold_provider::{Address, Marks, Principal, Realm, Resource, ResourceId, StackName, Value};

use crate::failure::CallError;
use crate::{arn, document, kinds};

const OPERATION: &str = "iam:GetAccountAuthorizationDetails";

/// How a principal's resources are bound to an identity of the stack.
#[derive(Debug, Clone, Copy)]
pub enum IdentityBinding<'a> {
    /// The stack owns the principal, with these marks.
    Marked(&'a Marks),
    /// The stack does not own the principal and imports it as this identity.
    Imported(&'a Address),
}

/// A role, without the details that only `ListRoles` returns.
pub fn role_resource(
    name: &str,
    path: &str,
    trust: Value,
    boundary: Option<String>,
    tags: &BTreeMap<String, String>,
    ownership: IdentityBinding<'_>,
) -> Resource {
    let role = kinds::principal_id(Principal::Role, name);
    principal_resource(role, path, boundary, tags, ownership).with_attribute("assume_role_policy", trust)
}

/// A user.
pub fn user_resource(
    name: &str,
    path: &str,
    boundary: Option<String>,
    tags: &BTreeMap<String, String>,
    ownership: IdentityBinding<'_>,
) -> Resource {
    principal_resource(kinds::principal_id(Principal::User, name), path, boundary, tags, ownership)
}

fn principal_resource(
    id: ResourceId,
    path: &str,
    boundary: Option<String>,
    tags: &BTreeMap<String, String>,
    ownership: IdentityBinding<'_>,
) -> Resource {
    let (address, marks) = match ownership {
        // The marks that are in the tags, which anybody may have edited. Marks that cannot be read are written again.
        IdentityBinding::Marked(marks) => (&marks.address, Marks::from_tags(tags).ok().flatten()),
        IdentityBinding::Imported(address) => (address, None),
    };
    let mut resource = Resource::new(id, Some(address.clone()));
    resource.marks = marks;
    if !path.is_empty() && path != "/" {
        resource = resource.with_attribute("path", path);
    }
    if let Some(boundary) = boundary.filter(|boundary| !boundary.is_empty()) {
        resource = resource.with_attribute("permissions_boundary", boundary);
    }
    let own = Marks::without_marks(tags);
    if own.is_empty() { resource } else { resource.with_attribute("tags", Value::Map(own)) }
}

/// The managed policy of a scope, without its marks, which need another call.
pub fn shared_resource(id: ResourceId, stack: &StackName, name: &str, policy: Value) -> Resource {
    Resource::new(id, None)
        .with_attribute("name", name)
        .with_attribute("path", arn::stack_path(stack))
        .with_attribute("policy", policy)
}

/// What the bulk read returns about a principal besides its own attributes.
pub struct PrincipalDetails<'a> {
    /// The realm that is read.
    pub realm: &'a Realm,
    /// The stack that is read.
    pub stack: &'a StackName,
    /// The principal's inline policies.
    pub inline: Vec<PolicyDetail>,
    /// The managed policies attached to the principal.
    pub attached: Vec<AttachedPolicy>,
    /// The groups that the principal is a member of.
    pub groups: Vec<String>,
    /// The instance profiles that contain the principal.
    pub profiles: Vec<String>,
}

/// All resources of a principal except its credentials.
///
/// # Errors
/// A policy has no name or ARN, a document cannot be decoded, or two attached policies have the same short name.
pub fn collect_resources(
    principal: Principal,
    name: &str,
    resource: Resource,
    details: PrincipalDetails<'_>,
) -> Result<BTreeMap<ResourceId, Resource>, CallError> {
    let address = resource.identity.clone();
    let id = resource.id.clone();
    let mut resources = BTreeMap::from([(id.clone(), resource)]);
    for policy in details.inline {
        let (Some(policy_name), Some(text)) = (policy.policy_name, policy.policy_document) else {
            return Err(CallError::from_malformed_answer(
                OPERATION,
                format!("an inline policy of {id} has no name or no document"),
            ));
        };
        let document = document::decode_document(&text).map_err(|problem| {
            CallError::from_malformed_answer(OPERATION, format!("inline policy {policy_name} of {id}: {problem}"))
        })?;
        let inline = kinds::inline_policy_id(principal, name, &policy_name);
        let resource = Resource::new(inline.clone(), address.clone());
        resources.insert(inline, resource.with_attribute("policy", Value::Document(document)));
    }
    for policy in details.attached {
        let Some(policy_arn) = policy.policy_arn else {
            return Err(CallError::from_malformed_answer(OPERATION, format!("a policy attached to {id} has no ARN")));
        };
        let short = arn::policy_short_name(details.realm, details.stack, &policy_arn);
        let attachment = kinds::attachment_id(principal, name, &short);
        let resource =
            Resource::new(attachment.clone(), address.clone()).with_attribute("policy_arn", policy_arn.clone());
        if resources.insert(attachment, resource).is_some() {
            let problem =
                format!("two policies attached to {id} have the short name {short:?}, one of them {policy_arn}");
            return Err(CallError::from_malformed_answer(OPERATION, problem));
        }
    }
    for group in details.groups {
        let membership = ResourceId::new(kinds::MEMBERSHIP, format!("{name}/{group}"));
        let resource = Resource::new(membership.clone(), address.clone()).with_attribute("group", group);
        resources.insert(membership, resource);
    }
    for profile in details.profiles {
        let place = ResourceId::new(kinds::PROFILE_MEMBERSHIP, format!("{name}/{profile}"));
        let resource = Resource::new(place.clone(), address.clone()).with_attribute("instance_profile", profile);
        resources.insert(place, resource);
    }
    Ok(resources)
}
