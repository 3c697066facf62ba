//! Writes each change in the account of its object.
//!
//! In: a change with the account in its ids. Out: the result of that account's provider, with the account added.
//!
//! A provider waits until the objects it created itself are visible everywhere. It does not know the principals of
//! other accounts that a trust policy names. If this run created such a principal, AWS may not accept it in the trust
//! policy yet, so this module retries the change.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use leasehold_provider::{
    Alias, Change, DepositError, Enact, EnactError, EnactErrorKind, Enacted, IssueKeys, ResourceId, SecretStorage,
    StackName,
};
use secrecy::SecretString;

use super::place::AccountScoped;
use super::{AccountMember, MultiAccountProvider};

impl MultiAccountProvider {
    fn find_member(&self, change: &Change) -> Result<&AccountMember, EnactError> {
        self.members.get(&change.id().account).ok_or_else(|| EnactError {
            kind: EnactErrorKind::Other,
            operation: change.id().to_string(),
            message: "the stack does not declare this account".to_owned(),
            help: Some("make a new plan".to_owned()),
            requests: Vec::new(),
        })
    }
}

fn change_without_account(change: &Change) -> Change {
    match &change.id().account {
        Some(account) => change.clone().remove_account_from_ids(account),
        None => change.clone(),
    }
}

/// The pauses before the retries, in seconds: two minutes in all, the longest propagation time known for IAM.
const PAUSES: [u64; 8] = [1, 2, 4, 8, 15, 30, 30, 30];

impl MultiAccountProvider {
    fn lock_created_ids(&self) -> std::sync::MutexGuard<'_, BTreeSet<ResourceId>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a change depends on an object of another account that this run has created.
    fn may_be_early(&self, change: &Change) -> bool {
        let account = &change.id().account;
        let needs = change.resource_after().into_iter().flat_map(|after| &after.depends_on);
        let made = self.lock_created_ids();
        needs.filter(|id| id.account != *account).any(|id| made.contains(id))
    }
}

/// Whether the cause of an error may be that an object of another account is not visible yet.
fn may_be_propagation_error(error: &EnactError) -> bool {
    matches!(error.kind, EnactErrorKind::Other | EnactErrorKind::Conflict)
}

#[async_trait]
impl Enact for MultiAccountProvider {
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        let member = self.find_member(change)?;
        let plain = change_without_account(change);
        let mut pauses = PAUSES.iter().filter(|_| self.may_be_early(change));
        let enacted = loop {
            match member.enact.enact_change(stack, &plain).await {
                Err(error) if may_be_propagation_error(&error) => match pauses.next() {
                    Some(pause) => tokio::time::sleep(Duration::from_secs(*pause)).await,
                    None => return Err(error),
                },
                ended => break ended?,
            }
        };
        if matches!(change, Change::Create { .. }) {
            self.lock_created_ids().insert(change.id().clone());
        }
        Ok(enacted.with_optional_account(change.id().account.as_ref()))
    }
}

#[async_trait]
impl IssueKeys for MultiAccountProvider {
    async fn issue_access_key(
        &self,
        stack: &StackName,
        change: &Change,
        vault: &dyn SecretStorage,
    ) -> Result<Enacted, EnactError> {
        let member = self.find_member(change)?;
        let account = change.id().account.as_ref();
        let issue = member.issue.as_ref().ok_or_else(|| EnactError {
            kind: EnactErrorKind::Other,
            operation: change.id().to_string(),
            message: format!("{} does not issue access keys", member.name),
            help: Some("remove the `credential` block".to_owned()),
            requests: Vec::new(),
        })?;
        let enacted = issue
            .issue_access_key(stack, &change_without_account(change), &AccountSecretStore { vault, account })
            .await?;
        Ok(enacted.with_optional_account(account))
    }
}

/// A secret store as the provider of one account sees it: it adds the account to the ids of keys.
struct AccountSecretStore<'a> {
    vault: &'a dyn SecretStorage,
    account: Option<&'a Alias>,
}

#[async_trait]
impl SecretStorage for AccountSecretStore<'_> {
    async fn store_secret(&self, key: &ResourceId, secret: SecretString) -> Result<(), DepositError> {
        self.vault.store_secret(&key.clone().with_account(self.account), secret).await
    }

    async fn was_delivered(&self, key: &ResourceId) -> Result<bool, DepositError> {
        self.vault.was_delivered(&key.clone().with_account(self.account)).await
    }
}
