//! The frame of a SARIF 2.1.0 log, which code hosts show next to the code.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::BTreeMap;
use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Value, json};

use super::inert::escape_steering;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The base of relative URIs. The name is a convention that code hosts recognize.
const ROOT: &str = "%SRCROOT%";

/// The characters in the path of a URI that are percent-encoded.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// A rule that results refer to by its id.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifRule {
    /// Its id. An id never changes its meaning.
    pub id: String,
    /// What it is about, in a few words.
    pub short_description: SarifText,
    /// What to do about its results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<SarifText>,
    /// The level of its results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_configuration: Option<SarifLevel>,
    /// How code hosts classify it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<SarifProperties>,
}

/// A text.
#[derive(Debug, Clone, Serialize)]
pub struct SarifText {
    /// The text, escaped for its place.
    pub text: String,
}

/// A level of results.
#[derive(Debug, Clone, Serialize)]
pub struct SarifLevel {
    /// `note`, `warning` or `error`.
    pub level: &'static str,
}

/// How code hosts classify a rule.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SarifProperties {
    /// Its tags, such as `security`.
    pub tags: Vec<&'static str>,
    /// Its severity, from 0.0 to 10.0. `None`: it has only a level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_severity: Option<&'static str>,
}

/// One result.
#[derive(Debug, Clone)]
pub struct SarifResult {
    /// The id of its rule.
    pub rule: String,
    /// `note`, `warning` or `error`.
    pub level: &'static str,
    /// The message, escaped.
    pub text: String,
    /// Where it was found.
    pub locations: Vec<SarifLocation>,
    /// Other places that matter, each with a message.
    pub related: Vec<SarifLocation>,
    /// The name of the fingerprint's kind, and the fingerprint. Equal results may have equal ones: the log numbers them.
    pub fingerprint: (&'static str, String),
}

/// A place, in a file or by name.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifLocation {
    /// The place in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub physical_location: Option<SarifPlace>,
    /// The names of what is there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logical_locations: Vec<SarifName>,
    /// What is there, for a related location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<SarifText>,
}

/// A place in a file.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifPlace {
    artifact_location: Value,
    region: SarifRegion,
}

/// A range of a file: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRegion {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_length: Option<usize>,
}

/// The name of an object.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifName {
    /// The name, complete within the stack or the file.
    pub fully_qualified_name: String,
}

impl SarifPlace {
    /// The place from `start` to `end` in a file, each a line and a column.
    #[must_use]
    pub fn new(file: &str, start: (usize, usize), end: (usize, usize)) -> Self {
        let ((start_line, start_column), (end_line, end_column)) = (start, end);
        let region =
            SarifRegion { start_line, start_column, end_line, end_column, byte_offset: None, byte_length: None };
        Self { artifact_location: artifact_location(file), region }
    }

    /// The place with its range of bytes.
    #[must_use]
    pub fn with_bytes(mut self, bytes: &Range<usize>) -> Self {
        (self.region.byte_offset, self.region.byte_length) = (Some(bytes.start), Some(bytes.len()));
        self
    }
}

/// A log with one run: its rules, and the results that refer to them.
#[must_use]
pub fn build_log(rules: &[SarifRule], results: &[SarifResult]) -> Value {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let results: Vec<Value> = results
        .iter()
        .map(|result| {
            let (kind, fingerprint) = &result.fingerprint;
            let times = seen.entry(fingerprint).or_insert(0);
            *times += 1;
            render_result(rules, result, (kind, format!("{fingerprint}:{times}")))
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "leasehold",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                },
            },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { ROOT: { "description": { "text": "The root of the repository." } } },
            "results": results,
        }],
    })
}

fn render_result(rules: &[SarifRule], result: &SarifResult, (kind, fingerprint): (&str, String)) -> Value {
    let mut rendered = json!({
        "ruleId": result.rule,
        "ruleIndex": rules.iter().position(|rule| rule.id == result.rule),
        "level": result.level,
        "message": { "text": result.text },
        "locations": result.locations,
        "partialFingerprints": { kind: fingerprint },
    });
    if let Some(fields) = rendered.as_object_mut().filter(|_| !result.related.is_empty()) {
        fields.insert("relatedLocations".to_owned(), json!(result.related));
    }
    rendered
}

/// The text with a final period, if it has none.
#[must_use]
pub fn end_sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

/// The text of a message, escaped: a viewer would read brackets as links and braces as placeholders.
#[must_use]
pub fn escape_sarif(text: &str) -> String {
    let inert = escape_steering(text);
    let mut out = String::with_capacity(inert.len());
    for c in inert.chars() {
        match c {
            '\\' | '[' | ']' => out.extend(['\\', c]),
            '{' => out.push_str("{{"),
            '}' => out.push_str("}}"),
            c => out.push(c),
        }
    }
    out
}

/// The location of a file: an absolute URI, or a URI relative to the root of the repository (RFC 3986).
fn artifact_location(path: &str) -> Value {
    let encoded = utf8_percent_encode(path.strip_prefix("./").unwrap_or(path), PATH).to_string();
    if encoded.starts_with('/') {
        json!({ "uri": format!("file://{encoded}") })
    } else {
        json!({ "uri": encoded, "uriBaseId": ROOT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_uris() {
        let inside = |uri: &str| json!({ "uri": uri, "uriBaseId": "%SRCROOT%" });
        assert_eq!(artifact_location("./policies/a b#1.json"), inside("policies/a%20b%231.json"));
        assert_eq!(artifact_location("c:d/100%\\x?.hcl"), inside("c%3Ad/100%25%5Cx%3F.hcl"));
        assert_eq!(artifact_location("/etc/ü.json"), json!({ "uri": "file:///etc/%C3%BC.json" }));
    }
}
