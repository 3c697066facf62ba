//! Disables and removes users' access keys, passwords and group memberships. `issue` creates access keys, because a new secret needs a
//! secret store.

use aws_sdk_iam::types::StatusType;
use leasehold_provider::{Change, Principal};

use super::inline::refuse_marks;
use super::{ChangeError, ChangeWriter, EnactNote, refuse_change, text_attribute};
use crate::kinds;
use crate::retry::RetryClass;

impl ChangeWriter<'_> {
    /// Carries out a change of an access key.
    pub(super) async fn write_access_key(&self, user: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let key = kinds::part_name(change.id());
        match change {
            Change::Update { after, .. } => {
                let status = match text_attribute(after, "status") {
                    Some("Active") => StatusType::Active,
                    Some("Inactive") => StatusType::Inactive,
                    _ => {
                        return Err(refuse_change(
                            &after.id,
                            "its status is neither Active nor Inactive",
                            "make a new plan",
                        ));
                    }
                };
                let send = || iam.update_access_key().user_name(user).access_key_id(key).status(status.clone()).send();
                self.call_iam("iam:UpdateAccessKey", RetryClass::Idempotent, send).await?;
                Ok(None)
            }
            Change::Delete { .. } => {
                self.record_reduced(Principal::User, user);
                let send = || iam.delete_access_key().user_name(user).access_key_id(key).send();
                self.delete_if_present("iam:DeleteAccessKey", send).await
            }
            Change::Create { after } => {
                Err(refuse_change(&after.id, "this step does not create access keys", "make a new plan"))
            }
            Change::Mark { id, .. } | Change::Import { id, .. } | Change::Release { id, .. } => Err(refuse_marks(id)),
        }
    }

    /// Carries out a change of a user's password.
    pub(super) async fn write_login_profile(&self, user: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        match change {
            Change::Delete { .. } => {
                self.record_reduced(Principal::User, user);
                self.delete_if_present("iam:DeleteLoginProfile", || iam.delete_login_profile().user_name(user).send())
                    .await
            }
            Change::Create { after } | Change::Update { after, .. } => {
                Err(refuse_change(&after.id, "Leasehold removes passwords and never sets them", "make a new plan"))
            }
            Change::Mark { id, .. } | Change::Import { id, .. } | Change::Release { id, .. } => Err(refuse_marks(id)),
        }
    }

    /// Carries out a change of a user's membership in a group.
    pub(super) async fn write_membership(&self, user: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let group = kinds::part_name(change.id());
        match change {
            Change::Create { .. } => {
                let send = || iam.add_user_to_group().user_name(user).group_name(group).send();
                self.call_iam("iam:AddUserToGroup", RetryClass::Idempotent, send).await?;
                Ok(None)
            }
            Change::Update { .. } => Ok(None),
            Change::Delete { .. } => {
                self.record_reduced(Principal::User, user);
                let send = || iam.remove_user_from_group().user_name(user).group_name(group).send();
                self.delete_if_present("iam:RemoveUserFromGroup", send).await
            }
            Change::Mark { id, .. } | Change::Import { id, .. } | Change::Release { id, .. } => Err(refuse_marks(id)),
        }
    }
}
