//! Removes roles from instance profiles; never adds them. The profile itself is kept, because the stack does not manage it.

use leasehold_provider::{Change, Principal};

use super::inline::refuse_marks;
use super::{ChangeError, ChangeWriter, EnactNote, refuse_change};
use crate::kinds;

impl ChangeWriter<'_> {
    /// Carries out a change of a role's membership in an instance profile.
    pub(super) async fn write_profile_membership(&self, role: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        match change {
            Change::Delete { .. } => {
                self.record_reduced(Principal::Role, role);
                self.remove_from_profile(role, kinds::part_name(change.id())).await
            }
            Change::Create { after } | Change::Update { after, .. } => Err(refuse_change(
                &after.id,
                "Leasehold removes roles from instance profiles and never adds them",
                "make a new plan",
            )),
            Change::Mark { id, .. } | Change::Import { id, .. } | Change::Release { id, .. } => Err(refuse_marks(id)),
        }
    }

    /// Removes a role from an instance profile.
    pub(super) async fn remove_from_profile(&self, role: &str, profile: &str) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let send = || iam.remove_role_from_instance_profile().instance_profile_name(profile).role_name(role).send();
        self.delete_if_present("iam:RemoveRoleFromInstanceProfile", send).await
    }
}
