//! SSH keys, signing certificates, service-specific credentials, and MFA devices of users.
//!
//! The credential report covers certificates and MFA devices, and one list returns all service-specific credentials. SSH keys need one call
//! per user.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{MfaDevice, ServiceSpecificCredentialMetadata, SigningCertificate, SshPublicKeyMetadata};
use leasehold_provider::{Resource, ResourceId, ResourceKind};

use super::AccountReader;
use super::pages::{Page, read_all_pages};
use crate::failure::CallError;
use crate::kinds;
use crate::retry::RetryClass;

/// Service-specific credentials by user name.
pub type ServiceCredentials = BTreeMap<String, Vec<Resource>>;

impl AccountReader<'_> {
    /// The user's SSH public keys, without their text.
    ///
    /// # Errors
    /// A call fails.
    pub async fn list_ssh_keys(&self, user: &str) -> Result<Vec<Resource>, CallError> {
        const OPERATION: &str = "iam:ListSSHPublicKeys";
        let iam = &self.provider.clients.iam;
        let mut found = Vec::new();
        let fetch = async |marker: Option<String>| {
            let send = || iam.list_ssh_public_keys().user_name(user).set_marker(marker.clone()).send();
            let page =
                self.provider.caller.call_with_retries(&self.calls, OPERATION, RetryClass::Idempotent, send).await?;
            let keys = page.ssh_public_keys.unwrap_or_default();
            Ok(Page { items: keys, truncated: page.is_truncated, marker: page.marker })
        };
        let resource = |key: SshPublicKeyMetadata| {
            credential_resource(kinds::SSH_KEY, user, &key.ssh_public_key_id)
                .with_attribute("status", key.status.as_str())
        };
        read_all_pages(OPERATION, fetch, |keys: Vec<_>| {
            found.extend(keys.into_iter().map(resource));
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// The user's signing certificates. Their contents are not kept; the ids identify them.
    ///
    /// # Errors
    /// A call fails.
    pub async fn list_certificates(&self, user: &str) -> Result<Vec<Resource>, CallError> {
        const OPERATION: &str = "iam:ListSigningCertificates";
        let iam = &self.provider.clients.iam;
        let mut found = Vec::new();
        let fetch = async |marker: Option<String>| {
            let send = || iam.list_signing_certificates().user_name(user).set_marker(marker.clone()).send();
            let page =
                self.provider.caller.call_with_retries(&self.calls, OPERATION, RetryClass::Idempotent, send).await?;
            Ok(Page { items: page.certificates, truncated: page.is_truncated, marker: page.marker })
        };
        let resource = |certificate: SigningCertificate| {
            credential_resource(kinds::CERTIFICATE, user, &certificate.certificate_id)
                .with_attribute("status", certificate.status.as_str())
        };
        read_all_pages(OPERATION, fetch, |certificates: Vec<_>| {
            found.extend(certificates.into_iter().map(resource));
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// The user's MFA devices. A virtual device is identified by its name, which is part of its serial number.
    ///
    /// # Errors
    /// A call fails.
    pub async fn list_devices(&self, user: &str) -> Result<Vec<Resource>, CallError> {
        const OPERATION: &str = "iam:ListMFADevices";
        let iam = &self.provider.clients.iam;
        let mut found = Vec::new();
        let fetch = async |marker: Option<String>| {
            let send = || iam.list_mfa_devices().user_name(user).set_marker(marker.clone()).send();
            let page =
                self.provider.caller.call_with_retries(&self.calls, OPERATION, RetryClass::Idempotent, send).await?;
            Ok(Page { items: page.mfa_devices, truncated: page.is_truncated, marker: page.marker })
        };
        read_all_pages(OPERATION, fetch, |devices: Vec<_>| {
            found.extend(devices.into_iter().map(|device| mfa_device_resource(user, &device)));
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// The service-specific credentials of one user.
    ///
    /// # Errors
    /// A call fails.
    pub async fn list_user_service_credentials(&self, user: &str) -> Result<Vec<Resource>, CallError> {
        Ok(self.list_service_credentials(Some(user)).await?.remove(user).unwrap_or_default())
    }

    /// The service-specific credentials of all users of the account. `None` if the service does not support listing them for all users.
    ///
    /// # Errors
    /// The call fails for another reason.
    pub async fn list_all_service_credentials(&self) -> Result<Option<ServiceCredentials>, CallError> {
        match self.list_service_credentials(None).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.has_code("ValidationError") || failure.has_code("InvalidInput") => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn list_service_credentials(&self, user: Option<&str>) -> Result<ServiceCredentials, CallError> {
        const OPERATION: &str = "iam:ListServiceSpecificCredentials";
        let iam = &self.provider.clients.iam;
        let mut found = ServiceCredentials::new();
        let fetch = async |marker: Option<String>| {
            let send = || {
                iam.list_service_specific_credentials()
                    .set_user_name(user.map(str::to_owned))
                    .set_all_users(user.is_none().then_some(true))
                    .set_marker(marker.clone())
                    .send()
            };
            let page =
                self.provider.caller.call_with_retries(&self.calls, OPERATION, RetryClass::Idempotent, send).await?;
            let credentials = page.service_specific_credentials.unwrap_or_default();
            Ok(Page { items: credentials, truncated: page.is_truncated, marker: page.marker })
        };
        read_all_pages(OPERATION, fetch, |credentials: Vec<_>| {
            for credential in credentials {
                found.entry(credential.user_name.clone()).or_default().push(service_credential_resource(&credential));
            }
            Ok(())
        })
        .await?;
        Ok(found)
    }
}

fn credential_resource(kind: ResourceKind, user: &str, part: &str) -> Resource {
    Resource::new(ResourceId::new(kind, format!("{user}/{part}")), None)
}

fn service_credential_resource(credential: &ServiceSpecificCredentialMetadata) -> Resource {
    let id = &credential.service_specific_credential_id;
    let mut resource = credential_resource(kinds::SERVICE_CREDENTIAL, &credential.user_name, id)
        .with_attribute("status", credential.status.as_str())
        .with_attribute("service_name", credential.service_name.as_str());
    if !credential.service_user_name.is_empty() {
        resource = resource.with_attribute("service_user_name", credential.service_user_name.as_str());
    }
    match credential.expiration_date.and_then(super::timestamp_from_sdk) {
        Some(at) => resource.with_attribute("expiration_date", at.to_string()),
        None => resource,
    }
}

fn mfa_device_resource(user: &str, device: &MfaDevice) -> Resource {
    let serial = device.serial_number.as_str();
    let resource = match kinds::virtual_device_name(serial) {
        Some(name) => credential_resource(kinds::VIRTUAL_DEVICE, user, name),
        None => credential_resource(kinds::DEVICE, user, serial),
    };
    resource.with_attribute("serial_number", serial)
}
