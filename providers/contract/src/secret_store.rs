//! Where the secrets of issued access keys go. A provider passes a secret on as soon as it has it, and keeps no copy.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::{Alias, ResourceId};

/// A secret store that receives the secrets of new access keys.
#[async_trait]
pub trait SecretStorage: Send + Sync {
    /// Stores a secret durably. After an error it is not stored, and the key is useless: its secret is
    /// stored nowhere else.
    ///
    /// # Errors
    /// The secret could not be stored.
    async fn store_secret(&self, key: &ResourceId, secret: SecretString) -> Result<(), DepositError>;

    /// Whether the secret of this key was delivered.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn was_delivered(&self, key: &ResourceId) -> Result<bool, DepositError>;
}

/// Why a secret was not stored. The message never contains the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DepositError(pub String);

/// The delivery of one key's secret: to which store, when, and for which owner and environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The store's name.
    pub store: String,
    /// When it became readable in the store.
    pub at: Timestamp,
    /// Whether readers of the store still get this secret. False once a newer key of the identity has replaced it.
    pub held: bool,
    /// The owner that the key was issued for.
    pub owner: Option<String>,
    /// The environment that the key was issued for.
    pub environment: Option<String>,
}

/// Deliveries by account and user name, then by the id of the key.
pub type DeliveryIndex = BTreeMap<(Option<Alias>, String), BTreeMap<String, Delivery>>;
