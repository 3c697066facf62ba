//! Disables and removes SSH keys, signing certificates and service-specific credentials. Leasehold never creates them.

use aws_sdk_iam::types::StatusType;
use leasehold_provider::{Change, Principal};

use super::inline::refuse_marks;
use super::{ChangeError, ChangeWriter, EnactNote, refuse_change, text_attribute};
use crate::kinds;
use crate::retry::RetryClass;

impl ChangeWriter<'_> {
    /// Carries out a change of such a credential.
    pub(super) async fn write_other_credential(&self, user: &str, change: &Change) -> Result<EnactNote, ChangeError> {
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
                self.set_credential_status(user, change, status).await
            }
            Change::Delete { .. } => {
                self.record_reduced(Principal::User, user);
                self.delete_other_credential(user, change).await
            }
            Change::Create { after } => {
                Err(refuse_change(&after.id, "Leasehold does not create credentials of this type", "make a new plan"))
            }
            Change::Mark { id, .. } | Change::Import { id, .. } | Change::Release { id, .. } => Err(refuse_marks(id)),
        }
    }

    async fn set_credential_status(
        &self,
        user: &str,
        change: &Change,
        status: StatusType,
    ) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let (id, status) = (kinds::part_name(change.id()), &status);
        match &change.id().kind {
            kind if *kind == kinds::SSH_KEY => {
                let send =
                    || iam.update_ssh_public_key().user_name(user).ssh_public_key_id(id).status(status.clone()).send();
                self.call_iam("iam:UpdateSSHPublicKey", RetryClass::Idempotent, send).await?;
            }
            kind if *kind == kinds::CERTIFICATE => {
                let send = || {
                    iam.update_signing_certificate().user_name(user).certificate_id(id).status(status.clone()).send()
                };
                self.call_iam("iam:UpdateSigningCertificate", RetryClass::Idempotent, send).await?;
            }
            _ => {
                let send = || {
                    iam.update_service_specific_credential()
                        .user_name(user)
                        .service_specific_credential_id(id)
                        .status(status.clone())
                        .send()
                };
                self.call_iam("iam:UpdateServiceSpecificCredential", RetryClass::Idempotent, send).await?;
            }
        }
        Ok(None)
    }

    async fn delete_other_credential(&self, user: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        let id = kinds::part_name(change.id());
        match &change.id().kind {
            kind if *kind == kinds::SSH_KEY => self.delete_ssh_key(user, id).await,
            kind if *kind == kinds::CERTIFICATE => self.delete_certificate(user, id).await,
            _ => self.delete_service_credential(user, id).await,
        }
    }

    /// Deletes an SSH key of a user.
    pub(super) async fn delete_ssh_key(&self, user: &str, id: &str) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let send = || iam.delete_ssh_public_key().user_name(user).ssh_public_key_id(id).send();
        self.delete_if_present("iam:DeleteSSHPublicKey", send).await
    }

    /// Deletes a signing certificate of a user.
    pub(super) async fn delete_certificate(&self, user: &str, id: &str) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let send = || iam.delete_signing_certificate().user_name(user).certificate_id(id).send();
        self.delete_if_present("iam:DeleteSigningCertificate", send).await
    }

    /// Deletes a service-specific credential of a user.
    pub(super) async fn delete_service_credential(&self, user: &str, id: &str) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let send =
            || iam.delete_service_specific_credential().user_name(user).service_specific_credential_id(id).send();
        self.delete_if_present("iam:DeleteServiceSpecificCredential", send).await
    }
}
