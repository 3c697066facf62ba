//! Groups of the bulk read: those under the stack's path are the stack's, with all they hold.

use aws_sdk_iam::types::GroupDetail;
use leasehold_provider::{LiveShared, ObserveRequest, StackName, Stranger};

use super::Reading;
use super::authorization::{Account, decoded, named};
use crate::failure::Failure;
use crate::realize::group as groups;
use crate::{arn, kinds};

impl Reading<'_> {
    /// Sorts a group in.
    pub fn group(
        &self,
        account: &mut Account,
        request: &ObserveRequest<'_>,
        group: GroupDetail,
    ) -> Result<(), Failure> {
        let name = named(group.group_name, "a group")?;
        let path = group.path.unwrap_or_default();
        let attached = group.attached_managed_policies.unwrap_or_default();
        if path != arn::stack_path(request.stack) {
            account.holds(self.realm, request.stack, &format!("group/{name}"), &attached);
            let stack =
                path.strip_prefix("/leasehold/").and_then(|rest| StackName::new(rest.trim_end_matches('/')).ok());
            let stranger = Stranger { stack, arn: group.arn.unwrap_or_default(), unreadable: None };
            account.strangers.insert(kinds::group(&name), stranger);
            return Ok(());
        }
        let mut resources = vec![groups::resource(request.stack, &name)];
        for policy in group.group_policy_list.unwrap_or_default() {
            let policy_name = named(policy.policy_name, "an inline policy of a group")?;
            let what = format!("inline policy {policy_name} of group {name}");
            resources.push(groups::inline(&name, &policy_name, decoded(policy.policy_document.as_deref(), &what)?));
        }
        for policy in attached {
            let policy_arn = named(policy.policy_arn, "a policy attached to a group")?;
            resources.push(groups::attachment(self.realm, request.stack, &name, policy_arn));
        }
        for (id, resource) in groups::by_id(resources) {
            account.groups.insert(id, LiveShared::new(resource, groups::address(&name)));
        }
        Ok(())
    }
}
