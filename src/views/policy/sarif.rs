//! Findings as SARIF 2.1.0, which code hosts show next to the code. <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::BTreeMap;

use leasehold_policy::{LintRule, LintSeverity, PolicyDocument};
use leasehold_provider::Digest;
use serde_json::{Value, json};

use super::FileFinding;
use super::findings::FindingPlace;
use crate::views::sarif::{artifact_location, build_log, end_sentence};

/// A SARIF log with one run that contains the findings.
#[must_use]
pub fn render_lint_sarif(found: &[FileFinding<'_>]) -> Value {
    let mut severities: BTreeMap<LintRule, LintSeverity> = BTreeMap::new();
    for one in found {
        let worst = severities.entry(one.finding.rule).or_insert(one.finding.severity);
        *worst = one.finding.severity.max(*worst);
    }
    let indices: BTreeMap<LintRule, usize> = severities.keys().copied().zip(0..).collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let results: Vec<Value> =
        found.iter().map(|one| render_result(one, indices.get(&one.finding.rule).copied(), &mut seen)).collect();
    let rules: Vec<Value> = severities.iter().map(|(rule, severity)| describe_rule(*rule, *severity)).collect();
    build_log(&rules, &results)
}

fn describe_rule(rule: LintRule, severity: LintSeverity) -> Value {
    json!({
        "id": rule.id(),
        "shortDescription": { "text": rule.id().replace('-', " ") },
        "help": { "text": rule.remedy() },
        "defaultConfiguration": { "level": sarif_level(severity) },
        "properties": {
            "tags": rule.owasp_risk().into_iter().chain(["security"]).collect::<Vec<_>>(),
            "security-severity": security_score(severity),
        },
    })
}

fn sarif_level(severity: LintSeverity) -> &'static str {
    match severity {
        LintSeverity::Low => "note",
        LintSeverity::Medium => "warning",
        LintSeverity::High | LintSeverity::Critical => "error",
    }
}

/// A number in the middle of the range to which code hosts give this severity.
fn security_score(severity: LintSeverity) -> &'static str {
    match severity {
        LintSeverity::Low => "2.0",
        LintSeverity::Medium => "5.5",
        LintSeverity::High => "8.0",
        LintSeverity::Critical => "9.5",
    }
}

fn render_result(found: &FileFinding<'_>, rule_index: Option<usize>, seen: &mut BTreeMap<String, usize>) -> Value {
    let place = FindingPlace::from_finding(found);
    let bytes = found.byte_range();
    let finding = &found.finding;
    json!({
        "ruleId": finding.rule.id(),
        "ruleIndex": rule_index,
        "level": sarif_level(finding.severity),
        "message": { "text": format!("{} Remedy: {}.", end_sentence(&finding.message), finding.rule.remedy()) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": artifact_location(&found.file.file.name),
                "region": {
                    "startLine": place.start.0,
                    "startColumn": place.start.1,
                    "endLine": place.end.0,
                    "endColumn": place.end.1,
                    "byteOffset": bytes.start,
                    "byteLength": bytes.len(),
                },
            },
            "logicalLocations": [{ "fullyQualifiedName": found.finding_path() }],
        }],
        "partialFingerprints": { "leaseholdFinding/v1": compute_fingerprint(found, seen) },
    })
}

/// A fingerprint of a finding that does not change when lines move or statements are reordered: its rule, its file, the content of its
/// statement, and its position among equal findings.
fn compute_fingerprint(found: &FileFinding<'_>, seen: &mut BTreeMap<String, usize>) -> String {
    let document = &found.placed.document;
    let about = match found.finding.statement.and_then(|statement| document.statements.get(statement)) {
        Some(statement) => {
            PolicyDocument { statements: vec![statement.clone()], ..document.clone() }.to_canonical_value()
        }
        None => document.to_canonical_value(),
    };
    let what = Digest::from_serializable(&json!([found.finding.rule.id(), found.file.file.name, about])).to_string();
    let times = seen.entry(what.clone()).or_insert(0);
    *times += 1;
    format!("{what}:{times}")
}
