//! What is unwise about policies.

use std::collections::BTreeMap;

use leasehold_policy::LintSeverity;
use serde_json::{Value, json};

use super::FoundIn;
use crate::views::diagnostics::text::Text;
use crate::views::inert::inert;
use crate::views::style::{CHANGE, FAINT, REMOVE, STRONG, paint};

/// The version of the JSON. A new key raises the second number, anything else the first.
pub const FORMAT_VERSION: &str = "1.0";

/// A place in a text: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line and column of the first character.
    pub start: (usize, usize),
    /// Line and column behind the last character.
    pub end: (usize, usize),
}

impl Place {
    /// Where a finding lies.
    #[must_use]
    pub fn of(found: &FoundIn<'_>) -> Self {
        let text = Text::new(&found.file.file.bytes);
        let range = text.range(&found.bytes());
        Self { start: text.line_and_column(range.start), end: text.line_and_column(range.end) }
    }
}

/// The findings for people: place, severity, rule, and under it what was found and what to do.
#[must_use]
pub fn human(found: &[FoundIn<'_>]) -> String {
    let mut out = String::new();
    for one in found {
        let (line, column) = Place::of(one).start;
        let finding = &one.finding;
        let sid = finding.sid.as_ref().map_or_else(String::new, |sid| format!(" ({sid})"));
        let place = format!("{}:{line}:{column}", one.file.file.name);
        out.push_str(&format!(
            "{}  {}  {}\n",
            paint(STRONG, &inert(&place)),
            painted(finding.severity),
            inert(&format!("{}  {}{sid}", finding.rule.id(), one.path()))
        ));
        out.push_str(&format!("  {}\n", inert(&finding.message)));
        out.push_str(&format!("  {}\n\n", paint(FAINT, &format!("remedy: {}", finding.rule.remedy()))));
    }
    out.push_str(&counted(found));
    out
}

fn painted(severity: LintSeverity) -> String {
    match severity {
        LintSeverity::Critical | LintSeverity::High => paint(REMOVE, word(severity)),
        LintSeverity::Medium => paint(CHANGE, word(severity)),
        LintSeverity::Low => word(severity).to_owned(),
    }
}

/// A severity in one word.
#[must_use]
pub fn word(severity: LintSeverity) -> &'static str {
    match severity {
        LintSeverity::Low => "low",
        LintSeverity::Medium => "medium",
        LintSeverity::High => "high",
        LintSeverity::Critical => "critical",
    }
}

fn counts(found: &[FoundIn<'_>]) -> BTreeMap<LintSeverity, usize> {
    let mut counts = BTreeMap::new();
    for one in found {
        *counts.entry(one.finding.severity).or_insert(0) += 1;
    }
    counts
}

fn counted(found: &[FoundIn<'_>]) -> String {
    let parts: Vec<String> =
        counts(found).iter().rev().map(|(severity, count)| format!("{count} {}", word(*severity))).collect();
    match found.len() {
        0 => "No findings.\n".to_owned(),
        1 => format!("1 finding: {}.\n", parts.join(", ")),
        n => format!("{n} findings: {}.\n", parts.join(", ")),
    }
}

/// The findings for machines.
#[must_use]
pub fn json(found: &[FoundIn<'_>]) -> Value {
    let counts: BTreeMap<&str, usize> = counts(found).into_iter().map(|(severity, n)| (word(severity), n)).collect();
    json!({
        "format_version": FORMAT_VERSION,
        "summary": counts,
        "findings": found.iter().map(one).collect::<Vec<_>>(),
    })
}

fn one(found: &FoundIn<'_>) -> Value {
    let place = Place::of(found);
    let bytes = found.bytes();
    let point = |(line, column): (usize, usize), byte: usize| json!({"line": line, "column": column, "byte": byte});
    let mut value = found.finding.to_value();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("path".to_owned(), found.path().into());
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
