//! `leasehold drift`: what was changed outside Leasehold since the last apply, and which expirations are overdue. It gets only the half of
//! a provider that reads.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use leasehold_files::{read_argument, read_private_file};

use super::args::{JsonIntoArgs, StackArgs, parse_max_bytes};
use super::plan_view::{flatten_alerts, write_json_into};
use super::{CommandError, CommandExit, audit, invocation, session};
use crate::drift::{self, Coverage, DriftRule, IgnorePatterns, RecordedIdentities};
use crate::views::alerts::{self, BlockPlaces};
use crate::views::drift as view;
use crate::views::markdown::DEFAULT_MAX_BYTES;
use crate::workflow::{self, Connection, Stack};

/// `leasehold drift`
#[derive(Debug, Args)]
pub struct DriftArgs {
    #[command(flatten)]
    pub stack: StackArgs,
    /// Also report unmanaged users, roles and policies
    #[arg(long)]
    pub unmanaged: bool,
    /// A file with glob patterns of ARNs to ignore; default: .leaseholdignore in the stack's directory, if it exists
    #[arg(long, value_name = "FILE", requires = "unmanaged")]
    pub ignore: Option<PathBuf>,
    /// The output format
    #[arg(long, value_enum, default_value_t = DriftFormat::Human)]
    pub format: DriftFormat,
    /// The maximum size of Markdown output in bytes; the riskiest findings are kept
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_BYTES, value_parser = parse_max_bytes)]
    pub max_bytes: usize,
    #[command(flatten)]
    pub json: JsonIntoArgs,
}

/// A form of output for drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DriftFormat {
    /// For people
    Human,
    /// For machines
    Json,
    /// For an issue
    Markdown,
    /// Annotations of a GitHub workflow
    Github,
    /// SARIF 2.1.0
    Sarif,
    /// JUnit XML
    Junit,
}

/// The file in a stack's directory that lists objects allowed to be unmanaged, unless an option names another.
const IGNORE_FILE: &str = ".leaseholdignore";

/// The largest such file that is read, in bytes.
const LARGEST_IGNORE_FILE: u64 = 1 << 20;

/// Compares the live state with the last applied one, and prints the findings in the requested format.
///
/// # Errors
/// The stack is not valid, or the cloud, the store or the ignore file cannot be read.
pub async fn cmd_drift(working_directory: &Path, args: &DriftArgs) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.stack.now);
    let stack = session::read_stack_without_requirements(
        working_directory,
        args.stack.dir.as_deref(),
        &args.stack.variables,
        now,
    )?;
    session::print_warnings(&stack);
    let ignore = read_ignore_file(working_directory, &stack, args)?;
    let connection = session::connect_to_read(&stack).await?;
    let observed = workflow::observe_stack(&stack, &connection).await?;
    let Connection { realize, compare, .. } = connection;
    workflow::refuse_unreachable_accounts(&stack, &observed.snapshot.realm, &session::reading_context()).await?;
    let look = |recorded: Option<&RecordedIdentities>| {
        let inputs = drift::DriftInputs {
            declared: &stack.declared,
            shared: &observed.shared,
            snapshot: &observed.snapshot,
            now,
            realize: &realize,
            compare: compare.as_ref(),
            recorded,
            ownership: &observed.ownership.findings,
        };
        drift::detect_drift(&inputs).map_err(|findings| stack.findings_error(findings))
    };
    let mut report = look(None)?;
    if report.findings.iter().any(|finding| finding.rule == DriftRule::Missing) {
        // Only the ledger distinguishes an object that was deleted from one that was never applied.
        report = look(audit::read_applied_addresses(&stack).await?.as_ref())?;
    }
    if args.unmanaged {
        report = report.with_coverage(Coverage::from_snapshot(&observed.snapshot, &realize, &ignore));
    }
    let remedy = |rule: DriftRule| invocation::current_invocation().complete_commands(rule.remedy());
    write_json_into(working_directory, args.json.json_into.as_deref(), || view::render_drift_json(&report, &remedy))?;
    let sources = stack.directory.repository().name_files(&stack.sources);
    let places = BlockPlaces::new(&stack.declared, &sources);
    let cases = || view::alerts_for_drift(&report, &|address| places.find_place(address), &remedy);
    match args.format {
        DriftFormat::Human => super::print_result(&view::render_drift_text(&report, &realize, &remedy))?,
        DriftFormat::Json => super::print_json(&view::render_drift_json(&report, &remedy))?,
        DriftFormat::Markdown => {
            super::print_result(&view::render_drift_markdown(&report, &realize, &remedy, args.max_bytes))?;
        }
        DriftFormat::Github => super::print_result(&alerts::render_alerts_github(flatten_alerts(&cases())))?,
        DriftFormat::Sarif => super::print_json(&alerts::render_alerts_sarif(flatten_alerts(&cases())))?,
        DriftFormat::Junit => {
            super::print_result(&alerts::render_alerts_junit(&format!("leasehold drift {}", report.stack), &cases()))?;
        }
    }
    if report.is_in_sync() { Ok(CommandExit::Done) } else { Ok(CommandExit::Changes) }
}

/// Reads the patterns of objects that may be unmanaged. A file that an option names must exist; the default file may be missing.
fn read_ignore_file(working_directory: &Path, stack: &Stack, args: &DriftArgs) -> Result<IgnorePatterns, CommandError> {
    let directory = stack.directory.path();
    let (path, bytes) = match &args.ignore {
        Some(path) => {
            let path = super::resolve_path(working_directory, path);
            let bytes = read_argument(&path, LARGEST_IGNORE_FILE).map(Some);
            (path, bytes)
        }
        // An error in the file is quoted, so it must not be a link to another file.
        None if args.unmanaged => {
            (directory.join(IGNORE_FILE), read_private_file(directory, Path::new(IGNORE_FILE), LARGEST_IGNORE_FILE))
        }
        None => return Ok(IgnorePatterns::default()),
    };
    let Some(bytes) = bytes.with_context(|| format!("cannot read {}", path.display()))? else {
        return Ok(IgnorePatterns::default());
    };
    let text = String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8 text", path.display()))?;
    Ok(IgnorePatterns::parse_ignore_file(&text).with_context(|| format!("{} cannot be used", path.display()))?)
}
