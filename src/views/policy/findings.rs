//! Findings about unwise statements in policies.

use std::collections::BTreeMap;

use leasehold_policy::LintSeverity;
use serde_json::{Value, json};

use super::FileFinding;
use crate::views::diagnostics::text::ShownText;
use crate::views::inert::escape_steering;
use crate::views::style::{CHANGE, FAINT, REMOVE, STRONG, paint_text};

/// The version of the JSON. A new key increases the second number, any other change the first.
pub const FORMAT_VERSION: &str = "1.0";

/// A place in a text: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingPlace {
    /// Line and column of the first character.
    pub start: (usize, usize),
    /// Line and column after the last character.
    pub end: (usize, usize),
}

impl FindingPlace {
    /// The place of a finding.
    #[must_use]
    pub fn from_finding(found: &FileFinding<'_>) -> Self {
        let text = ShownText::new(&found.file.file.bytes);
        let range = text.shown_range(&found.byte_range());
        Self { start: text.line_and_column(range.start), end: text.line_and_column(range.end) }
    }
}

/// The findings for people: place, severity and rule, and below them the message and the remedy.
#[must_use]
pub fn render_lint(found: &[FileFinding<'_>]) -> String {
    let mut out = String::new();
    for one in found {
        let (line, column) = FindingPlace::from_finding(one).start;
        let finding = &one.finding;
        let sid = finding.sid.as_ref().map_or_else(String::new, |sid| format!(" ({sid})"));
        let place = format!("{}:{line}:{column}", one.file.file.name);
        out.push_str(&format!(
            "{}  {}  {}\n",
            paint_text(STRONG, &escape_steering(&place)),
            paint_severity(finding.severity),
            escape_steering(&format!("{}  {}{sid}", finding.rule.id(), one.finding_path()))
        ));
        out.push_str(&format!("  {}\n", escape_steering(&finding.message)));
        out.push_str(&format!("  {}\n\n", paint_text(FAINT, &format!("remedy: {}", finding.rule.remedy()))));
    }
    out.push_str(&describe_counts(found));
    out
}

fn paint_severity(severity: LintSeverity) -> String {
    match severity {
        LintSeverity::Critical | LintSeverity::High => paint_text(REMOVE, severity_name(severity)),
        LintSeverity::Medium => paint_text(CHANGE, severity_name(severity)),
        LintSeverity::Low => severity_name(severity).to_owned(),
    }
}

/// The name of a severity.
#[must_use]
pub fn severity_name(severity: LintSeverity) -> &'static str {
    match severity {
        LintSeverity::Low => "low",
        LintSeverity::Medium => "medium",
        LintSeverity::High => "high",
        LintSeverity::Critical => "critical",
    }
}

fn count_severities(found: &[FileFinding<'_>]) -> BTreeMap<LintSeverity, usize> {
    let mut counts = BTreeMap::new();
    for one in found {
        *counts.entry(one.finding.severity).or_insert(0) += 1;
    }
    counts
}

fn describe_counts(found: &[FileFinding<'_>]) -> String {
    let parts: Vec<String> = count_severities(found)
        .iter()
        .rev()
        .map(|(severity, count)| format!("{count} {}", severity_name(*severity)))
        .collect();
    match found.len() {
        0 => "No findings.\n".to_owned(),
        1 => format!("1 finding: {}.\n", parts.join(", ")),
        n => format!("{n} findings: {}.\n", parts.join(", ")),
    }
}

/// The findings as JSON.
#[must_use]
pub fn render_lint_json(found: &[FileFinding<'_>]) -> Value {
    let counts: BTreeMap<&str, usize> =
        count_severities(found).into_iter().map(|(severity, n)| (severity_name(severity), n)).collect();
    json!({
        "format_version": FORMAT_VERSION,
        "summary": counts,
        "findings": found.iter().map(render_finding_json).collect::<Vec<_>>(),
    })
}

fn render_finding_json(found: &FileFinding<'_>) -> Value {
    let place = FindingPlace::from_finding(found);
    let bytes = found.byte_range();
    let point = |(line, column): (usize, usize), byte: usize| json!({"line": line, "column": column, "byte": byte});
    let mut value = found.finding.to_value();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("path".to_owned(), found.finding_path().into());
        fields.insert(
            "range".to_owned(),
            json!({
                "filename": found.file.file.name,
                "start": point(place.start, bytes.start),
                "end": point(place.end, bytes.end),
            }),
        );
    }
    value
}
