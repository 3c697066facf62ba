//! Attaches managed policies to principals and detaches them.

use leasehold_provider::{Change, Principal, Resource};

use super::inline::refuse_marks;
use super::{ChangeError, ChangeWriter, EnactNote, refuse_change, text_attribute};
use crate::retry::RetryClass;

impl ChangeWriter<'_> {
    /// Carries out a change of an attachment.
    pub(super) async fn write_attachment(
        &self,
        principal: Principal,
        name: &str,
        change: &Change,
    ) -> Result<EnactNote, ChangeError> {
        match change {
            Change::Create { after } => self.attach_policy(principal, name, require_policy_arn(after)?).await,
            Change::Update { before, after }
                if text_attribute(before, "policy_arn") != text_attribute(after, "policy_arn") =>
            {
                self.attach_policy(principal, name, require_policy_arn(after)?).await?;
                self.detach_policy(principal, name, require_policy_arn(before)?).await
            }
            Change::Update { .. } => Ok(None),
            Change::Delete { before } => self.detach_policy(principal, name, require_policy_arn(before)?).await,
            Change::Mark { id, .. } | Change::Import { id, .. } | Change::Release { id, .. } => Err(refuse_marks(id)),
        }
    }

    async fn attach_policy(&self, principal: Principal, name: &str, policy: &str) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        match principal {
            Principal::Role => {
                let send = || iam.attach_role_policy().role_name(name).policy_arn(policy).send();
                self.call_iam("iam:AttachRolePolicy", RetryClass::Idempotent, send).await?;
            }
            Principal::User => {
                let send = || iam.attach_user_policy().user_name(name).policy_arn(policy).send();
                self.call_iam("iam:AttachUserPolicy", RetryClass::Idempotent, send).await?;
            }
        }
        Ok(None)
    }

    async fn detach_policy(&self, principal: Principal, name: &str, policy: &str) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        self.record_reduced(principal, name);
        match principal {
            Principal::Role => {
                let send = || iam.detach_role_policy().role_name(name).policy_arn(policy).send();
                self.delete_if_present("iam:DetachRolePolicy", send).await
            }
            Principal::User => {
                let send = || iam.detach_user_policy().user_name(name).policy_arn(policy).send();
                self.delete_if_present("iam:DetachUserPolicy", send).await
            }
        }
    }
}

fn require_policy_arn(attachment: &Resource) -> Result<&str, ChangeError> {
    text_attribute(attachment, "policy_arn")
        .ok_or_else(|| refuse_change(&attachment.id, "it has no policy ARN", "the plan is invalid: make a new plan"))
}
