//! The entry of one identity in a store: its newest secret, and the records of its deliveries.
//!
//! In: the text of a file. Out: a [`StoreEntry`], or only its [`DeliveryRecords`], which are read without the secret. The text is in the
//! format of a `credential_process` of the AWS SDKs and tools, so that `cat FILE` is one. They ignore the delivery records:
//!
//! ```text
//! {
//!   "Version": 1,
//!   "AccessKeyId": "AKIA2",
//!   "SecretAccessKey": "...",
//!   "Leasehold": { "format": 1, "stack": "payments", "keys": { "AKIA1": ..., "AKIA2": ... }, ... }
//! }
//! ```

use std::collections::BTreeMap;

use jiff::Timestamp;
use leasehold_provider::{Address, Delivery, Realm, StackName};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::KeyIdentity;

/// The version of the format of the delivery records.
const FORMAT: u32 = 1;

/// A complete entry.
pub struct StoreEntry {
    /// The id of the key that the store hands out, and its secret. `None`: that key was removed.
    pub current: Option<(String, SecretString)>,
    /// The delivery records.
    pub books: DeliveryRecords,
}

/// The keys that were delivered to an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryRecords {
    format: u32,
    stack: StackName,
    realm: String,
    /// The address of the identity, as of the last delivery.
    pub address: Address,
    /// The delivery of each key, by key id. Keys that are known to be deleted are removed.
    pub keys: BTreeMap<String, RecordedDelivery>,
    /// The id of the key that the store hands out. `None`: it hands out none.
    #[serde(skip)]
    current: Option<String>,
}

/// The record of one delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedDelivery {
    /// When the key was delivered.
    pub delivered_at: Timestamp,
    /// The owner of the identity at that time. `None`: it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The environment of the identity at that time. `None`: it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// The part of an entry that is read to list it. No field of it is secret.
#[derive(Deserialize)]
struct ListedEntry {
    #[serde(rename = "AccessKeyId")]
    key: Option<String>,
    #[serde(rename = "Leasehold")]
    books: DeliveryRecords,
}

/// The secret part of an entry.
#[derive(Deserialize)]
struct SecretEntry {
    #[serde(rename = "SecretAccessKey")]
    secret: Option<SecretString>,
}

/// Whether a text is an entry of any secret store, or has the form of one: what a `credential_process` of AWS prints.
#[must_use]
pub fn is_secret_entry(text: &[u8]) -> bool {
    serde_json::from_slice::<SecretEntry>(text).is_ok_and(|entry| entry.secret.is_some())
}

impl DeliveryRecords {
    /// The records of an identity without deliveries.
    pub fn for_identity(holder: &KeyIdentity) -> Self {
        Self {
            format: FORMAT,
            stack: holder.stack.clone(),
            realm: holder.realm.clone(),
            address: holder.address.clone(),
            keys: BTreeMap::new(),
            current: None,
        }
    }

    /// Parses the delivery records of an entry, and not its secret.
    ///
    /// # Errors
    /// If the text is not an entry, or its format is of another version. The message quotes nothing of the text.
    pub fn parse_records(text: &[u8]) -> Result<Self, String> {
        // A message of serde may quote the text, and with it the secret.
        let listed: ListedEntry = serde_json::from_slice(text).map_err(|error| {
            format!("line {}, column {}: not an entry of a secret store", error.line(), error.column())
        })?;
        if listed.books.format != FORMAT {
            return Err(format!("format {} was written by another version of Leasehold", listed.books.format));
        }
        let current = listed.key.filter(|key| listed.books.keys.contains_key(key));
        Ok(Self { current, ..listed.books })
    }

    /// Whether the records belong to an identity of that stack in that account.
    pub fn belongs_to_stack(&self, stack: &StackName, realm: &Realm) -> bool {
        self.stack == *stack && self.realm == realm.name()
    }

    /// Whether the records belong to that identity. Its address may have changed, so it is not compared.
    pub fn belongs_to_identity(&self, holder: &KeyIdentity) -> bool {
        self.stack == holder.stack && self.realm == holder.realm
    }

    /// The identity that the records belong to, for display.
    pub fn describe_owner(&self) -> String {
        format!("{} of stack {} in {}", self.address, self.stack, self.realm)
    }

    /// The deliveries by key id, as deliveries to that store.
    pub fn deliveries_to_store(&self, store: &str) -> impl Iterator<Item = (String, Delivery)> {
        self.keys.iter().map(|(key, kept)| {
            let delivery = Delivery {
                store: store.to_owned(),
                at: kept.delivered_at,
                held: self.current.as_ref() == Some(key),
                owner: kept.owner.clone(),
                environment: kept.environment.clone(),
            };
            (key.clone(), delivery)
        })
    }
}

impl StoreEntry {
    /// Parses a complete entry.
    ///
    /// # Errors
    /// As [`DeliveryRecords::parse_records`], and if the secret cannot be read.
    pub fn parse_entry(text: &[u8]) -> Result<Self, String> {
        let mut books = DeliveryRecords::parse_records(text)?;
        let SecretEntry { secret } =
            serde_json::from_slice(text).map_err(|_| "its secret cannot be read".to_owned())?;
        Ok(Self { current: books.current.take().zip(secret), books })
    }

    /// The text of the entry, with its secret.
    ///
    /// # Errors
    /// If a part of it does not serialize.
    pub fn to_secret_text(&self) -> Result<SecretString, String> {
        let books = serde_json::to_string_pretty(&self.books).map_err(|error| error.to_string())?;
        let books = books.replace('\n', "\n  ");
        let head = match &self.current {
            Some((key, secret)) => {
                let quoted = |text: &str| serde_json::to_string(text).map_err(|error| error.to_string());
                format!(
                    "  \"AccessKeyId\": {},\n  \"SecretAccessKey\": {},\n",
                    quoted(key)?,
                    quoted(secret.expose_secret())?
                )
            }
            None => String::new(),
        };
        Ok(format!("{{\n  \"Version\": 1,\n{head}  \"Leasehold\": {books}\n}}\n").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder() -> KeyIdentity {
        KeyIdentity {
            stack: StackName::new("payments").unwrap(),
            realm: "aws 111122223333".to_owned(),
            address: Address::for_identity("ci", None),
            name: "ci".to_owned(),
        }
    }

    fn entry() -> StoreEntry {
        let mut books = DeliveryRecords::for_identity(&holder());
        let kept = |at: &str| RecordedDelivery {
            delivered_at: at.parse().unwrap(),
            owner: Some("jane".into()),
            environment: None,
        };
        books.keys.insert("AKIA1".to_owned(), kept("2026-01-01T00:00:00Z"));
        books.keys.insert("AKIA2".to_owned(), kept("2026-04-01T00:00:00Z"));
        StoreEntry { current: Some(("AKIA2".to_owned(), "s\"cret\\/+".into())), books }
    }

    #[test]
    fn an_entry_reads_back_and_is_what_a_credential_process_prints() {
        let text = entry().to_secret_text().unwrap();
        let json: serde_json::Value = serde_json::from_str(text.expose_secret()).unwrap();
        assert_eq!(json["Version"], 1);
        assert_eq!((&json["AccessKeyId"], &json["SecretAccessKey"]), (&"AKIA2".into(), &"s\"cret\\/+".into()));
        let read = StoreEntry::parse_entry(text.expose_secret().as_bytes()).unwrap();
        let (key, secret) = read.current.unwrap();
        assert_eq!((key.as_str(), secret.expose_secret()), ("AKIA2", "s\"cret\\/+"));
        assert_eq!(read.books.keys, entry().books.keys);
        let held: BTreeMap<String, bool> = DeliveryRecords::parse_records(text.expose_secret().as_bytes())
            .unwrap()
            .deliveries_to_store("vault")
            .map(|(key, delivery)| (key, delivery.held))
            .collect();
        assert_eq!(held, BTreeMap::from([("AKIA1".to_owned(), false), ("AKIA2".to_owned(), true)]));
    }

    #[test]
    fn an_entry_is_recognized_wherever_it_is() {
        assert!(is_secret_entry(entry().to_secret_text().unwrap().expose_secret().as_bytes()));
        assert!(is_secret_entry(b" {\"x\": 1, \"SecretAccessKey\": \"hush\"}"));
        for text in ["", "hush", "[]", "{}", "{\"SecretAccessKey\": null}", "{\"Statement\": [\"SecretAccessKey\"]}"] {
            assert!(!is_secret_entry(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn entry_errors_never_quote_the_content() {
        for text in ["{\"SecretAccessKey\": \"hush\", \"Leasehold\": 7}", "hush", "{\"Leasehold\": \"hush\"}"] {
            let problem = DeliveryRecords::parse_records(text.as_bytes()).unwrap_err();
            assert!(!problem.contains("hush"), "{problem}");
        }
        assert!(DeliveryRecords::parse_records(b"{\"Leasehold\":{\"format\":9,\"stack\":\"s\",\"realm\":\"r\",\"address\":\"identity.x\",\"keys\":{}}}").unwrap_err().contains("format 9"));
    }
}
