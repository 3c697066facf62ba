//! The frame of a SARIF 2.1.0 log, which code hosts show next to the code.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::inert::escape_steering;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The base of relative URIs. The name is a convention that code hosts recognize.
const ROOT: &str = "%SRCROOT%";

/// The characters in the path of a URI that are percent-encoded.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// A log with one run: its rules, and the results that refer to them.
#[must_use]
pub fn build_log(rules: &[Value], results: &[Value]) -> Value {
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
#[must_use]
pub fn artifact_location(path: &str) -> Value {
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
