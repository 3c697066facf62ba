//! `leasehold audit list`, `show`, `export`, `identity`: selects records of the ledger and prints them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{AuditStackArgs, LedgerReader};
use crate::cli::args::OutputFormat;
use crate::cli::{CommandError, CommandExit};
use crate::diff::Lifecycle;
use crate::ledger::{LedgerEntry, LedgerRecord};
use crate::views::audit::{self, AuditLine};

/// `leasehold audit list`
#[derive(Debug, Args)]
pub struct AuditListArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    #[command(flatten)]
    pub pick: AuditPickArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = AuditFormat::Human)]
    pub format: AuditFormat,
}

/// `leasehold audit export`
#[derive(Debug, Args)]
pub struct AuditExportArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    #[command(flatten)]
    pub pick: AuditPickArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = ExportFormat::Json)]
    pub format: ExportFormat,
}

/// `leasehold audit show`
#[derive(Debug, Args)]
pub struct AuditShowArgs {
    /// The number of the entry
    #[arg(value_name = "NUMBER")]
    pub number: u64,
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// `leasehold audit identity`
#[derive(Debug, Args)]
pub struct AuditIdentityArgs {
    /// The address of the identity
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// Which records. Several words of one kind mean any of them.
#[derive(Debug, Clone, Default, Args)]
pub struct AuditPickArgs {
    /// Only records of this identity, and of the runs that changed it; can be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub identity: Vec<String>,
    /// Only records of identities of this owner; can be repeated
    #[arg(long, value_name = "OWNER")]
    pub owner: Vec<String>,
    /// Only records of this lifecycle event; can be repeated
    #[arg(long, value_enum, value_name = "EVENT")]
    pub lifecycle: Vec<LifecycleArg>,
    /// Only records of this kind; can be repeated: run_started, change, decided, approval, intent, outcome, resolved, evidence, run_ended, checkpoint, lock_broken
    #[arg(long, value_name = "KIND")]
    pub kind: Vec<String>,
    /// Only records of this run; can be repeated
    #[arg(long, value_name = "RUN")]
    pub run: Vec<String>,
    /// Only records at or after this time (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub after: Option<Timestamp>,
    /// Only records before this time (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub before: Option<Timestamp>,
}

/// An event in an identity's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LifecycleArg {
    /// The identity was created
    Joiner,
    /// The identity was changed
    Mover,
    /// The identity was quarantined or deleted
    Leaver,
    /// The identity was changed outside Leasehold and corrected
    Drift,
}

impl LifecycleArg {
    /// Whether it is that event.
    #[must_use]
    pub fn is_lifecycle(self, lifecycle: Lifecycle) -> bool {
        lifecycle
            == match self {
                Self::Joiner => Lifecycle::Joiner,
                Self::Mover => Lifecycle::Mover,
                Self::Leaver => Lifecycle::Leaver,
                Self::Drift => Lifecycle::Drift,
            }
    }
}

/// A form of output for records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// For people
    Human,
    /// For machines
    Json,
    /// For spreadsheets
    Csv,
}

/// A form of exported records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON document
    Json,
    /// Comma-separated values with a header line
    Csv,
}

/// Prints the selected records, one line each.
///
/// # Errors
/// The ledger cannot be read.
pub async fn cmd_list(working_directory: &Path, args: &AuditListArgs) -> Result<CommandExit, CommandError> {
    let ledger = LedgerReader::open_from_args(working_directory, &args.stack).await?;
    let lines = select_lines(read_entries(&ledger).await?, &args.pick);
    match args.format {
        AuditFormat::Human => crate::cli::print_result(&audit::render_audit_table(&lines))?,
        AuditFormat::Json => crate::cli::print_json(&audit::render_audit_json(&ledger.stack, &lines))?,
        AuditFormat::Csv => crate::cli::print_result(&audit::render_audit_csv(&lines)?)?,
    }
    Ok(CommandExit::Done)
}

/// Prints the selected records in a format for other programs.
///
/// # Errors
/// The ledger cannot be read.
pub async fn cmd_export(working_directory: &Path, args: &AuditExportArgs) -> Result<CommandExit, CommandError> {
    let ledger = LedgerReader::open_from_args(working_directory, &args.stack).await?;
    let lines = select_lines(read_entries(&ledger).await?, &args.pick);
    match args.format {
        ExportFormat::Json => crate::cli::print_json(&audit::render_audit_json(&ledger.stack, &lines))?,
        ExportFormat::Csv => crate::cli::print_result(&audit::render_audit_csv(&lines)?)?,
    }
    Ok(CommandExit::Done)
}

/// Prints one entry in full.
///
/// # Errors
/// The ledger cannot be read, or has no such entry.
pub async fn cmd_show(working_directory: &Path, args: &AuditShowArgs) -> Result<CommandExit, CommandError> {
    let ledger = LedgerReader::open_from_args(working_directory, &args.stack).await?;
    let found = ledger.store.read_object(&crate::ledger::entry::entry_key(args.number)).await?;
    let Some(object) = found else {
        return Err(anyhow::anyhow!("there is no entry {} in {}", args.number, ledger.store.place()).into());
    };
    let entry = parse_entry(args.number, &object.bytes)?;
    match args.format {
        OutputFormat::Human => crate::cli::print_result(&audit::render_entry(&entry))?,
        OutputFormat::Json => crate::cli::print_json(&serde_json::to_value(&entry).map_err(anyhow::Error::from)?)?,
    }
    Ok(CommandExit::Done)
}

/// Prints the history of one identity.
///
/// # Errors
/// The ledger cannot be read, or has no record of the identity.
pub async fn cmd_identity(working_directory: &Path, args: &AuditIdentityArgs) -> Result<CommandExit, CommandError> {
    let ledger = LedgerReader::open_from_args(working_directory, &args.stack).await?;
    let pick = AuditPickArgs { identity: vec![args.address.clone()], ..AuditPickArgs::default() };
    let lines = select_lines(read_entries(&ledger).await?, &pick);
    if lines.is_empty() {
        return Err(anyhow::anyhow!(
            "the ledger of stack {} has no records of {}; run `leasehold audit list` to see all records",
            ledger.stack,
            args.address
        )
        .into());
    }
    match args.format {
        OutputFormat::Human => crate::cli::print_result(&audit::render_identity_history(&args.address, &lines))?,
        OutputFormat::Json => crate::cli::print_json(&audit::render_audit_json(&ledger.stack, &lines))?,
    }
    Ok(CommandExit::Done)
}

/// Reads every entry of the chain. An entry that cannot be read is an error: an auditor must not mistake a part for the whole.
///
/// # Errors
/// The store cannot be read, or an entry is missing or does not parse.
pub(super) async fn read_entries(ledger: &LedgerReader) -> Result<Vec<LedgerEntry>, CommandError> {
    let (numbers, _) = ledger.list_names().await?;
    let mut entries = Vec::with_capacity(numbers.len());
    let mut failed = None;
    ledger
        .read_each_entry(numbers.last().copied().unwrap_or_default(), |(number, bytes)| {
            match bytes.map(|bytes| parse_entry(number, &bytes)) {
                Some(Ok(entry)) => entries.push(entry),
                Some(Err(failure)) => failed = failed.take().or(Some(failure)),
                None => {
                    let gap = anyhow::anyhow!("entry {number} is missing; see `leasehold audit verify`");
                    failed = failed.take().or_else(|| Some(gap.into()));
                }
            }
        })
        .await?;
    failed.map_or(Ok(entries), Err)
}

fn parse_entry(number: u64, bytes: &[u8]) -> Result<LedgerEntry, CommandError> {
    LedgerEntry::parse_entry(bytes)
        .map_err(|why| anyhow::anyhow!("entry {number} of the ledger: {why}; see `leasehold audit verify`").into())
}

/// Selects the records that the arguments ask for. A step gets its owner and lifecycle from what the same run decided about the identity.
fn select_lines(entries: Vec<LedgerEntry>, pick: &AuditPickArgs) -> Vec<AuditLine> {
    let mut about: BTreeMap<(String, String), (Option<String>, Lifecycle)> = BTreeMap::new();
    let mut who: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = Vec::new();
    for entry in entries {
        for record in entry.records {
            match &record {
                LedgerRecord::RunStarted(started) => {
                    who.insert(entry.run.clone(), started.actor.clone());
                }
                LedgerRecord::Change(change) => {
                    let of = (change.owner.clone(), change.lifecycle);
                    about.insert((entry.run.clone(), change.subject.to_string()), of);
                }
                _ => {}
            }
            let subject = record.subject().map(ToString::to_string);
            let of = subject.as_ref().and_then(|subject| about.get(&(entry.run.clone(), subject.clone())));
            lines.push(AuditLine {
                number: entry.number,
                at: entry.at,
                run: entry.run.clone(),
                actor: who.get(&entry.run).cloned(),
                subject,
                owner: of.and_then(|(owner, _)| owner.clone()),
                lifecycle: of.map(|(_, lifecycle)| *lifecycle),
                record,
            });
        }
    }
    let runs: BTreeSet<String> =
        lines.iter().filter(|line| is_selected(line, pick)).map(|line| line.run.clone()).collect();
    lines.retain(|line| {
        is_selected(line, pick)
            || (includes_run_records(pick) && runs.contains(&line.run) && is_run_record(&line.record))
    });
    lines
}

/// Whether the selection also includes who ran each run and how it ended: yes if the arguments select by identity, owner or lifecycle, and
/// not by kind.
fn includes_run_records(pick: &AuditPickArgs) -> bool {
    pick.kind.is_empty() && (!pick.identity.is_empty() || !pick.owner.is_empty() || !pick.lifecycle.is_empty())
}

fn is_run_record(record: &LedgerRecord) -> bool {
    matches!(record, LedgerRecord::RunStarted(_) | LedgerRecord::RunEnded(_) | LedgerRecord::Approval(_))
}

fn is_selected(line: &AuditLine, pick: &AuditPickArgs) -> bool {
    let of = |desired: &[String], is: Option<&str>| {
        desired.is_empty() || is.is_some_and(|is| desired.iter().any(|w| w == is))
    };
    of(&pick.identity, line.subject.as_deref())
        && of(&pick.owner, line.owner.as_deref())
        && of(&pick.kind, Some(line.record.kind()))
        && of(&pick.run, Some(line.run.as_str()))
        && (pick.lifecycle.is_empty()
            || line.lifecycle.is_some_and(|is| pick.lifecycle.iter().any(|w| w.is_lifecycle(is))))
        && pick.after.is_none_or(|after| line.at >= after)
        && pick.before.is_none_or(|before| line.at < before)
}
