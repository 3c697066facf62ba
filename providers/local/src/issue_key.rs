//! Issues access keys. The directory chooses a random id and secret as AWS does, hands the secret to the vault, and
//! does not store it: nobody signs in to the directory.
//!
//! Invariant: after an error no key exists whose secret was not stored, unless deleting it failed too, which the
//! message says.

use data_encoding::{BASE32, BASE64};
use leasehold_provider::{
    Change, DepositError, Enact as _, EnactError, EnactErrorKind, Enacted, Resource, ResourceId, SecretStorage,
    StackName,
};
use secrecy::SecretString;

use crate::kinds::{self, DirectoryObject, DirectoryPart};
use crate::{KEY_ACTIVE, LocalDirectory, errors};

/// Prefix of a key id. AWS uses `AKIA`.
const KEY_ID_PREFIX: &str = "LKIA";

impl LocalDirectory {
    /// Creates a key and stores its secret in `vault`. Deletes the key again if the vault does not store it.
    ///
    /// # Errors
    ///
    /// The errors of creating a key, and `Other` if the change does not create an access key or the vault fails.
    pub(crate) async fn issue_key(
        &self,
        stack: &StackName,
        change: &Change,
        vault: &dyn SecretStorage,
    ) -> Result<Enacted, EnactError> {
        let (Change::Create { after }, Some(DirectoryObject::Part(user, DirectoryPart::Key(_)))) =
            (change, kinds::parse_object_id(change.id()))
        else {
            return Err(issue_error(change, "the change does not create an access key".to_owned()));
        };
        let (id, secret) = generate_access_key().map_err(|message| issue_error(change, message))?;
        let id = kinds::part_id(kinds::ACCESS_KEY, user, &id);
        let mut key = Resource::new(id.clone(), after.identity.clone()).with_attribute("status", KEY_ACTIVE);
        key.depends_on.clone_from(&after.depends_on);
        let made = self.enact_change(stack, &Change::Create { after: Box::new(key.clone()) }).await?;
        match vault.store_secret(&id, secret).await {
            Ok(()) => Ok(Enacted { made: Some(id), ..made }),
            Err(not_kept) => {
                let deleted = self.enact_change(stack, &Change::Delete { before: Box::new(key) }).await;
                Err(secret_not_stored_error(change, &id, &not_kept, deleted.err()))
            }
        }
    }
}

/// Draws the id (20 characters) and the secret (40 characters) of a new key; AWS keys have the same lengths.
fn generate_access_key() -> Result<(String, SecretString), String> {
    // 10 bytes are 16 letters of base 32, and 30 bytes are 40 letters of base 64.
    let (mut id, mut secret) = ([0; 10], [0; 30]);
    for bytes in [id.as_mut_slice(), &mut secret] {
        getrandom::fill(bytes).map_err(|error| format!("the operating system returned no random bytes: {error}"))?;
    }
    Ok((format!("{KEY_ID_PREFIX}{}", BASE32.encode(&id)), BASE64.encode(&secret).into()))
}

fn secret_not_stored_error(
    change: &Change,
    id: &ResourceId,
    not_kept: &DepositError,
    delete_error: Option<EnactError>,
) -> EnactError {
    let consequence = match delete_error {
        None => "the key was deleted".to_owned(),
        Some(error) => format!("the key could not be deleted: {error}"),
    };
    let mut error =
        issue_error(change, format!("{id} was created but its secret could not be stored ({not_kept}); {consequence}"));
    error.help = Some("fix the secret store and apply again: a key whose secret is in no store is deleted".to_owned());
    error
}

fn issue_error(change: &Change, message: String) -> EnactError {
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::Other,
        operation: errors::operation_name(change),
        message,
        help: None,
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn generated_keys_are_distinct() {
        let ((a, one), (b, two)) = (generate_access_key().unwrap(), generate_access_key().unwrap());
        assert_ne!(a, b);
        assert_ne!(one.expose_secret(), two.expose_secret());
        assert_eq!((a.len(), one.expose_secret().len()), (20, 40));
    }
}
