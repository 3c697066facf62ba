//! Splits a file into its top-level items, and finds delimiters that are unbalanced or nested too deep. Input: the text of a file.
//! Output: an [`Outline`].
//!
//! The scan reads the bytes once and does not recurse, so no input can exhaust the stack. It recognizes only comments, quoted strings
//! with interpolations, heredocs and brackets. The invariant: every range in [`Outline::items`] is balanced and at most
//! [`DEEPEST`] levels deep, so that a recursive parser can read it safely.
//!
//! Example: `a = 1`, a comment line and `b "c" { … }` give two items; the comment belongs to neither.

use std::ops::Range;

use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::source::{FileId, FileSpan};

/// The maximum nesting depth of brackets, interpolations and blocks. Recursive parsers run on a stack sized for it.
pub const DEEPEST: usize = 60;

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

/// A delimiter that has been opened and not yet closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenDelimiter {
    Brace,
    Bracket,
    Paren,
    /// `${` or `%{`.
    Interpolation,
    /// `"`.
    Quote,
    /// `<<NAME`, with the range of the name.
    Heredoc(usize, usize),
}

/// The state of a scan: the position, the open delimiters with their positions, and the start of the current item.
struct Scanner<'a> {
    text: &'a [u8],
    file: FileId,
    at: usize,
    open: Vec<(OpenDelimiter, usize)>,
    item: Option<usize>,
    outline: Outline,
}

/// Scans `text`, beginning at byte `from`.
pub fn scan_outline(text: &str, file: FileId, from: usize) -> Outline {
    let mut scanner =
        Scanner { text: text.as_bytes(), file, at: from, open: Vec::new(), item: None, outline: Outline::default() };
    scanner.scan_text();
    scanner.outline
}

impl Scanner<'_> {
    fn peek_byte(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn make_span(&self, start: usize, end: usize) -> FileSpan {
        FileSpan { file: self.file, bytes: start..end.max(start) }
    }

    fn scan_text(&mut self) {
        while self.at < self.text.len() {
            match self.open.last() {
                Some((OpenDelimiter::Quote, _)) => self.scan_quotes(),
                Some((OpenDelimiter::Heredoc(..), _)) => self.scan_heredoc(),
                _ => self.scan_code(),
            }
        }
        if let Some(&(open, start)) = self.open.last() {
            self.report_unclosed(open, start);
        } else {
            self.end_item();
        }
    }

    fn scan_code(&mut self) {
        let byte = self.peek_byte(0);
        match byte {
            b'\n' if self.open.is_empty() => {
                self.at += 1;
                self.end_item();
                return;
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'#' => return self.skip_line(),
            b'/' if self.peek_byte(1) == b'/' => return self.skip_line(),
            b'/' if self.peek_byte(1) == b'*' => return self.skip_comment(),
            b'"' => return self.open_delimiter(OpenDelimiter::Quote, 1, 1),
            b'{' => return self.open_delimiter(OpenDelimiter::Brace, 1, 1),
            b'[' => return self.open_delimiter(OpenDelimiter::Bracket, 1, 1),
            b'(' => return self.open_delimiter(OpenDelimiter::Paren, 1, 1),
            b'}' | b']' | b')' => return self.close_delimiter(byte),
            b'<' if self.peek_byte(1) == b'<' => return self.open_heredoc(),
            _ => self.begin_item(),
        }
        self.at += 1;
    }

    fn begin_item(&mut self) {
        if self.item.is_none() {
            self.item = Some(self.at);
        }
    }

    fn end_item(&mut self) {
        if let Some(start) = self.item.take() {
            self.outline.items.push(start..self.at);
        }
    }

    fn skip_line(&mut self) {
        while self.at < self.text.len() && self.peek_byte(0) != b'\n' {
            self.at += 1;
        }
    }

    fn skip_comment(&mut self) {
        let start = self.at;
        let rest = self.text.get(start + 2..).unwrap_or_default();
        match rest.windows(2).position(|pair| pair == b"*/") {
            Some(offset) => self.at = start + 2 + offset + 2,
            None => {
                self.outline.findings.push(
                    Diagnostic::error("config::syntax", "this comment is never closed")
                        .with_location(self.make_span(start, start + 2), "begins here")
                        .with_help("close it with */"),
                );
                self.outline.broken.extend(self.item.take());
                self.open.clear();
                self.at = self.text.len();
            }
        }
    }

    /// Records a delimiter of `width` bytes that opens at the current byte, and advances by `step` bytes.
    fn open_delimiter(&mut self, open: OpenDelimiter, width: usize, step: usize) {
        self.begin_item();
        let start = self.at;
        self.open.push((open, start));
        self.at += step;
        if self.open.len() > DEEPEST {
            self.outline.findings.push(
                Diagnostic::error("config::too_deep", format!("nested more than {DEEPEST} levels deep"))
                    .with_location(self.make_span(start, start + width), format!("level {}", DEEPEST + 1))
                    .with_help("give inner parts names of their own in a `locals` block"),
            );
            self.resume_at_next_header(start + width);
        }
    }

    fn close_delimiter(&mut self, byte: u8) {
        let start = self.at;
        let fits = matches!(
            (self.open.last().map(|(open, _)| *open), byte),
            (Some(OpenDelimiter::Brace | OpenDelimiter::Interpolation), b'}')
                | (Some(OpenDelimiter::Bracket), b']')
                | (Some(OpenDelimiter::Paren), b')')
        );
        if fits {
            self.open.pop();
            self.at += 1;
            return;
        }
        let closer = char::from(byte);
        let mut finding = Diagnostic::error("config::syntax", format!("`{closer}` closes nothing"))
            .with_location(self.make_span(start, start + 1), "unexpected");
        finding = match self.open.last() {
            Some(&(open, at)) => finding
                .with_related(
                    self.make_span(at, at + measure_delimiter(open)),
                    format!("{} is still open here", describe_delimiter(open)),
                )
                .with_help(format!(
                    "close {} with {} first, or remove this `{closer}`",
                    describe_delimiter(open),
                    describe_closing(open)
                )),
            None => finding.with_help(format!("remove this `{closer}`, or look for what it should close")),
        };
        self.outline.findings.push(finding);
        self.resume_at_next_header(start + 1);
    }

    fn scan_quotes(&mut self) {
        match self.peek_byte(0) {
            b'"' => {
                self.open.pop();
            }
            b'\\' => self.at += 1,
            b'\n' => return self.report_broken_quote(),
            b'$' | b'%' => return self.scan_template_start(),
            _ => {}
        }
        self.at += 1;
    }

    /// `${` and `%{` open an interpolation or directive; `$${` and `%%{` are literal text.
    fn scan_template_start(&mut self) {
        let mark = self.peek_byte(0);
        if self.peek_byte(1) == mark && self.peek_byte(2) == b'{' {
            self.at += 3;
        } else if self.peek_byte(1) == b'{' {
            self.open_delimiter(OpenDelimiter::Interpolation, 2, 2);
        } else {
            self.at += 1;
        }
    }

    fn report_broken_quote(&mut self) {
        let start = self.open.last().map_or(self.at, |(_, start)| *start);
        let mut end = self.at;
        if end > start + 1 && self.text.get(end - 1) == Some(&b'\r') {
            end -= 1;
        }
        self.outline.findings.push(
            Diagnostic::error("config::syntax", "this string is not closed on its line")
                .with_location(self.make_span(start, end), "begins here")
                .with_help("close it with \", or write text of several lines as a heredoc: <<EOT … EOT"),
        );
        let resume = self.at;
        self.resume_at_next_header(resume);
    }

    fn open_heredoc(&mut self) {
        let start = self.at;
        let mut name = start + 2;
        if self.text.get(name) == Some(&b'-') {
            name += 1;
        }
        let rest = self.text.get(name..).unwrap_or_default();
        let length = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80)).unwrap_or(0);
        let line_end = rest.get(length..).is_some_and(|tail| tail.starts_with(b"\n") || tail.starts_with(b"\r\n"));
        if length == 0 || !line_end {
            // This is not a heredoc; the parser will report what is wrong.
            self.begin_item();
            self.at += 2;
            return;
        }
        let width = name + length - start;
        self.open_delimiter(OpenDelimiter::Heredoc(name, name + length), width, width);
        self.skip_heredoc_line();
    }

    /// Advances to the next line and, if that line begins with the closing word of the heredoc, past the word.
    fn skip_heredoc_line(&mut self) {
        let Some(&(OpenDelimiter::Heredoc(start, end), _)) = self.open.last() else { return };
        while self.at < self.text.len() && self.peek_byte(0) != b'\n' {
            self.at += 1;
        }
        self.at += 1;
        let mut word = self.at;
        while matches!(self.text.get(word), Some(b' ' | b'\t')) {
            word += 1;
        }
        let name = self.text.get(start..end).unwrap_or_default();
        let after = word + name.len();
        let ends = self.text.get(word..after) == Some(name)
            && !self
                .text
                .get(after)
                .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-') || *b >= 0x80);
        if ends {
            self.open.pop();
            self.at = after;
        }
    }

    fn scan_heredoc(&mut self) {
        match self.peek_byte(0) {
            b'\n' => self.skip_heredoc_line(),
            b'$' | b'%' => self.scan_template_start(),
            _ => self.at += 1,
        }
    }

    /// Reports a delimiter that is still open at the end of the file.
    fn report_unclosed(&mut self, open: OpenDelimiter, start: usize) {
        // A line that looks like a block header most likely begins the next item. So the delimiter that is not closed is the
        // innermost one opened before that line.
        let broken = self.open.first().copied().unwrap_or((open, start));
        let item = self.item.unwrap_or(broken.1);
        let resume = self.find_next_header(item);
        let culprit =
            self.open.iter().rev().find(|(_, at)| resume.is_none_or(|resume| *at < resume)).copied().unwrap_or(broken);
        self.outline.findings.push(
            Diagnostic::error("config::syntax", format!("{} is never closed", describe_delimiter(culprit.0)))
                .with_location(self.make_span(culprit.1, culprit.1 + measure_delimiter(culprit.0)), "opened here")
                .with_help(match culprit.0 {
                    OpenDelimiter::Heredoc(from, to) => format!(
                        "end it with a line that holds only {}",
                        String::from_utf8_lossy(self.text.get(from..to).unwrap_or_default())
                    ),
                    other => format!("close it with {}", describe_closing(other)),
                }),
        );
        self.open.clear();
        self.outline.broken.extend(self.item.take());
        self.at = resume.unwrap_or(self.text.len());
        if resume.is_some() {
            self.scan_text();
        }
    }

    /// Recovers from an error: continues at the next line that looks like a block header, or at the end of the file.
    fn resume_at_next_header(&mut self, from: usize) {
        self.open.clear();
        self.outline.broken.extend(self.item.take());
        self.at = self.find_next_header(from).unwrap_or(self.text.len());
    }

    /// The start of the next line after `from` that begins in column 0 with `word {` or `word "label"… {`.
    fn find_next_header(&self, from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            at += self.text.get(at..)?.iter().position(|b| *b == b'\n')? + 1;
            let line = self.text.get(at..)?;
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
        OpenDelimiter::Heredoc(..) => "its word",
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
        assert_eq!(summaries("}\n"), ["`}` closes nothing"]);
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
