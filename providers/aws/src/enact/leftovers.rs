//! What keeps a principal from going and is no resource of a plan: devices and keys that shut nothing out once the principal is
//! denied everything, and instance profiles. Looked for only when the cloud refuses to delete.

use aws_sdk_iam::types::MfaDevice;

use super::{Refusal, Writing};
use crate::retry::Class;

impl Writing<'_> {
    /// Takes SSH keys, signing certificates, service-specific credentials and MFA devices off a user that is being deleted.
    pub(super) async fn clear_user(&self, user: &str) -> Result<Vec<String>, Refusal> {
        let mut removed = Vec::new();
        self.ssh_keys(user, &mut removed).await?;
        self.certificates(user, &mut removed).await?;
        self.service_credentials(user, &mut removed).await?;
        self.devices(user, &mut removed).await?;
        Ok(removed)
    }

    /// Takes a role that is being deleted out of its instance profiles.
    pub(super) async fn clear_role(&self, role: &str) -> Result<Vec<String>, Refusal> {
        let iam = &self.provider.clients.iam;
        let mut removed = Vec::new();
        let send = || iam.list_instance_profiles_for_role().role_name(role).send();
        let listed = self.call("iam:ListInstanceProfilesForRole", Class::Idempotent, send).await?;
        for profile in listed.instance_profiles {
            let name = profile.instance_profile_name;
            let send = || iam.remove_role_from_instance_profile().instance_profile_name(&name).role_name(role).send();
            self.remove("iam:RemoveRoleFromInstanceProfile", send).await?;
            removed.push(format!("instance profile {name} (instances that run with it lose the role)"));
        }
        Ok(removed)
    }

    async fn ssh_keys(&self, user: &str, removed: &mut Vec<String>) -> Result<(), Refusal> {
        let iam = &self.provider.clients.iam;
        let send = || iam.list_ssh_public_keys().user_name(user).send();
        let listed = self.call("iam:ListSSHPublicKeys", Class::Idempotent, send).await?;
        for key in listed.ssh_public_keys.unwrap_or_default() {
            let id = key.ssh_public_key_id;
            let send = || iam.delete_ssh_public_key().user_name(user).ssh_public_key_id(&id).send();
            self.remove("iam:DeleteSSHPublicKey", send).await?;
            removed.push(format!("SSH key {id}"));
        }
        Ok(())
    }

    async fn certificates(&self, user: &str, removed: &mut Vec<String>) -> Result<(), Refusal> {
        let iam = &self.provider.clients.iam;
        let send = || iam.list_signing_certificates().user_name(user).send();
        let listed = self.call("iam:ListSigningCertificates", Class::Idempotent, send).await?;
        for certificate in listed.certificates {
            let id = certificate.certificate_id;
            let send = || iam.delete_signing_certificate().user_name(user).certificate_id(&id).send();
            self.remove("iam:DeleteSigningCertificate", send).await?;
            removed.push(format!("signing certificate {id}"));
        }
        Ok(())
    }

    async fn service_credentials(&self, user: &str, removed: &mut Vec<String>) -> Result<(), Refusal> {
        let iam = &self.provider.clients.iam;
        let send = || iam.list_service_specific_credentials().user_name(user).send();
        let listed = self.call("iam:ListServiceSpecificCredentials", Class::Idempotent, send).await?;
        for credential in listed.service_specific_credentials.unwrap_or_default() {
            let id = credential.service_specific_credential_id;
            let send =
                || iam.delete_service_specific_credential().user_name(user).service_specific_credential_id(&id).send();
            self.remove("iam:DeleteServiceSpecificCredential", send).await?;
            removed.push(format!("credential {id} for {}", credential.service_name));
        }
        Ok(())
    }

    async fn devices(&self, user: &str, removed: &mut Vec<String>) -> Result<(), Refusal> {
        let iam = &self.provider.clients.iam;
        let send = || iam.list_mfa_devices().user_name(user).send();
        let listed = self.call("iam:ListMFADevices", Class::Idempotent, send).await?;
        for MfaDevice { serial_number: serial, .. } in listed.mfa_devices {
            let send = || iam.deactivate_mfa_device().user_name(user).serial_number(&serial).send();
            self.remove("iam:DeactivateMFADevice", send).await?;
            // A virtual device goes by an ARN and remains as an object; a piece of hardware has a serial number.
            if serial.starts_with("arn:") && serial.contains(":mfa/") {
                let send = || iam.delete_virtual_mfa_device().serial_number(&serial).send();
                self.remove("iam:DeleteVirtualMFADevice", send).await?;
            }
            removed.push(format!("MFA device {serial}"));
        }
        Ok(())
    }
}
