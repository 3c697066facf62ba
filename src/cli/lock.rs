//! `leasehold lock`: shows the holder of a stack's lock, and breaks the lock.

use std::path::Path;

use clap::{Args, Subcommand};
use serde_json::json;

use super::args::OutputFormat;
use super::audit::{AuditStackArgs, LedgerReader};
use super::{CommandError, CommandExit, origin};
use crate::ledger::Chain;
use crate::ledger::record::{LedgerRecord, LockBroken};
use crate::store;
use crate::store::lock::{self, LockError};
use crate::views::inert::escape_steering;
use crate::views::job::describe_holder_job;
use crate::workflow::{self, Interruption, RunOrigin, WorkflowError};

/// The commands on the lock.
#[derive(Debug, Subcommand)]
pub enum LockCommand {
    /// Show the current lock
    Show(LockShowArgs),
    /// Break a lock whose run is no longer active
    Break(LockBreakArgs),
}

/// `leasehold lock show`
#[derive(Debug, Args)]
pub struct LockShowArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// `leasehold lock break`
#[derive(Debug, Args)]
pub struct LockBreakArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// The reason, for the ledger
    #[arg(long, value_name = "WORDS")]
    pub reason: String,
    /// Break the lock only if this is its epoch
    #[arg(long, value_name = "N")]
    pub epoch: Option<u64>,
}

/// Runs a subcommand of `leasehold lock`.
///
/// # Errors
/// The store cannot be read or written, or the lock must not be broken.
pub async fn cmd_lock(
    working_directory: &Path,
    command: &LockCommand,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    match command {
        LockCommand::Show(args) => show_lock(working_directory, args).await,
        LockCommand::Break(args) => break_lock(working_directory, args, interruption).await,
    }
}

async fn show_lock(working_directory: &Path, args: &LockShowArgs) -> Result<CommandExit, CommandError> {
    let ledger = LedgerReader::open_from_args(working_directory, &args.stack).await?;
    let found = lock::read_lock(&ledger.store, &ledger.stack).await?;
    let is_acquired = match &found {
        Some((record, _)) => lock::is_acquired(&ledger.store, record, ledger.terms)?,
        None => false,
    };
    let held = found.as_ref().filter(|_| is_acquired);
    match (args.format, held) {
        (OutputFormat::Json, _) => super::print_json(&json!({
            "format_version": "1.0",
            "stack": ledger.stack,
            "place": ledger.store.place(),
            "held": held.is_some(),
            "lock": found.as_ref().map(|(record, _)| record),
        }))?,
        (OutputFormat::Human, None) => super::print_result("The lock is not held.\n")?,
        (OutputFormat::Human, Some((record, _))) => {
            let lock::LockRecord { holder, what, since, expires, epoch, .. } = record;
            let mut text = format!(
                "Held by {} on {} (process {}), running {what}.\n",
                escape_steering(&holder.actor),
                escape_steering(&holder.host),
                holder.process
            );
            if let Some(pipeline) = describe_holder_job(holder) {
                text.push_str(&format!("Pipeline: {}\n", escape_steering(&pipeline)));
            }
            text.push_str(&format!("Since {since}; expires at {expires} unless renewed. Epoch {epoch}.\n"));
            super::print_result(&text)?;
        }
    }
    Ok(CommandExit::Done)
}

async fn break_lock(
    working_directory: &Path,
    args: &LockBreakArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    if args.reason.trim().is_empty() {
        return Err(refused_error(
            "--reason is empty",
            "Give the reason for breaking the lock: --reason \"the runner died\".",
        ));
    }
    let ledger = LedgerReader::open_from_args(working_directory, &args.stack).await?;
    let breaking =
        LockBreaker { origin: origin::read_origin(&ledger.directory), ledger, reason: &args.reason, interruption };
    match lock::read_lock(&breaking.ledger.store, &breaking.ledger.stack).await {
        Ok(Some((record, _))) if !record.free => {
            if args.epoch.is_some_and(|epoch| epoch != record.epoch) {
                return Err(refused_error(
                    &format!("the lock now has another holder: its epoch is {}", record.epoch),
                    "Show the holder: `leasehold lock show`.",
                ));
            }
            breaking.break_acquired_lock(&record).await
        }
        Ok(_) => {
            super::print_result("The lock is not held.\n")?;
            Ok(CommandExit::Done)
        }
        Err(LockError::Unreadable { why, .. }) => breaking.break_unreadable(why).await,
        Err(error) => Err(error.into()),
    }
}

fn refused_error(what: &str, help: &str) -> CommandError {
    WorkflowError::Refused { what: what.to_owned(), help: help.to_owned() }.into()
}

/// A lock that is being broken, and the reason. The ledger is written before the lock is broken: a broken lock without a record would be
/// worse than a record of a lock that was not broken.
struct LockBreaker<'a> {
    ledger: LedgerReader,
    origin: RunOrigin,
    reason: &'a str,
    interruption: &'a Interruption,
}

impl LockBreaker<'_> {
    async fn break_acquired_lock(&self, record: &lock::LockRecord) -> Result<CommandExit, CommandError> {
        let chain = self.open_chain(record.known_ledger()).await?;
        let broken = LockBroken {
            by: self.describe_person(),
            reason: self.reason.to_owned(),
            holder: Some(record.holder.clone()),
            since: Some(record.since),
            epoch: record.epoch,
            unreadable: None,
        };
        let LedgerReader { store, stack, .. } = &self.ledger;
        let work = async {
            chain.append_entry(vec![LedgerRecord::LockBroken(broken)]).await?;
            Ok::<bool, WorkflowError>(lock::break_lock(store, stack, record).await?)
        };
        if !self.finish_break(work).await? {
            return Err(refused_error(
                "the lock was released, or now has another holder",
                "Show the holder: `leasehold lock show`.",
            ));
        }
        super::print_result(&format!("Broke the lock of {}.\n", escape_steering(&record.holder.actor)))?;
        Ok(CommandExit::Done)
    }

    async fn break_unreadable(&self, why: String) -> Result<CommandExit, CommandError> {
        let chain = self.open_chain(lock::KnownLedger::default()).await?;
        let epoch = find_last_epoch(&chain).await?;
        let broken = LockBroken {
            by: self.describe_person(),
            reason: self.reason.to_owned(),
            holder: None,
            since: None,
            epoch,
            unreadable: Some(why),
        };
        let holder = self.origin.to_lock_holder(&self.describe_person());
        let claim = lock::LockClaim { stack: &self.ledger.stack, holder: &holder, what: "lock break" };
        let work = async {
            chain.append_entry(vec![LedgerRecord::LockBroken(broken)]).await?;
            Ok::<bool, WorkflowError>(
                lock::break_unreadable_lock(&self.ledger.store, claim, epoch, chain.known_ledger().await).await?,
            )
        };
        if !self.finish_break(work).await? {
            return Err(refused_error("the lock can now be read", "Show the holder: `leasehold lock show`."));
        }
        super::print_result("Broke the unreadable lock.\n")?;
        Ok(CommandExit::Done)
    }

    /// Runs work that must not end halfway, even if a signal arrives.
    async fn finish_break(
        &self,
        work: impl Future<Output = Result<bool, WorkflowError>>,
    ) -> Result<bool, CommandError> {
        let breaking =
            self.interruption.defer_first_signal("Check whether the lock is broken: `leasehold lock show`.")?;
        Ok(breaking.finish_work(workflow::COMMAND, work).await?)
    }

    async fn open_chain(&self, known: lock::KnownLedger) -> Result<Chain, CommandError> {
        let LedgerReader { store, stack, .. } = &self.ledger;
        Ok(Chain::open_ledger(store.clone(), stack.clone(), store::generate_random_id()?, known).await?)
    }

    fn describe_person(&self) -> String {
        let user = super::environment::read_variable("USER");
        format!("{} on {}", user.as_deref().unwrap_or("unknown"), self.origin.host)
    }
}

/// The epoch of the last holder of the lock that the ledger records; 0 if it records none.
async fn find_last_epoch(chain: &Chain) -> Result<u64, CommandError> {
    let started = |record: &LedgerRecord| match record {
        LedgerRecord::RunStarted(started) => Some(started.epoch),
        _ => None,
    };
    let entries = chain.read_backwards(|entry| !entry.records.iter().any(|record| started(record).is_some())).await?;
    Ok(entries.iter().flat_map(|entry| &entry.records).find_map(started).unwrap_or_default())
}
