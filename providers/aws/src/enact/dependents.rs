//! Removes objects that were added to a principal after its deletion was planned and that block the deletion. They are searched for only
//! when AWS refuses the deletion, because objects that the plan saw have their own steps.

use super::{ChangeError, ChangeWriter};
use crate::retry::RetryClass;

impl ChangeWriter<'_> {
    /// Removes SSH keys, signing certificates, service-specific credentials and MFA devices of a user that is being deleted.
    pub(super) async fn remove_user_dependents(&self, user: &str) -> Result<Vec<String>, ChangeError> {
        let iam = &self.provider.clients.iam;
        let mut removed = Vec::new();
        let send = || iam.list_signing_certificates().user_name(user).send();
        let listed = self.call_iam("iam:ListSigningCertificates", RetryClass::Idempotent, send).await?;
        for certificate in listed.certificates {
            self.delete_certificate(user, &certificate.certificate_id).await?;
            removed.push(format!("signing certificate {}", certificate.certificate_id));
        }
        let send = || iam.list_ssh_public_keys().user_name(user).send();
        let listed = self.call_iam("iam:ListSSHPublicKeys", RetryClass::Idempotent, send).await?;
        for key in listed.ssh_public_keys.unwrap_or_default() {
            self.delete_ssh_key(user, &key.ssh_public_key_id).await?;
            removed.push(format!("SSH key {}", key.ssh_public_key_id));
        }
        let send = || iam.list_service_specific_credentials().user_name(user).send();
        let listed = self.call_iam("iam:ListServiceSpecificCredentials", RetryClass::Idempotent, send).await?;
        for credential in listed.service_specific_credentials.unwrap_or_default() {
            let id = credential.service_specific_credential_id;
            self.delete_service_credential(user, &id).await?;
            removed.push(format!("service-specific credential {id} for {}", credential.service_name));
        }
        let send = || iam.list_mfa_devices().user_name(user).send();
        let listed = self.call_iam("iam:ListMFADevices", RetryClass::Idempotent, send).await?;
        for device in listed.mfa_devices {
            self.remove_device(user, &device.serial_number, None).await?;
            removed.push(format!("MFA device {}", device.serial_number));
        }
        Ok(removed)
    }

    /// Removes a role that is being deleted from its instance profiles.
    pub(super) async fn remove_role_dependents(&self, role: &str) -> Result<Vec<String>, ChangeError> {
        let iam = &self.provider.clients.iam;
        let mut removed = Vec::new();
        let send = || iam.list_instance_profiles_for_role().role_name(role).send();
        let listed = self.call_iam("iam:ListInstanceProfilesForRole", RetryClass::Idempotent, send).await?;
        for profile in listed.instance_profiles {
            let name = profile.instance_profile_name;
            self.remove_from_profile(role, &name).await?;
            removed.push(format!("instance profile {name} (running instances with this profile lose the role)"));
        }
        Ok(removed)
    }
}
