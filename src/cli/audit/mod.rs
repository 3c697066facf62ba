//! `leasehold audit`: what the ledger says, and whether it is whole.

mod applied;
mod checkpoint;
mod list;
mod verify;

use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use leasehold_provider::StackName;

use super::args::{AuditCommand, AuditStackArgs};
use super::interruption::Interruption;
use super::session::{self, Stack};
use super::{CommandError, CommandExit};
use crate::ledger::entry;
use crate::store::lock::{self, LockError, LockTerms};
use crate::store::{Store, StoreError};

pub use applied::read_applied_addresses;
pub use checkpoint::publish_checkpoint;

pub async fn cmd_audit(
    here: &Path,
    command: &AuditCommand,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    match command {
        AuditCommand::Verify(args) => verify::cmd_verify(here, args).await,
        AuditCommand::List(args) => list::cmd_list(here, args).await,
        AuditCommand::Export(args) => list::cmd_export(here, args).await,
        AuditCommand::Show(args) => list::cmd_show(here, args).await,
        AuditCommand::Identity(args) => list::cmd_identity(here, args).await,
        AuditCommand::Checkpoint(args) => checkpoint::cmd_checkpoint(here, args, interruption).await,
    }
}

/// How many pieces of evidence are asked for at once.
const AT_ONCE: usize = 64;

/// How many entries are read in one go.
const CHUNK: usize = 256;

/// A stack's ledger, to be read.
pub struct LedgerReader {
    pub stack: StackName,
    pub store: Store,
    /// The stack's directory.
    pub directory: PathBuf,
    pub terms: LockTerms,
}

/// An object of the ledger: its number, and its bytes if it is there.
pub type NumberedObject = (u64, Option<Vec<u8>>);

impl LedgerReader {
    /// Opens the ledger of a stack. The cloud is not asked, and only the stack's name, provider and backend need be sound.
    pub async fn open_from_args(here: &Path, args: &AuditStackArgs) -> Result<Self, CommandError> {
        let now = session::current_time(None);
        let (directory, known) = Stack::load_essentials(here, args.dir.as_deref(), &args.variables, now)?;
        let store = super::run::open_store(&known.backend, &known.providers, &known.stack, directory.path()).await?;
        let terms = LockTerms::from_backend(&known.backend);
        match lock::read_lock(&store, &known.stack).await {
            // What the ledger says can be read whatever became of the lock.
            Ok(_) | Err(LockError::Unreadable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self { stack: known.stack, store, directory: directory.path().to_owned(), terms })
    }

    /// The same, of a stack that is read already.
    pub async fn open_for_stack(stack: &Stack) -> Result<Self, CommandError> {
        let declared = &stack.declared;
        let providers = stack.providers();
        let store =
            super::run::open_store(&declared.backend, &providers, &declared.stack, stack.directory.path()).await?;
        Ok(Self {
            stack: declared.stack.clone(),
            store,
            directory: stack.directory.path().to_owned(),
            terms: LockTerms::from_backend(&declared.backend),
        })
    }

    /// The names that lie in the ledger: the numbers of entries, and what is no entry.
    pub async fn list_names(&self) -> Result<(Vec<u64>, Vec<String>), StoreError> {
        let mut numbers = Vec::new();
        let mut strays = Vec::new();
        for name in self.store.list_names("ledger").await? {
            match entry::parse_entry_name(&name) {
                Some(number) => numbers.push(number),
                None => strays.push(name),
            }
        }
        Ok((numbers, strays))
    }

    /// Reads the entries from 1 to `last` in order and hands them on, some at once.
    pub async fn read_each_entry(&self, last: u64, mut take: impl FnMut(NumberedObject)) -> Result<(), StoreError> {
        let reads = (1..=last).step_by(CHUNK).map(|first| async move {
            let numbers = first..=last.min(first.saturating_add(CHUNK as u64).saturating_sub(1));
            let read = self.store.read_objects(numbers.clone().map(entry::entry_key).collect()).await?;
            Ok::<Vec<NumberedObject>, StoreError>(numbers.zip(read).collect())
        });
        let mut reads = futures::stream::iter(reads).buffered(2);
        while let Some(read) = reads.next().await {
            read?.into_iter().for_each(&mut take);
        }
        Ok(())
    }
}
