//! Texts with wildcards and policy variables, split into tokens. Comparison and evaluation work on the tokens; messages
//! show the text.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
//!
//! `s3:Get*` becomes `[Literal('s'), …, Literal('t'), Many]`; `home/${aws:username}` ends in a `Variable`.

use std::collections::BTreeSet;

use crate::language_version::LanguageVersion;

/// One token of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PatternToken {
    /// Exactly this character.
    Literal(char),
    /// `?`: any one character.
    One,
    /// `*`: any number of characters, including none.
    Many,
    /// `${key}` or `${key, 'default'}`: the value of the key in the request context. Only in version `2012-10-17`.
    Variable {
        /// The context key, in lower case.
        key: String,
        /// The value to use when the request lacks the key. `None`: the statement then does not apply.
        default: Option<String>,
    },
}

/// Which special characters a text may hold. It depends on the element or operator the text belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatternDialect {
    /// None: every character is literal.
    Plain,
    /// Variables, no wildcards: the values of `StringEquals` and `StringEqualsIgnoreCase`.
    Variables,
    /// Wildcards, no variables: actions.
    Wildcards,
    /// Wildcards and variables: resources, values of `StringLike` and of the ARN operators.
    Full,
}

/// A text of a policy and its tokens. Equality and order compare the tokens, so `**` equals `*`.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    tokens: Vec<PatternToken>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.tokens == other.tokens
    }
}
impl Eq for Pattern {}
impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.tokens.cmp(&other.tokens)
    }
}

impl Pattern {
    /// Splits a text into tokens. Every text is a pattern, so this cannot fail.
    pub(crate) fn parse(text: &str, version: LanguageVersion, dialect: PatternDialect) -> Self {
        let wildcards = matches!(dialect, PatternDialect::Wildcards | PatternDialect::Full);
        let variables =
            matches!(dialect, PatternDialect::Variables | PatternDialect::Full) && version == LanguageVersion::V2012;
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if variables && let Some((token, after)) = parse_variable(rest) {
                tokens.push(token);
                rest = after;
                continue;
            }
            tokens.push(match c {
                '*' if wildcards => PatternToken::Many,
                '?' if wildcards => PatternToken::One,
                other => PatternToken::Literal(other),
            });
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        Self { text: text.to_owned(), tokens: normalize_wildcard_runs(tokens) }
    }

    /// The same tokens with another text: the spelling of the document, where the tokens are in lower case.
    pub(crate) fn with_spelling(self, text: &str) -> Self {
        Self { text: text.to_owned(), ..self }
    }

    /// The text as written in the document.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tokens. A run of wildcards is normalized: first every `?`, then at most one `*`.
    pub fn tokens(&self) -> &[PatternToken] {
        &self.tokens
    }

    /// Whether the pattern is `*`, which matches every string.
    pub fn is_everything(&self) -> bool {
        matches!(self.tokens.as_slice(), [PatternToken::Many])
    }

    /// Whether the pattern has a `*` or `?` that is a wildcard.
    pub fn has_wildcard(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token, PatternToken::One | PatternToken::Many))
    }

    /// The context keys of its variables, in lower case.
    pub fn variable_keys(&self) -> BTreeSet<&str> {
        self.tokens
            .iter()
            .filter_map(|token| match token {
                PatternToken::Variable { key, .. } => Some(key.as_str()),
                _ => None,
            })
            .collect()
    }
}

/// Parses `${…}` at the start of the text, and returns the token and the rest. `${*}`, `${?}` and `${$}` are escapes
/// for the literal character. `None`: not a variable, so `$` is literal.
fn parse_variable(text: &str) -> Option<(PatternToken, &str)> {
    let (inside, after) = text.strip_prefix("${")?.split_once('}')?;
    let mut only = inside.chars();
    if let (Some(c @ ('*' | '?' | '$')), None) = (only.next(), only.next()) {
        return Some((PatternToken::Literal(c), after));
    }
    let (key, default) = match inside.split_once(',') {
        None => (inside.trim(), None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key.trim(), Some(default.to_owned()))
        }
    };
    if key.is_empty() || key.contains("${") {
        return None;
    }
    Some((PatternToken::Variable { key: key.to_lowercase(), default }, after))
}

/// Rewrites each run of wildcards as its `?` followed by at most one `*`: `*?` and `?*` match the same strings.
fn normalize_wildcard_runs(tokens: Vec<PatternToken>) -> Vec<PatternToken> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut many = false;
    for token in tokens {
        match token {
            PatternToken::Many => many = true,
            PatternToken::One => out.push(PatternToken::One),
            other => {
                if std::mem::take(&mut many) {
                    out.push(PatternToken::Many);
                }
                out.push(other);
            }
        }
    }
    if many {
        out.push(PatternToken::Many);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(text: &str) -> Vec<PatternToken> {
        Pattern::parse(text, LanguageVersion::V2012, PatternDialect::Full).tokens
    }

    #[test]
    fn variables_exist_only_in_version_2012() {
        let token = PatternToken::Variable { key: "aws:username".to_owned(), default: None };
        assert_eq!(full("${aws:UserName}"), vec![token]);
        let old = Pattern::parse("${aws:username}", LanguageVersion::V2008, PatternDialect::Full);
        assert!(old.tokens.iter().all(|token| matches!(token, PatternToken::Literal(_))));
    }

    #[test]
    fn variable_with_default() {
        let token =
            PatternToken::Variable { key: "aws:principaltag/team".to_owned(), default: Some("none".to_owned()) };
        assert_eq!(full("${aws:PrincipalTag/team, 'none'}"), vec![token]);
    }

    #[test]
    fn escapes_are_literal_characters() {
        assert_eq!(
            full("${*}${?}${$}"),
            vec![PatternToken::Literal('*'), PatternToken::Literal('?'), PatternToken::Literal('$')]
        );
    }

    #[test]
    fn wildcard_runs_are_normalized() {
        assert_eq!(full("*?*?a**"), full("??*a*"));
        assert_ne!(full("?"), full("*"));
    }

    #[test]
    fn malformed_variables_are_literal() {
        for text in ["${", "${}", "$", "${a, b}"] {
            assert!(full(text).iter().all(|token| matches!(token, PatternToken::Literal(_))), "{text}");
        }
    }
}
