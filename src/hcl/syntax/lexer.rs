//! The lexer of the language: splits text into tokens and keeps track of the open delimiters. Input: any text. Output: its tokens in order.
//!
//! The outline of a file, the extent of an expression and the formatter use it. It reads each byte once and does not recurse, so no input can
//! exhaust the stack. The invariant: every byte belongs to exactly one token or to the blanks before one, whether the text has errors or not.
//!
//! Example: `a = "x${b}"` gives a word, `=`, the opening quote, the text `x`, `${`, a word, the `}` that closes `${`, and the closing quote.

/// A token: a range of bytes and its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The kind of the token.
    pub kind: TokenKind,
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
}

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// The end of a line. Within a string it is an error, because strings end on their line.
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
    /// Literal text in a string or heredoc.
    Text,
    /// The `<<` or `<<-` that begins a heredoc, with its word.
    OpenHeredoc,
    /// The rest of a heredoc after its last interpolation, up to and including its closing word.
    CloseHeredoc,
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
    /// A closing bracket that does not match the innermost open delimiter.
    Unmatched,
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

/// A delimiter that has been opened and not yet closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenDelimiter {
    /// `{`.
    Brace,
    /// `[`.
    Bracket,
    /// `(`.
    Paren,
    /// `${` or `%{`.
    Interpolation,
    /// `"`.
    Quote,
    /// `<<NAME`, with the range of the name.
    Heredoc(usize, usize),
}

/// Reads tokens one by one.
pub struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    open: Vec<(OpenDelimiter, usize)>,
}

impl<'t> Lexer<'t> {
    /// A lexer that begins at byte `from`, outside of all delimiters.
    #[must_use]
    pub fn new(text: &'t str, from: usize) -> Self {
        Self { text, bytes: text.as_bytes(), at: from, open: Vec::new() }
    }

    /// The open delimiters, outermost first, each with its first byte.
    #[must_use]
    pub fn open_delimiters(&self) -> &[(OpenDelimiter, usize)] {
        &self.open
    }

    /// Continues at byte `at`, outside of all delimiters.
    pub fn restart_at(&mut self, at: usize) {
        self.at = at;
        self.open.clear();
    }

    /// The next token. `None`: the rest of the text is blank.
    pub fn next_token(&mut self) -> Option<Token> {
        let innermost = self.open.last().map(|(open, _)| *open);
        match innermost {
            Some(OpenDelimiter::Quote) => self.read_quoted(),
            Some(OpenDelimiter::Heredoc(from, to)) => self.read_heredoc(from, to),
            _ => self.read_code(innermost == Some(OpenDelimiter::Interpolation)),
        }
    }

    fn peek_byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// The token of `length` bytes from here.
    fn take_token(&mut self, kind: TokenKind, length: usize) -> Option<Token> {
        let start = self.at;
        self.at = (start + length).min(self.bytes.len());
        Some(Token { kind, start, end: self.at })
    }

    fn open_delimiter(&mut self, kind: TokenKind, open: OpenDelimiter, length: usize) -> Option<Token> {
        self.open.push((open, self.at));
        self.take_token(kind, length)
    }

    /// A token that ends the innermost delimiter.
    fn close_delimiter(&mut self, kind: TokenKind, length: usize) -> Option<Token> {
        self.open.pop();
        self.take_token(kind, length)
    }

    fn read_code(&mut self, in_template: bool) -> Option<Token> {
        while matches!(self.peek_byte(0), b' ' | b'\t') {
            self.at += 1;
        }
        let byte = *self.bytes.get(self.at)?;
        match byte {
            b'\n' => self.take_token(TokenKind::Newline, 1),
            b'\r' if self.peek_byte(1) == b'\n' => self.take_token(TokenKind::Newline, 2),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.read_word(),
            b'0'..=b'9' => self.take_token(TokenKind::Number, self.measure_number()),
            b'#' => self.read_line_comment(),
            b'/' if self.peek_byte(1) == b'/' => self.read_line_comment(),
            b'/' if self.peek_byte(1) == b'*' => {
                let rest = self.bytes.get(self.at + 2..).unwrap_or_default();
                let length = rest.windows(2).position(|pair| pair == b"*/").map_or(rest.len(), |at| at + 2);
                self.take_token(TokenKind::Comment, 2 + length)
            }
            b'"' => self.open_delimiter(TokenKind::OpenQuote, OpenDelimiter::Quote, 1),
            b'{' => self.open_delimiter(TokenKind::OpenBrace, OpenDelimiter::Brace, 1),
            b'[' => self.open_delimiter(TokenKind::OpenBracket, OpenDelimiter::Bracket, 1),
            b'(' => self.open_delimiter(TokenKind::OpenParen, OpenDelimiter::Paren, 1),
            b'}' | b']' | b')' => self.read_closing_bracket(byte),
            b'~' if in_template && self.peek_byte(1) == b'}' => self.close_delimiter(TokenKind::CloseTemplate, 2),
            b'$' | b'%' if self.peek_byte(1) == b'{' => self.read_template_start(),
            b'<' => self.read_heredoc_start().or_else(|| self.read_operator(byte)),
            0x80.. => self.read_non_ascii(),
            _ => self.read_operator(byte),
        }
    }

    fn read_operator(&mut self, byte: u8) -> Option<Token> {
        let (kind, length) = match (byte, self.peek_byte(1)) {
            (b'.', b'.') if self.peek_byte(2) == b'.' => (TokenKind::Ellipsis, 3),
            (b'.', _) => (TokenKind::Dot, 1),
            (b',', _) => (TokenKind::Comma, 1),
            (b':', b':') => (TokenKind::DoubleColon, 2),
            (b'=', b'=' | b'>') | (b'!' | b'<' | b'>', b'=') | (b'&', b'&') | (b'|', b'|') | (b'<', b'<') => {
                (TokenKind::Operator, 2)
            }
            (b'=', _) => (TokenKind::Equal, 1),
            (b'!', _) => (TokenKind::Bang, 1),
            (b'-', _) => (TokenKind::Minus, 1),
            (b'+' | b'*' | b'/' | b'%' | b'<' | b'>' | b'?' | b':', _) => (TokenKind::Operator, 1),
            _ => (TokenKind::Other, 1),
        };
        self.take_token(kind, length)
    }

    fn read_word(&mut self) -> Option<Token> {
        let rest = self.bytes.get(self.at..)?;
        let ascii = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let length = rest.iter().take_while(|byte| ascii(byte)).count();
        if rest.get(length).is_none_or(u8::is_ascii) {
            return self.take_token(TokenKind::Word, length);
        }
        let rest = self.text.get(self.at..)?;
        self.take_token(TokenKind::Word, rest.find(|c| !continues_word(c)).unwrap_or(rest.len()))
    }

    fn read_non_ascii(&mut self) -> Option<Token> {
        let first = self.text.get(self.at..)?.chars().next()?;
        if first.is_alphabetic() { self.read_word() } else { self.take_token(TokenKind::Other, first.len_utf8()) }
    }

    fn read_line_comment(&mut self) -> Option<Token> {
        let rest = self.bytes.get(self.at..)?;
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        self.take_token(TokenKind::Comment, length)
    }

    fn read_closing_bracket(&mut self, byte: u8) -> Option<Token> {
        let kind = match (self.open.last().map(|(open, _)| *open), byte) {
            (Some(OpenDelimiter::Brace), b'}') => TokenKind::CloseBrace,
            (Some(OpenDelimiter::Interpolation), b'}') => TokenKind::CloseTemplate,
            (Some(OpenDelimiter::Bracket), b']') => TokenKind::CloseBracket,
            (Some(OpenDelimiter::Paren), b')') => TokenKind::CloseParen,
            _ => return self.take_token(TokenKind::Unmatched, 1),
        };
        self.close_delimiter(kind, 1)
    }

    /// The length in bytes of the number that begins here: digits, a fraction, an exponent.
    fn measure_number(&self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let digits = |from: usize| rest.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        let mut length = digits(0);
        if rest.get(length) == Some(&b'.') && digits(length + 1) > 0 {
            length += 1 + digits(length + 1);
        }
        if matches!(rest.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(rest.get(length + 1), Some(b'+' | b'-')));
            let power = digits(length + 1 + sign);
            if power > 0 {
                length += 1 + sign + power;
            }
        }
        length
    }

    /// Reads `${` or `%{`.
    fn read_template_start(&mut self) -> Option<Token> {
        let length = if self.peek_byte(2) == b'~' { 3 } else { 2 };
        self.open_delimiter(TokenKind::OpenTemplate, OpenDelimiter::Interpolation, length)
    }

    fn read_quoted(&mut self) -> Option<Token> {
        match *self.bytes.get(self.at)? {
            b'"' => self.close_delimiter(TokenKind::CloseQuote, 1),
            b'\n' => self.take_token(TokenKind::Newline, 1),
            b'$' | b'%' if self.peek_byte(1) == b'{' => self.read_template_start(),
            _ => {
                let mut length = 0;
                loop {
                    match self.peek_byte(length) {
                        b'"' | b'\n' => break,
                        b'\\' => length += 2,
                        byte => match self.measure_literal(byte, length) {
                            Some(step) => length += step,
                            None => break,
                        },
                    }
                    if self.at + length >= self.bytes.len() {
                        break;
                    }
                }
                self.take_token(TokenKind::Text, length)
            }
        }
    }

    /// The length of the literal text at `ahead`, of which `byte` is the first byte: `$${` and `%%{` are text. `None`: a template begins.
    fn measure_literal(&self, byte: u8, ahead: usize) -> Option<usize> {
        if !matches!(byte, b'$' | b'%') {
            return Some(1);
        }
        let next = self.peek_byte(ahead + 1);
        if next == byte && self.peek_byte(ahead + 2) == b'{' {
            return Some(3);
        }
        (next != b'{').then_some(1)
    }

    /// Reads `<<NAME` or `<<-NAME` at the end of a line. `None`: no heredoc begins here.
    fn read_heredoc_start(&mut self) -> Option<Token> {
        let rest = self.text.get(self.at..)?.strip_prefix("<<")?;
        let name = rest.strip_prefix('-').unwrap_or(rest);
        let length = name.find(|c: char| !continues_word(c))?;
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return None;
        }
        let after = name.get(length..)?;
        if !(after.starts_with('\n') || after.starts_with("\r\n")) {
            return None;
        }
        let from = self.at + 2 + rest.len() - name.len();
        let to = from + length;
        self.open_delimiter(TokenKind::OpenHeredoc, OpenDelimiter::Heredoc(from, to), to - self.at)
    }

    fn read_heredoc(&mut self, from: usize, to: usize) -> Option<Token> {
        let first = *self.bytes.get(self.at)?;
        if matches!(first, b'$' | b'%') && self.peek_byte(1) == b'{' {
            return self.read_template_start();
        }
        let mut length = 0;
        while let Some(byte) = self.bytes.get(self.at + length) {
            match self.measure_literal(*byte, length) {
                Some(step) => length += step,
                None => break,
            }
            if *byte == b'\n'
                && let Some(closing) = self.measure_closing_word(self.at + length, from, to)
            {
                return self.close_delimiter(TokenKind::CloseHeredoc, length + closing);
            }
        }
        self.take_token(TokenKind::Text, length)
    }

    /// The length of the blanks and the closing word of a heredoc at the start of a line. `None`: the line does not close the heredoc.
    fn measure_closing_word(&self, line: usize, from: usize, to: usize) -> Option<usize> {
        let rest = self.text.get(line..)?;
        let word = rest.trim_start_matches([' ', '\t']);
        let after = word.strip_prefix(self.text.get(from..to)?)?;
        let ends = !after.starts_with(continues_word);
        ends.then(|| rest.len() - after.len())
    }
}

fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

#[cfg(test)]
mod tests {
    use TokenKind::{
        CloseHeredoc, CloseQuote, CloseTemplate, Comment, Equal, Newline, OpenHeredoc, OpenQuote, OpenTemplate, Text,
        Unmatched, Word,
    };

    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        let mut lexer = Lexer::new(text, 0);
        std::iter::from_fn(|| lexer.next_token()).collect()
    }

    fn kinds(text: &str) -> Vec<TokenKind> {
        tokens(text).into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn delimiters_decide_what_a_character_means() {
        let quoted = [Word, Equal, OpenQuote, Text, OpenTemplate, Word, CloseTemplate, Text, CloseQuote, Comment];
        assert_eq!(kinds("a = \"x$${b\\\"${~ c ~}} \" # d\n"), quoted);
        let heredoc = [Word, Equal, OpenHeredoc, Text, OpenTemplate, Word, CloseTemplate, CloseHeredoc, Newline];
        assert_eq!(kinds("a = <<-E-1\n  } \" ${ b }\n E-1-\n E-1\n"), heredoc);
        assert_eq!(kinds("a }\n"), [Word, Unmatched, Newline]);
    }

    proptest::proptest! {
        #[test]
        fn every_byte_is_in_one_token_or_blank(text in "[a-cE1 \t\r\n{}\\[\\]()\"$%<\\\\#/*~é.=-]{0,80}") {
            let mut before = 0;
            for token in tokens(&text) {
                proptest::prop_assert!(token.start < token.end);
                let blanks = text.get(before..token.start);
                proptest::prop_assert!(blanks.is_some_and(|blanks| blanks.trim_matches([' ', '\t']).is_empty()));
                before = token.end;
            }
            proptest::prop_assert!(text.get(before..).is_some_and(|rest| rest.trim_matches([' ', '\t']).is_empty()));
        }
    }
}
