//! The secret stores of a stack: where the secrets of issued access keys are delivered, as its `store` blocks declare.
//!
//! In: the declared stores and the stack's directory. Out: the keys that were delivered, as a plain value for the stages that decide
//! ([`SecretStores::read_deliveries`]), and a provider's write half that delivers secrets ([`DeliveringProvider`]). The delivery records in
//! a store are the authority: a key that is in no store is of no use, because nobody has its secret. Invariant: a secret leaves this module
//! only into a store.

mod delivering;
mod entry;
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use leasehold_provider::{
    Address, Alias, DeliveryIndex, LiveIdentity, Principal, Realm, Resource, Snapshot, StackName, Value,
};
use secrecy::SecretString;

use crate::config::declared::SecretStore;
use crate::plan::Plan;

pub use delivering::{DeliveringProvider, DeliveryClock};
pub use entry::is_secret_entry;
use entry::{DeliveryRecords, RecordedDelivery, StoreEntry};
use files::SecretFolder;

/// How long a key that the cloud does not show stays in the delivery records. A cloud may be slow to show a key that was just created.
const MAX_LISTING_DELAY: SignedDuration = SignedDuration::from_hours(1);
/// The least time between two deliveries to an identity.
const A_MOMENT: SignedDuration = SignedDuration::from_secs(1);

/// The declared stores of a stack, by name. The default has none.
#[derive(Clone, Default)]
pub struct SecretStores {
    stores: BTreeMap<String, SecretFolder>,
}

/// Why a store cannot be used. The texts contain no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("store.{store}: {problem}")]
pub struct SecretStoreError {
    /// The store's name.
    pub store: String,
    /// What is wrong with it.
    pub problem: String,
    /// What the user can do about it.
    pub help: String,
}

/// The identity that an entry belongs to: an identity of a stack in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyIdentity {
    /// The stack.
    pub stack: StackName,
    /// The provider and the account: `aws 111122223333`.
    pub realm: String,
    /// The identity's address.
    pub address: Address,
    /// The user's name in the cloud.
    pub name: String,
}

/// How a new key is delivered, from its resource in the plan.
struct NewKeyDelivery {
    store: String,
    owner: Option<String>,
    environment: Option<String>,
}

impl NewKeyDelivery {
    fn from_key(key: &Resource) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_text).map(str::to_owned);
        let store = text("store")?.strip_prefix("store.")?.to_owned();
        Some(Self { store, owner: text("owner"), environment: text("environment") })
    }
}

impl SecretStores {
    /// The declared stores of the stack in `directory`. Reads and writes nothing.
    #[must_use]
    pub fn from_declared(stores: &BTreeMap<String, SecretStore>, directory: &Path) -> Self {
        let folder = |(name, SecretStore::File { path }): (&String, &SecretStore)| {
            (name.clone(), SecretFolder::for_store(name, directory, path))
        };
        Self { stores: stores.iter().map(folder).collect() }
    }

    /// The keys that were delivered to identities of this stack in its accounts. Reads no secret.
    ///
    /// # Errors
    /// If a store cannot be read, or has an entry that cannot be parsed.
    pub fn read_deliveries(&self, stack: &StackName, realm: &Realm) -> Result<DeliveryIndex, SecretStoreError> {
        let mut delivered = DeliveryIndex::new();
        for (store, folder) in &self.stores {
            for (name, books) in folder.read_all_records()? {
                let Some((account, _)) = realm.accounts().find(|(_, realm)| books.belongs_to_stack(stack, realm))
                else {
                    continue;
                };
                let of_user = delivered.entry((account.cloned(), name)).or_default();
                for (key, delivery) in books.deliveries_to_store(store) {
                    // After a move from one store to another, a key may be recorded in both. The store that hands it out counts.
                    if delivery.held || !of_user.contains_key(&key) {
                        of_user.insert(key, delivery);
                    }
                }
            }
        }
        Ok(delivered)
    }

    /// Checks, before anything is written, that the stores can accept the keys that a plan will issue. Creates missing directories.
    ///
    /// # Errors
    /// If a store is not declared, cannot be written, or has an entry of another identity under the same name.
    pub fn prepare_stores(&self, plan: &Plan) -> Result<(), SecretStoreError> {
        let mut prepared: BTreeSet<String> = BTreeSet::new();
        for step in plan.steps.iter().filter(|step| step.change.id().is_new()) {
            let Some(key) = step.change.resource_after() else { continue };
            let terms = NewKeyDelivery::from_key(key).ok_or_else(|| unknown_store_error("?"))?;
            let folder = self.find_folder(&terms.store)?;
            if prepared.insert(terms.store.clone()) {
                folder.prepare_directory()?;
            }
            let (stack, realm) = (plan.stack.clone(), plan.realm.for_account(key.id.account.as_ref()).name());
            let name = key.id.name.split_once('/').map_or("", |(user, _)| user).to_owned();
            folder.refuse_other_owners(&KeyIdentity { stack, realm, address: step.subject.clone(), name })?;
        }
        Ok(())
    }

    /// Whether any store has a record that this key of an identity was delivered.
    fn was_delivered(&self, holder: &KeyIdentity, key: &str) -> Result<bool, SecretStoreError> {
        for folder in self.stores.values() {
            if folder
                .read_records(&holder.name)?
                .is_some_and(|books| books.belongs_to_identity(holder) && books.keys.contains_key(key))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Delivers a secret: it replaces the previous secret in the identity's entry.
    fn deposit_secret(
        &self,
        holder: &KeyIdentity,
        terms: &NewKeyDelivery,
        key: &str,
        secret: SecretString,
        now: Timestamp,
    ) -> Result<(), SecretStoreError> {
        let folder = self.find_folder(&terms.store)?;
        folder.refuse_other_owners(holder)?;
        let mut books = folder.read_records(&holder.name)?.unwrap_or_else(|| DeliveryRecords::for_identity(holder));
        books.address.clone_from(&holder.address);
        let (owner, environment) = (terms.owner.clone(), terms.environment.clone());
        let delivered_at = self.next_instant(holder, now)?;
        books.keys.insert(key.to_owned(), RecordedDelivery { delivered_at, owner, environment });
        folder.write_entry(&holder.name, &StoreEntry { current: Some((key.to_owned(), secret)), books })
    }

    /// The time to record for a delivery: `now`, or one second after the identity's last delivery if that is later. The order of these
    /// times shows which key replaced which, even if the clock goes back.
    fn next_instant(&self, holder: &KeyIdentity, now: Timestamp) -> Result<Timestamp, SecretStoreError> {
        let mut at = now;
        for folder in self.stores.values() {
            let books = folder.read_records(&holder.name)?.filter(|books| books.belongs_to_identity(holder));
            for kept in books.iter().flat_map(|books| books.keys.values()) {
                at = at.max(kept.delivered_at.saturating_add(A_MOMENT).unwrap_or(kept.delivered_at));
            }
        }
        Ok(at)
    }

    /// Removes a deleted key from every store.
    fn withdraw_key(&self, holder: &KeyIdentity, key: &str) -> Result<(), SecretStoreError> {
        for folder in self.stores.values() {
            let books = folder.read_records(&holder.name)?.filter(|books| books.belongs_to_identity(holder));
            if books.is_some_and(|books| books.keys.contains_key(key)) {
                folder.remove_keys(&holder.name, &BTreeSet::from([key.to_owned()]))?;
            }
        }
        Ok(())
    }

    /// Removes the keys of this stack that do not exist any more from the stores. They remain there if a run was killed between the
    /// deletion of the key and its removal from the store. Keys that were delivered in the last hour are kept, because a cloud may be
    /// slow to show them. Returns the ids of the removed keys.
    ///
    /// # Errors
    /// If a store cannot be read or written, or has an entry that cannot be parsed.
    pub fn remove_inactive_keys(
        &self,
        stack: &StackName,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<BTreeSet<String>, SecretStoreError> {
        let mut struck = BTreeSet::new();
        for folder in self.stores.values() {
            folder.remove_partial_files()?;
            for (name, books) in folder.read_all_records()? {
                let mut accounts = snapshot.realm.accounts();
                let Some((account, _)) = accounts.find(|(_, realm)| books.belongs_to_stack(stack, realm)) else {
                    continue;
                };
                if is_unmanaged_user(account, &name, snapshot) {
                    continue;
                }
                let old = |kept: &RecordedDelivery| now.duration_since(kept.delivered_at) > MAX_LISTING_DELAY;
                let dead: BTreeSet<String> = books
                    .keys
                    .iter()
                    .filter(|(key, kept)| old(kept) && !is_live_key(account, &name, key, snapshot))
                    .map(|(key, _)| key.clone())
                    .collect();
                if !dead.is_empty() {
                    folder.remove_keys(&name, &dead)?;
                    struck.extend(dead);
                }
            }
        }
        Ok(struck)
    }

    /// The path of a store, for display. `None`: it is not declared.
    #[must_use]
    pub fn store_place(&self, store: &str) -> Option<String> {
        Some(self.stores.get(store)?.path().display().to_string())
    }

    fn find_folder(&self, store: &str) -> Result<&SecretFolder, SecretStoreError> {
        self.stores.get(store).ok_or_else(|| unknown_store_error(store))
    }
}

fn unknown_store_error(store: &str) -> SecretStoreError {
    SecretStoreError {
        store: store.to_owned(),
        problem: "the plan uses this secret store, but the stack does not declare it".to_owned(),
        help: "make a new plan".to_owned(),
    }
}

/// Whether a user with that name exists and is not managed by this stack. A user that was released keeps its keys.
fn is_unmanaged_user(account: Option<&Alias>, name: &str, snapshot: &Snapshot) -> bool {
    snapshot.unmanaged_objects.keys().any(|id| id.name == name && id.account.as_ref() == account)
}

fn is_live_key(account: Option<&Alias>, name: &str, key: &str, snapshot: &Snapshot) -> bool {
    let of_name = |live: &&LiveIdentity| live.name == name && live.id.account.as_ref() == account;
    let users = snapshot.identities.values().filter(|live| live.principal == Principal::User).filter(of_name);
    users.flat_map(|live| live.keys.keys()).any(|id| id.local_name() == key)
}
