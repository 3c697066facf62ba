//! Inline policies: one put, whether there was one or not.

use leasehold_provider::{Change, Principal};

use super::{Note, Refusal, Writing, document_text, impossible};
use crate::kinds;
use crate::retry::Class;

impl Writing<'_> {
    /// One change of an inline policy.
    pub(super) async fn inline(&self, principal: Principal, name: &str, change: &Change) -> Result<Note, Refusal> {
        let iam = &self.provider.clients.iam;
        let policy = kinds::part(change.id());
        match (change, principal) {
            (Change::Create { after } | Change::Update { after, .. }, Principal::Role) => {
                let text = document_text(after, "policy")?;
                let send = || iam.put_role_policy().role_name(name).policy_name(policy).policy_document(&text).send();
                self.call("iam:PutRolePolicy", Class::Idempotent, send).await?;
                Ok(None)
            }
            (Change::Create { after } | Change::Update { after, .. }, Principal::User) => {
                let text = document_text(after, "policy")?;
                let send = || iam.put_user_policy().user_name(name).policy_name(policy).policy_document(&text).send();
                self.call("iam:PutUserPolicy", Class::Idempotent, send).await?;
                Ok(None)
            }
            (Change::Delete { .. }, Principal::Role) => {
                self.touched(principal, name);
                let send = || iam.delete_role_policy().role_name(name).policy_name(policy).send();
                self.remove("iam:DeleteRolePolicy", send).await
            }
            (Change::Delete { .. }, Principal::User) => {
                self.touched(principal, name);
                let send = || iam.delete_user_policy().user_name(name).policy_name(policy).send();
                self.remove("iam:DeleteUserPolicy", send).await
            }
            (Change::Mark { id, .. } | Change::Adopt { id, .. } | Change::Unmark { id, .. }, _) => Err(unmarkable(id)),
        }
    }
}

/// Only principals and managed policies carry marks.
pub(super) fn unmarkable(id: &leasehold_provider::ResourceId) -> Refusal {
    impossible(id, "it carries no marks of its own", "the plan is broken: plan again")
}
