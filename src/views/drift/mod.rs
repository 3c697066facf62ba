//! Drift for people, machines and pipelines.

pub mod alerts;
pub mod human;
pub mod json;
pub mod markdown;

use crate::drift::coverage::Coverage;
use crate::drift::{DriftReport, DriftRule};

pub use alerts::alerts_for_drift;
pub use human::render_drift_text;
pub use json::render_drift_json;
pub use markdown::render_drift_markdown;

/// Returns what to do about findings of a rule, with commands that work in the shell where the report was made.
pub type Remedy<'a> = &'a dyn Fn(DriftRule) -> String;

/// The number of findings, and of the identities and scopes that were checked; or that there are none.
fn count_findings(report: &DriftReport) -> String {
    let looked = pluralize(report.identities, "identity", "identities");
    let scopes = pluralize(report.looked_at.len().saturating_sub(report.identities), "scope", "scopes");
    match report.findings.len() {
        0 => format!("In sync: {looked} and {scopes} match the last applied state."),
        n => format!("Drift: {}; checked {looked} and {scopes}.", pluralize(n, "finding", "findings")),
    }
}

/// Says that an apply is pending, which is not drift. `None`: none is pending.
fn describe_pending(report: &DriftReport) -> Option<String> {
    let names: Vec<&str> = report.pending.keys().map(leasehold_provider::Address::as_str).take(5).collect();
    let rest = report.pending.len().saturating_sub(names.len());
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let what = pluralize(report.pending.len(), "change", "changes");
    (!names.is_empty())
        .then(|| format!("Not drift: {what} in the configuration not yet applied: {}{more}.", names.join(", ")))
}

/// The numbers of managed and unmanaged objects, in one line.
fn describe_coverage(coverage: &Coverage) -> String {
    let others: usize = coverage.other_stacks.values().sum();
    let share = coverage.percent().map_or_else(|| "no objects".to_owned(), |percent| format!("{percent} % managed"));
    format!(
        "Coverage: {share}. {} in this stack, {others} in other stacks, {} unmanaged, {} ignored; not counted: {} \
         service-linked and {} reserved.",
        coverage.managed,
        coverage.unmanaged.len(),
        coverage.ignored,
        coverage.service_linked,
        coverage.reserved
    )
}

fn pluralize(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
