//! Writes users. One call creates a user with tags and boundary; later changes write only what differs.

use leasehold_provider::{Change, Marks, Resource};

use super::tags::{self, TagChange};
use super::target::refuse_taken_name;
use super::{ChangeError, ChangeWriter, EnactNote, declared_tags, refuse_change, text_attribute};
use crate::failure::CallError;
use crate::observe::{IdentityBinding, user_resource};
use crate::retry::RetryClass;

impl ChangeWriter<'_> {
    /// Carries out a change of a user itself.
    pub(super) async fn write_user(&self, name: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        match change {
            Change::Create { after } => self.create_user(name, after).await,
            Change::Update { before, after } => {
                self.update_user(name, before, after).await?;
                Ok(None)
            }
            Change::Delete { before } => {
                let note = self.delete_user(name, before).await?;
                self.provider.known.record_removed(self.stack, change.id());
                Ok(note)
            }
            Change::Mark { before, after, .. } => {
                self.tag_user(name, TagChange::from_mark_change(before.as_deref(), after)).await?;
                Ok(None)
            }
            Change::Import { after, .. } => {
                self.tag_user(name, TagChange::for_marking(after)).await?;
                self.provider.known.record_owned(self.stack, change.id());
                Ok(None)
            }
            Change::Release { .. } => {
                self.tag_user(name, TagChange::for_unmarking()).await?;
                self.provider.known.record_removed(self.stack, change.id());
                Ok(None)
            }
        }
    }

    async fn delete_user(&self, name: &str, before: &Resource) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        // Delete orphaned devices before the user: while the user exists, a later run comes here again.
        let mut removed = match &before.identity {
            Some(address) => self.delete_orphaned_devices(address).await?,
            None => Vec::new(),
        };
        let send = || iam.delete_user().user_name(name).send();
        let note = match self.delete_if_present("iam:DeleteUser", send).await {
            Err(refusal) if refusal.is_delete_conflict() => {
                let cleared = self.remove_user_dependents(name).await?;
                if cleared.is_empty() {
                    return Err(refusal);
                }
                removed.extend(cleared);
                self.delete_if_present("iam:DeleteUser", send).await?
            }
            other => other?,
        };
        if removed.is_empty() { Ok(note) } else { Ok(Some(format!("also removed: {}", removed.join(", ")))) }
    }

    async fn create_user(&self, name: &str, after: &Resource) -> Result<EnactNote, ChangeError> {
        let Some(marks) = after.marks.as_ref() else {
            return Err(refuse_change(
                &after.id,
                "the plan contains no marks for it",
                "the plan is invalid: make a new plan",
            ));
        };
        let mut all_tags = declared_tags(after);
        all_tags.extend(marks.to_tags());
        let all_tags = tags::tags_to_sdk(&all_tags)?;
        let iam = &self.provider.clients.iam;
        let send = || {
            iam.create_user()
                .user_name(name)
                .set_tags(Some(all_tags.clone()))
                .set_path(text_attribute(after, "path").map(str::to_owned))
                .set_permissions_boundary(text_attribute(after, "permissions_boundary").map(str::to_owned))
                .send()
        };
        match self.call_iam("iam:CreateUser", RetryClass::Conditional, send).await {
            Ok(answer) => {
                let user = answer.user.ok_or_else(|| {
                    CallError::from_malformed_answer("iam:CreateUser", "the response contains no user")
                })?;
                self.record_created(&after.id, user.user_id);
                Ok(None)
            }
            Err(failure) if failure.is_name_taken() => self.resolve_user(name, after).await,
            Err(failure) => Err(failure.into()),
        }
    }

    /// Handles a user that already exists under this name: from an earlier attempt or run of this stack, or of another owner.
    async fn resolve_user(&self, name: &str, after: &Resource) -> Result<EnactNote, ChangeError> {
        const OPERATION: &str = "iam:GetUser";
        let iam = &self.provider.clients.iam;
        let send = || iam.get_user().user_name(name).send();
        let answer = match self.call_iam(OPERATION, RetryClass::Idempotent, send).await {
            Err(failure) if failure.is_absent() => return Err(refuse_taken_name(&after.id)),
            other => other?,
        };
        let user =
            answer.user.ok_or_else(|| CallError::from_malformed_answer(OPERATION, "the response contains no user"))?;
        let live_tags = tags::tags_from_sdk(user.tags);
        let found = Marks::from_tags(&live_tags).ok().flatten();
        self.check_found_marks(&after.id, found.as_ref(), after.marks.as_ref())?;
        let (Some(found), Some(desired)) = (found, after.marks.as_ref()) else { return Ok(None) };
        let boundary = user.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
        let live = user_resource(name, &user.path, boundary, &live_tags, IdentityBinding::Marked(&found));
        // This run sees the user for the first time, so the user may be new to IAM as well, and IAM may not show it everywhere yet.
        self.record_created(&after.id, &user.user_id);
        self.update_user(name, &live, after).await?;
        self.tag_user(name, TagChange::from_mark_change(Some(&found), desired)).await?;
        Ok(Some("it already existed with this stack's mark".to_owned()))
    }

    async fn update_user(&self, name: &str, before: &Resource, after: &Resource) -> Result<(), ChangeError> {
        let iam = &self.provider.clients.iam;
        if text_attribute(before, "path") != text_attribute(after, "path") {
            let new_path = text_attribute(after, "path").unwrap_or("/");
            let send = || iam.update_user().user_name(name).new_path(new_path).send();
            self.call_iam("iam:UpdateUser", RetryClass::Idempotent, send).await?;
        }
        let boundary = text_attribute(after, "permissions_boundary");
        if text_attribute(before, "permissions_boundary") != boundary {
            if let Some(boundary) = boundary {
                let send = || iam.put_user_permissions_boundary().user_name(name).permissions_boundary(boundary).send();
                self.call_iam("iam:PutUserPermissionsBoundary", RetryClass::Idempotent, send).await?;
            } else {
                let send = || iam.delete_user_permissions_boundary().user_name(name).send();
                self.delete_if_present("iam:DeleteUserPermissionsBoundary", send).await?;
            }
        }
        self.tag_user(name, TagChange::from_difference(&declared_tags(before), &declared_tags(after))).await
    }

    async fn tag_user(&self, name: &str, change: TagChange) -> Result<(), ChangeError> {
        let iam = &self.provider.clients.iam;
        if !change.put.is_empty() {
            let list = tags::tags_to_sdk(&change.put)?;
            let send = || iam.tag_user().user_name(name).set_tags(Some(list.clone())).send();
            self.call_iam("iam:TagUser", RetryClass::Idempotent, send).await?;
        }
        if !change.remove.is_empty() {
            let send = || iam.untag_user().user_name(name).set_tag_keys(Some(change.remove.clone())).send();
            self.call_iam("iam:UntagUser", RetryClass::Idempotent, send).await?;
        }
        Ok(())
    }
}
