//! In which accounts a stack has anything, as its store has it.

use leasehold_provider::{Realm, StackName};

use super::failure::CommandError;
use super::print_message;
use super::session::{ObservedStack, Stack};
use crate::ledger::Chain;
use crate::ledger::accounts::{Accounts, KEY};
use crate::store::lineage::Lineage;
use crate::store::lock::OtherStackError;
use crate::store::{ObjectVersion, Store, WriteOutcome};
use crate::views::inert::escape_steering;

/// The accounts that a store names.
pub struct KnownAccounts {
    accounts: Accounts,
    /// `None`: it names none yet.
    version: Option<ObjectVersion>,
}

impl KnownAccounts {
    /// Reads what the store of a stack says.
    pub async fn read_from_store(store: &Store, stack: &StackName) -> Result<Self, CommandError> {
        let Some(object) = store.read_object(KEY).await? else {
            return Ok(Self { accounts: Accounts::default(), version: None });
        };
        let accounts = Accounts::parse_accounts(&object.bytes).map_err(|why| CommandError::Refused {
            what: format!("{KEY} in {} cannot be used: {why}", store.place()),
            help: "It says in which accounts the stack has anything. Put back what it was, from a backup or an older version; \
                   without it, apply again and it is written anew from what lives."
                .to_owned(),
        })?;
        if let Some(theirs) = accounts.stack().filter(|theirs| *theirs != stack) {
            let place = store.place().to_owned();
            return Err(OtherStackError { place, theirs: theirs.clone(), ours: stack.clone() }.into());
        }
        Ok(Self { accounts, version: Some(object.version) })
    }

    /// Notes which of the accounts were not looked at.
    pub fn note_unreachable(&self, observed: &mut ObservedStack) {
        observed.out_of_sight = self.accounts.find_unreachable(&observed.snapshot.realm);
    }

    /// What the store says.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Refuses accounts that were recorded for another history of a stack of this name.
    pub fn check_lineage(&self, store: &Store, lineage: &Lineage) -> Result<(), CommandError> {
        match self.accounts.lineage() {
            Some(found) if found != lineage => Err(CommandError::Refused {
                what: format!(
                    "{KEY} in {} has lineage {found}, and the ledger there has lineage {lineage}: one of the two was replaced",
                    store.place()
                ),
                help: "Restore the object that was replaced, from a backup or an older version of it.".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Writes them for the stack and lineage of a ledger, if anything in the object changes.
    pub async fn write_to_store(&mut self, chain: &Chain, accounts: Accounts) -> Result<(), CommandError> {
        let store = chain.store();
        let accounts = accounts.with_owner(chain.stack().clone(), chain.lineage().clone());
        if accounts == self.accounts {
            return Ok(());
        }
        let text = accounts.to_json_text().map_err(|why| anyhow::anyhow!("{KEY} cannot be written: {why}"))?;
        let written = match &self.version {
            Some(version) => store.replace_object(KEY, text.as_bytes(), version).await?,
            None => store.create_object(KEY, text.as_bytes()).await?,
        };
        match written {
            WriteOutcome::Yes(version) => {
                *self = Self { accounts, version: Some(version) };
                Ok(())
            }
            WriteOutcome::Taken => Err(CommandError::Refused {
                what: format!("{KEY} in {} was written by somebody else meanwhile", store.place()),
                help: "Nothing more was changed. Apply again.".to_owned(),
            }),
        }
    }
}

/// Notes for a plan which accounts were not looked at. It may be made where the store cannot be read: then that is said.
pub async fn note_unreachable_accounts(stack: &Stack, observed: &mut ObservedStack) -> Result<(), CommandError> {
    let known = async { KnownAccounts::read_from_store(&stack.open_store().await?, &stack.declared.stack).await };
    match known.await {
        Ok(known) => known.note_unreachable(observed),
        Err(CommandError::Store(error)) => print_message(&format!(
            "warning: whether this stack has anything in accounts that no provider block leads to is not known: {}\n",
            escape_steering(&error.to_string())
        )),
        Err(failure) => return Err(failure),
    }
    Ok(())
}

/// Refuses to say anything of a stack that has something where nobody looks.
pub async fn refuse_unreachable_accounts(stack: &Stack, realm: &Realm) -> Result<(), CommandError> {
    let known = KnownAccounts::read_from_store(&stack.open_store().await?, &stack.declared.stack).await?;
    let out_of_sight = known.accounts.find_unreachable(realm);
    if out_of_sight.is_empty() {
        return Ok(());
    }
    let accounts: Vec<String> = out_of_sight.into_keys().collect();
    Err(CommandError::Refused {
        what: format!(
            "this stack has something in {}, and no provider block leads there any more: what became of it cannot be seen",
            accounts.join(", ")
        ),
        help: "Put the provider block back; or run `leasehold plan`, which says how to let go of an account."
            .to_owned(),
    })
}
