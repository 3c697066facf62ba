//! Splits text into tokens for the formatter. Input: the text of a file. Output: tokens with the number of blanks before each. Only the
//! kind of blanks between tokens is lost: strings, heredocs and comments keep every byte.

/// The kind of a token, as far as the layout depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// The end of a line.
    Newline,
    /// A comment: `# …` and `// …` include the end of their line, `/* … */` does not.
    Comment,
    /// An identifier or keyword.
    Word,
    /// A number.
    Number,
    /// The `"` that begins a string.
    OpenQuote,
    /// The `"` that ends a string.
    CloseQuote,
    /// Literal text in a string.
    Text,
    /// A heredoc, from `<<` to its closing word.
    Heredoc,
    /// `${` and `%{`, including a `~` that follows.
    OpenTemplate,
    /// The `}` that ends an interpolation or directive, including a `~` that precedes it.
    CloseTemplate,
    /// `{`.
    OpenBrace,
    /// `}`.
    CloseBrace,
    /// `[`.
    OpenBracket,
    /// `]`.
    CloseBracket,
    /// `(`.
    OpenParen,
    /// `)`.
    CloseParen,
    /// `,`.
    Comma,
    /// `.`.
    Dot,
    /// `...`.
    Ellipsis,
    /// `::`.
    DoubleColon,
    /// `=`.
    Equal,
    /// `!`.
    Bang,
    /// `-`.
    Minus,
    /// Other operators, `?`, `:`, `=>`. A minus after one of them is a sign.
    Operator,
    /// Any other character.
    Other,
}

/// A token and the blanks before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatToken<'t> {
    /// The kind of the token.
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

/// The context of the tokenizer at a position.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TokenContext {
    /// An expression or body, with the number of braces open in it.
    Code(usize),
    /// Inside a string.
    Quote,
}

/// Splits a text into tokens. The text should be free of syntax errors. In any other text, every byte still becomes part of a token or
/// blank.
#[must_use]
pub fn tokenize_text(text: &str) -> Vec<FormatToken<'_>> {
    let mut tokens = Vec::new();
    let mut within = vec![TokenContext::Code(0)];
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let inside = within.last().copied().unwrap_or(TokenContext::Code(0));
        let spaces = match inside {
            TokenContext::Code(_) => rest.len() - rest.trim_start_matches([' ', '\t']).len(),
            TokenContext::Quote => 0,
        };
        let rest = rest.get(spaces..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        let (kind, length) = match inside {
            TokenContext::Code(braces) => read_code_token(rest, braces),
            TokenContext::Quote => read_quoted_token(rest),
        };
        let length = extend_to_char_boundary(rest, length.max(1));
        tokens.push(FormatToken { kind, text: rest.get(..length).unwrap_or(rest), spaces });
        at += spaces + length;
        let depth = within.len();
        match (kind, within.last_mut()) {
            (TokenKind::OpenQuote, _) => within.push(TokenContext::Quote),
            (TokenKind::OpenTemplate, _) => within.push(TokenContext::Code(0)),
            (TokenKind::CloseQuote | TokenKind::CloseTemplate, _) if depth > 1 => {
                within.pop();
            }
            (TokenKind::OpenBrace, Some(TokenContext::Code(braces))) => *braces += 1,
            (TokenKind::CloseBrace, Some(TokenContext::Code(braces))) => *braces = braces.saturating_sub(1),
            _ => {}
        }
        // If no brace is open, this brace ends the interpolation. In a body it is an ordinary brace.
        if kind == TokenKind::CloseBrace && within.len() > 1 && inside == TokenContext::Code(0) {
            if let Some(last) = tokens.last_mut() {
                last.kind = TokenKind::CloseTemplate;
            }
            within.pop();
        }
    }
    tokens
}

fn extend_to_char_boundary(text: &str, mut length: usize) -> usize {
    while length < text.len() && !text.is_char_boundary(length) {
        length += 1;
    }
    length.min(text.len())
}

/// Tokens with a fixed spelling. A longer one precedes those that are a prefix of it.
const FIXED: [(&str, TokenKind); 33] = [
    ("\r\n", TokenKind::Newline),
    ("\n", TokenKind::Newline),
    ("...", TokenKind::Ellipsis),
    ("::", TokenKind::DoubleColon),
    ("==", TokenKind::Operator),
    ("!=", TokenKind::Operator),
    ("<=", TokenKind::Operator),
    (">=", TokenKind::Operator),
    ("=>", TokenKind::Operator),
    ("&&", TokenKind::Operator),
    ("||", TokenKind::Operator),
    ("${", TokenKind::OpenTemplate),
    ("%{", TokenKind::OpenTemplate),
    ("\"", TokenKind::OpenQuote),
    ("{", TokenKind::OpenBrace),
    ("}", TokenKind::CloseBrace),
    ("[", TokenKind::OpenBracket),
    ("]", TokenKind::CloseBracket),
    ("(", TokenKind::OpenParen),
    (")", TokenKind::CloseParen),
    (",", TokenKind::Comma),
    (".", TokenKind::Dot),
    ("=", TokenKind::Equal),
    ("!", TokenKind::Bang),
    ("-", TokenKind::Minus),
    ("+", TokenKind::Operator),
    ("*", TokenKind::Operator),
    ("/", TokenKind::Operator),
    ("%", TokenKind::Operator),
    ("<", TokenKind::Operator),
    (">", TokenKind::Operator),
    ("?", TokenKind::Operator),
    (":", TokenKind::Operator),
];

/// The kind and length in bytes of the first token of `rest`, outside of strings.
fn read_code_token(rest: &str, braces: usize) -> (TokenKind, usize) {
    if rest.starts_with('#') || rest.starts_with("//") {
        return (TokenKind::Comment, rest.find('\n').map_or(rest.len(), |end| end + 1));
    }
    if rest.starts_with("/*") {
        return (TokenKind::Comment, rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if rest.starts_with("~}") && braces == 0 {
        return (TokenKind::CloseTemplate, 2);
    }
    if let Some(length) = measure_heredoc(rest) {
        return (TokenKind::Heredoc, length);
    }
    let first = rest.chars().next().unwrap_or_default();
    if first.is_ascii_digit() {
        return (TokenKind::Number, measure_number(rest));
    }
    if first.is_alphabetic() || first == '_' {
        let ends = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
        return (TokenKind::Word, rest.find(ends).unwrap_or(rest.len()));
    }
    let fixed = FIXED.iter().find(|(text, _)| rest.starts_with(text));
    match fixed {
        // The `~` that trims blanks is part of the opening bracket.
        Some((text, TokenKind::OpenTemplate)) if rest.get(text.len()..).is_some_and(|tail| tail.starts_with('~')) => {
            (TokenKind::OpenTemplate, text.len() + 1)
        }
        Some((text, kind)) => (*kind, text.len()),
        None => (TokenKind::Other, first.len_utf8()),
    }
}

fn measure_number(rest: &str) -> usize {
    let digits = |from: usize| rest.bytes().skip(from).take_while(u8::is_ascii_digit).count();
    let mut length = digits(0);
    if rest.get(length..).is_some_and(|tail| tail.starts_with('.')) && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
    }
    let exponent = rest.get(length..).unwrap_or_default();
    if exponent.starts_with(['e', 'E']) {
        let sign = usize::from(exponent.get(1..).is_some_and(|tail| tail.starts_with(['+', '-'])));
        let power = digits(length + 1 + sign);
        if power > 0 {
            length += 1 + sign + power;
        }
    }
    length
}

/// The length in bytes of a heredoc, up to and including its closing word. `None`: no complete heredoc begins here.
fn measure_heredoc(rest: &str) -> Option<usize> {
    let word = rest.strip_prefix("<<")?;
    let word = word.strip_prefix('-').unwrap_or(word);
    let first_line = word.find('\n')?;
    let word = word.get(..first_line)?.trim_end_matches('\r');
    let named = word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !named {
        return None;
    }
    let mut at = rest.find('\n')? + 1;
    loop {
        let line = rest.get(at..).filter(|rest| !rest.is_empty())?;
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        let after = line.get(blanks..)?.strip_prefix(word);
        if after.is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-')) {
            return Some(at + blanks + word.len());
        }
        at += line.find('\n')? + 1;
    }
}

/// The kind and length in bytes of the first token of `rest`, inside a string.
fn read_quoted_token(rest: &str) -> (TokenKind, usize) {
    if rest.starts_with('"') {
        return (TokenKind::CloseQuote, 1);
    }
    if rest.starts_with("${~") || rest.starts_with("%{~") {
        return (TokenKind::OpenTemplate, 3);
    }
    if rest.starts_with("${") || rest.starts_with("%{") {
        return (TokenKind::OpenTemplate, 2);
    }
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            b'$' | b'%' if next == Some(*byte) && bytes.get(at + 2) == Some(&b'{') => at += 3,
            b'$' | b'%' if next == Some(b'{') => break,
            _ => at += 1,
        }
    }
    (TokenKind::Text, at.min(rest.len()))
}
