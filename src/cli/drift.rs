//! `leasehold drift`: what was changed outside since the last apply, and what is overdue. It is handed the read half of a provider.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::args::{DriftArgs, DriftFormat};
use super::connection::Connection;
use super::plan_view::{flat, json_into};
use super::session::{self, Stack};
use super::{Exit, Failure, accounts, audit, invocation};
use crate::drift::{self, Coverage, Ignore, Recorded, Rule};
use crate::views::alerts::{self, Places};
use crate::views::drift as view;

/// Where a stack says what may be unmanaged, unless told otherwise.
const IGNORE_FILE: &str = ".leaseholdignore";

pub async fn cmd_drift(here: &Path, args: &DriftArgs) -> Result<Exit, Failure> {
    let now = session::now(args.stack.now);
    let stack = Stack::read(here, args.stack.dir.as_deref(), &args.stack.variables, now)?;
    stack.warn();
    let ignore = ignore(here, &stack, args)?;
    let Connection { realize, compare, observe, .. } =
        Connection::to(&stack.providers(), stack.directory.path(), now).await?;
    let observed = session::observe_with(&stack, observe.as_ref(), realize.as_ref()).await?;
    accounts::refuse_out_of_sight(&stack, &observed.snapshot.realm).await?;
    let look = |recorded: Option<&Recorded>| {
        let inputs = drift::Inputs {
            declared: &stack.declared,
            shared: &observed.shared,
            snapshot: &observed.snapshot,
            now,
            realize: realize.as_ref(),
            compare: compare.as_ref(),
            recorded,
        };
        drift::drift(&inputs).map_err(|findings| Failure::Findings { findings, sources: stack.sources.clone() })
    };
    let mut report = look(None)?;
    if report.findings.iter().any(|finding| finding.rule == Rule::Missing) {
        // Only the ledger can tell what was removed from what was never applied.
        report = look(audit::applied(&stack).await?.as_ref())?;
    }
    if args.unmanaged {
        report = report.with_coverage(Coverage::of(&observed.snapshot, realize.as_ref(), &ignore));
    }
    let remedy = |rule: Rule| invocation::current().complete(rule.remedy());
    json_into(here, args.json.json_into.as_deref(), || view::json(&report, &remedy))?;
    let sources = stack.directory.repository().name_files(&stack.sources);
    let places = Places::new(&stack.declared, &sources);
    let cases = || view::of_drift(&report, &|address| places.of(address), &remedy);
    match args.format {
        DriftFormat::Human => super::print(&view::human(&report, realize.as_ref(), &remedy))?,
        DriftFormat::Json => super::print_json(&view::json(&report, &remedy))?,
        DriftFormat::Markdown => super::print(&view::markdown(&report, realize.as_ref(), &remedy, args.max_bytes))?,
        DriftFormat::Github => super::print(&alerts::github(flat(&cases())))?,
        DriftFormat::Sarif => super::print_json(&alerts::sarif(flat(&cases())))?,
        DriftFormat::Junit => super::print(&alerts::junit(&format!("leasehold drift {}", report.stack), &cases()))?,
    }
    if report.is_in_sync() { Ok(Exit::Done) } else { Ok(Exit::Changes) }
}

/// What may be unmanaged. A file that was named must be there; the stack's own may be missing.
fn ignore(here: &Path, stack: &Stack, args: &DriftArgs) -> Result<Ignore, Failure> {
    let own: PathBuf = stack.directory.path().join(IGNORE_FILE);
    let path = match &args.ignore {
        Some(path) => super::below(here, path),
        None if args.unmanaged && own.is_file() => own,
        None => return Ok(Ignore::default()),
    };
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Ignore::read(&text).with_context(|| format!("{} cannot be used", path.display()))?)
}
