//! Prints a plan in the requested format on stdout, and optionally writes it to a file as JSON.

use std::path::Path;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use leasehold_files::write_output;
use leasehold_provider::Realizer;
use serde_json::Value;

use super::args::parse_max_bytes;
use super::{CommandError, invocation};
use crate::plan::Plan;
use crate::rules::Ruling;
use crate::views;
use crate::views::alerts::{self, Alert, AlertCase, BlockPlaces};
use crate::views::inert::escape_json;
use crate::views::markdown::DEFAULT_MAX_BYTES;
use crate::workflow::Stack;

/// In which form a plan is shown.
#[derive(Debug, Clone, Args)]
pub struct PlanViewArgs {
    /// The output format
    #[arg(long, value_enum, default_value_t = PlanFormat::Human)]
    pub format: PlanFormat,
    /// The maximum size of Markdown output in bytes; the riskiest changes are kept
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_BYTES, value_parser = parse_max_bytes)]
    pub max_bytes: usize,
    /// Show the order of the writes as well: what each waits for, and why
    #[arg(long)]
    pub explain_order: bool,
}

/// A form of output for a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people
    Human,
    /// For machines, with Terraform's resource_changes
    Json,
    /// For a pull request
    Markdown,
    /// Annotations of a GitHub workflow
    Github,
    /// SARIF 2.1.0
    Sarif,
    /// JUnit XML
    Junit,
}

/// Prints a plan. `stack` gives the places of the blocks. `None`: alerts have no place.
///
/// # Errors
/// The output cannot be written.
pub fn show_plan_view(
    plan: &Plan,
    rulings: &[Ruling],
    realize: &Realizer,
    stack: Option<&Stack>,
    args: &PlanViewArgs,
) -> Result<(), CommandError> {
    let cases = || {
        let sources = stack.map(|stack| stack.directory.repository().name_files(&stack.sources)).unwrap_or_default();
        let places = stack.map(|stack| BlockPlaces::new(&stack.declared, &sources));
        alerts::alerts_for_plan(plan, rulings, &|address| places.as_ref()?.find_place(address))
    };
    if args.explain_order && args.format != PlanFormat::Human {
        let message = "--explain-order is for --format human. JSON plans always list what each step waits for";
        return Err(anyhow::anyhow!(message).into());
    }
    match args.format {
        PlanFormat::Human => {
            let mut text = views::plan::render_plan_text(plan, rulings, realize);
            if args.explain_order {
                text.push_str(&views::plan::render_order(plan));
            }
            super::print_result(&invocation::current_invocation().complete_commands(&text))
        }
        PlanFormat::Json => super::print_json(&views::plan::render_plan_json(plan, rulings)),
        PlanFormat::Markdown => {
            super::print_result(&views::plan::render_plan_markdown(plan, rulings, realize, args.max_bytes))
        }
        PlanFormat::Github => super::print_result(&alerts::render_alerts_github(flatten_alerts(&cases()))),
        PlanFormat::Sarif => super::print_json(&alerts::render_alerts_sarif(flatten_alerts(&cases()))),
        PlanFormat::Junit => {
            super::print_result(&alerts::render_alerts_junit(&format!("leasehold plan {}", plan.stack), &cases()))
        }
    }
}

/// All alerts of the given cases.
pub fn flatten_alerts(cases: &[AlertCase]) -> impl Iterator<Item = &Alert> {
    cases.iter().flat_map(|case| &case.alerts)
}

/// Writes JSON to the file that `--json-into` names. `None`: writes nothing.
///
/// # Errors
/// The file cannot be written.
pub fn write_json_into(
    working_directory: &Path,
    path: Option<&Path>,
    value: impl FnOnce() -> Value,
) -> anyhow::Result<()> {
    let Some(path) = path else { return Ok(()) };
    let text = serde_json::to_string_pretty(&value()).context("cannot write JSON")?;
    let path = super::resolve_path(working_directory, path);
    write_output(&path, format!("{}\n", escape_json(&text)).as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}
