//! Access keys that the directory makes. It chooses their ids as a cloud does, and keeps no secret: nobody signs in to it.

use leasehold_provider::{
    Change, Enact as _, EnactError, EnactErrorKind, Enacted, NotKept, Resource, ResourceId, StackName, Vault,
};
use secrecy::SecretString;

use crate::kinds::{self, Part, Target};
use crate::{KEY_ACTIVE, LocalDirectory, failures};

const PREFIX: &str = "LKIA";
const ID_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl LocalDirectory {
    /// Makes a key and hands its secret over; a key whose secret is not kept is deleted again.
    pub(crate) async fn issue_key(
        &self,
        stack: &StackName,
        change: &Change,
        vault: &dyn Vault,
    ) -> Result<Enacted, EnactError> {
        let (Change::Create { after }, Some(Target::Part(user, Part::Key(_)))) = (change, kinds::target(change.id()))
        else {
            return Err(refused(change, "no key is to be made by this".to_owned()));
        };
        let (id, secret) = new_key().map_err(|why| refused(change, why))?;
        let id = kinds::part_id(kinds::ACCESS_KEY, user, &id);
        let mut key = Resource::new(id.clone(), after.identity.clone()).with("status", KEY_ACTIVE);
        key.depends_on.clone_from(&after.depends_on);
        let made = self.enact(stack, &Change::Create { after: Box::new(key.clone()) }).await?;
        match vault.deposit(&id, secret).await {
            Ok(()) => Ok(Enacted { made: Some(id), ..made }),
            Err(why) => {
                let back = self.enact(stack, &Change::Delete { before: Box::new(key) }).await;
                Err(not_stored(change, &id, &why, back.err()))
            }
        }
    }
}

/// The id and the secret of a new key.
fn new_key() -> Result<(String, SecretString), String> {
    let drawn = |length: usize, letters: &[u8]| {
        let mut bytes = vec![0u8; length];
        getrandom::fill(&mut bytes).map_err(|error| format!("the system gives no randomness: {error}"))?;
        // Both alphabets have a power of two of letters: each is as likely.
        let letter =
            |byte: &u8| letters.get(usize::from(*byte) % letters.len()).map_or('A', |letter| char::from(*letter));
        Ok::<String, String>(bytes.iter().map(letter).collect())
    };
    Ok((format!("{PREFIX}{}", drawn(16, ID_LETTERS)?), drawn(40, SECRET_LETTERS)?.into()))
}

fn not_stored(change: &Change, id: &ResourceId, why: &NotKept, back: Option<EnactError>) -> EnactError {
    let then = match back {
        None => "it was deleted again".to_owned(),
        Some(error) => format!("it could not be deleted again either: {error}"),
    };
    let mut error = refused(change, format!("{id} was made and its secret could not be stored ({why}); {then}"));
    error.help = Some("mend the store and apply again: a key that no store holds is deleted".to_owned());
    error
}

fn refused(change: &Change, message: String) -> EnactError {
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::Other,
        operation: failures::operation(change),
        message,
        help: None,
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn no_two_keys_are_alike() {
        let ((a, one), (b, two)) = (new_key().unwrap(), new_key().unwrap());
        assert_ne!(a, b);
        assert_ne!(one.expose_secret(), two.expose_secret());
        assert_eq!((a.len(), one.expose_secret().len()), (20, 40));
    }
}
