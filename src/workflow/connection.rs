//! Connects to the providers of a stack. Each ability of a provider is its own field: a command that only plans does not use `enact`.
#![allow(clippy::disallowed_methods, reason = "a delivery is dated by the clock")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use leasehold_aws::{AwsProvider, AwsRealizer, AwsSettings};
use leasehold_local::LocalDirectory;
use leasehold_provider::{Alias, Compare, Enact, Observe, Realize};

use super::error::WorkflowError;
use super::event::WorkflowContext;
use crate::config::declared::{self, ProviderSettings, Providers, SecretStore};
use crate::multi_account::{AccountMember, MultiAccountProvider, MultiAccountRealizer};
use crate::secret_store::{DeliveringProvider, DeliveryClock, SecretStores};

/// The connection to one provider, or to the providers of several accounts.
pub struct Connection {
    /// Computes the desired objects.
    pub realize: Arc<dyn Realize>,
    /// Compares access.
    pub compare: Arc<dyn Compare>,
    /// Reads the cloud.
    pub observe: Arc<dyn Observe>,
    /// Writes to the cloud.
    pub enact: Arc<dyn Enact>,
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
        context: &WorkflowContext,
    ) -> Result<Self, WorkflowError> {
        let first = Self::connect_to_account(&providers.first, None, directory, now, context).await?;
        if providers.others.is_empty() {
            return Ok(first);
        }
        let (realize, compare) = (Arc::clone(&first.realize), Arc::clone(&first.compare));
        let mut members = BTreeMap::from([(None, first.into_fleet_member(&providers.first, providers.alias.as_ref()))]);
        for (alias, settings) in &providers.others {
            let other = Self::connect_to_account(settings, Some(alias), directory, now, context).await?;
            members.insert(Some(alias.clone()), other.into_fleet_member(settings, Some(alias)));
        }
        let fleet = Arc::new(MultiAccountProvider::new(members, Arc::clone(&realize)));
        let (observe, enact) = (Arc::<MultiAccountProvider>::clone(&fleet), fleet);
        Ok(Self {
            realize: Arc::new(MultiAccountRealizer(realize)),
            compare,
            observe,
            enact,
            vault: SecretStores::default(),
        })
    }

    /// Connects to one account. `among` is its name where the stack has several.
    async fn connect_to_account(
        settings: &ProviderSettings,
        among: Option<&Alias>,
        directory: &Path,
        now: Timestamp,
        context: &WorkflowContext,
    ) -> Result<Self, WorkflowError> {
        match settings {
            ProviderSettings::Local { path } => {
                let local = open_local_directory(path.as_deref(), directory, context.user.as_deref(), now);
                let local = Arc::new(match among {
                    // The alias may be renamed, but the file stays the same.
                    Some(_) => local.with_account_name(path.as_deref().unwrap_or(ProviderSettings::DIRECTORY)),
                    None => local,
                });
                Ok(Self::from_provider(Arc::clone(&local), local))
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
                Ok(Self::from_provider(
                    Arc::new(AwsRealizer),
                    Arc::new(provider.with_notices(context.notices_for_cloud("AWS"))),
                ))
            }
        }
    }

    fn into_fleet_member(self, settings: &ProviderSettings, alias: Option<&Alias>) -> AccountMember {
        AccountMember { name: provider_reference(settings, alias), observe: self.observe, enact: self.enact }
    }

    /// Builds a connection from the pure half of a provider and the half that accesses the cloud.
    fn from_provider<R: Realize + Compare + 'static, P: Observe + Enact + 'static>(
        pure: Arc<R>,
        provider: Arc<P>,
    ) -> Self {
        Self {
            realize: Arc::<R>::clone(&pure),
            compare: pure,
            observe: Arc::<P>::clone(&provider),
            enact: provider,
            vault: SecretStores::default(),
        }
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
        let (realize, observe) = (Arc::clone(&self.realize), Arc::clone(&self.observe));
        let enact = Arc::new(DeliveringProvider { enact: self.enact, observe, realize, vault: vault.clone(), clock });
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
pub fn build_realizer(providers: &Providers) -> Arc<dyn Realize> {
    let first: Arc<dyn Realize> = match &providers.first {
        ProviderSettings::Local { path } => {
            Arc::new(open_local_directory(path.as_deref(), Path::new("."), None, Timestamp::UNIX_EPOCH))
        }
        ProviderSettings::Aws { .. } => Arc::new(AwsRealizer),
    };
    if providers.others.is_empty() { first } else { Arc::new(MultiAccountRealizer(first)) }
}

fn open_local_directory(path: Option<&str>, directory: &Path, user: Option<&str>, now: Timestamp) -> LocalDirectory {
    let actor = user.unwrap_or("somebody");
    LocalDirectory::new(directory.join(path.unwrap_or(ProviderSettings::DIRECTORY)), actor, Arc::new(move || now))
}
