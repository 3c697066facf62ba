//! Splits a file into its top-level items, and finds delimiters that are unbalanced or nested too deep. Input: the text of a file.
//! Output: an [`Outline`].
//!
//! The scan reads the tokens of [`Lexer`] once and does not recurse, so no input can exhaust the stack. The invariant: every range in
//! [`Outline::items`] is balanced and at most [`DEEPEST`] levels deep, so that a recursive parser can read it safely.
//!
//! Example: `a = 1`, a comment line and `b "c" { … }` give two items; the comment belongs to neither.

use std::ops::Range;

use super::lexer::{Lexer, OpenDelimiter, Token, TokenKind};
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::source::{FileId, FileSpan};
use crate::hidden_characters::HiddenCharacter;

/// The maximum nesting depth of brackets, interpolations and blocks. Recursive parsers run on a stack sized for it.
pub const DEEPEST: usize = 60;

/// The longest name, in bytes. References are compared with names, so the work for a reference grows with its name.
const LONGEST_NAME: usize = 256;
/// The most errors that are reported for one file. The rest of the file is not read.
const MOST_FINDINGS: usize = 1_000;

/// The top-level items of a file, and the errors found while splitting it.
#[derive(Debug, Default)]
pub struct Outline {
    /// The ranges of the top-level attributes and blocks, each including its last line ending.
    pub items: Vec<Range<usize>>,
    /// The first byte of each item that is not in `items` because it contains an error.
    pub broken: Vec<usize>,
    /// One diagnostic for each error.
    pub findings: Vec<Diagnostic>,
}

/// The state of a scan: the lexer, and the start of the current item.
struct OutlineScanner<'a> {
    text: &'a str,
    file: FileId,
    lexer: Lexer<'a>,
    item: Option<usize>,
    outline: Outline,
}

/// Scans `text`, beginning at byte `from`.
pub fn scan_outline(text: &str, file: FileId, from: usize) -> Outline {
    let lexer = Lexer::new(text, from);
    let mut scanner = OutlineScanner { text, file, lexer, item: None, outline: Outline::default() };
    loop {
        while let Some(token) = scanner.lexer.next_token() {
            scanner.scan_token(token);
            if scanner.outline.findings.len() >= MOST_FINDINGS {
                scanner.report_too_many(token.end);
                return scanner.outline;
            }
        }
        if scanner.lexer.open_delimiters().is_empty() {
            scanner.end_item(text.len());
            return scanner.outline;
        }
        scanner.report_unclosed();
    }
}

impl OutlineScanner<'_> {
    fn make_span(&self, start: usize, end: usize) -> FileSpan {
        FileSpan { file: self.file, bytes: start..end.max(start) }
    }

    fn scan_token(&mut self, token: Token) {
        let innermost = self.lexer.open_delimiters().last().copied();
        let written = self.text.get(token.start..token.end).unwrap_or_default();
        if self.has_hidden_char(token) {
            return;
        }
        match token.kind {
            TokenKind::Newline => match innermost {
                None => self.end_item(token.end),
                Some((OpenDelimiter::Quote, start)) => self.report_broken_quote(start, token.start),
                Some(_) => {}
            },
            TokenKind::Comment if written.starts_with("/*") && !(written.len() > 3 && written.ends_with("*/")) => {
                self.report_unclosed_comment(token.start);
            }
            TokenKind::Comment if innermost.is_none() && written.ends_with('\n') => self.end_item(token.end),
            TokenKind::Comment => {}
            // A carriage return alone is a blank.
            TokenKind::Other if written == "\r" => {}
            TokenKind::Unmatched => self.report_unmatched(token, innermost),
            TokenKind::Word if written.len() > LONGEST_NAME => self.report_long_name(token),
            _ => {
                self.item.get_or_insert(token.start);
                if self.lexer.open_delimiters().len() > DEEPEST {
                    self.report_too_deep(token);
                }
            }
        }
    }

    fn end_item(&mut self, end: usize) {
        if let Some(start) = self.item.take() {
            self.outline.items.push(start..end);
        }
    }

    fn report_unclosed_comment(&mut self, start: usize) {
        self.outline.findings.push(
            Diagnostic::error("config::syntax", "this comment is never closed")
                .with_location(self.make_span(start, start + 2), "begins here")
                .with_help("close it with */"),
        );
        self.outline.broken.extend(self.item.take());
        self.lexer.restart_at(self.text.len());
    }

    fn report_too_deep(&mut self, token: Token) {
        self.outline.findings.push(
            Diagnostic::error("config::too_deep", format!("nested more than {DEEPEST} levels deep"))
                .with_location(self.make_span(token.start, token.end), format!("level {}", DEEPEST + 1))
                .with_help("move inner parts to a `locals` block"),
        );
        self.resume_at_next_header(token.end);
    }

    /// Reports a hidden character outside of strings, and a comment that changes the direction of the text around it: the file would be shown
    /// as something else than what is read. In strings, the attribute decides.
    fn has_hidden_char(&mut self, token: Token) -> bool {
        let written = self.text.get(token.start..token.end).unwrap_or_default();
        let found = written.char_indices().find_map(|(at, c)| {
            let class = HiddenCharacter::classify_char(c)?;
            let refused = match token.kind {
                TokenKind::Word => true,
                TokenKind::Other => c != '\r',
                TokenKind::Comment => class == HiddenCharacter::Direction,
                _ => false,
            };
            refused.then_some((at, c, class))
        });
        let Some((at, c, class)) = found else { return false };
        let (start, code) = (token.start + at, u32::from(c));
        self.outline.findings.push(
            Diagnostic::error(
                "config::hidden_character",
                format!("the hidden character U+{code:04X} ({}) is not allowed here", class.describe()),
            )
            .with_location(self.make_span(start, start + c.len_utf8()), "here")
            .with_help("remove the character; in a string, write it as an escape"),
        );
        self.resume_at_next_header(token.end);
        true
    }

    fn report_long_name(&mut self, token: Token) {
        self.outline.findings.push(
            Diagnostic::error("config::too_large", format!("a name is longer than {LONGEST_NAME} bytes"))
                .with_location(self.make_span(token.start, token.end), format!("{} bytes", token.end - token.start))
                .with_help("use a shorter name; put long texts in quotes"),
        );
        self.resume_at_next_header(token.end);
    }

    fn report_too_many(&mut self, at: usize) {
        self.outline.broken.extend(self.item.take());
        self.outline.findings.push(
            Diagnostic::error("config::too_many", format!("more than {MOST_FINDINGS} syntax errors in this file"))
                .with_location(self.make_span(at, at), "reading stopped here")
                .with_help("correct the first errors, and run the command again"),
        );
    }

    fn report_unmatched(&mut self, token: Token, innermost: Option<(OpenDelimiter, usize)>) {
        let closer = self.text.get(token.start..token.end).unwrap_or_default();
        let mut finding = Diagnostic::error("config::syntax", format!("unexpected `{closer}`"))
            .with_location(self.make_span(token.start, token.end), "unexpected");
        finding = match innermost {
            Some((open, at)) => finding
                .with_related(
                    self.make_span(at, at + measure_delimiter(open)),
                    format!("{} is still open here", describe_delimiter(open)),
                )
                .with_help(format!(
                    "close {} with {} first, or remove this `{closer}`",
                    describe_delimiter(open),
                    describe_closing(open)
                )),
            None => finding.with_help(format!("remove this `{closer}`, or add the missing opening delimiter")),
        };
        self.outline.findings.push(finding);
        self.resume_at_next_header(token.end);
    }

    /// Reports a string that begins at `start` and is not closed before the line ends at `end`.
    fn report_broken_quote(&mut self, start: usize, end: usize) {
        let written = self.text.get(start..end).unwrap_or_default();
        let visible = start + written.strip_suffix('\r').unwrap_or(written).len();
        self.outline.findings.push(
            Diagnostic::error("config::syntax", "this string is not closed on its line")
                .with_location(self.make_span(start, visible), "begins here")
                .with_help("close it with \", or use a heredoc for several lines: <<EOT … EOT"),
        );
        self.resume_at_next_header(end);
    }

    /// Reports a delimiter that is still open at the end of the file, and continues after the item that contains it.
    fn report_unclosed(&mut self) {
        // A line that looks like a block header most likely begins the next item. So the delimiter that is not closed is the
        // innermost one opened before that line.
        let open = self.lexer.open_delimiters();
        let Some(broken) = open.first().copied() else { return };
        let resume = self.find_next_header(self.item.unwrap_or(broken.1));
        let (culprit, at) =
            open.iter().rev().find(|(_, at)| resume.is_none_or(|resume| *at < resume)).copied().unwrap_or(broken);
        self.outline.findings.push(
            Diagnostic::error("config::syntax", format!("{} is never closed", describe_delimiter(culprit)))
                .with_location(self.make_span(at, at + measure_delimiter(culprit)), "opened here")
                .with_help(match culprit {
                    OpenDelimiter::Heredoc(from, to) => {
                        format!("end it with a line that contains only {}", self.text.get(from..to).unwrap_or_default())
                    }
                    other => format!("close it with {}", describe_closing(other)),
                }),
        );
        self.outline.broken.extend(self.item.take());
        self.lexer.restart_at(resume.unwrap_or(self.text.len()));
    }

    /// Recovers from an error: continues at the next line that looks like a block header, or at the end of the file.
    fn resume_at_next_header(&mut self, from: usize) {
        self.outline.broken.extend(self.item.take());
        self.lexer.restart_at(self.find_next_header(from).unwrap_or(self.text.len()));
    }

    /// The start of the next line after `from` that begins in column 0 with `word {` or `word "label"… {`.
    fn find_next_header(&self, from: usize) -> Option<usize> {
        let text = self.text.as_bytes();
        let mut at = from;
        loop {
            at += text.get(at..)?.iter().position(|b| *b == b'\n')? + 1;
            let line = text.get(at..)?;
            let line = line.get(..line.iter().position(|b| *b == b'\n').unwrap_or(line.len())).unwrap_or(line);
            if is_header(line) {
                return Some(at);
            }
        }
    }
}

fn is_header(line: &[u8]) -> bool {
    let word = line.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_')).unwrap_or(0);
    if word == 0 || line.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let rest = line.get(word..).unwrap_or_default();
    let labels = rest.iter().position(|b| *b == b'{').and_then(|brace| rest.get(..brace));
    labels.is_some_and(|labels| {
        let quotes = labels.iter().filter(|b| **b == b'"').count();
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b" \t\"_-.".contains(b);
        quotes % 2 == 0 && labels.iter().all(plain)
    })
}

fn measure_delimiter(open: OpenDelimiter) -> usize {
    match open {
        OpenDelimiter::Interpolation => 2,
        OpenDelimiter::Heredoc(from, to) => to - from + 2,
        _ => 1,
    }
}

fn describe_delimiter(open: OpenDelimiter) -> &'static str {
    match open {
        OpenDelimiter::Brace => "this `{`",
        OpenDelimiter::Bracket => "this `[`",
        OpenDelimiter::Paren => "this `(`",
        OpenDelimiter::Interpolation => "this `${`",
        OpenDelimiter::Quote => "this string",
        OpenDelimiter::Heredoc(..) => "this heredoc",
    }
}

fn describe_closing(open: OpenDelimiter) -> &'static str {
    match open {
        OpenDelimiter::Brace | OpenDelimiter::Interpolation => "`}`",
        OpenDelimiter::Bracket => "`]`",
        OpenDelimiter::Paren => "`)`",
        OpenDelimiter::Quote => "`\"`",
        OpenDelimiter::Heredoc(..) => "its end marker",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<&str> {
        let outline = scan_outline(text, FileId(0), 0);
        assert_eq!(outline.findings, []);
        outline.items.into_iter().map(|range| &text[range]).collect()
    }

    fn summaries(text: &str) -> Vec<String> {
        scan_outline(text, FileId(0), 0).findings.into_iter().map(|finding| finding.summary).collect()
    }

    #[test]
    fn cuts_at_line_ends_outside_of_everything() {
        assert_eq!(items("a = 1\n\n# x {\nb \"c\" {\n  d = \"}\"\n}\n"), ["a = 1\n", "b \"c\" {\n  d = \"}\"\n}\n"]);
        assert_eq!(items("a = \"${{ x = \"}\" }}\"\nb = 1"), ["a = \"${{ x = \"}\" }}\"\n", "b = 1"]);
        assert_eq!(
            items("a = <<-E\n  } \" ${ {} }\n  E2\n  E\nb = 1\n"),
            ["a = <<-E\n  } \" ${ {} }\n  E2\n  E\n", "b = 1\n"]
        );
        assert_eq!(items("a = \"\\\"${1}$${\"\nb /* { */ {}\n"), ["a = \"\\\"${1}$${\"\n", "b /* { */ {}\n"]);
        assert_eq!(items("a = <<E\nE\nb = 2\n"), ["a = <<E\nE\n", "b = 2\n"]);
        assert_eq!(items("a = <<A-B\n{\nA-B\nb = 2\n"), ["a = <<A-B\n{\nA-B\n", "b = 2\n"]);
        assert!(items("").is_empty());
        assert!(items("\n // only words\n").is_empty());
    }

    #[test]
    fn a_broken_block_does_not_hide_the_next() {
        let text = "a \"x\" {\n  b = [\n}\nc \"y\" {\n}\n";
        let outline = scan_outline(text, FileId(0), 0);
        assert_eq!(outline.findings.len(), 1);
        assert_eq!(outline.items.len(), 1);
        assert_eq!(&text[outline.items[0].clone()], "c \"y\" {\n}\n");
        assert_eq!(summaries("a {\n  b {\n\nc {\n}\n"), ["this `{` is never closed"]);
        assert_eq!(summaries("a = \"x\nb {\n}\n"), ["this string is not closed on its line"]);
        assert_eq!(summaries("/* a"), ["this comment is never closed"]);
        assert_eq!(summaries("a = <<E\nx\n"), ["this heredoc is never closed"]);
        assert_eq!(summaries("}\n"), ["unexpected `}`"]);
    }

    #[test]
    fn names_and_errors_are_bounded() {
        assert!(summaries(&format!("{} = 1\n", "x".repeat(LONGEST_NAME))).is_empty());
        assert_eq!(summaries(&format!("{} = 1\n", "x".repeat(LONGEST_NAME + 1))), ["a name is longer than 256 bytes"]);
        assert_eq!(summaries(&"}\na {\n}\n".repeat(MOST_FINDINGS - 1)).len(), MOST_FINDINGS - 1);
        let many = summaries(&"}\na {\n}\n".repeat(MOST_FINDINGS + 5));
        assert_eq!(many.len(), MOST_FINDINGS + 1);
        assert_eq!(many.last().unwrap(), "more than 1000 syntax errors in this file");
    }

    #[test]
    fn depth_is_bounded_without_recursion() {
        assert!(summaries(&format!("a = {}{}\n", "[".repeat(60), "]".repeat(60))).is_empty());
        assert_eq!(summaries(&format!("a = {}\n", "[".repeat(61))), ["nested more than 60 levels deep"]);
        assert_eq!(summaries(&format!("a = {}", "\"${".repeat(1_000_000))), ["nested more than 60 levels deep"]);
    }

    proptest::proptest! {
        #[test]
        fn items_lie_in_order_within_the_text(text in "[a-c \n{}\\[\\]()\"$%<E\\\\#/*-]{0,80}") {
            let outline = scan_outline(&text, FileId(0), 0);
            let mut last = 0;
            for item in outline.items {
                proptest::prop_assert!(last <= item.start && item.start < item.end && item.end <= text.len());
                last = item.end;
            }
        }
    }
}
