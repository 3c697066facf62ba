//! Findings as SARIF 2.1.0, which code hosts show beside the code.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::BTreeMap;

use leasehold_policy::{Document, Rule, Severity};
use leasehold_provider::Digest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::FoundIn;
use super::findings::Place;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What a URI's path keeps as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// The findings of one run.
#[must_use]
pub fn sarif(found: &[FoundIn<'_>]) -> Value {
    let mut severities: BTreeMap<Rule, Severity> = BTreeMap::new();
    for one in found {
        let worst = severities.entry(one.finding.rule).or_insert(one.finding.severity);
        *worst = one.finding.severity.max(*worst);
    }
    let indices: BTreeMap<Rule, usize> = severities.keys().copied().zip(0..).collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let results: Vec<Value> =
        found.iter().map(|one| result(one, indices.get(&one.finding.rule).copied(), &mut seen)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "leasehold",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": severities.iter().map(|(rule, severity)| described(*rule, *severity)).collect::<Vec<_>>(),
                },
            },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn described(rule: Rule, severity: Severity) -> Value {
    json!({
        "id": rule.id(),
        "shortDescription": { "text": rule.id().replace('-', " ") },
        "help": { "text": rule.remedy() },
        "defaultConfiguration": { "level": level(severity) },
        "properties": {
            "tags": rule.owasp().into_iter().chain(["security"]).collect::<Vec<_>>(),
            "security-severity": score(severity),
        },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

/// A number in the middle of the range that code hosts give the word.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "2.0",
        Severity::Medium => "5.5",
        Severity::High => "8.0",
        Severity::Critical => "9.5",
    }
}

fn result(found: &FoundIn<'_>, rule_index: Option<usize>, seen: &mut BTreeMap<String, usize>) -> Value {
    let place = Place::of(found);
    let bytes = found.bytes();
    let finding = &found.finding;
    json!({
        "ruleId": finding.rule.id(),
        "ruleIndex": rule_index,
        "level": level(finding.severity),
        "message": { "text": format!("{} Remedy: {}.", sentence(&finding.message), finding.rule.remedy()) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&found.file.file.name) },
                "region": {
                    "startLine": place.start.0,
                    "startColumn": place.start.1,
                    "endLine": place.end.0,
                    "endColumn": place.end.1,
                    "byteOffset": bytes.start,
                    "byteLength": bytes.len(),
                },
            },
            "logicalLocations": [{ "fullyQualifiedName": found.path() }],
        }],
        "partialFingerprints": { "leaseholdFinding/v1": fingerprint(found, seen) },
    })
}

fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

/// The name of a finding that stays when lines move and statements change places: its rule, its file, what its statement says,
/// and, where that is found several times, which of them.
fn fingerprint(found: &FoundIn<'_>, seen: &mut BTreeMap<String, usize>) -> String {
    let document = &found.placed.document;
    let about = match found.finding.statement.and_then(|statement| document.statements.get(statement)) {
        Some(statement) => Document { statements: vec![statement.clone()], ..document.clone() }.canonical(),
        None => document.canonical(),
    };
    let what = Digest::of(&json!([found.finding.rule.id(), found.file.file.name, about])).to_string();
    let times = seen.entry(what.clone()).or_insert(0);
    *times += 1;
    format!("{what}:{times}")
}

/// A path as a URI: relative where the path is.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let encoded = utf8_percent_encode(path.strip_prefix("./").unwrap_or(&path), PATH).to_string();
    if encoded.starts_with('/') { format!("file://{encoded}") } else { encoded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri("./policies/a b#1.json"), "policies/a%20b%231.json");
        assert_eq!(uri("/etc/ü.json"), "file:///etc/%C3%BC.json");
    }
}
