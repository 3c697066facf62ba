//! The object in a stack's store that records in which accounts the stack has objects: read it, check it, and write it.
//!
//! A plan looks only at the accounts of the declared `provider` blocks. The record finds accounts that no block leads to any more.

use leasehold_provider::{Realm, StackName};

use super::error::WorkflowError;
use super::event::{WorkflowContext, WorkflowEvent};
use super::observe::{ObservedStack, RecordedSettings};
use super::stack::Stack;
use crate::ledger::Chain;
use crate::ledger::accounts::{Accounts, KEY};
use crate::store::lock::OtherStackError;
use crate::store::{ObjectVersion, Store, WriteOutcome};
use leasehold_provider::Lineage;

/// The accounts that a stack's store records.
pub struct KnownAccounts {
    accounts: Accounts,
    /// The version of the object that was read, for a conditional write. `None`: the store has no such object yet.
    version: Option<ObjectVersion>,
}

impl KnownAccounts {
    /// Reads the record from the store of a stack.
    ///
    /// # Errors
    /// The store cannot be read, or the object does not parse or belongs to another stack.
    pub async fn read_from_store(store: &Store, stack: &StackName) -> Result<Self, WorkflowError> {
        let Some(object) = store.read_object(KEY).await? else {
            return Ok(Self { accounts: Accounts::default(), version: None });
        };
        let accounts = Accounts::parse_accounts(&object.bytes).map_err(|why| WorkflowError::Refused {
            what: format!("{KEY} in {} cannot be used: {why}", store.place()),
            help: "This object lists the accounts in which the stack has objects. Restore it from a backup or an older version; \
                   if you have none, delete it and apply again: it is rebuilt from the live state."
                .to_owned(),
        })?;
        if let Some(theirs) = accounts.stack().filter(|theirs| *theirs != stack) {
            let place = store.place().to_owned();
            return Err(OtherStackError { place, theirs: theirs.clone(), ours: stack.clone() }.into());
        }
        Ok(Self { accounts, version: Some(object.version) })
    }

    /// The recorded accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Refuses accounts that were recorded for another ledger of a stack of the same name.
    ///
    /// # Errors
    /// The recorded lineage differs from `lineage`: one of the two objects in the store was replaced.
    pub fn check_lineage(&self, store: &Store, lineage: &Lineage) -> Result<(), WorkflowError> {
        match self.accounts.lineage() {
            Some(found) if found != lineage => Err(WorkflowError::Refused {
                what: format!(
                    "{KEY} in {} has lineage {found}, and the ledger there has lineage {lineage}: one of the two was replaced",
                    store.place()
                ),
                help: "Restore the object that was replaced, from a backup or an older version of it.".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Writes `accounts` with the stack and lineage of the ledger `chain`. Writes nothing if the object would not change.
    ///
    /// # Errors
    /// The store cannot be written, or another process has written the object since it was read.
    pub async fn write_to_store(&mut self, chain: &Chain, accounts: Accounts) -> Result<(), WorkflowError> {
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
            WriteOutcome::Written(version) => {
                *self = Self { accounts, version: Some(version) };
                Ok(())
            }
            WriteOutcome::PreconditionFailed => Err(WorkflowError::Refused {
                what: format!("{KEY} in {} was changed by another process during this run", store.place()),
                help: "Nothing more was changed. Apply again.".to_owned(),
            }),
        }
    }
}

/// Notes in `observed` the recorded accounts that the observation for a plan did not reach, and the recorded settings. A plan can be made
/// where the store does not answer: then this is only reported.
///
/// # Errors
/// The record exists and cannot be used.
pub async fn note_recorded_accounts(
    stack: &Stack,
    observed: &mut ObservedStack,
    context: &WorkflowContext,
) -> Result<(), WorkflowError> {
    let known =
        async { KnownAccounts::read_from_store(&stack.open_store(context).await?, &stack.declared.stack).await };
    match known.await {
        Ok(known) => {
            observed.unreachable_accounts = known.accounts.find_unreachable(&observed.snapshot.realm);
            observed.recorded_settings = Some(RecordedSettings(known.accounts.settings().cloned()));
        }
        Err(WorkflowError::Store(error)) => context.notify(WorkflowEvent::AccountsUnknown(&error)),
        Err(failure) => return Err(failure),
    }
    Ok(())
}

/// Refuses to answer a question about a stack that has objects in an account that no `provider` block reaches: the answer would be
/// incomplete.
///
/// # Errors
/// The record cannot be read, or it names an account that `realm` does not reach.
pub async fn refuse_unreachable_accounts(
    stack: &Stack,
    realm: &Realm,
    context: &WorkflowContext,
) -> Result<(), WorkflowError> {
    let known = KnownAccounts::read_from_store(&stack.open_store(context).await?, &stack.declared.stack).await?;
    let unreachable_accounts = known.accounts.find_unreachable(realm);
    if unreachable_accounts.is_empty() {
        return Ok(());
    }
    let accounts: Vec<String> = unreachable_accounts.into_keys().collect();
    Err(WorkflowError::Refused {
        what: format!(
            "this stack has objects in {}, but no provider block for it: their state cannot be read",
            accounts.join(", ")
        ),
        help: "Restore the provider block, or run `leasehold plan` to see how to release the account.".to_owned(),
    })
}
