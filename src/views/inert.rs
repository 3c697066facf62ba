//! Makes text from outside safe to show.

pub use crate::hidden_characters::{escape_hidden_chars as escape_steering, is_hidden_char as is_steering};

use std::fmt::Write as _;

/// JSON in which hidden characters are written as JSON escapes. The argument is a serialized document: outside of strings it has none.
#[must_use]
pub fn escape_json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    let mut units = [0; 2];
    for c in document.chars() {
        if c.is_ascii() && c != '\u{7f}' || !is_steering(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_meaning_and_shows_what_is_hidden() {
        let value = serde_json::json!({ "a\u{202e}": ["\u{e0041}\u{7f}\n", "Zoë 👍"] });
        let text = escape_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(
            text.contains("\"a\\u202e\"") && text.contains("\"\\udb40\\udc41\\u007f\\n\"") && text.contains("Zoë 👍"),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
