//! Groups, their inline policies and what is attached to them. A group's path is its mark.

use leasehold_provider::{Change, ResourceId};

use super::inline::unmarkable;
use super::standing::taken;
use super::{Note, Refusal, Writing, attribute, document_text, impossible};
use crate::failure::Failure;
use crate::retry::Class;
use crate::{arn, kinds};

impl Writing<'_> {
    /// One change of a group, or of what hangs on it.
    pub(super) async fn of_group(&self, group: &str, change: &Change) -> Result<Note, Refusal> {
        match &change.id().kind {
            kind if *kind == kinds::GROUP => self.group(group, change).await,
            kind if *kind == kinds::GROUP_POLICY => self.group_inline(group, change).await,
            _ => self.group_attachment(group, change).await,
        }
    }

    async fn group(&self, name: &str, change: &Change) -> Result<Note, Refusal> {
        let iam = &self.provider.clients.iam;
        let path = arn::stack_path(self.stack);
        match change {
            Change::Create { after } => {
                let send = || iam.create_group().group_name(name).path(&path).send();
                match self.call("iam:CreateGroup", Class::Conditional, send).await {
                    Ok(_) => self.provider.known.made(self.stack, &after.id),
                    Err(failure) if failure.exists() => return self.resolve_group(name, &after.id).await,
                    Err(failure) => return Err(failure.into()),
                }
                Ok(None)
            }
            // The path says whose it is, and was looked at before this.
            Change::Update { .. } | Change::Mark { .. } => Ok(None),
            Change::Delete { .. } => {
                let send = || iam.delete_group().group_name(name).send();
                let note = self.remove("iam:DeleteGroup", send).await?;
                self.provider.known.gone(self.stack, change.id());
                Ok(note)
            }
            Change::Adopt { .. } => {
                let send = || iam.update_group().group_name(name).new_path(&path).send();
                self.call("iam:UpdateGroup", Class::Idempotent, send).await?;
                self.provider.known.found(self.stack, change.id());
                Ok(None)
            }
            Change::Unmark { id, .. } => Err(unmarkable(id)),
        }
    }

    /// A group of the name is there: by an earlier attempt or run of ours, or somebody else's.
    async fn resolve_group(&self, name: &str, id: &ResourceId) -> Result<Note, Refusal> {
        match self.group_path(name).await? {
            Some(path) if path == arn::stack_path(self.stack) => {
                self.provider.known.made(self.stack, id);
                Ok(Some("it was there already, under this stack's path".to_owned()))
            }
            _ => Err(taken(id)),
        }
    }

    /// The path of a group; `None`: it is not there.
    pub(super) async fn group_path(&self, name: &str) -> Result<Option<String>, Refusal> {
        const OPERATION: &str = "iam:GetGroup";
        let iam = &self.provider.clients.iam;
        let send = || iam.get_group().group_name(name).max_items(1).send();
        match self.call(OPERATION, Class::Idempotent, send).await {
            Ok(answer) => match answer.group {
                Some(group) => Ok(Some(group.path)),
                None => Err(Failure::malformed(OPERATION, "no group in the answer").into()),
            },
            Err(failure) if failure.absent() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn group_inline(&self, group: &str, change: &Change) -> Result<Note, Refusal> {
        let iam = &self.provider.clients.iam;
        let policy = kinds::part(change.id());
        match change {
            Change::Create { after } | Change::Update { after, .. } => {
                let text = document_text(after, "policy")?;
                let send =
                    || iam.put_group_policy().group_name(group).policy_name(policy).policy_document(&text).send();
                self.call("iam:PutGroupPolicy", Class::Idempotent, send).await?;
                Ok(None)
            }
            Change::Delete { .. } => {
                self.provider.known.touched(&kinds::group(group));
                let send = || iam.delete_group_policy().group_name(group).policy_name(policy).send();
                self.remove("iam:DeleteGroupPolicy", send).await
            }
            Change::Mark { id, .. } | Change::Adopt { id, .. } | Change::Unmark { id, .. } => Err(unmarkable(id)),
        }
    }

    async fn group_attachment(&self, group: &str, change: &Change) -> Result<Note, Refusal> {
        let iam = &self.provider.clients.iam;
        let resource = change.after().or(change.before());
        let policy = resource
            .and_then(|resource| attribute(resource, "policy_arn"))
            .ok_or_else(|| impossible(change.id(), "it names no policy", "the plan is broken: plan again"))?;
        match change {
            Change::Create { .. } | Change::Update { .. } => {
                let send = || iam.attach_group_policy().group_name(group).policy_arn(policy).send();
                self.call("iam:AttachGroupPolicy", Class::Idempotent, send).await?;
                Ok(None)
            }
            Change::Delete { .. } => {
                self.provider.known.touched(&kinds::group(group));
                let send = || iam.detach_group_policy().group_name(group).policy_arn(policy).send();
                self.remove("iam:DetachGroupPolicy", send).await
            }
            Change::Mark { id, .. } | Change::Adopt { id, .. } | Change::Unmark { id, .. } => Err(unmarkable(id)),
        }
    }
}
