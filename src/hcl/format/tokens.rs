//! Splits text into tokens for the layout. Input: the text of a file. Output: its tokens with the number of blanks before each. Only the kind
//! of blanks between tokens is lost: strings, heredocs and comments keep every byte.

use crate::hcl::syntax::lexer::{Lexer, TokenKind};

/// A token and the blanks before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatToken<'t> {
    /// The kind of the token. A whole heredoc is one token of the kind [`TokenKind::OpenHeredoc`].
    pub kind: TokenKind,
    /// Its text as written.
    pub text: &'t str,
    /// The number of blanks before it.
    pub spaces: usize,
}

impl FormatToken<'_> {
    /// 1 for an opening bracket, -1 for a closing one, 0 for any other token.
    #[must_use]
    pub fn bracket_balance(&self) -> i64 {
        match self.kind {
            TokenKind::OpenBrace | TokenKind::OpenBracket | TokenKind::OpenParen | TokenKind::OpenTemplate => 1,
            TokenKind::CloseBrace | TokenKind::CloseBracket | TokenKind::CloseParen | TokenKind::CloseTemplate => -1,
            _ => 0,
        }
    }

    /// Whether the token ends its line.
    #[must_use]
    pub fn ends_line(&self) -> bool {
        self.kind == TokenKind::Newline || (self.kind == TokenKind::Comment && self.text.ends_with('\n'))
    }
}

/// Splits a text into tokens. The text should be free of syntax errors. In any other text, every byte still becomes part of a token or
/// blank.
#[must_use]
pub fn tokenize_text(text: &str) -> Vec<FormatToken<'_>> {
    let mut lexer = Lexer::new(text, 0);
    let mut tokens = Vec::new();
    let mut before = 0;
    while let Some(mut token) = lexer.next_token() {
        if token.kind == TokenKind::OpenHeredoc {
            let outside = lexer.open_delimiters().len() - 1;
            while lexer.open_delimiters().len() > outside
                && let Some(inner) = lexer.next_token()
            {
                token.end = inner.end;
            }
        }
        let written = text.get(token.start..token.end).unwrap_or_default();
        tokens.push(FormatToken { kind: token.kind, text: written, spaces: token.start - before });
        before = token.end;
    }
    tokens
}
