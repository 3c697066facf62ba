//! The frame of a SARIF 2.1.0 log, which code hosts show beside the code.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::inert::inert;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What a URI's path keeps as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// The log of one run: its rules, and the results that name them.
#[must_use]
pub fn log(rules: &[Value], results: &[Value]) -> Value {
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
            "results": results,
        }],
    })
}

/// Text that ends as a sentence does.
#[must_use]
pub fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

/// A message's text: brackets would be links and braces placeholders to whoever shows it.
#[must_use]
pub fn escaped(text: &str) -> String {
    let inert = inert(text);
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

/// A path as a URI: relative where the path is.
#[must_use]
pub fn uri(path: &str) -> String {
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
