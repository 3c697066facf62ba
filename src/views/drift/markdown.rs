//! Drift for an issue: the summary outside the folds, each finding inside one, the gravest first, cut to a size.

use leasehold_provider::Realize;

use super::Remedy;
use crate::drift::{Finding, Report};
use crate::views::markdown::{self, Block, code, details, place};
use crate::views::plan::markdown::changed;

/// The report in at most `max_bytes`.
#[must_use]
pub fn markdown(report: &Report, realize: &dyn Realize, remedy: Remedy<'_>, max_bytes: usize) -> String {
    let blocks = report.findings.iter().map(|finding| block(finding, realize, remedy));
    markdown::document(&head(report), blocks, "findings", max_bytes)
}

fn head(report: &Report) -> String {
    let realm = &report.realm;
    let mut out = format!("### Leasehold drift · stack {}\n\n", code(report.stack.as_str()));
    out.push_str(&format!("**{}**\n\n", super::counted(report)));
    out.push_str(&format!("{} as {} · now {}\n\n", place(realm), code(&realm.actor), report.now));
    out.extend(super::pending(report).map(|line| format!("{}\n\n", code(&line))));
    out.extend(report.coverage.as_ref().map(|coverage| format!("{}\n\n", super::covered(coverage))));
    if !report.quarantined.is_empty() {
        out.push_str(&format!("{} in quarantine, as it should be.\n\n", report.quarantined.len()));
    }
    out
}

fn block(finding: &Finding, realize: &dyn Realize, remedy: Remedy<'_>) -> Block {
    let owner = finding.owner.as_ref().map_or_else(String::new, |owner| format!(" · owner {}", code(owner)));
    let short = format!("{} · {}{owner} · {}", finding.rule.words(), code(&finding.subject()), code(&finding.message));
    let mut body = String::new();
    if finding.address.is_some() {
        body.push_str(&format!("- {}\n", code(&finding.object)));
    }
    if let Some(access) = &finding.access {
        body.extend(access.witness.iter().map(|witness| format!("- newly allowed, for example: {}\n", code(witness))));
        body.extend(access.reason.iter().map(|reason| format!("- not decided: {}\n", code(reason))));
    }
    body.push_str(&format!("- {}\n\n", remedy(finding.rule)));
    body.push_str(&changed(&finding.changes, false, realize));
    Block { full: details(&short, &body), short }
}
