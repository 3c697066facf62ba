//! Connects to the providers of a stack. Each ability of a provider is its own field: a command that only plans does not use `enact`.
#![allow(clippy::disallowed_methods, reason = "a delivery is dated by the clock")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use leasehold_aws::AwsSettings;
use leasehold_provider::{Alias, Compare, ConnectRequest, Enact, IssueKeys, Lineage, Observe, Provider, Realizer};

use super::bounds;
use super::error::WorkflowError;
use super::event::WorkflowContext;
use crate::config::declared::{self, Providers, SecretStore};
use crate::multi_account::{AccountMember, MultiAccountProvider, build_multi_account_realizer};
use crate::ownership::StackOwnership;
use crate::providers::ProviderSettings;
use crate::secret_store::{DeliveringProvider, DeliveryClock, SecretStores};

/// The connection to one provider, or to the providers of several accounts.
#[derive(Clone)]
pub struct Connection {
    /// What the stack owns, according to its store.
    pub ownership: Arc<StackOwnership>,
    /// Computes the desired objects.
    pub realize: Realizer,
    /// Compares access.
    pub compare: Arc<dyn Compare>,
    /// Reads the cloud.
    pub observe: Arc<dyn Observe>,
    /// Writes to the cloud.
    pub enact: Arc<dyn Enact>,
    /// Creates access keys. `None`: the provider issues no keys.
    pub issue: Option<Arc<dyn IssueKeys>>,
    /// The secret stores for issued keys.
    pub vault: SecretStores,
}

impl Connection {
    /// Connects to the providers of the stack in `directory`. `now` is the present moment for the embedded directory.
    ///
    /// # Errors
    /// A provider cannot be reached, its settings cannot be used, or they go beyond the operator's bounds.
    pub async fn connect_to_providers(
        providers: &Providers,
        directory: &Path,
        now: Timestamp,
        context: &WorkflowContext,
    ) -> Result<Self, WorkflowError> {
        bounds::check_providers(providers, directory, context)?;
        let first = Self::connect_to_account(&providers.first, None, directory, now, context).await?;
        if providers.others.is_empty() {
            return Ok(Self::from_provider(first));
        }
        let name = providers.first.render_reference(providers.alias.as_ref());
        let mut members = BTreeMap::from([(None, AccountMember::from_provider(name, first.clone()))]);
        for (alias, settings) in &providers.others {
            let other = Self::connect_to_account(settings, Some(alias), directory, now, context).await?;
            let member = AccountMember::from_provider(settings.render_reference(Some(alias)), other);
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
        context: &WorkflowContext,
    ) -> Result<Provider, WorkflowError> {
        let provider = settings.provider;
        let connected = (provider.connect)(ConnectRequest {
            settings: settings.fields.clone(),
            directory: directory.to_owned(),
            account: among.cloned(),
            actor: context.user.clone().unwrap_or_else(|| "unknown".to_owned()),
            now,
            endpoints: context.bounds.endpoints.clone(),
            notices: context.notices_for_cloud(provider.title),
        });
        let problem = || match among {
            Some(_) => format!("the block {} is not valid", settings.render_reference(among)),
            None => "the provider block is not valid".to_owned(),
        };
        Ok(connected.await.map_err(|error| match error.is_in_settings {
            true => anyhow::Error::from_boxed(error.cause).context(problem()),
            false => anyhow::Error::from_boxed(error.cause),
        })?)
    }

    fn from_provider(provider: Provider) -> Self {
        let Provider { realize, compare, observe, enact, issue } = provider;
        let ownership = StackOwnership::NotVerified { why: "the store was not read".to_owned() };
        Self { ownership: Arc::new(ownership), realize, compare, observe, enact, issue, vault: SecretStores::default() }
    }

    /// The same connection, for a stack that owns these objects and has this lineage.
    #[must_use]
    pub fn with_ownership(self, ownership: StackOwnership, lineage: Option<&Lineage>) -> Self {
        Self { ownership: Arc::new(ownership), realize: self.realize.for_lineage(lineage), ..self }
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
        let clock: DeliveryClock = match settings.provider.has_given_time {
            true => Arc::new(move || now),
            false => Arc::new(Timestamp::now),
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
///
/// # Errors
/// A bug in Leasehold: settings that were checked cannot be read.
pub fn build_aws_settings(settings: &ProviderSettings) -> Result<Option<AwsSettings>, WorkflowError> {
    if *settings.provider != leasehold_aws::PROVIDER_TYPE {
        return Ok(None);
    }
    let read = AwsSettings::from_fields(&settings.fields);
    Ok(Some(read.context("bug in Leasehold: the checked settings of the provider \"aws\" cannot be read")?))
}

/// A role to assume, in the form that the AWS clients take.
pub fn to_aws_role(role: declared::AssumeRoleBlock) -> leasehold_aws::AssumeRoleSettings {
    leasehold_aws::AssumeRoleSettings {
        role_arn: role.role_arn,
        external_id: role.external_id,
        session_name: role.session_name,
    }
}

/// The pure half of the stack's providers, without a connection.
pub fn build_realizer(providers: &Providers) -> Realizer {
    let first = (providers.first.provider.build_realizer)();
    if providers.others.is_empty() { first } else { build_multi_account_realizer(first) }
}
