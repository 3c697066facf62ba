//! Findings as SARIF 2.1.0.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::Digest;
use serde_json::{Value, json};

use super::SourceTexts;
use crate::config::{Diagnostic, DiagnosticSeverity, Location, Sources};
use crate::views::sarif::{artifact_location, build_log, end_sentence, escape_sarif};

/// A SARIF log with one run. Its rules are the codes of the findings. The fingerprint of a finding does not change when lines move.
#[must_use]
pub fn render_diagnostics_sarif(findings: &[Diagnostic], sources: &Sources) -> Value {
    let texts = SourceTexts::new(findings, sources);
    let codes: BTreeSet<&str> = findings.iter().map(|finding| finding.code).collect();
    let indices: BTreeMap<&str, usize> = codes.iter().copied().zip(0..).collect();
    let rules: Vec<Value> = codes
        .iter()
        .map(|code| json!({ "id": code, "shortDescription": { "text": code.replace("::", ": ").replace('_', " ") } }))
        .collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let fingerprint = compute_fingerprint(finding, &texts);
            let times = seen.entry(fingerprint.clone()).or_insert(0);
            *times = times.saturating_add(1);
            render_result(finding, indices.get(finding.code).copied(), &format!("{fingerprint}:{times}"), &texts)
        })
        .collect();
    build_log(&rules, &results)
}

/// A fingerprint of the finding's code, file and summary. It does not depend on the line number.
fn compute_fingerprint(finding: &Diagnostic, texts: &SourceTexts<'_>) -> String {
    let file = finding.location.as_ref().map(|at| texts.displayed_file_name(at.span.file));
    Digest::from_serializable(&(finding.code, file, &finding.summary))
        .to_string()
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(32)
        .collect()
}

fn render_result(finding: &Diagnostic, rule_index: Option<usize>, fingerprint: &str, texts: &SourceTexts<'_>) -> Value {
    let label = finding.location.as_ref().map(|at| &at.label).filter(|label| !label.is_empty());
    let values: Vec<String> = finding.values.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let words =
        std::iter::once(&finding.summary).chain(label).chain(&finding.detail).chain(&values).chain(&finding.help);
    let text: Vec<String> = words.map(|words| end_sentence(words)).collect();
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": rule_index,
        "level": match finding.severity {
            DiagnosticSeverity::Error => "error",
            DiagnosticSeverity::Warning => "warning",
        },
        "message": { "text": escape_sarif(&text.join("\n")) },
        "locations": finding.location.iter().filter_map(|at| render_location(at, texts)).collect::<Vec<_>>(),
        "partialFingerprints": { "leaseholdFinding/v1": fingerprint },
    });
    let related: Vec<Value> = finding
        .related
        .iter()
        .filter_map(|at| {
            let mut place = render_location(at, texts)?;
            place
                .as_object_mut()?
                .insert("message".to_owned(), json!({ "text": escape_sarif(&end_sentence(&at.label)) }));
            Some(place)
        })
        .collect();
    if let Some(fields) = result.as_object_mut().filter(|_| !related.is_empty()) {
        fields.insert("relatedLocations".to_owned(), related.into());
    }
    result
}

fn render_location(at: &Location, texts: &SourceTexts<'_>) -> Option<Value> {
    let text = texts.known.get(&at.span.file)?;
    let range = text.shown_range(&at.span.bytes);
    let ((line, column), (end_line, end_column)) = (text.line_and_column(range.start), text.line_and_column(range.end));
    Some(json!({
        "physicalLocation": {
            "artifactLocation": artifact_location(&texts.sources.get_file(at.span.file)?.name),
            "region": { "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column },
        },
    }))
}
