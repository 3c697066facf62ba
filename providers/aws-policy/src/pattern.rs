//! Text with wildcards and policy variables, as the tokens it consists of.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use std::collections::BTreeSet;

use crate::document::Version;

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// This character.
    Literal(char),
    /// `?`: exactly one character, whichever.
    One,
    /// `*`: any characters, or none.
    Many,
    /// `${key}` or `${key, 'default'}`: the value that the request's context holds for the key. 2012 grammar only.
    Variable {
        /// The context key, in lower case.
        key: String,
        /// What stands in when the request lacks the key. Without a default the statement does not apply.
        default: Option<String>,
    },
}

/// Which parts of the pattern language a text is read with; the place where the text stands decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Every character stands for itself.
    Plain,
    /// Variables, no wildcards: the string operators other than `…Like`.
    Variables,
    /// Wildcards, no variables: actions.
    Wildcards,
    /// Both: resources, `StringLike`, ARN operators.
    Full,
}

/// A text of a policy and its tokens. Equality and order are those of the tokens, so that `**` is `*`.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
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
    pub(crate) fn read(text: &str, version: Version, dialect: Dialect) -> Self {
        let wildcards = matches!(dialect, Dialect::Wildcards | Dialect::Full);
        let variables = matches!(dialect, Dialect::Variables | Dialect::Full) && version == Version::V2012;
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if variables && let Some((token, after)) = variable(rest) {
                tokens.push(token);
                rest = after;
                continue;
            }
            tokens.push(match c {
                '*' if wildcards => Token::Many,
                '?' if wildcards => Token::One,
                other => Token::Literal(other),
            });
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        Self { text: text.to_owned(), tokens: ordered_runs(tokens) }
    }

    /// The same tokens under the spelling of the document.
    pub(crate) fn spelled(self, text: &str) -> Self {
        Self { text: text.to_owned(), ..self }
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tokens. In a run of wildcards every `?` stands before the one `*`.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Whether the pattern matches every string.
    pub fn is_everything(&self) -> bool {
        matches!(self.tokens.as_slice(), [Token::Many])
    }

    /// Whether any wildcard stands in it.
    pub fn has_wildcard(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token, Token::One | Token::Many))
    }

    /// The context keys that its variables read, in lower case.
    pub fn variables(&self) -> BTreeSet<&str> {
        self.tokens
            .iter()
            .filter_map(|token| match token {
                Token::Variable { key, .. } => Some(key.as_str()),
                _ => None,
            })
            .collect()
    }
}

/// Reads `${…}` at the start of the text. `${*}`, `${?}` and `${$}` stand for the character itself.
fn variable(text: &str) -> Option<(Token, &str)> {
    let (inside, after) = text.strip_prefix("${")?.split_once('}')?;
    let mut only = inside.chars();
    if let (Some(c @ ('*' | '?' | '$')), None) = (only.next(), only.next()) {
        return Some((Token::Literal(c), after));
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
    Some((Token::Variable { key: key.to_lowercase(), default }, after))
}

/// `*?` and `?*` match the same; within a run the `?` come first and one `*` remains.
fn ordered_runs(tokens: Vec<Token>) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut many = false;
    for token in tokens {
        match token {
            Token::Many => many = true,
            Token::One => out.push(Token::One),
            other => {
                if std::mem::take(&mut many) {
                    out.push(Token::Many);
                }
                out.push(other);
            }
        }
    }
    if many {
        out.push(Token::Many);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(text: &str) -> Vec<Token> {
        Pattern::read(text, Version::V2012, Dialect::Full).tokens
    }

    #[test]
    fn variables_belong_to_the_2012_grammar() {
        let token = Token::Variable { key: "aws:username".to_owned(), default: None };
        assert_eq!(full("${aws:UserName}"), vec![token]);
        let old = Pattern::read("${aws:username}", Version::V2008, Dialect::Full);
        assert!(old.tokens.iter().all(|token| matches!(token, Token::Literal(_))));
    }

    #[test]
    fn a_variable_may_have_a_default() {
        let token = Token::Variable { key: "aws:principaltag/team".to_owned(), default: Some("none".to_owned()) };
        assert_eq!(full("${aws:PrincipalTag/team, 'none'}"), vec![token]);
    }

    #[test]
    fn escapes_stand_for_the_character() {
        assert_eq!(full("${*}${?}${$}"), vec![Token::Literal('*'), Token::Literal('?'), Token::Literal('$')]);
    }

    #[test]
    fn runs_of_wildcards_have_one_form() {
        assert_eq!(full("*?*?a**"), full("??*a*"));
        assert_ne!(full("?"), full("*"));
    }

    #[test]
    fn what_is_no_variable_is_text() {
        for text in ["${", "${}", "$", "${a, b}"] {
            assert!(full(text).iter().all(|token| matches!(token, Token::Literal(_))), "{text}");
        }
    }
}
