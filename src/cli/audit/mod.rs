//! `leasehold audit`: lists the records of a stack's ledger, and verifies that the ledger is complete and unchanged.
//!
//! In: the ledger in the stack's store, read without access to the cloud. Out: records, checkpoints, or the result of a verification.

mod applied;
mod checkpoint;
mod list;
mod verify;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use futures::StreamExt as _;
use leasehold_provider::StackName;

use self::checkpoint::AuditCheckpointArgs;
use self::list::{AuditExportArgs, AuditIdentityArgs, AuditListArgs, AuditShowArgs};
use self::verify::AuditVerifyArgs;
use super::{CommandError, CommandExit, session};
use crate::cli::args::VariableArgs;
use crate::ledger::entry;
use crate::store::lock::{self, LockError, LockTimes};
use crate::store::{Store, StoreError};
use crate::workflow::{Interruption, Stack, open_store};

pub use applied::read_applied_addresses;
pub use checkpoint::CheckpointFiles;

/// The commands on the ledger.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Verify the hash chain, its signatures and evidence; list unfinished steps
    Verify(AuditVerifyArgs),
    /// List records
    List(AuditListArgs),
    /// Show one entry
    Show(AuditShowArgs),
    /// Export records for other tools
    Export(AuditExportArgs),
    /// Show the history of one identity
    Identity(AuditIdentityArgs),
    /// Write a checkpoint of the ledger, signed if a key is given
    Checkpoint(AuditCheckpointArgs),
}

/// Whose records.
#[derive(Debug, Clone, Args)]
pub struct AuditStackArgs {
    /// The stack's directory
    #[arg(long = "stack", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
}

/// Runs a subcommand of `leasehold audit`.
///
/// # Errors
/// The error of the subcommand.
pub async fn cmd_audit(
    working_directory: &Path,
    command: &AuditCommand,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    match command {
        AuditCommand::Verify(args) => verify::cmd_verify(working_directory, args).await,
        AuditCommand::List(args) => list::cmd_list(working_directory, args).await,
        AuditCommand::Export(args) => list::cmd_export(working_directory, args).await,
        AuditCommand::Show(args) => list::cmd_show(working_directory, args).await,
        AuditCommand::Identity(args) => list::cmd_identity(working_directory, args).await,
        AuditCommand::Checkpoint(args) => checkpoint::cmd_checkpoint(working_directory, args, interruption).await,
    }
}

/// How many objects of evidence are requested at the same time.
const CONCURRENT_READS: usize = 64;

/// How many entries are read in one batch.
const CHUNK: usize = 256;

/// Read access to the ledger of a stack.
pub struct LedgerReader {
    pub stack: StackName,
    pub store: Store,
    /// The directory of the stack.
    pub directory: PathBuf,
    pub terms: LockTimes,
}

/// An object of the ledger: its number and its bytes. `None`: the store has no object with this number.
pub type NumberedObject = (u64, Option<Vec<u8>>);

impl LedgerReader {
    /// Opens the ledger of a stack. This does not access the cloud, and only the stack's name, provider and backend must be valid.
    ///
    /// # Errors
    /// These parts of the configuration are not valid, the store cannot be opened, or the records are those of another stack.
    pub async fn open_from_args(working_directory: &Path, args: &AuditStackArgs) -> Result<Self, CommandError> {
        let (now, context) = (session::current_time(None), session::reading_context());
        let (directory, known) =
            session::load_essentials(working_directory, args.dir.as_deref(), &args.variables, now)?;
        let store = open_store(&known.backend, &known.providers, &known.stack, directory.path(), &context).await?;
        let terms = LockTimes::from_backend(&known.backend);
        match lock::read_lock(&store, &known.stack).await {
            // The ledger can be read in any state of the lock.
            Ok(_) | Err(LockError::Unreadable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self { stack: known.stack, store, directory: directory.path().to_owned(), terms })
    }

    /// Opens the ledger of a stack whose configuration is already loaded.
    ///
    /// # Errors
    /// The store cannot be opened, or the records are those of another stack.
    pub async fn open_for_stack(stack: &Stack) -> Result<Self, CommandError> {
        let declared = &stack.declared;
        let store = stack.open_store(&session::reading_context()).await?;
        Ok(Self {
            stack: declared.stack.clone(),
            store,
            directory: stack.directory.path().to_owned(),
            terms: LockTimes::from_backend(&declared.backend),
        })
    }

    /// Lists the objects of the ledger: the numbers of the entries, and the names of objects that are not entries.
    ///
    /// # Errors
    /// The store cannot be read.
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

    /// Reads the entries from 1 to `last`, several at the same time, and passes them to `take` in order.
    ///
    /// # Errors
    /// The store cannot be read.
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
