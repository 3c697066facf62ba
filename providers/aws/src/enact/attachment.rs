//! Managed policies on principals.

use leasehold_provider::{Change, Principal, Resource};

use super::inline::unmarkable;
use super::{Note, Refusal, Writing, attribute, impossible};
use crate::retry::Class;

impl Writing<'_> {
    /// One change of an attachment.
    pub(super) async fn attachment(&self, principal: Principal, name: &str, change: &Change) -> Result<Note, Refusal> {
        match change {
            Change::Create { after } => self.attach(principal, name, policy_arn(after)?).await,
            Change::Update { before, after } if attribute(before, "policy_arn") != attribute(after, "policy_arn") => {
                self.attach(principal, name, policy_arn(after)?).await?;
                self.detach(principal, name, policy_arn(before)?).await
            }
            Change::Update { .. } => Ok(None),
            Change::Delete { before } => self.detach(principal, name, policy_arn(before)?).await,
            Change::Mark { id, .. } | Change::Adopt { id, .. } | Change::Unmark { id, .. } => Err(unmarkable(id)),
        }
    }

    async fn attach(&self, principal: Principal, name: &str, policy: &str) -> Result<Note, Refusal> {
        let iam = &self.provider.clients.iam;
        match principal {
            Principal::Role => {
                let send = || iam.attach_role_policy().role_name(name).policy_arn(policy).send();
                self.call("iam:AttachRolePolicy", Class::Idempotent, send).await?;
            }
            Principal::User => {
                let send = || iam.attach_user_policy().user_name(name).policy_arn(policy).send();
                self.call("iam:AttachUserPolicy", Class::Idempotent, send).await?;
            }
        }
        Ok(None)
    }

    async fn detach(&self, principal: Principal, name: &str, policy: &str) -> Result<Note, Refusal> {
        let iam = &self.provider.clients.iam;
        self.touched(principal, name);
        match principal {
            Principal::Role => {
                let send = || iam.detach_role_policy().role_name(name).policy_arn(policy).send();
                self.remove("iam:DetachRolePolicy", send).await
            }
            Principal::User => {
                let send = || iam.detach_user_policy().user_name(name).policy_arn(policy).send();
                self.remove("iam:DetachUserPolicy", send).await
            }
        }
    }
}

fn policy_arn(attachment: &Resource) -> Result<&str, Refusal> {
    attribute(attachment, "policy_arn")
        .ok_or_else(|| impossible(&attachment.id, "it names no policy", "the plan is broken: plan again"))
}
