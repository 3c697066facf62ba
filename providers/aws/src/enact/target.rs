//! Checks that the stack manages an object before it is written. The marks that this run has already observed are not read again.

use aws_sdk_iam::types::PolicyScopeType;
use leasehold_provider::{Change, EnactError, EnactErrorKind, Marks, Principal, ResourceId, StackName};

use super::{ChangeError, ChangeWriter, refuse_change};
use crate::observe::{Page, read_all_pages};
use crate::retry::RetryClass;
use crate::{arn, kinds};

/// Whether a change may be carried out on its object.
pub enum TargetStatus {
    /// The object carries the stack's mark, or gets it when it is created.
    Managed,
    /// The object is to be removed and does not exist.
    Absent,
}

impl ChangeWriter<'_> {
    /// Checks whether the change may be carried out.
    ///
    /// # Errors
    /// The object is not managed by this stack, does not exist although the change needs it, or its marks cannot be read.
    pub async fn check_target(&self, change: &Change) -> Result<TargetStatus, ChangeError> {
        let id = change.id();
        self.check_change_marks(change)?;
        let marked_object = self.find_marked_object(id)?;
        if matches!(change, Change::Create { .. }) && marked_object == *id {
            // AWS refuses a name that is taken. Only then are the marks of the existing object read.
            return Ok(TargetStatus::Managed);
        }
        if !matches!(change, Change::Import { .. }) && self.provider.known.is_managed(self.stack, &marked_object) {
            return Ok(TargetStatus::Managed);
        }
        match self.read_marks(&marked_object).await? {
            FoundMarks::Unmarked if matches!(change, Change::Import { .. }) => Ok(TargetStatus::Managed),
            FoundMarks::Unmarked if matches!(change, Change::Release { .. }) => Ok(TargetStatus::Absent),
            FoundMarks::Unmarked => Err(refuse_unmanaged(&marked_object, "it carries no mark")),
            FoundMarks::Marks(marks) if marks.stack == *self.stack && !has_expected_address(change, &marks) => {
                Err(refuse_unmanaged(&marked_object, &format!("it is {} of this stack", marks.address)))
            }
            FoundMarks::Marks(marks) if marks.stack == *self.stack => {
                self.provider.known.record_owned(self.stack, &marked_object);
                Ok(TargetStatus::Managed)
            }
            FoundMarks::Marks(marks) => {
                Err(refuse_unmanaged(&marked_object, &format!("it belongs to stack {}", marks.stack)))
            }
            FoundMarks::Unreadable(reason) => Err(refuse_unmanaged(&marked_object, &reason)),
            FoundMarks::Absent if marked_object.kind == kinds::POLICY && self.has_namesake(&marked_object).await? => {
                Err(refuse_unmanaged(&marked_object, "a policy with this name exists under another path"))
            }
            FoundMarks::Absent if matches!(change, Change::Delete { .. } | Change::Release { .. }) => {
                Ok(TargetStatus::Absent)
            }
            FoundMarks::Absent => Err(EnactError {
                requests: Vec::new(),
                kind: EnactErrorKind::Conflict,
                operation: id.to_string(),
                message: format!("{marked_object} no longer exists"),
                help: Some("make a new plan: it was removed after the plan was made".to_owned()),
            }
            .into()),
        }
    }

    /// Checks that the marks in the change itself name this stack.
    fn check_change_marks(&self, change: &Change) -> Result<(), ChangeError> {
        let (before, after) = match change {
            Change::Create { after } => (None, after.marks.as_ref()),
            Change::Update { before, after } => (before.marks.as_ref(), after.marks.as_ref()),
            Change::Delete { before } => (before.marks.as_ref(), None),
            Change::Mark { before, after, .. } => (before.as_deref(), Some(&**after)),
            Change::Import { after, .. } => (None, Some(&**after)),
            Change::Release { before, .. } => (Some(&**before), None),
        };
        match before.into_iter().chain(after).find(|marks| marks.stack != *self.stack) {
            Some(marks) => {
                Err(refuse_unmanaged(change.id(), &format!("the marks in the change name stack {}", marks.stack)))
            }
            None => Ok(()),
        }
    }

    /// The object that carries the mark: the principal, the group, the federation, or the policy of a scope.
    fn find_marked_object(&self, id: &ResourceId) -> Result<ResourceId, ChangeError> {
        if let Some((principal, name)) = kinds::owning_principal(id) {
            return Ok(kinds::principal_id(principal, name));
        }
        if let Some(group) = kinds::containing_group(id) {
            return Ok(kinds::group_id(group));
        }
        if arn::federation_arn(self.realm, id).is_some() {
            return Ok(id.clone());
        }
        let scope = id.name.strip_prefix(self.stack.as_str()).and_then(|rest| rest.strip_prefix('/'));
        if id.kind == kinds::POLICY && scope.is_some() {
            Ok(id.clone())
        } else if id.kind == kinds::POLICY {
            Err(refuse_unmanaged(id, &format!("it is not under the path /leasehold/{}/", self.stack)))
        } else {
            Err(super::refuse_unknown_kind(id))
        }
    }

    async fn read_marks(&self, marked_object: &ResourceId) -> Result<FoundMarks, ChangeError> {
        if let Some(group) = kinds::containing_group(marked_object) {
            return Ok(self.read_group(group).await?.map_or(FoundMarks::Absent, |found| {
                self.note_unique_id(found.group_id);
                self.marks_from_group_path(group, &found.path)
            }));
        }
        let iam = &self.provider.clients.iam;
        let tags = match kinds::owning_principal(marked_object) {
            Some((Principal::Role, name)) => {
                let send = || iam.get_role().role_name(name).send();
                match self.call_iam("iam:GetRole", RetryClass::Idempotent, send).await {
                    Ok(answer) => answer.role.and_then(|role| {
                        self.note_unique_id(role.role_id);
                        role.tags
                    }),
                    Err(failure) if failure.is_absent() => return Ok(FoundMarks::Absent),
                    Err(failure) => return Err(failure.into()),
                }
            }
            Some((Principal::User, name)) => {
                let send = || iam.get_user().user_name(name).send();
                match self.call_iam("iam:GetUser", RetryClass::Idempotent, send).await {
                    Ok(answer) => answer.user.and_then(|user| {
                        self.note_unique_id(user.user_id);
                        user.tags
                    }),
                    Err(failure) if failure.is_absent() => return Ok(FoundMarks::Absent),
                    Err(failure) => return Err(failure.into()),
                }
            }
            None if arn::federation_arn(self.realm, marked_object).is_some() => {
                match self.read_federation_tags(marked_object).await? {
                    Some(tags) => Some(tags),
                    None => return Ok(FoundMarks::Absent),
                }
            }
            None => {
                let policy = arn::scope_policy_arn(self.realm, self.stack, kinds::part_name(marked_object));
                let send = || iam.get_policy().policy_arn(&policy).send();
                match self.call_iam("iam:GetPolicy", RetryClass::Idempotent, send).await {
                    Ok(answer) => answer.policy.and_then(|policy| policy.tags),
                    Err(failure) if failure.is_absent() => return Ok(FoundMarks::Absent),
                    Err(failure) => return Err(failure.into()),
                }
            }
        };
        let tags = super::tags::tags_from_sdk(tags);
        Ok(match Marks::from_tags(&tags) {
            Ok(Some(marks)) => FoundMarks::Marks(Box::new(marks)),
            // A policy's path is its mark, and the policy was requested by its path.
            Ok(None) if marked_object.kind == kinds::POLICY => {
                let scope = leasehold_provider::Address::from_qualified_name("scope", kinds::part_name(marked_object));
                FoundMarks::Marks(Box::new(Marks::new(self.stack.clone(), scope)))
            }
            Ok(None) => FoundMarks::Unmarked,
            Err(problem) => FoundMarks::Unreadable(problem.to_string()),
        })
    }
}

impl ChangeWriter<'_> {
    /// The owner of a group according to its path.
    fn marks_from_group_path(&self, group: &str, path: &str) -> FoundMarks {
        let stack = path.strip_prefix("/leasehold/").map(|rest| StackName::new(rest.trim_end_matches('/')));
        match stack {
            None => FoundMarks::Unmarked,
            Some(Ok(stack)) => {
                FoundMarks::Marks(Box::new(Marks::new(stack, crate::realize::group::address_from_name(group))))
            }
            Some(Err(problem)) => FoundMarks::Unreadable(problem.to_string()),
        }
    }

    /// Whether a policy with the scope's policy name exists under another path. IAM allows only one policy of a name in an account.
    async fn has_namesake(&self, scope: &ResourceId) -> Result<bool, ChangeError> {
        const OPERATION: &str = "iam:ListPolicies";
        let name = arn::scope_policy_name(self.stack, kinds::part_name(scope));
        let iam = &self.provider.clients.iam;
        let mut found = false;
        let fetch = async |marker: Option<String>| {
            let send = || iam.list_policies().scope(PolicyScopeType::Local).set_marker(marker.clone()).send();
            let page = self.call_iam(OPERATION, RetryClass::Idempotent, send).await?;
            Ok(Page { items: page.policies.unwrap_or_default(), truncated: page.is_truncated, marker: page.marker })
        };
        read_all_pages(OPERATION, fetch, |policies| {
            found |= policies.iter().any(|policy| policy.policy_name.as_ref() == Some(&name));
            Ok(())
        })
        .await?;
        Ok(found)
    }
}

/// Whether the marks on an object are the ones that a release expects to remove. An import expects no marks: if there are some, somebody
/// else wrote them.
fn has_expected_address(change: &Change, found: &Marks) -> bool {
    match change {
        Change::Release { before, .. } => before.address == found.address,
        _ => true,
    }
}

enum FoundMarks {
    Marks(Box<Marks>),
    Unmarked,
    Unreadable(String),
    Absent,
}

/// The refusal to write an object that this stack does not manage.
pub fn refuse_unmanaged(id: &ResourceId, reason: &str) -> ChangeError {
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::NotManaged,
        operation: id.to_string(),
        message: format!("this stack does not manage the object in the account: {reason}; the object was not changed"),
        help: Some(
            "choose another name for the identity, or ask the owner of the object to remove or rename it".to_owned(),
        ),
    }
    .into()
}

/// The name is taken, but no object has exactly this name: IAM treats names that differ only in case as the same name.
pub fn refuse_taken_name(id: &ResourceId) -> ChangeError {
    refuse_unmanaged(
        id,
        "the name is in use by an object whose name differs only in case, or by an object that was removed a moment ago",
    )
}

impl ChangeWriter<'_> {
    /// Checks that an existing principal with the name of one to be created belongs to this stack and is the same identity.
    ///
    /// # Errors
    /// It has no readable mark, belongs to another stack, or is another identity of this stack.
    pub fn check_found_marks(
        &self,
        id: &ResourceId,
        found: Option<&Marks>,
        desired: Option<&Marks>,
    ) -> Result<(), ChangeError> {
        match (found, desired) {
            (None, _) => Err(refuse_unmanaged(id, "it carries no valid mark")),
            (Some(found), _) if found.stack != *self.stack => {
                Err(refuse_unmanaged(id, &format!("it belongs to stack {}", found.stack)))
            }
            (Some(found), Some(desired)) if found.address != desired.address => {
                Err(refuse_unmanaged(id, &format!("it is {} of this stack", found.address)))
            }
            (Some(_), Some(_)) => Ok(()),
            (Some(_), None) => {
                Err(refuse_change(id, "the plan contains no marks for it", "the plan is invalid: make a new plan"))
            }
        }
    }
}
