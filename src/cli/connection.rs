//! Connects to the providers of a stack. Each ability of a provider is its own field: a command that only plans does not use `enact`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use leasehold_aws::{AwsProvider, AwsSettings};
use leasehold_local::LocalDirectory;
use leasehold_provider::{Alias, Compare, Enact, IssueKeys, Observe, Provider, Realizer};

use super::environment;
use super::failure::CommandError;
use super::throttling;
use crate::config::declared::{self, ProviderSettings, Providers, SecretStore};
use crate::multi_account::{AccountMember, MultiAccountProvider, build_multi_account_realizer};
use crate::secret_store::{DeliveringProvider, DeliveryClock, SecretStores};

/// The connection to one provider, or to the providers of several accounts.
pub struct Connection {
    pub realize: Realizer,
    pub compare: Arc<dyn Compare>,
    pub observe: Arc<dyn Observe>,
    pub enact: Arc<dyn Enact>,
    /// Creates access keys. `None`: the provider issues no keys.
    issue: Option<Arc<dyn IssueKeys>>,
    /// The secret stores for issued keys.
    pub vault: SecretStores,
}

impl Connection {
    /// Connects to the providers of the stack in `directory`. `now` is the present moment for the embedded directory.
    ///
    /// # Errors
    /// A provider cannot be reached, or its settings cannot be used.
    pub async fn connect_to_providers(
        providers: &Providers,
        directory: &Path,
        now: Timestamp,
    ) -> Result<Self, CommandError> {
        let first = Self::connect_to_account(&providers.first, None, directory, now).await?;
        if providers.others.is_empty() {
            return Ok(Self::from_provider(first));
        }
        let name = provider_reference(&providers.first, providers.alias.as_ref());
        let mut members = BTreeMap::from([(None, AccountMember::from_provider(name, first.clone()))]);
        for (alias, settings) in &providers.others {
            let other = Self::connect_to_account(settings, Some(alias), directory, now).await?;
            let member = AccountMember::from_provider(provider_reference(settings, Some(alias)), other);
            members.insert(Some(alias.clone()), member);
        }
        Ok(Self::from_provider(MultiAccountProvider::combine_providers(first, members)))
    }

    /// Connects to one account. `among` is its name where the stack has several.
    async fn connect_to_account(
        settings: &ProviderSettings,
        among: Option<&Alias>,
        directory: &Path,
        now: Timestamp,
    ) -> Result<Provider, CommandError> {
        match settings {
            ProviderSettings::Local { path } => {
                let local = open_local_directory(path.as_deref(), directory, now);
                let local = Arc::new(match among {
                    // The alias may be renamed, but the file stays the same.
                    Some(_) => local.with_account_name(path.as_deref().unwrap_or(ProviderSettings::DIRECTORY)),
                    None => local,
                });
                Ok(local.into_provider())
            }
            ProviderSettings::Aws { .. } => {
                let aws = build_aws_settings(settings).unwrap_or_default();
                let provider = AwsProvider::connect(aws).await;
                let problem = || match among {
                    Some(_) => format!("the block of {} cannot work", provider_reference(settings, among)),
                    None => "the provider block cannot work".to_owned(),
                };
                let provider = provider.map_err(|error| match error.is_environment_error() {
                    true => anyhow::Error::from(error),
                    false => anyhow::Error::from(error).context(problem()),
                })?;
                Ok(provider.with_notices(throttling::notices_for_cloud("AWS")).into_provider())
            }
        }
    }

    fn from_provider(provider: Provider) -> Self {
        let Provider { realize, compare, observe, enact, issue } = provider;
        Self { realize, compare, observe, enact, issue, vault: SecretStores::default() }
    }

    /// Adds secret stores: a secret that is created through the connection is delivered to them. On the embedded directory a delivery is
    /// dated `now`; elsewhere the clock dates it.
    #[must_use]
    pub fn with_secret_stores(
        self,
        stores: &BTreeMap<String, SecretStore>,
        settings: &ProviderSettings,
        directory: &Path,
        now: Timestamp,
    ) -> Self {
        let clock: DeliveryClock = match settings {
            ProviderSettings::Local { .. } => Arc::new(move || now),
            ProviderSettings::Aws { .. } => Arc::new(Timestamp::now),
        };
        let vault = SecretStores::from_declared(stores, directory);
        let enact = Arc::new(DeliveringProvider {
            enact: self.enact,
            issue: self.issue.clone(),
            observe: Arc::clone(&self.observe),
            semantics: Arc::clone(&self.realize.semantics),
            vault: vault.clone(),
            clock,
        });
        Self { enact, vault, ..self }
    }
}

/// The settings of a provider block for the AWS clients. `None`: the provider is not AWS.
pub fn build_aws_settings(settings: &ProviderSettings) -> Option<AwsSettings> {
    let ProviderSettings::Aws { region, profile, allowed_account_ids, assume_role } = settings else { return None };
    Some(AwsSettings {
        region: region.clone(),
        profile: profile.clone(),
        allowed_account_ids: allowed_account_ids.clone(),
        assume_role: assume_role.clone().map(to_aws_role),
    })
}

/// A role to assume, in the form that the AWS clients take.
pub fn to_aws_role(role: declared::AssumeRoleBlock) -> leasehold_aws::AssumeRoleSettings {
    leasehold_aws::AssumeRoleSettings {
        role_arn: role.role_arn,
        external_id: role.external_id,
        session_name: role.session_name,
    }
}

/// The reference by which a configuration names a provider.
fn provider_reference(settings: &ProviderSettings, alias: Option<&Alias>) -> String {
    let name = match settings {
        ProviderSettings::Local { .. } => "local",
        ProviderSettings::Aws { .. } => "aws",
    };
    alias.map_or_else(|| format!("provider.{name}"), |alias| format!("provider.{name}.{alias}"))
}

/// The pure half of the stack's providers, without a connection.
pub fn build_realizer(providers: &Providers) -> Realizer {
    let first = match &providers.first {
        ProviderSettings::Local { .. } => leasehold_local::build_realizer(),
        ProviderSettings::Aws { .. } => leasehold_aws::build_realizer(),
    };
    if providers.others.is_empty() { first } else { build_multi_account_realizer(first) }
}

fn open_local_directory(path: Option<&str>, directory: &Path, now: Timestamp) -> LocalDirectory {
    let actor = environment::read_variable("USER").unwrap_or_else(|| "somebody".to_owned());
    LocalDirectory::new(directory.join(path.unwrap_or(ProviderSettings::DIRECTORY)), actor, Arc::new(move || now))
}
