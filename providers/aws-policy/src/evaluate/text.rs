//! Whether a string matches a pattern, by walking both. Nothing here is shared with the automata of the comparison, so
//! that each can find the other wrong.

use std::collections::BTreeMap;

use crate::evaluate::truth::Truth;
use crate::pattern::{Pattern, Token};

/// A pattern after its variables were replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Char(char),
    One,
    Many,
}

/// Replaces variables from the context. `None`: the request lacks a key that the pattern has no default for, or holds
/// several values for it.
pub(super) fn resolve(pattern: &Pattern, context: &BTreeMap<String, Vec<String>>) -> Option<Vec<Piece>> {
    let mut out = Vec::new();
    for token in pattern.tokens() {
        match token {
            Token::Literal(c) => out.push(Piece::Char(*c)),
            Token::One => out.push(Piece::One),
            Token::Many => out.push(Piece::Many),
            Token::Variable { key, default } => {
                let text = match context.get(key).map(Vec::as_slice) {
                    Some([one]) => one,
                    None | Some([]) => default.as_ref()?,
                    Some(_) => return None,
                };
                // What a variable brings in is text: a `*` in a tag's value is no wildcard.
                out.extend(text.chars().map(Piece::Char));
            }
        }
    }
    Some(out)
}

/// Whether the whole text matches, `*` and `?` taking any character.
pub(super) fn glob(pieces: &[Piece], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        let advance = match (pieces.get(p), text.get(t)) {
            (None, None) => return true,
            (Some(Piece::Many), _) => {
                back = Some((p + 1, t));
                p += 1;
                continue;
            }
            (Some(Piece::One), Some(_)) => true,
            (Some(Piece::Char(a)), Some(b)) => a == b,
            _ => false,
        };
        if advance {
            (p, t) = (p + 1, t + 1);
        } else if let Some((after, from)) = back
            && from < text.len()
        {
            // The last `*` takes one character more.
            back = Some((after, from + 1));
            (p, t) = (after, from + 1);
        } else {
            return false;
        }
    }
}

/// How far a wildcard reaches in an ARN. AWS says that wildcards belong within a segment and that a `*` at the end of a
/// segment "can" go past the colon; the readings differ only for wildcards in the first five segments.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
pub(super) fn arn(pieces: &[Piece], text: &[char]) -> Truth {
    let whole = glob(pieces, text);
    let segments = split(pieces, |piece| *piece == Piece::Char(':'));
    let strict = within_segments(&segments, &split(text, |c| *c == ':'));
    let trailing = past_segment_ends(&segments, &text.split(|c| *c == ':').collect::<Vec<_>>());
    match (strict, trailing, whole) {
        (true, true, true) => Truth::Yes,
        (false, false, false) => Truth::No,
        _ => Truth::Unknown,
    }
}

/// At most six segments; the sixth keeps its colons.
pub(super) fn split<T>(items: &[T], is_colon: impl Fn(&T) -> bool) -> Vec<&[T]> {
    items.splitn(6, is_colon).collect()
}

fn open_ended(segment: &[Piece]) -> bool {
    segment.last() == Some(&Piece::Many)
}

/// Every wildcard stays in its segment, but the last character of a pattern that stops short may stand for all that
/// follows.
fn within_segments(pattern: &[&[Piece]], text: &[&[char]]) -> bool {
    let open = pattern.len() < 6 && pattern.last().is_some_and(|last| open_ended(last));
    let fits = if open { pattern.len() <= text.len() } else { pattern.len() == text.len() };
    fits && pattern.iter().zip(text).all(|(pattern, text)| glob(pattern, text))
}

/// A `*` that ends a segment may also swallow whole segments after it.
fn past_segment_ends(pattern: &[&[Piece]], text: &[&[char]]) -> bool {
    past_from(pattern, text, 6)
}

fn past_from(pattern: &[&[Piece]], text: &[&[char]], left: usize) -> bool {
    let (Some((segment, later)), Some((first, rest))) = (pattern.split_first(), text.split_first()) else {
        return pattern.is_empty() && text.is_empty();
    };
    if left == 1 {
        return glob(segment, &text.join(&':'));
    }
    if !glob(segment, first) {
        return false;
    }
    if !open_ended(segment) {
        return if later.is_empty() { rest.is_empty() } else { past_from(later, rest, left - 1) };
    }
    later.is_empty()
        || (0..=rest.len()).any(|skip| rest.get(skip..).is_some_and(|rest| past_from(later, rest, left - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Version;
    use crate::pattern::Dialect;

    fn pieces(text: &str) -> Vec<Piece> {
        resolve(&Pattern::read(text, Version::V2012, Dialect::Full), &BTreeMap::new()).unwrap()
    }

    fn globs(pattern: &str, text: &str) -> bool {
        glob(&pieces(pattern), &text.chars().collect::<Vec<_>>())
    }

    fn arns(pattern: &str, text: &str) -> Truth {
        arn(&pieces(pattern), &text.chars().collect::<Vec<_>>())
    }

    #[test]
    fn globs_take_any_character() {
        for (pattern, text) in
            [("*", ""), ("a*c", "abc"), ("a*c", "ac"), ("?", "é"), ("a*b*c", "aXbYbZc"), ("*a?", "aab")]
        {
            assert!(globs(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("?", ""), ("a*c", "abd"), ("*a?", "a"), ("a", "A"), ("*b", "bc")] {
            assert!(!globs(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn arns_by_segment() {
        assert_eq!(arns("*", "arn:aws:s3:::b"), Truth::Yes);
        assert_eq!(arns("*", "*"), Truth::Yes);
        assert_eq!(arns("arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b:c"), Truth::Yes);
        assert_eq!(arns("arn:aws:sqs:*:1:q", "arn:aws:sqs:eu-west-1:1:q"), Truth::Yes);
        assert_eq!(arns("arn:aws:sqs:*:q", "arn:aws:sqs:eu-west-1:1:q"), Truth::Unknown);
        assert_eq!(arns("arn:aws:s*:::b", "arn:aws:s3:::x:::b"), Truth::Unknown);
        assert_eq!(arns("arn:aws:s?*s:::b", "arn:aws:s3:s:::b"), Truth::Unknown);
        assert_eq!(arns("arn:aws:s3*", "arn:aws:s3:::b"), Truth::Yes);
        assert_eq!(arns("arn:aws:s3", "arn:aws:s3:::b"), Truth::No);
        assert_eq!(arns("arn:aws:s?:::b", "arn:aws:s::::b"), Truth::Unknown);
    }

    #[test]
    fn a_wildcard_that_a_variable_brings_in_is_text() {
        let pattern = Pattern::read("a${k}", Version::V2012, Dialect::Full);
        let context = BTreeMap::from([("k".to_owned(), vec!["*".to_owned()])]);
        let pieces = resolve(&pattern, &context).unwrap();
        assert!(glob(&pieces, &['a', '*']));
        assert!(!glob(&pieces, &['a', 'b']));
    }
}
