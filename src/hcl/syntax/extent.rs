//! Finds the end of an expression inside an object, without parsing it. Input: text that begins with an expression. Output: the
//! length of that expression in bytes.
//!
//! Example: in `f(1, [2, 3]) , x` the expression is `f(1, [2, 3])`, 12 bytes. The commas inside the brackets do not end it.

use super::lexer::{Lexer, OpenDelimiter, TokenKind};

/// The length in bytes of the expression at the start of `text`, without trailing blanks. The expression ends at a comma, a comment,
/// the end of the line or the end of the object, outside of brackets and strings. `None`: it contains a heredoc or a comment, is not
/// closed, or is empty.
#[must_use]
pub(super) fn measure_expression(text: &str) -> Option<usize> {
    let mut lexer = Lexer::new(text, 0);
    let end = loop {
        let open = lexer.open_delimiters();
        let (within, in_string) = (!open.is_empty(), open.iter().any(|(open, _)| *open == OpenDelimiter::Quote));
        let token = lexer.next_token()?;
        let written = text.get(token.start..token.end)?;
        match token.kind {
            TokenKind::Newline if in_string => return None,
            TokenKind::Newline | TokenKind::Comma if !within => break token.start,
            TokenKind::Unmatched if !within && written == "}" => break token.start,
            TokenKind::Comment if !within && !written.starts_with("/*") => break token.start,
            TokenKind::Comment | TokenKind::Unmatched | TokenKind::OpenHeredoc => return None,
            _ => {}
        }
    };
    let length = text.get(..end)?.trim_end_matches([' ', '\t', '\r']).len();
    (length > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_outside_of_brackets_and_strings() {
        for (text, found) in [
            ("f(1, [2, 3]) , x", Some("f(1, [2, 3])")),
            ("\"a,${f(\"}\")}\" + 1 # c\n", Some("\"a,${f(\"}\")}\" + 1")),
            ("a ? b : c }", Some("a ? b : c")),
            ("{ a = 1 }\r\n", Some("{ a = 1 }")),
            ("\"$${a}\"\n", Some("\"$${a}\"")),
            ("<<EOT\n", None),
            ("f(", None),
            ("f(# c\n)", None),
            ("}", None),
        ] {
            assert_eq!(measure_expression(text).and_then(|length| text.get(..length)), found, "{text}");
        }
    }
}
