//! Writes roles. One call creates a role with trust policy, tags and boundary; later changes write only what differs.

use leasehold_provider::{Change, Marks, Resource, Value};

use super::tags::{self, TagChange};
use super::target::refuse_taken_name;
use super::{
    ChangeError, ChangeWriter, EnactNote, declared_tags, find_document, refuse_change, require_document_text,
    text_attribute,
};
use crate::document;
use crate::failure::CallError;
use crate::observe::{IdentityBinding, RoleFacts, role_resource};
use crate::realize::DEFAULT_SESSION;
use crate::retry::RetryClass;

impl ChangeWriter<'_> {
    /// Carries out a change of a role itself.
    pub(super) async fn write_role(&self, name: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        match change {
            Change::Create { after } => self.create_role(name, after).await,
            Change::Update { before, after } => {
                self.update_role(name, before, after).await?;
                Ok(None)
            }
            Change::Delete { .. } => {
                let send = || iam.delete_role().role_name(name).send();
                let note = match self.delete_if_present("iam:DeleteRole", send).await {
                    Err(refusal) if refusal.is_delete_conflict() => {
                        let removed = self.remove_role_dependents(name).await?;
                        if removed.is_empty() {
                            return Err(refusal);
                        }
                        self.delete_if_present("iam:DeleteRole", send).await?;
                        Some(format!("also removed: {}", removed.join(", ")))
                    }
                    other => other?,
                };
                self.provider.known.record_removed(self.stack, change.id());
                Ok(note)
            }
            Change::Mark { before, after, .. } => {
                self.tag_role(name, TagChange::from_mark_change(before.as_deref(), after)).await?;
                Ok(None)
            }
            Change::Import { after, .. } => {
                self.tag_role(name, TagChange::for_marking(after)).await?;
                self.provider.known.record_owned(self.stack, change.id());
                Ok(None)
            }
            Change::Release { .. } => {
                self.tag_role(name, TagChange::for_unmarking()).await?;
                self.provider.known.record_removed(self.stack, change.id());
                Ok(None)
            }
        }
    }

    async fn create_role(&self, name: &str, after: &Resource) -> Result<EnactNote, ChangeError> {
        let marks = after.marks.as_ref();
        let mut all_tags = declared_tags(after);
        all_tags.extend(marks.map(Marks::to_tags).unwrap_or_default());
        let all_tags = tags::tags_to_sdk(&all_tags)?;
        let trust = require_document_text(after, "assume_role_policy")?;
        let iam = &self.provider.clients.iam;
        let send = || {
            iam.create_role()
                .role_name(name)
                .assume_role_policy_document(&trust)
                .set_tags(Some(all_tags.clone()))
                .set_path(text_attribute(after, "path").map(str::to_owned))
                .set_description(text_attribute(after, "description").map(str::to_owned))
                .set_permissions_boundary(text_attribute(after, "permissions_boundary").map(str::to_owned))
                .set_max_session_duration(session_seconds(after))
                .send()
        };
        if marks.is_none() {
            return Err(refuse_change(
                &after.id,
                "the plan contains no marks for it",
                "the plan is invalid: make a new plan",
            ));
        }
        match self.call_iam("iam:CreateRole", RetryClass::Conditional, send).await {
            Ok(answer) => {
                let role = answer.role.ok_or_else(|| {
                    CallError::from_malformed_answer("iam:CreateRole", "the response contains no role")
                })?;
                self.record_created(&after.id, role.role_id);
                Ok(None)
            }
            Err(failure) if failure.is_name_taken() => self.resolve_role(name, after).await,
            Err(failure) => Err(failure.into()),
        }
    }

    /// Handles a role that already exists under this name: from an earlier attempt or run of this stack, or of another owner.
    async fn resolve_role(&self, name: &str, after: &Resource) -> Result<EnactNote, ChangeError> {
        const OPERATION: &str = "iam:GetRole";
        let iam = &self.provider.clients.iam;
        let send = || iam.get_role().role_name(name).send();
        let answer = match self.call_iam(OPERATION, RetryClass::Idempotent, send).await {
            Err(failure) if failure.is_absent() => return Err(refuse_taken_name(&after.id)),
            other => other?,
        };
        let role =
            answer.role.ok_or_else(|| CallError::from_malformed_answer(OPERATION, "the response contains no role"))?;
        let facts = RoleFacts::from_role(&role);
        let live_tags = tags::tags_from_sdk(role.tags);
        let found = Marks::from_tags(&live_tags).ok().flatten();
        self.check_found_marks(&after.id, found.as_ref(), after.marks.as_ref())?;
        let (Some(found), Some(desired)) = (found, after.marks.as_ref()) else { return Ok(None) };
        let trust = document::decode_document(role.assume_role_policy_document.as_deref().unwrap_or_default())
            .map_err(|problem| {
                CallError::from_malformed_answer(OPERATION, format!("the trust policy of role {name}: {problem}"))
            })?;
        let boundary = role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
        let mut live = role_resource(
            name,
            &role.path,
            Value::Document(trust),
            boundary,
            &live_tags,
            IdentityBinding::Marked(&found),
        );
        facts.write_to_resource(&mut live);
        // This run sees the role for the first time, so the role may be new to IAM as well, and IAM may not show it everywhere yet.
        self.record_created(&after.id, &role.role_id);
        self.update_role(name, &live, after).await?;
        self.tag_role(name, TagChange::from_mark_change(Some(&found), desired)).await?;
        Ok(Some("it already existed with this stack's mark".to_owned()))
    }

    async fn update_role(&self, name: &str, before: &Resource, after: &Resource) -> Result<(), ChangeError> {
        let iam = &self.provider.clients.iam;
        if text_attribute(before, "path") != text_attribute(after, "path") {
            let help = "IAM cannot change the path of a role: give the identity another name";
            return Err(refuse_change(&after.id, "its path would change", help));
        }
        // Write the change that takes away access first.
        if text_attribute(before, "permissions_boundary") != text_attribute(after, "permissions_boundary") {
            self.write_role_boundary(name, text_attribute(after, "permissions_boundary")).await?;
        }
        if find_document(before, "assume_role_policy") != find_document(after, "assume_role_policy") {
            let trust = require_document_text(after, "assume_role_policy")?;
            let send = || iam.update_assume_role_policy().role_name(name).policy_document(&trust).send();
            self.call_iam("iam:UpdateAssumeRolePolicy", RetryClass::Idempotent, send).await?;
        }
        if text_attribute(before, "description") != text_attribute(after, "description")
            || session_seconds(before) != session_seconds(after)
        {
            let seconds = session_seconds(after).or_else(|| i32::try_from(DEFAULT_SESSION).ok());
            let send = || {
                iam.update_role()
                    .role_name(name)
                    .description(text_attribute(after, "description").unwrap_or_default())
                    .set_max_session_duration(seconds)
                    .send()
            };
            self.call_iam("iam:UpdateRole", RetryClass::Idempotent, send).await?;
        }
        self.tag_role(name, TagChange::from_difference(&declared_tags(before), &declared_tags(after))).await
    }

    async fn write_role_boundary(&self, name: &str, boundary: Option<&str>) -> Result<(), ChangeError> {
        let iam = &self.provider.clients.iam;
        if let Some(boundary) = boundary {
            let send = || iam.put_role_permissions_boundary().role_name(name).permissions_boundary(boundary).send();
            self.call_iam("iam:PutRolePermissionsBoundary", RetryClass::Idempotent, send).await?;
        } else {
            let send = || iam.delete_role_permissions_boundary().role_name(name).send();
            self.delete_if_present("iam:DeleteRolePermissionsBoundary", send).await?;
        }
        Ok(())
    }

    async fn tag_role(&self, name: &str, change: TagChange) -> Result<(), ChangeError> {
        let iam = &self.provider.clients.iam;
        if !change.put.is_empty() {
            let list = tags::tags_to_sdk(&change.put)?;
            let send = || iam.tag_role().role_name(name).set_tags(Some(list.clone())).send();
            self.call_iam("iam:TagRole", RetryClass::Idempotent, send).await?;
        }
        if !change.remove.is_empty() {
            let send = || iam.untag_role().role_name(name).set_tag_keys(Some(change.remove.clone())).send();
            self.call_iam("iam:UntagRole", RetryClass::Idempotent, send).await?;
        }
        Ok(())
    }
}

/// The maximum session duration in seconds. `None` if it is the default.
fn session_seconds(role: &Resource) -> Option<i32> {
    match role.get("max_session_duration") {
        Some(Value::Number(seconds)) => i32::try_from(*seconds).ok(),
        _ => None,
    }
}
