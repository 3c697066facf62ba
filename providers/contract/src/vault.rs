//! Where the secrets of issued keys go. A provider hands a secret over the moment it has it, and keeps none.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::{Alias, ResourceId, Snapshot};

/// Takes the secret of a key that was just made.
#[async_trait]
pub trait Vault: Send + Sync {
    /// Keeps a secret. Once this says so it is kept for good; after an error it is not, and the key is of no use to anybody.
    async fn keep_secret(&self, key: &ResourceId, secret: SecretString) -> Result<(), DepositError>;

    /// Whether the secret of that key was delivered.
    async fn was_delivered(&self, key: &ResourceId) -> Result<bool, DepositError>;
}

/// Why a secret is not kept. Says nothing of the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DepositError(pub String);

/// Where and for whom the secret of a key was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The store's name.
    pub store: String,
    /// Since when whoever reads the store could read it.
    pub at: Timestamp,
    /// Whether the store hands it out still: not, once a newer key of the identity took its place.
    pub held: bool,
    /// The owner whom it was issued for.
    pub owner: Option<String>,
    /// The environment that it was issued for.
    pub environment: Option<String>,
}

/// What was delivered, by the account and the name of the user, and the id of the key.
pub type DeliveryIndex = BTreeMap<(Option<Alias>, String), BTreeMap<String, Delivery>>;

impl Snapshot {
    /// Writes to each live key where its secret was delivered, and keeps what was delivered of keys that do not show.
    pub fn note_deliveries(&mut self, delivered: &DeliveryIndex) {
        self.not_shown.clone_from(delivered);
        for live in self.identities.values_mut() {
            let Some(of_user) = self.not_shown.get_mut(&(live.id.account.clone(), live.name.clone())) else { continue };
            for (id, key) in &mut live.keys {
                key.delivered = of_user.remove(id.local_name());
            }
        }
    }
}
