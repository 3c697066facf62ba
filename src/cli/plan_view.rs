//! A plan in the form that was asked for, on stdout, and beside it as JSON in a file.

use std::path::Path;

use anyhow::Context as _;
use leasehold_provider::Realize;
use serde_json::Value;

use super::args::{PlanFormat, PlanViewArgs};
use super::session::Stack;
use super::{Failure, invocation};
use crate::plan::Plan;
use crate::rules::Ruling;
use crate::views::alerts::{self, Alert, Case, Places};
use crate::views::{self};

/// Shows a plan. `stack` gives the places of blocks; without it there are none to point at.
pub fn show(
    plan: &Plan,
    rulings: &[Ruling],
    realize: &dyn Realize,
    stack: Option<&Stack>,
    args: &PlanViewArgs,
) -> Result<(), Failure> {
    let cases = || {
        let sources = stack.map(|stack| stack.directory.repository().name_files(&stack.sources)).unwrap_or_default();
        let places = stack.map(|stack| Places::new(&stack.declared, &sources));
        alerts::of_plan(plan, rulings, &|address| places.as_ref()?.of(address))
    };
    match args.format {
        PlanFormat::Human => super::print(&invocation::current().complete(&views::plan::human(plan, rulings, realize))),
        PlanFormat::Json => super::print_json(&views::plan::json(plan, rulings)),
        PlanFormat::Markdown => super::print(&views::plan::markdown(plan, rulings, realize, args.max_bytes)),
        PlanFormat::Github => super::print(&alerts::github(flat(&cases()))),
        PlanFormat::Sarif => super::print_json(&alerts::sarif(flat(&cases()))),
        PlanFormat::Junit => super::print(&alerts::junit(&format!("leasehold plan {}", plan.stack), &cases())),
    }
}

/// The alerts of all cases.
pub fn flat(cases: &[Case]) -> impl Iterator<Item = &Alert> {
    cases.iter().flat_map(|case| &case.alerts)
}

/// Writes JSON into the file that `--json-into` names.
pub fn json_into(here: &Path, path: Option<&Path>, value: impl FnOnce() -> Value) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let text = serde_json::to_string_pretty(&value()).context("cannot write JSON")?;
    let path = super::below(here, path);
    std::fs::write(&path, format!("{text}\n")).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}
