//! Drift as text for people.

use leasehold_provider::Realizer;

use super::Remedy;
use crate::drift::{DriftFinding, DriftReport};
use crate::views::inert::escape_steering;
use crate::views::plan::human::{render_access_lines, render_changes};
use crate::views::style::{ADD, CHANGE, DRIFT, FAINT, STRONG, paint_text};

/// If there are more unmanaged objects than this, only their number is printed.
const UNMANAGED: usize = 50;

/// The report, ending in a line break.
#[must_use]
pub fn render_drift_text(report: &DriftReport, realize: &Realizer, remedy: Remedy<'_>) -> String {
    let realm = &report.realm;
    let place = format!("{realm} as {}", realm.actor);
    let title = paint_text(STRONG, "Leasehold drift");
    let mut out =
        format!("{title}  ·  stack {}  ·  {}  ·  now {}\n\n", report.stack, escape_steering(&place), report.now);
    let (of_stack, unmanaged): (Vec<&DriftFinding>, Vec<&DriftFinding>) =
        report.findings.iter().partition(|finding| finding.rule != crate::drift::DriftRule::Unmanaged);
    for finding in of_stack {
        out.push_str(&render_finding(finding, realize, remedy));
    }
    for finding in unmanaged.iter().take(UNMANAGED) {
        out.push_str(&format!("  {}  {}\n", paint_text(CHANGE, "? unmanaged"), escape_steering(&finding.object)));
    }
    match unmanaged.len().saturating_sub(UNMANAGED) {
        0 if unmanaged.is_empty() => {}
        0 => out.push('\n'),
        rest => {
            out.push_str(&format!("  {}\n\n", paint_text(FAINT, &format!("and {rest} more; --format json lists all"))));
        }
    }
    for (address, waiting) in &report.quarantined {
        let line = format!(". quarantined  {address}  since {} ({})", waiting.since, waiting.reason);
        out.push_str(&format!("  {}\n", paint_text(FAINT, &escape_steering(&line))));
    }
    if !report.quarantined.is_empty() {
        out.push('\n');
    }
    let counted = super::count_findings(report);
    out.push_str(&format!(
        "{}\n",
        if report.is_in_sync() { paint_text(ADD, &counted) } else { paint_text(STRONG, &counted) }
    ));
    out.extend(super::describe_pending(report).map(|line| format!("{}\n", escape_steering(&line))));
    if let Some(coverage) = &report.coverage {
        out.push_str(&format!("{}\n", super::describe_coverage(coverage)));
        out.extend(
            coverage
                .unused_patterns
                .iter()
                .map(|text| format!("No object matches the ignore pattern {}.\n", escape_steering(text))),
        );
    }
    out
}

fn render_finding(finding: &DriftFinding, realize: &Realizer, remedy: Remedy<'_>) -> String {
    let style = if finding.rule.is_grave() { DRIFT } else { CHANGE };
    let head = paint_text(style, &format!("! {}", finding.rule.short_title()));
    let owner = finding.owner.as_ref().map_or_else(String::new, |owner| format!("  owner {owner}"));
    let subject = paint_text(STRONG, &escape_steering(&finding.subject()));
    let mut out =
        format!("  {head}  {subject}{}\n      {}\n", escape_steering(&owner), escape_steering(&finding.message));
    if finding.address.is_some() {
        out.push_str(&format!("      {}\n", paint_text(FAINT, &escape_steering(&finding.object))));
    }
    out.push_str(&render_access_lines(finding.access.as_ref()));
    out.push_str(&render_changes(&finding.changes, None, realize));
    out.push_str(&format!("      {}\n\n", paint_text(FAINT, &escape_steering(&remedy(finding.rule)))));
    out
}
