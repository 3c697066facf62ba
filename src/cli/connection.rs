//! A provider's powers, handed out one by one: a command that only plans never touches the one that writes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use leasehold_aws::{AwsProvider, AwsRealizer, AwsSettings};
use leasehold_local::LocalDirectory;
use leasehold_provider::{Compare, Enact, Observe, Provider, Realize};

use super::failure::Failure;
use super::throttling;
use crate::config::declared::{ProviderSettings, SecretStore};
use crate::vault::{Clock, Delivering, Vault};

/// The embedded directory's file, below the stack's directory, unless the stack says otherwise.
const DIRECTORY: &str = ".leasehold/directory.db";

/// One provider.
pub struct Connection {
    pub realize: Arc<dyn Realize>,
    pub compare: Arc<dyn Compare>,
    pub observe: Arc<dyn Observe>,
    pub enact: Arc<dyn Enact>,
    /// Where the secrets of issued keys go.
    pub vault: Vault,
}

impl Connection {
    /// Connects to the provider that a stack in `directory` names. `now` is what the embedded directory takes for the present.
    pub async fn to(settings: &ProviderSettings, directory: &Path, now: Timestamp) -> Result<Self, Failure> {
        match settings {
            ProviderSettings::Local { path } => Ok(Self::of(Arc::new(local(path.as_deref(), directory, now)))),
            ProviderSettings::Aws { .. } => {
                let settings = aws_settings(settings).unwrap_or_default();
                let provider = AwsProvider::connect(settings).await.context("the provider block cannot work")?;
                Ok(Self::of(Arc::new(provider.telling(throttling::told_of("AWS")))))
            }
        }
    }

    fn of<P: Provider + 'static>(provider: Arc<P>) -> Self {
        Self {
            realize: Arc::<P>::clone(&provider),
            compare: Arc::<P>::clone(&provider),
            observe: Arc::<P>::clone(&provider),
            enact: provider,
            vault: Vault::none(),
        }
    }

    /// The same with a place for secrets: what is written through it is delivered there. `now` is what the embedded directory takes for
    /// the present; elsewhere it is the clock that says when a secret is delivered.
    #[must_use]
    pub fn keeping(
        self,
        stores: &BTreeMap<String, SecretStore>,
        settings: &ProviderSettings,
        directory: &Path,
        now: Timestamp,
    ) -> Self {
        let clock: Clock = match settings {
            ProviderSettings::Local { .. } => Arc::new(move || now),
            ProviderSettings::Aws { .. } => Arc::new(Timestamp::now),
        };
        let vault = Vault::of(stores, directory, clock);
        let (realize, observe) = (Arc::clone(&self.realize), Arc::clone(&self.observe));
        let enact = Arc::new(Delivering { enact: self.enact, observe, realize, vault: vault.clone() });
        Self { enact, vault, ..self }
    }
}

/// What the provider block says to the AWS clients; `None`: it is not of AWS.
pub fn aws_settings(settings: &ProviderSettings) -> Option<AwsSettings> {
    let ProviderSettings::Aws { region, profile, allowed_account_ids, assume_role } = settings else { return None };
    Some(AwsSettings {
        region: region.clone(),
        profile: profile.clone(),
        allowed_account_ids: allowed_account_ids.clone(),
        assume_role: assume_role.clone().map(|role| leasehold_aws::AssumeRole {
            role_arn: role.role_arn,
            external_id: role.external_id,
            session_name: role.session_name,
        }),
    })
}

/// The pure half of a provider, without a connection.
pub fn realizer(settings: &ProviderSettings) -> Arc<dyn Realize> {
    match settings {
        ProviderSettings::Local { path } => Arc::new(local(path.as_deref(), Path::new("."), Timestamp::UNIX_EPOCH)),
        ProviderSettings::Aws { .. } => Arc::new(AwsRealizer),
    }
}

fn local(path: Option<&str>, directory: &Path, now: Timestamp) -> LocalDirectory {
    let actor = std::env::var("USER").ok().filter(|user| !user.is_empty()).unwrap_or_else(|| "somebody".to_owned());
    LocalDirectory::at(directory.join(path.unwrap_or(DIRECTORY)), actor, Arc::new(move || now))
}
