//! Roles in instance profiles: taken out, never put in. The profile stays; it is not the stack's.

use leasehold_provider::{Change, Principal};

use super::inline::unmarkable;
use super::{Note, Refusal, Writing, impossible};
use crate::kinds;

impl Writing<'_> {
    /// One change of a role's place in an instance profile.
    pub(super) async fn profile_membership(&self, role: &str, change: &Change) -> Result<Note, Refusal> {
        match change {
            Change::Delete { .. } => {
                self.touched(Principal::Role, role);
                self.take_out_of_profile(role, kinds::part(change.id())).await
            }
            Change::Create { after } | Change::Update { after, .. } => {
                Err(impossible(&after.id, "roles are only ever taken out of instance profiles", "plan again"))
            }
            Change::Mark { id, .. } | Change::Adopt { id, .. } | Change::Unmark { id, .. } => Err(unmarkable(id)),
        }
    }

    /// Takes a role out of an instance profile.
    pub(super) async fn take_out_of_profile(&self, role: &str, profile: &str) -> Result<Note, Refusal> {
        let iam = &self.provider.clients.iam;
        let send = || iam.remove_role_from_instance_profile().instance_profile_name(profile).role_name(role).send();
        self.remove("iam:RemoveRoleFromInstanceProfile", send).await
    }
}
