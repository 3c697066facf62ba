//! Writes scopes as customer-managed policies, and manages their versions.

use aws_sdk_iam::types::PolicyVersion;
use leasehold_provider::{Change, Document, EnactError, EnactErrorKind, Marks, Resource};

use super::inline::refuse_marks;
use super::tags::{self, TagChange};
use super::target::refuse_unmanaged;
use super::{ChangeError, ChangeWriter, EnactNote, find_document, is_uncertain, refuse_change, require_document_text};
use crate::failure::CallError;
use crate::retry::RetryClass;
use crate::{arn, document, kinds};

impl ChangeWriter<'_> {
    /// Carries out a change of a scope's policy.
    pub(super) async fn write_policy(&self, change: &Change) -> Result<EnactNote, ChangeError> {
        let scope = kinds::part_name(change.id());
        let arn = arn::scope_policy_arn(self.realm, self.stack, scope);
        match change {
            Change::Create { after } => self.create_policy(scope, &arn, after).await,
            Change::Update { after, .. } => self.update_policy(&arn, after).await,
            Change::Delete { .. } => {
                let note = self.delete_policy(&arn).await?;
                self.provider.known.record_removed(self.stack, change.id());
                Ok(note)
            }
            Change::Mark { before, after, .. } => {
                self.tag_policy(&arn, TagChange::from_mark_change(before.as_deref(), after)).await?;
                Ok(None)
            }
            Change::Import { id, .. } | Change::Release { id, .. } => Err(refuse_marks(id)),
        }
    }

    async fn create_policy(&self, scope: &str, arn: &str, after: &Resource) -> Result<EnactNote, ChangeError> {
        let text = require_document_text(after, "policy")?;
        // A policy with a user's own statements has no tags: its path is its only mark.
        let list = after.marks.as_ref().map(|marks| tags::tags_to_sdk(&marks.to_tags())).transpose()?;
        let iam = &self.provider.clients.iam;
        let send = || {
            iam.create_policy()
                .policy_name(arn::scope_policy_name(self.stack, scope))
                .path(arn::stack_path(self.stack))
                .policy_document(&text)
                .set_tags(list.clone())
                .send()
        };
        match self.call_iam("iam:CreatePolicy", RetryClass::Conditional, send).await {
            Ok(answer) => {
                let unique_id = answer.policy.and_then(|policy| policy.policy_id).ok_or_else(|| {
                    CallError::from_malformed_answer("iam:CreatePolicy", "the response contains no policy id")
                })?;
                self.record_created(&after.id, unique_id);
                Ok(None)
            }
            Err(failure) if failure.is_name_taken() => self.resolve_policy(arn, after).await,
            Err(failure) => Err(failure.into()),
        }
    }

    /// Handles a policy that already exists under this name. Under the stack's path it is ours; under another path it is not.
    async fn resolve_policy(&self, arn: &str, after: &Resource) -> Result<EnactNote, ChangeError> {
        const OPERATION: &str = "iam:GetPolicy";
        let iam = &self.provider.clients.iam;
        let policy =
            match self.call_iam(OPERATION, RetryClass::Idempotent, || iam.get_policy().policy_arn(arn).send()).await {
                Ok(answer) => answer
                    .policy
                    .ok_or_else(|| CallError::from_malformed_answer(OPERATION, "the response contains no policy"))?,
                Err(failure) if failure.is_absent() => {
                    return Err(refuse_unmanaged(&after.id, "a policy with this name exists under another path"));
                }
                Err(failure) => return Err(failure.into()),
            };
        let live = tags::tags_from_sdk(policy.tags);
        match Marks::from_tags(&live) {
            Ok(Some(marks)) if marks.stack != *self.stack => {
                return Err(refuse_unmanaged(&after.id, &format!("its tags name stack {}", marks.stack)));
            }
            Err(problem) => return Err(refuse_unmanaged(&after.id, &problem.to_string())),
            Ok(_) => {}
        }
        let unique_id = policy
            .policy_id
            .ok_or_else(|| CallError::from_malformed_answer(OPERATION, "the response contains no policy id"))?;
        self.record_created(&after.id, unique_id);
        self.update_policy(arn, after).await?;
        if let Some(desired) = &after.marks {
            let found =
                live.into_iter().filter(|(key, _)| key.starts_with(leasehold_provider::marks::PREFIX)).collect();
            self.tag_policy(arn, TagChange::from_difference(&found, &desired.to_tags())).await?;
        }
        Ok(Some("it already existed under this stack's path".to_owned()))
    }

    /// Makes the desired document the default version, unless it already is. IAM chooses the name of a new version, so after a lost answer
    /// the policy is read again instead of repeating the call.
    async fn update_policy(&self, arn: &str, after: &Resource) -> Result<EnactNote, ChangeError> {
        let desired = find_document(after, "policy")
            .ok_or_else(|| refuse_change(&after.id, "it has no document", "the plan is invalid: make a new plan"))?;
        let text = document::render_document(desired);
        let iam = &self.provider.clients.iam;
        let send = || iam.create_policy_version().policy_arn(arn).policy_document(&text).set_as_default(true).send();
        let mut last = None;
        for attempt in 0..4 {
            if self.read_default_document(arn).await? == *desired {
                let note = if attempt == 0 { Some("already in this state".to_owned()) } else { None };
                return Ok(note);
            }
            match self.call_iam("iam:CreatePolicyVersion", RetryClass::ServerNamed, send).await {
                Ok(_) => return Ok(None),
                Err(failure) if failure.is_limit() => {
                    self.delete_oldest_version(arn).await?;
                    last = Some(failure);
                }
                Err(failure) if is_uncertain(&failure) => last = Some(failure),
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(last.map_or_else(
            || refuse_change(&after.id, "it could not be changed", "run the command again"),
            ChangeError::from,
        ))
    }

    async fn read_default_document(&self, arn: &str) -> Result<Document, ChangeError> {
        const GET: &str = "iam:GetPolicy";
        const VERSION: &str = "iam:GetPolicyVersion";
        let iam = &self.provider.clients.iam;
        let answer = self.call_iam(GET, RetryClass::Idempotent, || iam.get_policy().policy_arn(arn).send()).await?;
        let version = answer.policy.and_then(|policy| policy.default_version_id).ok_or_else(|| {
            CallError::from_malformed_answer(GET, "the response contains a policy without a default version")
        })?;
        let send = || iam.get_policy_version().policy_arn(arn).version_id(&version).send();
        let answer = self.call_iam(VERSION, RetryClass::Idempotent, send).await?;
        let text = answer.policy_version.and_then(|version| version.document).ok_or_else(|| {
            CallError::from_malformed_answer(VERSION, "the response contains a policy version without a document")
        })?;
        Ok(document::decode_document(&text).map_err(|problem| CallError::from_malformed_answer(VERSION, problem))?)
    }

    async fn list_versions(&self, arn: &str) -> Result<Vec<PolicyVersion>, CallError> {
        let iam = &self.provider.clients.iam;
        // A policy has at most five versions, so they fit on one page.
        let send = || iam.list_policy_versions().policy_arn(arn).send();
        Ok(self.call_iam("iam:ListPolicyVersions", RetryClass::Idempotent, send).await?.versions.unwrap_or_default())
    }

    async fn delete_oldest_version(&self, arn: &str) -> Result<(), ChangeError> {
        let versions = self.list_versions(arn).await?;
        let spare = versions.into_iter().filter(|version| !version.is_default_version).filter_map(|v| v.version_id);
        let numbered = spare.filter_map(|version| Some((parse_version_number(&version)?, version)));
        let Some((_, oldest)) = numbered.min() else {
            return Err(EnactError {
                requests: Vec::new(),
                kind: EnactErrorKind::Limit,
                operation: "iam:CreatePolicyVersion".to_owned(),
                message: format!("{arn} has the maximum number of versions, and none of them can be deleted"),
                help: Some("check the versions of the policy in the console, then make a new plan".to_owned()),
            }
            .into());
        };
        self.delete_version(arn, &oldest).await
    }

    async fn delete_version(&self, arn: &str, version: &str) -> Result<(), ChangeError> {
        let iam = &self.provider.clients.iam;
        let send = || iam.delete_policy_version().policy_arn(arn).version_id(version).send();
        self.delete_if_present("iam:DeletePolicyVersion", send).await?;
        Ok(())
    }

    async fn delete_policy(&self, arn: &str) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let versions = match self.list_versions(arn).await {
            Ok(versions) => versions,
            Err(failure) if failure.is_absent() => return Ok(Some("it had already been removed".to_owned())),
            Err(failure) => return Err(failure.into()),
        };
        for version in versions.iter().filter(|version| !version.is_default_version) {
            let id = version.version_id.as_deref().ok_or_else(|| {
                CallError::from_malformed_answer("iam:ListPolicyVersions", format!("a version of {arn} without an id"))
            })?;
            self.delete_version(arn, id).await?;
        }
        self.delete_if_present("iam:DeletePolicy", || iam.delete_policy().policy_arn(arn).send()).await
    }

    async fn tag_policy(&self, arn: &str, change: TagChange) -> Result<(), ChangeError> {
        let iam = &self.provider.clients.iam;
        if !change.put.is_empty() {
            let list = tags::tags_to_sdk(&change.put)?;
            let send = || iam.tag_policy().policy_arn(arn).set_tags(Some(list.clone())).send();
            self.call_iam("iam:TagPolicy", RetryClass::Idempotent, send).await?;
        }
        if !change.remove.is_empty() {
            let send = || iam.untag_policy().policy_arn(arn).set_tag_keys(Some(change.remove.clone())).send();
            self.call_iam("iam:UntagPolicy", RetryClass::Idempotent, send).await?;
        }
        Ok(())
    }
}

/// The number of a version: `12` for `v12`. `None`: it has another form, so its age is unknown.
fn parse_version_number(version: &str) -> Option<u64> {
    version.strip_prefix('v')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number_and_other_forms_have_none() {
        assert_eq!(parse_version_number("v9"), Some(9));
        assert_eq!(parse_version_number("v12"), Some(12));
        assert!(["", "v", "12", "latest"].iter().all(|text| parse_version_number(text).is_none()));
    }
}
