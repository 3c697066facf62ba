//! Renders values for diagnostics: short, in the syntax of the language, and without sensitive content.

use std::fmt::Write as _;

use super::{ConfigValue, ValueData};
use crate::hidden_characters::is_hidden_char;

/// The maximum number of characters of a value in a diagnostic.
const LONGEST: usize = 120;
/// The text shown in place of a sensitive value.
pub const SENSITIVE: &str = "(sensitive value)";

/// The value in the syntax of the language. A long one is cut and ends in `…`.
#[must_use]
pub fn render_value(value: &ConfigValue) -> String {
    let mut text = String::new();
    write_value(value, &mut text, 0);
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).collect();
        text.push('…');
    }
    text
}

/// A string in double quotes, with escapes.
#[must_use]
pub fn quote_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden_char(c) => {
                let code = u32::from(c);
                let _ = if code > 0xffff { write!(out, "\\U{code:08x}") } else { write!(out, "\\u{code:04x}") };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn write_value(value: &ConfigValue, out: &mut String, depth: usize) {
    // This bounds the work on large values: the text after this point is cut anyway.
    if out.len() > LONGEST * 4 {
        return;
    }
    if value.sensitive {
        out.push_str(SENSITIVE);
        return;
    }
    if depth > 4 {
        out.push('…');
        return;
    }
    match &value.data {
        ValueData::Null => out.push_str("null"),
        ValueData::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        ValueData::Number(number) => out.push_str(&number.to_string()),
        ValueData::String(text) => {
            let cut: String = text.chars().take(LONGEST + 1).collect();
            out.push_str(&quote_text(&cut));
        }
        ValueData::Block(block) => out.push_str(&block.to_string()),
        ValueData::List(elements) | ValueData::Tuple(elements) => write_elements(elements, out, depth),
        ValueData::Set(elements) => {
            out.push_str("toset(");
            write_elements(elements, out, depth);
            out.push(')');
        }
        ValueData::Map(entries) | ValueData::Object(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate().take(LONGEST) {
                out.push_str(if index == 0 { " " } else { ", " });
                let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
                if plain && !key.is_empty() {
                    out.push_str(key);
                } else {
                    out.push_str(&quote_text(key));
                }
                out.push_str(" = ");
                write_value(value, out, depth + 1);
            }
            out.push_str(if entries.is_empty() { "}" } else { " }" });
        }
    }
}

fn write_elements(elements: &[ConfigValue], out: &mut String, depth: usize) {
    out.push('[');
    for (index, element) in elements.iter().enumerate().take(LONGEST) {
        if index > 0 {
            out.push_str(", ");
        }
        write_value(element, out, depth + 1);
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_secret_and_no_escape() {
        let secret = ConfigValue::new_string("hunter2").with_mark(true);
        let tuple = ConfigValue::new_tuple(vec![
            ConfigValue::new_string("\u{1b}[31m\"x"),
            secret,
            ConfigValue::new_number(1_i64),
        ]);
        assert_eq!(render_value(&tuple), "[\"\\u001b[31m\\\"x\", (sensitive value), 1]");
        assert_eq!(quote_text("a\u{202e}\u{e0041}"), "\"a\\u202e\\U000e0041\"");
        assert_eq!(render_value(&ConfigValue::new_string("x".repeat(1000))).chars().count(), LONGEST + 1);
    }
}
