//! Findings as SARIF 2.1.0, which code hosts show next to the code. <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::BTreeMap;

use leasehold_policy::{LintRule, LintSeverity, PolicyDocument};
use leasehold_provider::Digest;
use serde_json::{Value, json};

use super::FileFinding;
use super::findings::FindingPlace;
use crate::views::sarif::{
    SarifLevel, SarifLocation, SarifName, SarifPlace, SarifProperties, SarifResult, SarifRule, SarifText, build_log,
    end_sentence,
};

/// A SARIF log with one run that contains the findings.
#[must_use]
pub fn render_lint_sarif(found: &[FileFinding<'_>]) -> Value {
    let mut severities: BTreeMap<LintRule, LintSeverity> = BTreeMap::new();
    for one in found {
        let worst = severities.entry(one.finding.rule).or_insert(one.finding.severity);
        *worst = one.finding.severity.max(*worst);
    }
    let results: Vec<SarifResult> = found.iter().map(describe_finding).collect();
    let rules: Vec<SarifRule> = severities.iter().map(|(rule, severity)| describe_rule(*rule, *severity)).collect();
    build_log(&rules, &results)
}

fn describe_rule(rule: LintRule, severity: LintSeverity) -> SarifRule {
    SarifRule {
        id: rule.id().to_owned(),
        short_description: SarifText { text: rule.id().replace('-', " ") },
        help: Some(SarifText { text: rule.remedy().to_owned() }),
        default_configuration: Some(SarifLevel { level: sarif_level(severity) }),
        properties: Some(SarifProperties {
            tags: rule.owasp_risk().into_iter().chain(["security"]).collect(),
            security_severity: Some(security_score(severity)),
        }),
    }
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

fn describe_finding(found: &FileFinding<'_>) -> SarifResult {
    let place = FindingPlace::from_finding(found);
    let finding = &found.finding;
    SarifResult {
        rule: finding.rule.id().to_owned(),
        level: sarif_level(finding.severity),
        text: format!("{} Remedy: {}.", end_sentence(&finding.message), finding.rule.remedy()),
        locations: vec![SarifLocation {
            physical_location: Some(
                SarifPlace::new(&found.file.file.name, place.start, place.end).with_bytes(&found.byte_range()),
            ),
            logical_locations: vec![SarifName { fully_qualified_name: found.finding_path() }],
            message: None,
        }],
        related: Vec::new(),
        fingerprint: ("leaseholdFinding/v1", compute_fingerprint(found)),
    }
}

/// A fingerprint of a finding that does not change when lines move or statements are reordered: its rule, its file, the content of its
/// statement.
fn compute_fingerprint(found: &FileFinding<'_>) -> String {
    let document = &found.placed.document;
    let about = match found.finding.statement.and_then(|statement| document.statements.get(statement)) {
        Some(statement) => {
            PolicyDocument { statements: vec![statement.clone()], ..document.clone() }.to_canonical_value()
        }
        None => document.to_canonical_value(),
    };
    Digest::from_serializable(&json!([found.finding.rule.id(), found.file.file.name, about])).to_string()
}
