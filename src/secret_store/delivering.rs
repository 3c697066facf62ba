//! A provider's write half that delivers secrets.
//!
//! In: the changes of a plan. Out: the provider's own results. Invariant: the secret of a key that is created goes into a store, and a key
//! that is deleted is removed from the stores.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use leasehold_provider::{
    Address, Change, Credential, DepositError, Enact, EnactError, EnactErrorKind, Enacted, IssueKeys, Observe,
    PolicySemantics, Resource, ResourceId, SecretStorage as Slot, StackName,
};
use secrecy::SecretString;

use super::{KeyIdentity, NewKeyDelivery, SecretStoreError, SecretStores};

/// Returns the time of a delivery.
pub type DeliveryClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The write half of a provider, together with the secret stores of a stack.
pub struct DeliveringProvider {
    /// The provider's write half.
    pub enact: Arc<dyn Enact>,
    /// Its read half, which names the account.
    pub observe: Arc<dyn Observe>,
    /// The provider's part that creates access keys. `None`: it issues no keys.
    pub issue: Option<Arc<dyn IssueKeys>>,
    /// Says which resources are access keys.
    pub semantics: Arc<dyn PolicySemantics>,
    /// The stores that secrets are delivered to.
    pub vault: SecretStores,
    /// The clock for the times of deliveries.
    pub clock: DeliveryClock,
}

/// Where the secret of one new key is delivered.
struct KeySlot {
    vault: SecretStores,
    clock: DeliveryClock,
    holder: KeyIdentity,
    terms: Arc<NewKeyDelivery>,
}

#[async_trait]
impl Slot for KeySlot {
    async fn store_secret(&self, key: &ResourceId, secret: SecretString) -> Result<(), DepositError> {
        let (vault, holder, terms) = (self.vault.clone(), self.holder.clone(), Arc::clone(&self.terms));
        let (key, now) = (key.local_name().to_owned(), (self.clock)());
        run_blocking(move || vault.deposit_secret(&holder, &terms, &key, secret, now)).await
    }

    async fn was_delivered(&self, key: &ResourceId) -> Result<bool, DepositError> {
        let (vault, holder, key) = (self.vault.clone(), self.holder.clone(), key.local_name().to_owned());
        run_blocking(move || vault.was_delivered(&holder, &key)).await
    }
}

/// Runs file operations on a thread where they do not block other tasks.
async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SecretStoreError> + Send + 'static,
) -> Result<T, DepositError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| DepositError(error.to_string())),
        Err(stopped) => Err(DepositError(format!("the write to the secret store failed: {stopped}"))),
    }
}

impl DeliveringProvider {
    async fn find_key_identity(
        &self,
        stack: &StackName,
        key: &ResourceId,
        address: Option<&Address>,
    ) -> Result<KeyIdentity, EnactError> {
        let broken = |message: String| EnactError {
            requests: Vec::new(),
            kind: EnactErrorKind::Other,
            operation: key.to_string(),
            message,
            help: None,
        };
        let realm = self.observe.read_realm().await.map_err(|error| broken(error.to_string()))?;
        let name = key.name.split_once('/').map(|(user, _)| user.to_owned());
        let (Some(name), Some(address)) = (name, address) else {
            return Err(broken("the plan does not name the identity of the key: make a new plan".to_owned()));
        };
        let realm = realm.for_account(key.account.as_ref()).name();
        Ok(KeyIdentity { stack: stack.clone(), realm, address: address.clone(), name })
    }

    async fn create_and_deliver(
        &self,
        stack: &StackName,
        change: &Change,
        key: &Resource,
    ) -> Result<Enacted, EnactError> {
        let holder = self.find_key_identity(stack, &key.id, key.identity.as_ref()).await?;
        let terms = NewKeyDelivery::from_key(key).ok_or_else(|| EnactError {
            requests: Vec::new(),
            kind: EnactErrorKind::Other,
            operation: key.id.to_string(),
            message: "the plan names no secret store for the key".to_owned(),
            help: Some("make a new plan".to_owned()),
        })?;
        let place =
            KeySlot { vault: self.vault.clone(), clock: Arc::clone(&self.clock), holder, terms: Arc::new(terms) };
        let issue = self.issue.as_ref().ok_or_else(|| EnactError {
            requests: Vec::new(),
            kind: EnactErrorKind::Other,
            operation: key.id.to_string(),
            message: "this provider does not issue access keys".to_owned(),
            help: Some("remove the `credential` block".to_owned()),
        })?;
        let made = issue.issue_access_key(stack, change, &place).await?;
        let store = &place.terms.store;
        let note = made.made.as_ref().map(|id| format!("created {id}, secret delivered to store.{store}"));
        Ok(Enacted { note, ..made })
    }

    /// Removes a deleted key from the stores. If that fails, the deletion still counts as done: the next run removes it there.
    async fn withdraw_deleted_key(
        &self,
        stack: &StackName,
        key: &Resource,
        enacted: Enacted,
    ) -> Result<Enacted, EnactError> {
        let holder = self.find_key_identity(stack, &key.id, key.identity.as_ref()).await?;
        let (vault, id) = (self.vault.clone(), key.id.local_name().to_owned());
        match run_blocking(move || vault.withdraw_key(&holder, &id)).await {
            Ok(()) => Ok(enacted),
            Err(why) => Ok(Enacted { note: Some(format!("the key is still in the secret store: {why}")), ..enacted }),
        }
    }
}

#[async_trait]
impl Enact for DeliveringProvider {
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        match change {
            Change::Create { after } if after.id.is_new() => self.create_and_deliver(stack, change, after).await,
            Change::Delete { before } if self.semantics.credential_kind(&before.id) == Some(Credential::AccessKey) => {
                let enacted = self.enact.enact_change(stack, change).await?;
                self.withdraw_deleted_key(stack, before, enacted).await
            }
            _ => self.enact.enact_change(stack, change).await,
        }
    }
}
