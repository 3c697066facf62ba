//! `leasehold drift`: what was changed outside Leasehold since the last apply, and which expirations are overdue. It gets only the half of
//! a provider that reads.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::args::{DriftArgs, DriftFormat};
use super::connection::Connection;
use super::plan_view::{flatten_alerts, write_json_into};
use super::session::{self, Stack};
use super::{CommandError, CommandExit, accounts, audit, invocation};
use crate::drift::{self, Coverage, DriftRule, IgnorePatterns, RecordedIdentities};
use crate::views::alerts::{self, BlockPlaces};
use crate::views::drift as view;

/// The file in a stack's directory that lists objects allowed to be unmanaged, unless an option names another.
const IGNORE_FILE: &str = ".leaseholdignore";

/// Compares the live state with the last applied one, and prints the findings in the requested format.
///
/// # Errors
/// The stack is not valid, or the cloud, the store or the ignore file cannot be read.
pub async fn cmd_drift(here: &Path, args: &DriftArgs) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.stack.now);
    let stack = Stack::read_stack(here, args.stack.dir.as_deref(), &args.stack.variables, now)?;
    stack.print_warnings();
    let ignore = read_ignore_file(here, &stack, args)?;
    let Connection { realize, compare, observe, .. } =
        Connection::connect_to_providers(&stack.providers(), stack.directory.path(), now).await?;
    let observed = session::observe_read_only(&stack, observe.as_ref(), &realize).await?;
    accounts::refuse_unreachable_accounts(&stack, &observed.snapshot.realm).await?;
    let look = |recorded: Option<&RecordedIdentities>| {
        let inputs = drift::DriftInputs {
            declared: &stack.declared,
            shared: &observed.shared,
            snapshot: &observed.snapshot,
            now,
            realize: &realize,
            compare: compare.as_ref(),
            recorded,
        };
        drift::detect_drift(&inputs)
            .map_err(|findings| CommandError::Findings { findings, sources: stack.sources.clone() })
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
    write_json_into(here, args.json.json_into.as_deref(), || view::render_drift_json(&report, &remedy))?;
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
fn read_ignore_file(here: &Path, stack: &Stack, args: &DriftArgs) -> Result<IgnorePatterns, CommandError> {
    let own: PathBuf = stack.directory.path().join(IGNORE_FILE);
    let path = match &args.ignore {
        Some(path) => super::resolve_path(here, path),
        None if args.unmanaged && own.is_file() => own,
        None => return Ok(IgnorePatterns::default()),
    };
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(IgnorePatterns::parse_ignore_file(&text).with_context(|| format!("{} cannot be used", path.display()))?)
}
