//! Removes users' MFA devices. A virtual device is also deleted.
//!
//! A virtual device that is not assigned to a user does not say which user it belonged to. So it is tagged first. If a run stops between
//! the two calls, the deletion of the user finds the device by its tags.

use std::collections::BTreeMap;

use aws_sdk_iam::types::AssignmentStatusType;
use leasehold_provider::{Address, Change, Marks, Principal};

use super::inline::refuse_marks;
use super::tags;
use super::{ChangeError, ChangeWriter, EnactNote, refuse_change, text_attribute};
use crate::kinds;
use crate::observe::{Page, read_all_pages};
use crate::retry::RetryClass;

impl ChangeWriter<'_> {
    /// Carries out a change of an MFA device.
    pub(super) async fn write_device(&self, user: &str, change: &Change) -> Result<EnactNote, ChangeError> {
        match change {
            Change::Delete { before } => {
                let serial = text_attribute(before, "serial_number").ok_or_else(|| {
                    refuse_change(&before.id, "it has no serial number", "the plan is invalid: make a new plan")
                })?;
                self.record_reduced(Principal::User, user);
                self.remove_device(user, serial, before.identity.as_ref()).await
            }
            Change::Create { after } | Change::Update { after, .. } => {
                Err(refuse_change(&after.id, "Leasehold removes MFA devices and never adds them", "make a new plan"))
            }
            Change::Mark { id, .. } | Change::Import { id, .. } | Change::Release { id, .. } => Err(refuse_marks(id)),
        }
    }

    /// Deactivates a user's device, and deletes it if it is virtual.
    pub(super) async fn remove_device(
        &self,
        user: &str,
        serial: &str,
        address: Option<&Address>,
    ) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let is_virtual = kinds::virtual_device_name(serial).is_some();
        if let (true, Some(address)) = (is_virtual, address) {
            let list = tags::tags_to_sdk(&Marks::new(self.stack.clone(), address.clone()).to_tags())?;
            let send = || iam.tag_mfa_device().serial_number(serial).set_tags(Some(list.clone())).send();
            match self.delete_if_present("iam:TagMFADevice", send).await {
                // Services that emulate IAM may not support these tags. Then there is no tag to find an orphaned device by, and none is
                // searched for.
                Err(ChangeError::Failed(failure)) if failure.has_code("InvalidAction") => {
                    tracing::warn!(serial, "this endpoint does not support tags on MFA devices");
                }
                other => drop(other?),
            }
        }
        let send = || iam.deactivate_mfa_device().user_name(user).serial_number(serial).send();
        let note = self.delete_if_present("iam:DeactivateMFADevice", send).await?;
        if !is_virtual {
            return Ok(note);
        }
        let send = || iam.delete_virtual_mfa_device().serial_number(serial).send();
        self.delete_if_present("iam:DeleteVirtualMFADevice", send).await
    }

    /// Deletes virtual devices that a stopped run deactivated but did not delete. Returns their descriptions.
    pub(super) async fn delete_orphaned_devices(&self, address: &Address) -> Result<Vec<String>, ChangeError> {
        const OPERATION: &str = "iam:ListVirtualMFADevices";
        let iam = &self.provider.clients.iam;
        let mut serials = Vec::new();
        let fetch = async |marker: Option<String>| {
            let unassigned = AssignmentStatusType::Unassigned;
            let send = || {
                let list = iam.list_virtual_mfa_devices().assignment_status(unassigned.clone());
                list.set_marker(marker.clone()).send()
            };
            let page = self.call_iam(OPERATION, RetryClass::Idempotent, send).await?;
            Ok(Page { items: page.virtual_mfa_devices, truncated: page.is_truncated, marker: page.marker })
        };
        read_all_pages(OPERATION, fetch, |devices: Vec<_>| {
            serials.extend(devices.into_iter().map(|device| device.serial_number));
            Ok(())
        })
        .await?;
        let mut removed = Vec::new();
        for serial in serials {
            let ours = Marks::from_tags(&self.read_device_tags(&serial).await?).ok().flatten();
            if ours.is_some_and(|marks| marks.stack == *self.stack && marks.address == *address) {
                let send = || iam.delete_virtual_mfa_device().serial_number(&serial).send();
                self.delete_if_present("iam:DeleteVirtualMFADevice", send).await?;
                removed.push(format!("MFA device {serial}"));
            }
        }
        Ok(removed)
    }

    async fn read_device_tags(&self, serial: &str) -> Result<BTreeMap<String, String>, ChangeError> {
        const OPERATION: &str = "iam:ListMFADeviceTags";
        let iam = &self.provider.clients.iam;
        let mut all = BTreeMap::new();
        let fetch = async |marker: Option<String>| {
            let send = || iam.list_mfa_device_tags().serial_number(serial).set_marker(marker.clone()).send();
            let page = self.call_iam(OPERATION, RetryClass::Idempotent, send).await?;
            Ok(Page { items: page.tags, truncated: page.is_truncated, marker: page.marker })
        };
        let read = read_all_pages(OPERATION, fetch, |found| {
            all.extend(tags::tags_from_sdk(Some(found)));
            Ok(())
        });
        match read.await {
            // The device was deleted in the meantime, or the service does not support these tags.
            Err(failure) if failure.is_absent() || failure.has_code("InvalidAction") => Ok(BTreeMap::new()),
            other => Ok(other.map(|()| all)?),
        }
    }
}
