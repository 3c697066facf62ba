//! Drift as people read it.

use leasehold_provider::Realize;

use super::Remedy;
use crate::drift::{Finding, Report};
use crate::views::inert::inert;
use crate::views::plan::human::{access_lines, changes};
use crate::views::style::{ADD, CHANGE, DRIFT, FAINT, STRONG, paint};

/// More unmanaged objects than this are told by their count.
const UNMANAGED: usize = 50;

/// The report, ending in a line break.
#[must_use]
pub fn human(report: &Report, realize: &dyn Realize, remedy: Remedy<'_>) -> String {
    let realm = &report.realm;
    let place = format!("{realm} as {}", realm.actor);
    let title = paint(STRONG, "Leasehold drift");
    let mut out = format!("{title}  ·  stack {}  ·  {}  ·  now {}\n\n", report.stack, inert(&place), report.now);
    let (of_stack, unmanaged): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.iter().partition(|finding| finding.rule != crate::drift::Rule::Unmanaged);
    for finding in of_stack {
        out.push_str(&one(finding, realize, remedy));
    }
    for finding in unmanaged.iter().take(UNMANAGED) {
        out.push_str(&format!("  {}  {}\n", paint(CHANGE, "? unmanaged"), inert(&finding.object)));
    }
    match unmanaged.len().saturating_sub(UNMANAGED) {
        0 if unmanaged.is_empty() => {}
        0 => out.push('\n'),
        rest => out.push_str(&format!("  {}\n\n", paint(FAINT, &format!("and {rest} more; --format json has all")))),
    }
    for (address, waiting) in &report.quarantined {
        let line = format!(". quarantined  {address}  since {} ({})", waiting.since, waiting.reason);
        out.push_str(&format!("  {}\n", paint(FAINT, &inert(&line))));
    }
    if !report.quarantined.is_empty() {
        out.push('\n');
    }
    let counted = super::counted(report);
    out.push_str(&format!("{}\n", if report.is_in_sync() { paint(ADD, &counted) } else { paint(STRONG, &counted) }));
    out.extend(super::pending(report).map(|line| format!("{}\n", inert(&line))));
    if let Some(coverage) = &report.coverage {
        out.push_str(&format!("{}\n", super::covered(coverage)));
        out.extend(
            coverage.unused_patterns.iter().map(|text| format!("Nothing fits the pattern {} any more.\n", inert(text))),
        );
    }
    out
}

fn one(finding: &Finding, realize: &dyn Realize, remedy: Remedy<'_>) -> String {
    let style = if finding.rule.is_grave() { DRIFT } else { CHANGE };
    let head = paint(style, &format!("! {}", finding.rule.words()));
    let owner = finding.owner.as_ref().map_or_else(String::new, |owner| format!("  owner {owner}"));
    let subject = paint(STRONG, &inert(&finding.subject()));
    let mut out = format!("  {head}  {subject}{}\n      {}\n", inert(&owner), inert(&finding.message));
    if finding.address.is_some() {
        out.push_str(&format!("      {}\n", paint(FAINT, &inert(&finding.object))));
    }
    out.push_str(&access_lines(finding.access.as_ref()));
    out.push_str(&changes(&finding.changes, None, realize));
    out.push_str(&format!("      {}\n\n", paint(FAINT, &inert(&remedy(finding.rule)))));
    out
}
