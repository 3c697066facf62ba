//! Finds the end of an expression inside an object, without parsing it. Input: text that begins with an expression. Output: the
//! length of that expression in bytes.
//!
//! Example: in `f(1, [2, 3]) , x` the expression is `f(1, [2, 3])`, 12 bytes. The commas inside the brackets do not end it.

/// The length in bytes of the expression at the start of `text`, without trailing blanks. The expression ends at a comma, a comment,
/// the end of the line or the end of the object, outside of brackets and strings. `None`: it contains a heredoc or a comment, is not
/// closed, or is empty.
#[must_use]
pub(super) fn measure_expression(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let next = bytes.get(at + 1).copied();
        match bytes.get(at)? {
            b'"' => at = find_string_end(bytes, at)?,
            b'(' | b'[' | b'{' => {
                depth += 1;
                at += 1;
            }
            b'\n' | b',' | b'}' | b'#' if depth == 0 => break,
            b'/' if depth == 0 && next == Some(b'/') => break,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b'#' => return None,
            b'/' if matches!(next, Some(b'/' | b'*')) => return None,
            b'<' if next == Some(b'<') => return None,
            _ => at += 1,
        }
    }
    let length = text.get(..at)?.trim_end_matches([' ', '\t', '\r']).len();
    (length > 0).then_some(length)
}

/// The position after the string that begins at `from`. `None`: the string is not closed on its line.
fn find_string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        let byte = *bytes.get(at)?;
        let next = bytes.get(at + 1).copied();
        match byte {
            b'"' => return Some(at + 1),
            b'\n' => return None,
            b'\\' => at += 2,
            b'$' | b'%' if next == Some(byte) && bytes.get(at + 2) == Some(&b'{') => at += 3,
            b'$' | b'%' if next == Some(b'{') => at = find_interpolation_end(bytes, at + 2)?,
            _ => at += 1,
        }
    }
}

/// The position after the interpolation whose content begins at `from`. The recursion through strings is bounded, because the scan
/// of the file has already limited the nesting.
fn find_interpolation_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b'"' => at = find_string_end(bytes, at)?,
            b'{' => {
                depth += 1;
                at += 1;
            }
            b'}' if depth == 0 => return Some(at + 1),
            b'}' => {
                depth -= 1;
                at += 1;
            }
            b'#' | b'\n' => return None,
            b'/' if matches!(bytes.get(at + 1), Some(b'/' | b'*')) => return None,
            _ => at += 1,
        }
    }
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
