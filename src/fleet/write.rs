//! Writing: each change goes to the account that its object is in.

use async_trait::async_trait;
use leasehold_provider::{
    Alias, Change, Enact, EnactError, EnactErrorKind, Enacted, NotKept, ResourceId, StackName, Vault,
};
use secrecy::SecretString;

use super::place::Place;
use super::{Fleet, Member};

impl Fleet {
    fn member_of(&self, change: &Change) -> Result<&Member, EnactError> {
        self.members.get(&change.id().account).ok_or_else(|| EnactError {
            kind: EnactErrorKind::Other,
            operation: change.id().to_string(),
            message: "the stack has no such account".to_owned(),
            help: Some("plan again".to_owned()),
            requests: Vec::new(),
        })
    }
}

fn plain(change: &Change) -> Change {
    match &change.id().account {
        Some(account) => change.clone().off(account),
        None => change.clone(),
    }
}

#[async_trait]
impl Enact for Fleet {
    async fn enact(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        let member = self.member_of(change)?;
        let enacted = member.enact.enact(stack, &plain(change)).await?;
        Ok(enacted.into_fleet(change.id().account.as_ref()))
    }

    async fn issue(&self, stack: &StackName, change: &Change, vault: &dyn Vault) -> Result<Enacted, EnactError> {
        let member = self.member_of(change)?;
        let account = change.id().account.as_ref();
        let enacted = member.enact.issue(stack, &plain(change), &OfAccount { vault, account }).await?;
        Ok(enacted.into_fleet(account))
    }
}

/// A vault as the provider of one account sees it.
struct OfAccount<'a> {
    vault: &'a dyn Vault,
    account: Option<&'a Alias>,
}

#[async_trait]
impl Vault for OfAccount<'_> {
    async fn deposit(&self, key: &ResourceId, secret: SecretString) -> Result<(), NotKept> {
        self.vault.deposit(&key.clone().within(self.account), secret).await
    }

    async fn was_delivered(&self, key: &ResourceId) -> Result<bool, NotKept> {
        self.vault.was_delivered(&key.clone().within(self.account)).await
    }
}
