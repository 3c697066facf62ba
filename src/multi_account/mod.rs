//! Presents several accounts as one provider.
//!
//! In: one provider for each account of a stack, all for the same cloud. Out: one provider that reads all accounts at
//! the same time and writes each object in its own account. It decides nothing. A stack with one account does not use
//! it.
//!
//! Invariant: in every id that the engine sees, [`ResourceId::account`] names the account (`None`: the first one); in
//! every id that a provider sees, it is `None`. [`place`] converts between the two. Example: the provider of the
//! account `audit` returns `aws_iam_user jane`, and the engine sees `aws_iam_user audit:jane`. When the engine
//! changes that user, the provider of `audit` gets a change of `aws_iam_user jane`.
//!
//! [`ResourceId::account`]: leasehold_provider::ResourceId::account

mod cross_account;
mod observe;
mod place;
mod realize;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use leasehold_provider::{
    Alias, CloudNames, Enact, IssueKeys, Observe, ObserveError, ObserveErrorKind, Provider, Realm, ResourceId,
};

pub use realize::build_multi_account_realizer;

/// The accounts of a stack, as one provider.
pub struct MultiAccountProvider {
    /// Every account by its alias. `None` is the first account.
    members: BTreeMap<Option<Alias>, AccountMember>,
    /// The names of the cloud. Those of one provider are enough, because all accounts are in the same cloud.
    names: Arc<dyn CloudNames>,
    /// The objects that this run has created.
    made: Mutex<BTreeSet<ResourceId>>,
}

/// One account of a stack.
pub struct AccountMember {
    /// The provider's name in the configuration, for people: `provider.aws.audit`.
    pub name: String,
    /// Reads the account.
    pub observe: Arc<dyn Observe>,
    /// Writes the account.
    pub enact: Arc<dyn Enact>,
    /// Creates access keys in the account. `None`: the provider issues no keys.
    pub issue: Option<Arc<dyn IssueKeys>>,
}

impl AccountMember {
    /// The member for a provider that is called `name` in the configuration.
    #[must_use]
    pub fn from_provider(name: String, provider: Provider) -> Self {
        Self { name, observe: provider.observe, enact: provider.enact, issue: provider.issue }
    }

    /// Adds the name of the account's provider to an error.
    fn add_account_to_error(&self, error: ObserveError) -> ObserveError {
        ObserveError { message: format!("{} (in the account of {})", error.message, self.name), ..error }
    }
}

impl MultiAccountProvider {
    /// Combines the providers of these accounts; `None` is the first account. `compare` and the pure half are those of
    /// the first provider, because all accounts are in the same cloud.
    #[must_use]
    pub fn combine_providers(first: Provider, members: BTreeMap<Option<Alias>, AccountMember>) -> Provider {
        let fleet = Arc::new(Self { members, names: Arc::clone(&first.realize.names), made: Mutex::default() });
        Provider {
            realize: build_multi_account_realizer(first.realize),
            compare: first.compare,
            observe: Arc::<Self>::clone(&fleet),
            enact: Arc::<Self>::clone(&fleet),
            issue: first.issue.map(|_| fleet as _),
        }
    }

    /// The realm of the first account, with the realms of the other accounts in it.
    ///
    /// # Errors
    /// Two providers reach the same account, so each of its objects would be read twice; or there is no first account.
    fn combine_realms(&self, realms: Vec<Realm>) -> Result<Realm, ObserveError> {
        let mut seen: Vec<(&AccountMember, &Realm)> = Vec::new();
        for (member, realm) in self.members.values().zip(&realms) {
            if let Some((first, _)) = seen.iter().find(|(_, other)| realm.is_same_account(other)) {
                return Err(ObserveError {
                    kind: ObserveErrorKind::WrongAccount,
                    operation: member.name.clone(),
                    message: format!("its account is {}, the same as of {}", realm.account, first.name),
                    help: Some(
                        "give each provider block credentials for a different account; objects in the same account use the same provider"
                            .to_owned(),
                    ),
                });
            }
            seen.push((member, realm));
        }
        let mut whole: Option<Realm> = None;
        let mut others = BTreeMap::new();
        for (account, realm) in self.members.keys().zip(realms) {
            match account {
                None => whole = Some(realm),
                Some(alias) => drop(others.insert(alias.clone(), realm)),
            }
        }
        let whole = whole.ok_or_else(|| ObserveError {
            kind: ObserveErrorKind::Other,
            operation: "provider".to_owned(),
            message: "the stack has no first account".to_owned(),
            help: None,
        })?;
        Ok(Realm { others, ..whole })
    }
}

#[cfg(test)]
mod tests;
