//! Creates access keys.
//!
//! IAM chooses the id of a key and returns its secret only once. Invariants: a key whose secret is not in the secret store is deleted, and
//! no key is created while the result of an earlier attempt is unknown.

use leasehold_provider::{
    Change, DepositError, EnactError, EnactErrorKind, Principal, Resource, ResourceId, SecretStorage,
};
use secrecy::SecretString;

use super::target::TargetStatus;
use super::{ChangeError, ChangeWriter, is_uncertain, refuse_change, text_attribute};
use crate::failure::CallError;
use crate::kinds;
use crate::observe::{Page, read_all_pages};
use crate::retry::{RetryClass, retry_until_visible};

const CREATE: &str = "iam:CreateAccessKey";

/// Maximum number of attempts to create a key after answers were lost.
const ATTEMPTS: u32 = 3;

/// A key that was just created.
struct CreatedKey {
    id: ResourceId,
    secret: SecretString,
}

impl ChangeWriter<'_> {
    /// Creates a key and stores its secret in `vault`. Returns the id of the key.
    pub(super) async fn issue_key(&self, change: &Change, vault: &dyn SecretStorage) -> Result<ResourceId, EnactError> {
        let (user, after) = require_new_key(change)?;
        if let TargetStatus::Absent = self.check_target(change).await? {
            return Err(refuse_change(&after.id, "the user does not exist", "make a new plan").into());
        }
        // Errors that may disappear without action are refusals: no key was created.
        let made = retry_until_visible(self.choose_retry_window(change), || self.create_key(user, vault)).await?;
        match vault.store_secret(&made.id, made.secret).await {
            Ok(()) => Ok(made.id),
            Err(why) => Err(self.delete_undeposited_key(user, &made.id, &why).await),
        }
    }

    /// Creates a key. If an answer is lost, the key that the call may have created is deleted, both before the next attempt and before the
    /// call fails.
    async fn create_key(&self, user: &str, vault: &dyn SecretStorage) -> Result<CreatedKey, ChangeError> {
        let iam = &self.provider.clients.iam;
        let mut attempts = 0u32;
        loop {
            attempts = attempts.saturating_add(1);
            let send = || iam.create_access_key().user_name(user).send();
            let failure = match self.call_iam(CREATE, RetryClass::ServerNamed, send).await {
                Ok(answer) => match answer.access_key {
                    Some(key) => {
                        let id = kinds::access_key_id(user, &key.access_key_id);
                        return Ok(CreatedKey { id, secret: SecretString::from(key.secret_access_key) });
                    }
                    None => CallError::from_malformed_answer(CREATE, "the response contains no access key"),
                },
                Err(failure) => failure,
            };
            if !is_uncertain(&failure) {
                return Err(failure.into());
            }
            tracing::debug!(user, "the response to iam:CreateAccessKey was lost");
            let deleted = self.delete_undelivered_keys(user, vault).await;
            // Do not create another key while a key may exist whose secret was lost.
            if attempts >= ATTEMPTS || deleted.is_err() {
                return Err(lost_answer_error(failure, deleted).into());
            }
        }
    }

    /// Deletes the keys of a user whose secrets are not in the secret store, and returns their number. The plan removed all such keys
    /// before it asked for a new one, so these were created since then and were never delivered.
    async fn delete_undelivered_keys(&self, user: &str, vault: &dyn SecretStorage) -> Result<u32, ChangeError> {
        let mut deleted = 0u32;
        for key in self.list_user_keys(user).await? {
            let id = kinds::access_key_id(user, &key);
            let kept = vault.was_delivered(&id).await.map_err(|why| {
                refuse_change(&id, &format!("cannot check whether the secret store has this key: {why}"), "apply again")
            })?;
            if !kept {
                tracing::info!(%id, "deleting an access key whose secret was lost");
                self.delete_key(user, &key).await?;
                deleted = deleted.saturating_add(1);
            }
        }
        Ok(deleted)
    }

    async fn list_user_keys(&self, user: &str) -> Result<Vec<String>, ChangeError> {
        const OPERATION: &str = "iam:ListAccessKeys";
        let iam = &self.provider.clients.iam;
        let mut keys = Vec::new();
        let fetch = async |marker: Option<String>| {
            let send = || iam.list_access_keys().user_name(user).set_marker(marker.clone()).send();
            let page = self.call_iam(OPERATION, RetryClass::Idempotent, send).await?;
            Ok(Page { items: page.access_key_metadata, truncated: page.is_truncated, marker: page.marker })
        };
        read_all_pages(OPERATION, fetch, |page| {
            keys.extend(page.into_iter().filter_map(|key| key.access_key_id));
            Ok(())
        })
        .await?;
        Ok(keys)
    }

    async fn delete_key(&self, user: &str, key: &str) -> Result<(), ChangeError> {
        let iam = &self.provider.clients.iam;
        self.record_reduced(Principal::User, user);
        let send = || iam.delete_access_key().user_name(user).access_key_id(key).send();
        self.delete_if_present("iam:DeleteAccessKey", send).await.map(drop)
    }

    /// Deletes a key whose secret the store did not accept: the key can never be used. Returns the error to report.
    async fn delete_undeposited_key(&self, user: &str, id: &ResourceId, why: &DepositError) -> EnactError {
        let (then, help) = match self.delete_key(user, id.local_name()).await {
            Ok(()) => ("the key was deleted".to_owned(), "fix the secret store and apply again"),
            Err(refusal) => (
                format!("the key could not be deleted: {}", EnactError::from(refusal)),
                "apply again: a key whose secret is in no store is deleted",
            ),
        };
        EnactError {
            requests: Vec::new(),
            kind: EnactErrorKind::Other,
            operation: CREATE.to_owned(),
            message: format!("{id} was created but its secret could not be stored ({why}); {then}"),
            help: Some(help.to_owned()),
        }
    }
}

/// The error after the last lost answer, with the result of deleting the key that the call may have created.
fn lost_answer_error(failure: CallError, deleted: Result<u32, ChangeError>) -> EnactError {
    let error = EnactError::from(failure);
    let then = match deleted {
        Ok(0) => "IAM lists no key from this call".to_owned(),
        Ok(_) => "the key from this call was deleted".to_owned(),
        Err(refusal) => {
            format!(
                "a key that this call may have created could not be deleted: {}; apply again",
                EnactError::from(refusal)
            )
        }
    };
    EnactError { message: format!("{}; {then}", error.message), ..error }
}

/// The user that gets a new key, and the key's resource.
fn require_new_key(change: &Change) -> Result<(&str, &Resource), EnactError> {
    let broken = |id: &ResourceId| {
        EnactError::from(refuse_change(id, "the change does not create an access key", "make a new plan"))
    };
    match (change, kinds::owning_principal(change.id())) {
        (Change::Create { after }, Some((_, user)))
            if after.id.kind == kinds::ACCESS_KEY && text_attribute(after, "status") == Some("Active") =>
        {
            Ok((user, after))
        }
        _ => Err(broken(change.id())),
    }
}
