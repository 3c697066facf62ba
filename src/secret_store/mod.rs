//! Where the secrets of issued keys are kept: the `store` blocks of a stack.
//!
//! In: the declared stores and the stack's directory. Out: which keys were delivered, as a plain value for the stages that decide
//! ([`Vault::read_deliveries`]), and a provider's write half that hands secrets over ([`DeliveringProvider`]). What a store says was delivered is the
//! truth: a key that no store was given is of no use to anybody. No secret leaves this module but into a store.

mod delivering;
mod entry;
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use leasehold_provider::{
    Address, Alias, DeliveryIndex, LiveIdentity, Principal, Realm, Resource, Snapshot, StackName, Value,
};
use secrecy::SecretString;

use crate::config::declared::SecretStore;
use crate::plan::Plan;

pub use delivering::{DeliveringProvider, DeliveryClock};
use entry::{DeliveryRecords, RecordedDelivery, VaultEntry};
use files::VaultFolder;

/// How long a key that does not live stays in the books: a cloud may be slow to show one that was just made.
const SLOW_CLOUD: SignedDuration = SignedDuration::from_hours(1);
/// What lies between two deliveries at least.
const A_MOMENT: SignedDuration = SignedDuration::from_secs(1);

/// The stores of a stack; by default none at all.
#[derive(Clone, Default)]
pub struct SecretStores {
    stores: BTreeMap<String, VaultFolder>,
}

/// Why a store cannot be used. Says nothing of any secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("store.{store}: {problem}")]
pub struct VaultError {
    /// The store's name.
    pub store: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub help: String,
}

/// Whose keys an entry holds: an identity of a stack in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// The stack.
    pub stack: StackName,
    /// The provider and the account: `aws 111122223333`.
    pub realm: String,
    /// The identity's address.
    pub address: Address,
    /// Its name in the cloud.
    pub name: String,
}

/// On which terms a new key is delivered, as its resource in the plan says.
struct DeliveryTerms {
    store: String,
    owner: Option<String>,
    environment: Option<String>,
}

impl DeliveryTerms {
    fn from_key(key: &Resource) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_text).map(str::to_owned);
        let store = text("store")?.strip_prefix("store.")?.to_owned();
        Some(Self { store, owner: text("owner"), environment: text("environment") })
    }
}

impl SecretStores {
    /// The declared stores of the stack in `directory`. Touches nothing yet.
    #[must_use]
    pub fn from_declared(stores: &BTreeMap<String, SecretStore>, directory: &Path) -> Self {
        let folder = |(name, SecretStore::File { path }): (&String, &SecretStore)| {
            let relative: PathBuf = Path::new(path).components().collect();
            (name.clone(), VaultFolder::for_store(name, directory.join(relative)))
        };
        Self { stores: stores.iter().map(folder).collect() }
    }

    /// What was delivered to identities of this stack in its accounts. Reads no secret.
    pub fn read_deliveries(&self, stack: &StackName, realm: &Realm) -> Result<DeliveryIndex, VaultError> {
        let mut delivered = DeliveryIndex::new();
        for (store, folder) in &self.stores {
            for (name, books) in folder.read_all_records()? {
                let Some((account, _)) = realm.accounts().find(|(_, realm)| books.belongs_to_stack(stack, realm))
                else {
                    continue;
                };
                let of_user = delivered.entry((account.cloned(), name)).or_default();
                for (key, delivery) in books.deliveries_to_store(store) {
                    // A key that was moved from one store to another counts where it is held.
                    if delivery.held || !of_user.contains_key(&key) {
                        of_user.insert(key, delivery);
                    }
                }
            }
        }
        Ok(delivered)
    }

    /// Makes sure, before anything is written anywhere, that the stores can take what a plan will issue.
    pub fn prepare_stores(&self, plan: &Plan) -> Result<(), VaultError> {
        let mut prepared: BTreeSet<String> = BTreeSet::new();
        for step in plan.steps.iter().filter(|step| step.change.id().is_new()) {
            let Some(key) = step.change.resource_after() else { continue };
            let terms = DeliveryTerms::from_key(key).ok_or_else(|| unknown_store_error("?"))?;
            let folder = self.find_folder(&terms.store)?;
            if prepared.insert(terms.store.clone()) {
                folder.prepare_directory()?;
            }
            let (stack, realm) = (plan.stack.clone(), plan.realm.for_account(key.id.account.as_ref()).name());
            let name = key.id.name.split_once('/').map_or("", |(user, _)| user).to_owned();
            folder.refuse_other_owners(&KeyHolder { stack, realm, address: step.subject.clone(), name })?;
        }
        Ok(())
    }

    /// Whether any store says that this key of an identity was delivered.
    fn was_delivered(&self, holder: &KeyHolder, key: &str) -> Result<bool, VaultError> {
        for folder in self.stores.values() {
            if folder
                .read_records(&holder.name)?
                .is_some_and(|books| books.belongs_to_holder(holder) && books.keys.contains_key(key))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Delivers a secret at that moment: the identity's entry holds it from now on in the place of the one before.
    fn deposit_secret(
        &self,
        holder: &KeyHolder,
        terms: &DeliveryTerms,
        key: &str,
        secret: SecretString,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let folder = self.find_folder(&terms.store)?;
        folder.refuse_other_owners(holder)?;
        let mut books = folder.read_records(&holder.name)?.unwrap_or_else(|| DeliveryRecords::for_holder(holder));
        books.address.clone_from(&holder.address);
        let (owner, environment) = (terms.owner.clone(), terms.environment.clone());
        let delivered_at = self.next_instant(holder, now)?;
        books.keys.insert(key.to_owned(), RecordedDelivery { delivered_at, owner, environment });
        folder.write_entry(&holder.name, &VaultEntry { current: Some((key.to_owned(), secret)), books })
    }

    /// That moment, or the instant after an identity's last delivery: in their order lies which key took the place of which, whatever the clock does.
    fn next_instant(&self, holder: &KeyHolder, now: Timestamp) -> Result<Timestamp, VaultError> {
        let mut at = now;
        for folder in self.stores.values() {
            let books = folder.read_records(&holder.name)?.filter(|books| books.belongs_to_holder(holder));
            for kept in books.iter().flat_map(|books| books.keys.values()) {
                at = at.max(kept.delivered_at.saturating_add(A_MOMENT).unwrap_or(kept.delivered_at));
            }
        }
        Ok(at)
    }

    /// Takes a key that is gone out of every store.
    fn withdraw_key(&self, holder: &KeyHolder, key: &str) -> Result<(), VaultError> {
        for folder in self.stores.values() {
            let books = folder.read_records(&holder.name)?.filter(|books| books.belongs_to_holder(holder));
            if books.is_some_and(|books| books.keys.contains_key(key)) {
                folder.remove_keys(&holder.name, &BTreeSet::from([key.to_owned()]))?;
            }
        }
        Ok(())
    }

    /// Takes the keys of this stack out of the stores that live no more, as after a run that was killed between the two. Gives their ids.
    pub fn remove_inactive_keys(
        &self,
        stack: &StackName,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<BTreeSet<String>, VaultError> {
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
                let old = |kept: &RecordedDelivery| now.duration_since(kept.delivered_at) > SLOW_CLOUD;
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

    /// Where a store is, for people.
    #[must_use]
    pub fn store_place(&self, store: &str) -> Option<String> {
        Some(self.stores.get(store)?.path().display().to_string())
    }

    fn find_folder(&self, store: &str) -> Result<&VaultFolder, VaultError> {
        self.stores.get(store).ok_or_else(|| unknown_store_error(store))
    }
}

fn unknown_store_error(store: &str) -> VaultError {
    VaultError {
        store: store.to_owned(),
        problem: "the plan names it, and the stack does not declare it".to_owned(),
        help: "plan again".to_owned(),
    }
}

/// Whether a user of that name lives and is not this stack's: one that was let go keeps its keys.
fn is_unmanaged_user(account: Option<&Alias>, name: &str, snapshot: &Snapshot) -> bool {
    snapshot.strangers.keys().any(|id| id.name == name && id.account.as_ref() == account)
}

fn is_live_key(account: Option<&Alias>, name: &str, key: &str, snapshot: &Snapshot) -> bool {
    let of_name = |live: &&LiveIdentity| live.name == name && live.id.account.as_ref() == account;
    let users = snapshot.identities.values().filter(|live| live.principal == Principal::User).filter(of_name);
    users.flat_map(|live| live.keys.keys()).any(|id| id.local_name() == key)
}
