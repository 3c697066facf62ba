//! Writes groups, their inline policies and their attachments. A group's path is its mark.

use aws_sdk_iam::types::Group;
use leasehold_provider::{Change, ResourceId};

use super::inline::refuse_marks;
use super::target::refuse_taken_name;
use super::{ChangeError, ChangeWriter, EnactNote, refuse_change, require_document_text, text_attribute};
use crate::failure::CallError;
use crate::retry::RetryClass;
use crate::{arn, kinds};

impl ChangeWriter<'_> {
    /// Carries out a change of a group or of one of its parts.
    pub(super) async fn write_group_resource(&self, group: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        match &change.id().kind {
            kind if *kind == kinds::GROUP => self.write_group(group, change).await,
            kind if *kind == kinds::GROUP_POLICY => self.write_group_inline(group, change).await,
            _ => self.write_group_attachment(group, change).await,
        }
    }

    async fn write_group(&self, name: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let path = arn::stack_path(self.stack);
        match change {
            Change::Create { after } => {
                let send = || iam.create_group().group_name(name).path(&path).send();
                match self.call_iam("iam:CreateGroup", RetryClass::Conditional, send).await {
                    Ok(answer) => {
                        let group = answer.group.ok_or_else(|| {
                            CallError::from_malformed_answer("iam:CreateGroup", "the response contains no group")
                        })?;
                        self.record_created(&after.id, group.group_id);
                    }
                    Err(failure) if failure.is_name_taken() => return self.resolve_group(name, &after.id).await,
                    Err(failure) => return Err(failure.into()),
                }
                Ok(None)
            }
            // The path is the mark, and it was checked before this call.
            Change::Update { .. } | Change::Mark { .. } => Ok(None),
            Change::Delete { .. } => {
                let send = || iam.delete_group().group_name(name).send();
                let note = self.delete_if_present("iam:DeleteGroup", send).await?;
                self.provider.known.record_removed(self.stack, change.id());
                Ok(note)
            }
            Change::Import { .. } => {
                let send = || iam.update_group().group_name(name).new_path(&path).send();
                self.call_iam("iam:UpdateGroup", RetryClass::Idempotent, send).await?;
                self.provider.known.record_owned(self.stack, change.id());
                Ok(None)
            }
            Change::Release { id, .. } => Err(refuse_marks(id)),
        }
    }

    /// Handles a group that already exists under this name: from an earlier attempt or run of this stack, or of another owner.
    async fn resolve_group(&self, name: &str, id: &ResourceId) -> Result<EnactNote, ChangeError> {
        match self.read_group(name).await? {
            Some(group) if group.path == arn::stack_path(self.stack) => {
                self.record_created(id, group.group_id);
                Ok(Some("it already existed under this stack's path".to_owned()))
            }
            _ => Err(refuse_taken_name(id)),
        }
    }

    /// A group, without its members. `None` if it does not exist.
    pub(super) async fn read_group(&self, name: &str) -> Result<Option<Group>, ChangeError> {
        const OPERATION: &str = "iam:GetGroup";
        let iam = &self.provider.clients.iam;
        let send = || iam.get_group().group_name(name).max_items(1).send();
        match self.call_iam(OPERATION, RetryClass::Idempotent, send).await {
            Ok(answer) => match answer.group {
                Some(group) => Ok(Some(group)),
                None => Err(CallError::from_malformed_answer(OPERATION, "the response contains no group").into()),
            },
            Err(failure) if failure.is_absent() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn write_group_inline(&self, group: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let policy = kinds::part_name(change.id());
        match change {
            Change::Create { after } | Change::Update { after, .. } => {
                let text = require_document_text(after, "policy")?;
                let send =
                    || iam.put_group_policy().group_name(group).policy_name(policy).policy_document(&text).send();
                self.call_iam("iam:PutGroupPolicy", RetryClass::Idempotent, send).await?;
                Ok(None)
            }
            Change::Delete { .. } => {
                self.provider.known.record_reduced(&kinds::group_id(group));
                let send = || iam.delete_group_policy().group_name(group).policy_name(policy).send();
                self.delete_if_present("iam:DeleteGroupPolicy", send).await
            }
            Change::Mark { id, .. } | Change::Import { id, .. } | Change::Release { id, .. } => Err(refuse_marks(id)),
        }
    }

    async fn write_group_attachment(&self, group: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let resource = change.resource_after().or(change.resource_before());
        let policy = resource.and_then(|resource| text_attribute(resource, "policy_arn")).ok_or_else(|| {
            refuse_change(change.id(), "it has no policy ARN", "the plan is invalid: make a new plan")
        })?;
        match change {
            Change::Create { .. } | Change::Update { .. } => {
                let send = || iam.attach_group_policy().group_name(group).policy_arn(policy).send();
                self.call_iam("iam:AttachGroupPolicy", RetryClass::Idempotent, send).await?;
                Ok(None)
            }
            Change::Delete { .. } => {
                self.provider.known.record_reduced(&kinds::group_id(group));
                let send = || iam.detach_group_policy().group_name(group).policy_arn(policy).send();
                self.delete_if_present("iam:DetachGroupPolicy", send).await
            }
            Change::Mark { id, .. } | Change::Import { id, .. } | Change::Release { id, .. } => Err(refuse_marks(id)),
        }
    }
}
