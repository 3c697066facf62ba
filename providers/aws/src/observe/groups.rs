//! Groups of the bulk read: groups under the stack's path belong to the stack and are read with all their resources.

use std::collections::BTreeSet;

use aws_sdk_iam::types::{GroupDetail, PolicyDetail};
use leasehold_provider::{Document, ForeignMarks, LiveShared, ObserveRequest, ResourceId, StackName, Value};

use super::AccountReader;
use super::authorization::{AccountDetails, require_document, require_name};
use super::foreign::ForeignGroup;
use crate::failure::CallError;
use crate::realize::group as groups;
use crate::{arn, kinds};

/// The inline policies of a group, by name.
fn decode_inline_policies(group: &str, policies: Vec<PolicyDetail>) -> Result<Vec<(String, Document)>, CallError> {
    let read = |policy: PolicyDetail| {
        let policy_name = require_name(policy.policy_name, "an inline policy of a group")?;
        let what = format!("inline policy {policy_name} of group {group}");
        Ok((policy_name, require_document(policy.policy_document.as_deref(), &what)?))
    };
    policies.into_iter().map(read).collect()
}

impl AccountReader<'_> {
    /// Adds a group to the stack's groups or to the others.
    ///
    /// # Errors
    /// The group or one of its policies has no name, or a document cannot be decoded.
    pub fn collect_group(
        &self,
        account: &mut AccountDetails,
        request: &ObserveRequest<'_>,
        group: GroupDetail,
    ) -> Result<(), CallError> {
        let name = require_name(group.group_name, "a group")?;
        let path = group.path.unwrap_or_default();
        let attached = group.attached_managed_policies.unwrap_or_default();
        let unique_id = require_name(group.group_id, "a group without an id")?;
        let created_at = group.create_date.and_then(super::timestamp_from_sdk);
        // IAM has no tags for groups: the path is the mark of a group.
        let recorded =
            request.owned.map(|owned| owned.find_marks(&kinds::group_id(&name), &unique_id, created_at).cloned());
        let ours = recorded.as_ref().map_or_else(|| path == arn::stack_path(request.stack), Option::is_some);
        let desired = request.imports.get(&kinds::group_id(&name)).filter(|_| !path.starts_with("/leasehold/"));
        if !ours && desired.is_none() {
            account.record_attachment(self.realm, request.stack, &format!("group/{name}"), &attached);
            let ours = attached
                .iter()
                .filter_map(|policy| arn::scope_from_policy_arn(self.realm, request.stack, policy.policy_arn()?));
            let ours: BTreeSet<ResourceId> = ours.map(|scope| kinds::scope_policy_id(request.stack, scope)).collect();
            if !ours.is_empty() {
                account.foreign_group_policies.insert(kinds::group_id(&name), ours);
            }
            let stack =
                path.strip_prefix("/leasehold/").and_then(|rest| StackName::new(rest.trim_end_matches('/')).ok());
            account.foreign_groups.push(ForeignGroup {
                inline: decode_inline_policies(&name, group.group_policy_list.unwrap_or_default())?,
                attached: attached.into_iter().filter_map(|policy| policy.policy_arn).collect(),
                name: name.clone(),
            });
            let address = (stack.as_ref() == Some(request.stack)).then(|| groups::address_from_name(&name));
            let found = ForeignMarks { stack, address, ..ForeignMarks::default() };
            let unmanaged_object = found.into_unmanaged_object(group.arn.unwrap_or_default());
            account.unmanaged_objects.insert(kinds::group_id(&name), unmanaged_object);
            return Ok(());
        }
        let mut resources = vec![groups::group_resource(request.stack, &name)];
        for (policy_name, document) in decode_inline_policies(&name, group.group_policy_list.unwrap_or_default())? {
            resources.push(groups::group_inline_policy(&name, &policy_name, Value::Document(document)));
        }
        for policy in attached {
            let policy_arn = require_name(policy.policy_arn, "a policy attached to a group")?;
            resources.push(groups::group_attachment(self.realm, request.stack, &name, policy_arn));
        }
        for (id, resource) in groups::index_by_id(resources) {
            let is_group = id.kind == kinds::GROUP;
            let unique_id = is_group.then(|| unique_id.clone());
            let recorded = recorded.clone().flatten().filter(|_| is_group);
            let address = desired.cloned().unwrap_or_else(|| groups::address_from_name(&name));
            account.groups.insert(
                id,
                LiveShared {
                    importable: !ours,
                    ..LiveShared::new(resource, address, unique_id).with_recorded_marks(recorded)
                },
            );
        }
        Ok(())
    }
}
