//! Several accounts as one provider.
//!
//! In: a provider for each account of a stack, all of one cloud. Out: one that reads all of them at once and writes each object where it
//! lives. What the engine sees carries in every id which account it is in ([`ResourceId::account`]); what the providers see carries nothing
//! of it: [`place`] puts it on and takes it off, and nothing else does. It decides nothing, and a stack with one account does without it.
//!
//! [`ResourceId::account`]: leasehold_provider::ResourceId::account

mod cross_account;
mod observe;
mod place;
mod realize;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use leasehold_provider::{Alias, Enact, Observe, ObserveError, ObserveErrorKind, Realize, Realm, ResourceId};

pub use realize::MultiAccountRealizer;

/// The accounts of a stack.
pub struct MultiAccountProvider {
    /// Every account, by its alias.
    members: BTreeMap<Option<Alias>, AccountMember>,
    /// The pure half of the providers: they are all of one cloud.
    realize: Arc<dyn Realize>,
    /// What this run made.
    made: Mutex<BTreeSet<ResourceId>>,
}

/// One account of a stack.
pub struct AccountMember {
    /// How the configuration names its provider, for people: `provider.aws.audit`.
    pub name: String,
    /// What reads it.
    pub observe: Arc<dyn Observe>,
    /// What writes it.
    pub enact: Arc<dyn Enact>,
}

impl AccountMember {
    /// The error with the account that it happened in.
    fn add_account_to_error(&self, error: ObserveError) -> ObserveError {
        ObserveError { message: format!("{} (in the account of {})", error.message, self.name), ..error }
    }
}

impl MultiAccountProvider {
    /// These accounts together. `realize` is the pure half of any of their providers: they are all of one cloud.
    #[must_use]
    pub fn new(members: BTreeMap<Option<Alias>, AccountMember>, realize: Arc<dyn Realize>) -> Self {
        Self { members, realize, made: Mutex::default() }
    }

    /// The place of the first account with the others in it. Refused where two providers lead into one account: each object would be
    /// seen twice.
    fn combine_realms(&self, realms: Vec<Realm>) -> Result<Realm, ObserveError> {
        let mut seen: Vec<(&AccountMember, &Realm)> = Vec::new();
        for (member, realm) in self.members.values().zip(&realms) {
            if let Some((first, _)) = seen.iter().find(|(_, other)| realm.is_same_account(other)) {
                return Err(ObserveError {
                    kind: ObserveErrorKind::WrongRealm,
                    operation: member.name.clone(),
                    message: format!("it leads into account {}, and so does {}", realm.account, first.name),
                    help: Some(
                        "give each provider block a role, or credentials, of an account of its own; what lives in one account says one provider"
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
