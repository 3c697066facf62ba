//! Whether a string matches a pattern. The comparison uses automata instead and shares no code with this module, so
//! each can show an error of the other.

use std::collections::BTreeMap;

use crate::evaluate::truth::Truth;
use crate::pattern::{Pattern, PatternToken};

/// A token of a pattern after its variables have been replaced by their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResolvedToken {
    Char(char),
    One,
    Many,
}

/// Replaces the variables by their values in the context. `None`: the context has no value for a variable without
/// default, or several values.
pub(super) fn resolve_variables(
    pattern: &Pattern,
    context: &BTreeMap<String, Vec<String>>,
) -> Option<Vec<ResolvedToken>> {
    let mut out = Vec::new();
    for token in pattern.tokens() {
        match token {
            PatternToken::Literal(c) => out.push(ResolvedToken::Char(*c)),
            PatternToken::One => out.push(ResolvedToken::One),
            PatternToken::Many => out.push(ResolvedToken::Many),
            PatternToken::Variable { key, default } => {
                let text = match context.get(key).map(Vec::as_slice) {
                    Some([one]) => one,
                    None | Some([]) => default.as_ref()?,
                    Some(_) => return None,
                };
                // The value of a variable is literal: a `*` in the value of a tag is not a wildcard.
                out.extend(text.chars().map(ResolvedToken::Char));
            }
        }
    }
    Some(out)
}

/// Whether the whole text matches, where `*` and `?` match any character. Backtracks only to the last `*`, so the time
/// is at most the product of the lengths.
pub(super) fn glob_matches(pieces: &[ResolvedToken], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        let advance = match (pieces.get(p), text.get(t)) {
            (None, None) => return true,
            (Some(ResolvedToken::Many), _) => {
                back = Some((p + 1, t));
                p += 1;
                continue;
            }
            (Some(ResolvedToken::One), Some(_)) => true,
            (Some(ResolvedToken::Char(a)), Some(b)) => a == b,
            _ => false,
        };
        if advance {
            (p, t) = (p + 1, t + 1);
        } else if let Some((after, from)) = back
            && from < text.len()
        {
            // Let the last `*` match one more character.
            back = Some((after, from + 1));
            (p, t) = (after, from + 1);
        } else {
            return false;
        }
    }
}

/// Whether an ARN matches. AWS documents that a wildcard matches within a segment, and that a `*` at the end of a
/// segment "can" match past the colon. This leaves three readings, which differ only for wildcards in the first five
/// segments. Unknown if the readings disagree.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
pub(super) fn arn_matches(pieces: &[ResolvedToken], text: &[char]) -> Truth {
    let whole = glob_matches(pieces, text);
    let segments = split_segments(pieces, |piece| *piece == ResolvedToken::Char(':'));
    let strict = matches_within_segments(&segments, &split_segments(text, |c| *c == ':'));
    let trailing = matches_past_segment_ends(&segments, &text.split(|c| *c == ':').collect::<Vec<_>>());
    match (strict, trailing, whole) {
        (true, true, true) => Truth::Yes,
        (false, false, false) => Truth::No,
        _ => Truth::Unknown,
    }
}

/// Splits at colons into at most six segments; the sixth keeps its colons.
pub(super) fn split_segments<T>(items: &[T], is_colon: impl Fn(&T) -> bool) -> Vec<&[T]> {
    items.splitn(6, is_colon).collect()
}

fn is_open_ended(segment: &[ResolvedToken]) -> bool {
    segment.last() == Some(&ResolvedToken::Many)
}

/// The strict reading: every wildcard matches within its segment, except that a final `*` of a pattern with fewer than
/// six segments matches all following segments.
fn matches_within_segments(pattern: &[&[ResolvedToken]], text: &[&[char]]) -> bool {
    let open = pattern.len() < 6 && pattern.last().is_some_and(|last| is_open_ended(last));
    let fits = if open { pattern.len() <= text.len() } else { pattern.len() == text.len() };
    fits && pattern.iter().zip(text).all(|(pattern, text)| glob_matches(pattern, text))
}

/// The trailing reading: a `*` at the end of a segment may also match whole following segments.
fn matches_past_segment_ends(pattern: &[&[ResolvedToken]], text: &[&[char]]) -> bool {
    matches_past_segment_ends_from(pattern, text, 6)
}

fn matches_past_segment_ends_from(pattern: &[&[ResolvedToken]], text: &[&[char]], left: usize) -> bool {
    let (Some((segment, later)), Some((first, rest))) = (pattern.split_first(), text.split_first()) else {
        return pattern.is_empty() && text.is_empty();
    };
    if left == 1 {
        return glob_matches(segment, &text.join(&':'));
    }
    if !glob_matches(segment, first) {
        return false;
    }
    if !is_open_ended(segment) {
        return if later.is_empty() { rest.is_empty() } else { matches_past_segment_ends_from(later, rest, left - 1) };
    }
    later.is_empty()
        || (0..=rest.len())
            .any(|skip| rest.get(skip..).is_some_and(|rest| matches_past_segment_ends_from(later, rest, left - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::LanguageVersion;
    use crate::pattern::PatternDialect;

    fn pieces(text: &str) -> Vec<ResolvedToken> {
        resolve_variables(&Pattern::parse(text, LanguageVersion::V2012, PatternDialect::Full), &BTreeMap::new())
            .unwrap()
    }

    fn globs(pattern: &str, text: &str) -> bool {
        glob_matches(&pieces(pattern), &text.chars().collect::<Vec<_>>())
    }

    fn arns(pattern: &str, text: &str) -> Truth {
        arn_matches(&pieces(pattern), &text.chars().collect::<Vec<_>>())
    }

    #[test]
    fn wildcards_match_any_character() {
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
    fn arn_readings_agree_or_are_unknown() {
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
    fn wildcard_in_variable_value_is_literal() {
        let pattern = Pattern::parse("a${k}", LanguageVersion::V2012, PatternDialect::Full);
        let context = BTreeMap::from([("k".to_owned(), vec!["*".to_owned()])]);
        let pieces = resolve_variables(&pattern, &context).unwrap();
        assert!(glob_matches(&pieces, &['a', '*']));
        assert!(!glob_matches(&pieces, &['a', 'b']));
    }
}
