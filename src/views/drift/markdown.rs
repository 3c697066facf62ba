//! Drift as markdown for an issue: the summary comes first, then each finding in a collapsed section, the most severe first, limited to a
//! size.

use leasehold_provider::Realizer;

use super::Remedy;
use crate::drift::{DriftFinding, DriftReport};
use crate::views::markdown::{
    self, BlockNouns, MarkdownBlock, describe_realm, format_code, format_details, shorten_line,
};
use crate::views::plan::markdown::render_changed_objects;

/// The report in at most `max_bytes` bytes.
#[must_use]
pub fn render_drift_markdown(report: &DriftReport, realize: &Realizer, remedy: Remedy<'_>, max_bytes: usize) -> String {
    let blocks = report.findings.iter().map(|finding| render_block(finding, realize, remedy));
    markdown::render_document(&render_head(report), blocks, NOUNS, max_bytes)
}

const NOUNS: BlockNouns = BlockNouns {
    blocks: "findings",
    complete: "The job's artifact with the report as JSON, or `leasehold drift`, has all of them.",
};

fn render_head(report: &DriftReport) -> String {
    let realm = &report.realm;
    let mut out = format!("### Leasehold drift · stack {}\n\n", format_code(report.stack.as_str()));
    out.push_str(&format!("**{}**\n\n", super::count_findings(report)));
    out.push_str(&format!("{} as {} · now {}\n\n", describe_realm(realm), format_code(&realm.actor), report.now));
    out.extend(super::describe_pending(report).map(|line| format!("{}\n\n", format_code(&line))));
    out.extend(report.coverage.as_ref().map(|coverage| format!("{}\n\n", super::describe_coverage(coverage))));
    if !report.quarantined.is_empty() {
        out.push_str(&format!("{} in quarantine, as expected.\n\n", report.quarantined.len()));
    }
    out
}

fn render_block(finding: &DriftFinding, realize: &Realizer, remedy: Remedy<'_>) -> MarkdownBlock {
    let owner = finding
        .owner
        .as_ref()
        .map_or_else(String::new, |owner| format!(" · owner {}", format_code(&shorten_line(owner))));
    let short = format!(
        "{} · {}{owner} · {}",
        finding.rule.short_title(),
        format_code(&shorten_line(&finding.subject())),
        format_code(&shorten_line(&finding.message))
    );
    let mut body = String::new();
    if finding.address.is_some() {
        body.push_str(&format!("- {}\n", format_code(&finding.object)));
    }
    if let Some(access) = &finding.access {
        body.extend(
            access.witness.iter().map(|witness| format!("- newly allowed, for example: {}\n", format_code(witness))),
        );
        body.extend(access.reason.iter().map(|reason| format!("- not decided: {}\n", format_code(reason))));
    }
    body.push_str(&format!("- {}\n\n", remedy(finding.rule)));
    body.push_str(&render_changed_objects(&finding.changes, false, realize));
    MarkdownBlock {
        full: format_details(&short, &body),
        short,
        kind: finding.rule.short_title(),
        is_risky: finding.rule.is_grave(),
    }
}
