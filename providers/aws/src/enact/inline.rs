//! Writes inline policies: one put creates or replaces a policy.

use leasehold_provider::{Change, Principal};

use super::{ChangeError, ChangeWriter, EnactNote, refuse_change, require_document_text};
use crate::kinds;
use crate::retry::RetryClass;

impl ChangeWriter<'_> {
    /// Carries out a change of an inline policy.
    pub(super) async fn write_inline_policy(
        &self,
        principal: Principal,
        name: &str,
        change: &Change,
    ) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let policy = kinds::part_name(change.id());
        match (change, principal) {
            (Change::Create { after } | Change::Update { after, .. }, Principal::Role) => {
                let text = require_document_text(after, "policy")?;
                let send = || iam.put_role_policy().role_name(name).policy_name(policy).policy_document(&text).send();
                self.call_iam("iam:PutRolePolicy", RetryClass::Idempotent, send).await?;
                Ok(None)
            }
            (Change::Create { after } | Change::Update { after, .. }, Principal::User) => {
                let text = require_document_text(after, "policy")?;
                let send = || iam.put_user_policy().user_name(name).policy_name(policy).policy_document(&text).send();
                self.call_iam("iam:PutUserPolicy", RetryClass::Idempotent, send).await?;
                Ok(None)
            }
            (Change::Delete { .. }, Principal::Role) => {
                self.record_reduced(principal, name);
                let send = || iam.delete_role_policy().role_name(name).policy_name(policy).send();
                self.delete_if_present("iam:DeleteRolePolicy", send).await
            }
            (Change::Delete { .. }, Principal::User) => {
                self.record_reduced(principal, name);
                let send = || iam.delete_user_policy().user_name(name).policy_name(policy).send();
                self.delete_if_present("iam:DeleteUserPolicy", send).await
            }
            (Change::Mark { id, .. } | Change::Import { id, .. } | Change::Release { id, .. }, _) => {
                Err(refuse_marks(id))
            }
        }
    }
}

/// Refuses a change of marks on an object that has none of its own, such as an inline policy.
pub(super) fn refuse_marks(id: &leasehold_provider::ResourceId) -> ChangeError {
    refuse_change(id, "it carries no marks of its own", "the plan is invalid: make a new plan")
}
