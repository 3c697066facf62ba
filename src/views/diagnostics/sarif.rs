//! Findings as SARIF 2.1.0.

use std::collections::BTreeSet;

use leasehold_provider::Digest;
use serde_json::Value;

use super::SourceTexts;
use super::limit::limit_findings;
use crate::config::{Diagnostic, DiagnosticSeverity, Location, Sources};
use crate::views::sarif::{
    SarifLocation, SarifPlace, SarifResult, SarifRule, SarifText, build_log, end_sentence, escape_sarif,
};

/// A SARIF log with one run. Its rules are the codes of the findings. The fingerprint of a finding does not change when lines move.
#[must_use]
pub fn render_diagnostics_sarif(findings: &[Diagnostic], sources: &Sources) -> Value {
    let findings = limit_findings(findings);
    let texts = SourceTexts::new(&findings, sources);
    let codes: BTreeSet<&str> = findings.iter().map(|finding| finding.code).collect();
    let rules: Vec<SarifRule> = codes.iter().map(|code| describe_code(code)).collect();
    let results: Vec<SarifResult> = findings.iter().map(|finding| describe_finding(finding, &texts)).collect();
    build_log(&rules, &results)
}

fn describe_code(code: &str) -> SarifRule {
    SarifRule {
        id: code.to_owned(),
        short_description: SarifText { text: code.replace("::", ": ").replace('_', " ") },
        help: None,
        default_configuration: None,
        properties: None,
    }
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

fn describe_finding(finding: &Diagnostic, texts: &SourceTexts<'_>) -> SarifResult {
    let label = finding.location.as_ref().map(|at| &at.label).filter(|label| !label.is_empty());
    let values: Vec<String> = finding.values.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let words =
        std::iter::once(&finding.summary).chain(label).chain(&finding.detail).chain(&values).chain(&finding.help);
    let text: Vec<String> = words.map(|words| end_sentence(words)).collect();
    let related = finding.related.iter().filter_map(|at| {
        let message = Some(SarifText { text: escape_sarif(&end_sentence(&at.label)) });
        Some(SarifLocation { message, ..describe_location(at, texts)? })
    });
    SarifResult {
        rule: finding.code.to_owned(),
        level: match finding.severity {
            DiagnosticSeverity::Error => "error",
            DiagnosticSeverity::Warning => "warning",
        },
        text: escape_sarif(&text.join("\n")),
        locations: finding.location.iter().filter_map(|at| describe_location(at, texts)).collect(),
        related: related.collect(),
        fingerprint: ("leaseholdFinding/v1", compute_fingerprint(finding, texts)),
    }
}

/// The place of a finding. `None`: its file is not among the sources.
fn describe_location(at: &Location, texts: &SourceTexts<'_>) -> Option<SarifLocation> {
    let text = texts.known.get(&at.span.file)?;
    let range = text.shown_range(&at.span.bytes);
    let (start, end) = (text.line_and_column(range.start), text.line_and_column(range.end));
    let place = SarifPlace::new(&texts.sources.get_file(at.span.file)?.name, start, end);
    Some(SarifLocation { physical_location: Some(place), ..SarifLocation::default() })
}
