//! Makes text from outside safe for a terminal.

use std::borrow::Cow;

/// The text with every character that controls a terminal or changes the reading direction shown as its escape: control characters,
/// bidirectional marks, and the invisible characters between them in Unicode.
#[must_use]
pub fn escape_steering(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_steering) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_steering(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character controls a terminal or changes the reading direction.
#[must_use]
pub fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_and_text_stays() {
        assert_eq!(escape_steering("\u{1b}[31mred\u{202e}\n"), "\\u{1b}[31mred\\u{202e}\\u{a}");
        assert!(matches!(escape_steering("Zoë · naïve"), Cow::Borrowed(_)));
    }
}
