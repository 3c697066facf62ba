//! Groups of the bulk read: those under the stack's path are the stack's, with all they hold.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{GroupDetail, PolicyDetail};
use leasehold_provider::{Document, LiveShared, ObserveRequest, StackName, Stranger, Value, Withholds};
use serde_json::{Value as Json, json};

use super::Reading;
use super::authorization::{Account, document_of, named};
use crate::failure::Failure;
use crate::realize::{group as groups, managed};
use crate::{arn, document, kinds};

/// A group that is not the stack's, as far as it bears on a member.
pub struct Foreign {
    name: String,
    inline: Vec<(String, Document)>,
    attached: Vec<String>,
}

impl Foreign {
    /// What the group does to its members, in one document, where it denies something. `denying`: managed policies of the account that do.
    /// What other managed policies allow is stood for by an action that there is not; what one of AWS denies, by everything.
    pub fn denial(&self, denying: &BTreeMap<String, Document>) -> Option<Document> {
        let mut documents: Vec<Document> = self.inline.iter().map(|(_, document)| document.clone()).collect();
        let statement = |effect: &str, action: &str| {
            document::policy(vec![json!({ "Effect": effect, "Action": action, "Resource": "*" })])
        };
        for policy in &self.attached {
            let (by_name, read) = (managed::withholds(policy), denying.get(policy));
            documents.extend(read.cloned());
            documents.extend((by_name != Withholds::Nothing).then(|| statement("Deny", "*")));
            let gives = read.is_none() && by_name != Withholds::Only;
            documents.extend(gives.then(|| statement("Allow", "none:null")));
        }
        let denies = documents.iter().any(document::denies);
        let statements =
            |document: &Document| document::statements(&document::glance(document)).cloned().collect::<Vec<_>>();
        denies.then(|| document::policy(documents.iter().flat_map(statements).map(without_sid).collect()))
    }

    /// Its name, which an attachment of a member says.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Names are unique within a policy only.
fn without_sid(mut statement: Json) -> Json {
    if let Some(fields) = statement.as_object_mut() {
        fields.remove("Sid");
    }
    statement
}

/// The policies inside a group, by name.
fn inline(group: &str, policies: Vec<PolicyDetail>) -> Result<Vec<(String, Document)>, Failure> {
    let read = |policy: PolicyDetail| {
        let policy_name = named(policy.policy_name, "an inline policy of a group")?;
        let what = format!("inline policy {policy_name} of group {group}");
        Ok((policy_name, document_of(policy.policy_document.as_deref(), &what)?))
    };
    policies.into_iter().map(read).collect()
}

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
        let ours = path == arn::stack_path(request.stack);
        let wanted = request.adopt.get(&kinds::group(&name)).filter(|_| !path.starts_with("/leasehold/"));
        if !ours && wanted.is_none() {
            account.holds(self.realm, request.stack, &format!("group/{name}"), &attached);
            let stack =
                path.strip_prefix("/leasehold/").and_then(|rest| StackName::new(rest.trim_end_matches('/')).ok());
            account.foreign_groups.push(Foreign {
                inline: inline(&name, group.group_policy_list.unwrap_or_default())?,
                attached: attached.into_iter().filter_map(|policy| policy.policy_arn).collect(),
                name: name.clone(),
            });
            let stranger = Stranger { stack, arn: group.arn.unwrap_or_default(), unreadable: None };
            account.strangers.insert(kinds::group(&name), stranger);
            return Ok(());
        }
        let mut resources = vec![groups::resource(request.stack, &name)];
        for (policy_name, document) in inline(&name, group.group_policy_list.unwrap_or_default())? {
            resources.push(groups::inline(&name, &policy_name, Value::Document(document)));
        }
        for policy in attached {
            let policy_arn = named(policy.policy_arn, "a policy attached to a group")?;
            resources.push(groups::attachment(self.realm, request.stack, &name, policy_arn));
        }
        for (id, resource) in groups::by_id(resources) {
            let address = wanted.cloned().unwrap_or_else(|| groups::address(&name));
            account.groups.insert(id, LiveShared { adoptable: !ours, ..LiveShared::new(resource, address) });
        }
        Ok(())
    }
}
