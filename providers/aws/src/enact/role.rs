//! Roles: made in one call with trust, tags, boundary and all; changed by what differs.

use leasehold_provider::{Change, Marks, Resource, Value};

use super::standing::taken;
use super::tags::{self, TagChange};
use super::{Note, Refusal, Writing, attribute, document_of, document_text, impossible, own_tags};
use crate::document;
use crate::failure::Failure;
use crate::observe::{RoleFacts, Whose, role_resource};
use crate::realize::DEFAULT_SESSION;
use crate::retry::Class;

impl Writing<'_> {
    /// One change of a role itself.
    pub(super) async fn role(&self, name: &str, change: &Change) -> Result<Note, Refusal> {
        let iam = &self.provider.clients.iam;
        match change {
            Change::Create { after } => self.create_role(name, after).await,
            Change::Update { before, after } => {
                self.update_role(name, before, after).await?;
                Ok(None)
            }
            Change::Delete { .. } => {
                let send = || iam.delete_role().role_name(name).send();
                let note = match self.remove("iam:DeleteRole", send).await {
                    Err(refusal) if refusal.holds_something() => {
                        let removed = self.clear_role(name).await?;
                        if removed.is_empty() {
                            return Err(refusal);
                        }
                        self.remove("iam:DeleteRole", send).await?;
                        Some(format!("with it went: {}", removed.join(", ")))
                    }
                    other => other?,
                };
                self.provider.known.gone(self.stack, change.id());
                Ok(note)
            }
            Change::Mark { before, after, .. } => {
                self.tag_role(name, TagChange::of_marks(before.as_deref(), after)).await?;
                Ok(None)
            }
            Change::Adopt { after, .. } => {
                self.tag_role(name, TagChange::onto(after)).await?;
                self.provider.known.found(self.stack, change.id());
                Ok(None)
            }
            Change::Unmark { .. } => {
                self.tag_role(name, TagChange::off()).await?;
                self.provider.known.gone(self.stack, change.id());
                Ok(None)
            }
        }
    }

    async fn create_role(&self, name: &str, after: &Resource) -> Result<Note, Refusal> {
        let marks = after.marks.as_ref();
        let mut all_tags = own_tags(after);
        all_tags.extend(marks.map(Marks::to_tags).unwrap_or_default());
        let all_tags = tags::list(&all_tags)?;
        let trust = document_text(after, "assume_role_policy")?;
        let iam = &self.provider.clients.iam;
        let send = || {
            iam.create_role()
                .role_name(name)
                .assume_role_policy_document(&trust)
                .set_tags(Some(all_tags.clone()))
                .set_path(attribute(after, "path").map(str::to_owned))
                .set_description(attribute(after, "description").map(str::to_owned))
                .set_permissions_boundary(attribute(after, "permissions_boundary").map(str::to_owned))
                .set_max_session_duration(session(after))
                .send()
        };
        if marks.is_none() {
            return Err(impossible(&after.id, "the plan gives it no marks", "the plan is broken: plan again"));
        }
        match self.call("iam:CreateRole", Class::Conditional, send).await {
            Ok(_) => {
                self.provider.known.made(self.stack, &after.id);
                Ok(None)
            }
            Err(failure) if failure.exists() => self.resolve_role(name, after).await,
            Err(failure) => Err(failure.into()),
        }
    }

    /// A role of the name is there: by an earlier attempt or run of ours, or somebody else's.
    async fn resolve_role(&self, name: &str, after: &Resource) -> Result<Note, Refusal> {
        const OPERATION: &str = "iam:GetRole";
        let iam = &self.provider.clients.iam;
        let send = || iam.get_role().role_name(name).send();
        let answer = match self.call(OPERATION, Class::Idempotent, send).await {
            Err(failure) if failure.absent() => return Err(taken(&after.id)),
            other => other?,
        };
        let role = answer.role.ok_or_else(|| Failure::malformed(OPERATION, "no role in the answer"))?;
        let facts = RoleFacts::of(&role);
        let live_tags = tags::map(role.tags);
        let found = Marks::from_tags(&live_tags).ok().flatten();
        self.must_be(&after.id, found.as_ref(), after.marks.as_ref())?;
        let (Some(found), Some(wanted)) = (found, after.marks.as_ref()) else { return Ok(None) };
        let trust = document::decode(role.assume_role_policy_document.as_deref().unwrap_or_default())
            .map_err(|problem| Failure::malformed(OPERATION, format!("the trust of role {name}: {problem}")))?;
        let boundary = role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
        let mut live =
            role_resource(name, &role.path, Value::Document(trust), boundary, &live_tags, Whose::Marked(&found));
        facts.set(&mut live);
        // It is new to this run, so it may be new to the cloud as well.
        self.provider.known.made(self.stack, &after.id);
        self.update_role(name, &live, after).await?;
        self.tag_role(name, TagChange::of_marks(Some(&found), wanted)).await?;
        Ok(Some("it was there already, with this stack's mark".to_owned()))
    }

    async fn update_role(&self, name: &str, before: &Resource, after: &Resource) -> Result<(), Refusal> {
        let iam = &self.provider.clients.iam;
        if attribute(before, "path") != attribute(after, "path") {
            let help = "IAM cannot move a role: give the identity another name";
            return Err(impossible(&after.id, "its path would change", help));
        }
        // What takes access away goes first.
        if attribute(before, "permissions_boundary") != attribute(after, "permissions_boundary") {
            self.role_boundary(name, attribute(after, "permissions_boundary")).await?;
        }
        if document_of(before, "assume_role_policy") != document_of(after, "assume_role_policy") {
            let trust = document_text(after, "assume_role_policy")?;
            let send = || iam.update_assume_role_policy().role_name(name).policy_document(&trust).send();
            self.call("iam:UpdateAssumeRolePolicy", Class::Idempotent, send).await?;
        }
        if attribute(before, "description") != attribute(after, "description") || session(before) != session(after) {
            let seconds = session(after).or_else(|| i32::try_from(DEFAULT_SESSION).ok());
            let send = || {
                iam.update_role()
                    .role_name(name)
                    .description(attribute(after, "description").unwrap_or_default())
                    .set_max_session_duration(seconds)
                    .send()
            };
            self.call("iam:UpdateRole", Class::Idempotent, send).await?;
        }
        self.tag_role(name, TagChange::between(&own_tags(before), &own_tags(after))).await
    }

    async fn role_boundary(&self, name: &str, boundary: Option<&str>) -> Result<(), Refusal> {
        let iam = &self.provider.clients.iam;
        if let Some(boundary) = boundary {
            let send = || iam.put_role_permissions_boundary().role_name(name).permissions_boundary(boundary).send();
            self.call("iam:PutRolePermissionsBoundary", Class::Idempotent, send).await?;
        } else {
            let send = || iam.delete_role_permissions_boundary().role_name(name).send();
            self.remove("iam:DeleteRolePermissionsBoundary", send).await?;
        }
        Ok(())
    }

    async fn tag_role(&self, name: &str, change: TagChange) -> Result<(), Refusal> {
        let iam = &self.provider.clients.iam;
        if !change.put.is_empty() {
            let list = tags::list(&change.put)?;
            let send = || iam.tag_role().role_name(name).set_tags(Some(list.clone())).send();
            self.call("iam:TagRole", Class::Idempotent, send).await?;
        }
        if !change.remove.is_empty() {
            let send = || iam.untag_role().role_name(name).set_tag_keys(Some(change.remove.clone())).send();
            self.call("iam:UntagRole", Class::Idempotent, send).await?;
        }
        Ok(())
    }
}

/// The longest session in seconds, where it is not the default.
fn session(role: &Resource) -> Option<i32> {
    match role.get("max_session_duration") {
        Some(Value::Number(seconds)) => i32::try_from(*seconds).ok(),
        _ => None,
    }
}
