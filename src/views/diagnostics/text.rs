//! The text of a file in a form that is safe to show: hidden characters, and bytes that are not UTF-8, are replaced by visible ones.
//!
//! In: the bytes of a file, and ranges of these bytes. Out: the shown text, and the same ranges in it. The two differ in length, so that
//! each replacement is noted:
//!
//! ```text
//! a ESC b   3 bytes   →   a ␛ b   5 bytes: byte 2 of the file is byte 4 of the shown text
//! ```

use std::borrow::Cow;
use std::ops::Range;

use crate::hidden_characters::is_hidden_char;

/// The longest line that is shown in full, in bytes.
const LONGEST_LINE: usize = 2_000;

/// The text of a file as shown, with a mapping from bytes of the file to bytes of the shown text.
#[derive(Debug)]
pub struct ShownText<'b> {
    shown: Cow<'b, str>,
    /// The positions after each replacement: in the file, and in the shown text. Sorted.
    moves: Vec<(usize, usize)>,
    /// The first byte of each line in the shown text.
    lines: Vec<usize>,
    /// If no line is shown: the first byte of each line in the file. The shown text is then [`WITHHELD`] once for each line, and is never
    /// built.
    withheld: Option<Vec<u32>>,
}

/// What is shown instead of each line of a file that may hold secrets.
const WITHHELD: &str = "(not shown)\n";

/// The largest file of which characters are replaced, in bytes. The lines of a larger one are not shown.
const LARGEST_REPLACED: usize = 4 << 20;

/// Consecutive lines of a text.
#[derive(Debug, PartialEq, Eq)]
pub struct TextLines<'t> {
    /// The lines, with their line breaks.
    pub text: &'t str,
    /// The position of their first byte in the shown text.
    pub start: usize,
    /// The number of the first line, from 0.
    pub first: usize,
    /// The number of lines.
    pub count: usize,
}

impl<'b> ShownText<'b> {
    /// Makes the text from the bytes of a file.
    pub fn new(bytes: &'b [u8]) -> Self {
        let (shown, moves) = match std::str::from_utf8(bytes) {
            Ok(text) if !text.chars().any(|c| c != '\n' && is_replaced(c)) => (Cow::Borrowed(text), Vec::new()),
            _ if bytes.len() > LARGEST_REPLACED => return Self::withheld(bytes),
            _ => show_bytes(bytes),
        };
        let mut lines = vec![0];
        lines.extend(shown.match_indices('\n').map(|(at, _)| at + 1));
        Self { shown, moves, lines, withheld: None }
    }

    /// The text of a file of which no line is shown: a place in it has a line and no column.
    pub fn withheld(bytes: &[u8]) -> Self {
        let breaks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        // Files of this size are refused long before.
        let given = std::iter::once(0).chain(breaks).map(|at| u32::try_from(at).unwrap_or(u32::MAX)).collect();
        Self { shown: Cow::Borrowed(""), moves: Vec::new(), lines: Vec::new(), withheld: Some(given) }
    }

    /// The range of the shown text that corresponds to a range of bytes of the file.
    pub fn shown_range(&self, bytes: &Range<usize>) -> Range<usize> {
        if let Some(given) = &self.withheld {
            let at = u32::try_from(bytes.start).unwrap_or(u32::MAX);
            let line = given.partition_point(|start| *start <= at).saturating_sub(1);
            let start = line * WITHHELD.len();
            return start..start + WITHHELD.trim_end().len();
        }
        let start = self.shown_offset(bytes.start);
        start..self.shown_offset(bytes.end).max(start)
    }

    fn shown_offset(&self, given: usize) -> usize {
        let index = self.moves.partition_point(|(from, _)| *from <= given);
        let moved = match index.checked_sub(1).and_then(|index| self.moves.get(index)) {
            Some((from, to)) => to + (given - from),
            None => given,
        };
        let mut at = moved.min(self.shown.len());
        while !self.shown.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// The part of a range that is underlined: of a very long one, the beginning.
    pub fn underlined_range(&self, range: &Range<usize>) -> Range<usize> {
        match range.len() > LONGEST_LINE && self.withheld.is_none() {
            true => range.start..self.floor_boundary(range.start + LONGEST_LINE).max(range.start),
            false => range.clone(),
        }
    }

    /// Line and column of a byte of the shown text, from 1; columns count characters.
    pub fn line_and_column(&self, at: usize) -> (usize, usize) {
        if self.withheld.is_some() {
            return (at / WITHHELD.len() + 1, at % WITHHELD.len() + 1);
        }
        let line = self.line_index(at);
        let start = self.lines.get(line).copied().unwrap_or(0);
        (line + 1, self.shown.get(start..at).map_or(0, |before| before.chars().count()) + 1)
    }

    fn line_index(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// The lines of a range of the shown text, with some lines before and after. Of very long lines, and of very many lines, only the part
    /// near the range is returned.
    pub fn context_lines(&self, range: Range<usize>, before: usize, after: usize) -> TextLines<'_> {
        if self.withheld.is_some() {
            let first = range.start / WITHHELD.len();
            return TextLines { text: WITHHELD, start: first * WITHHELD.len(), first, count: 1 };
        }
        let (first, last) =
            (self.line_index(range.start), self.line_index(range.end.saturating_sub(1).max(range.start)));
        let from = first.saturating_sub(before);
        let to = (last + after + 1).min(self.lines.len());
        let mut start = self.lines.get(from).copied().unwrap_or(0);
        let mut end = self.lines.get(to).copied().unwrap_or(self.shown.len());
        let mut first = from;
        if end - start > LONGEST_LINE * (to - from).max(1) {
            start = self.floor_boundary(range.start.saturating_sub(60).max(start));
            end = self.floor_boundary((range.end + 60).min(end).min(start + 2 * LONGEST_LINE));
            first = self.line_index(start);
        }
        let text = self.shown.get(start..end).unwrap_or_default();
        TextLines { text, start, first, count: text.lines().count() }
    }

    fn floor_boundary(&self, mut at: usize) -> usize {
        while !self.shown.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// Whether a character of a file is replaced. Tabs stay.
fn is_replaced(c: char) -> bool {
    c != '\t' && is_hidden_char(c)
}

/// The visible character that replaces one that controls a terminal.
fn control_picture(c: char) -> char {
    match u32::from(c) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        0x7f => '\u{2421}',
        _ => '\u{fffd}',
    }
}

fn show_bytes(bytes: &[u8]) -> (Cow<'static, str>, Vec<(usize, usize)>) {
    let mut out = String::with_capacity(bytes.len());
    let mut moves = Vec::new();
    let mut given = 0;
    let mut note = |given: usize, shown: usize| moves.push((given, shown));
    for chunk in bytes.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(c) = chars.next() {
            given += c.len_utf8();
            match c {
                '\n' | '\t' => out.push(c),
                // The line break itself ends the line: the `\r` of `\r\n` is not shown.
                '\r' if chars.peek() == Some(&'\n') => note(given, out.len()),
                '\u{feff}' => note(given, out.len()),
                c if is_replaced(c) => {
                    out.push(control_picture(c));
                    note(given, out.len());
                }
                c => out.push(c),
            }
        }
        if !chunk.invalid().is_empty() {
            given += chunk.invalid().len();
            out.push('\u{fffd}');
            note(given, out.len());
        }
    }
    (Cow::Owned(out), moves)
}

/// The text with hidden characters as visible ones: the picture of a control character, the escape of any other. Line breaks stay.
pub fn escape_controls(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push(c),
            c if !is_replaced(c) => shown.push(c),
            c if c.is_ascii() => shown.push(control_picture(c)),
            c => shown.extend(c.escape_unicode()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_what_is_shown() {
        let bytes = b"\xef\xbb\xbfa\x1bb\r\nc\xffd\n";
        let text = ShownText::new(bytes);
        assert_eq!(text.shown, "a\u{241b}b\nc\u{fffd}d\n");
        let at = |byte: u8| bytes.iter().position(|b| *b == byte).unwrap();
        for byte in [b'a', b'b', b'c', b'd'] {
            let range = text.shown_range(&(at(byte)..at(byte) + 1));
            assert_eq!(&text.shown[range], char::from(byte).to_string());
        }
        assert_eq!(text.line_and_column(text.shown_range(&(at(b'd')..at(b'd'))).start), (2, 3));
    }

    #[test]
    fn lines_come_with_their_neighbours() {
        let text = ShownText::new(b"one\ntwo\nthree\n");
        assert_eq!(
            text.context_lines(4..7, 1, 1),
            TextLines { text: "one\ntwo\nthree\n", start: 0, first: 0, count: 3 }
        );
        assert_eq!(text.context_lines(8..13, 0, 0), TextLines { text: "three\n", start: 8, first: 2, count: 1 });
        assert_eq!(text.context_lines(14..14, 0, 0).first, 3);
    }

    #[test]
    fn a_withheld_file_has_lines_and_no_text() {
        let text = ShownText::withheld(b"a = 1\nsecret = 2\nb = 3\n");
        let range = text.shown_range(&(6..12));
        assert_eq!(text.line_and_column(range.start), (2, 1));
        let lines = text.context_lines(range.clone(), 1, 1);
        assert_eq!((lines.text, lines.start, lines.first, lines.count), (WITHHELD, range.start, 1, 1));
        assert_eq!(text.line_and_column(text.shown_range(&(1000..1001)).start).0, 4);
        assert!(ShownText::new(&b"\x07".repeat(LARGEST_REPLACED + 1)).withheld.is_some());
    }

    #[test]
    fn a_giant_line_is_cut() {
        let giant = "x".repeat(1_000_000);
        let text = ShownText::new(giant.as_bytes());
        assert!(text.context_lines(500_000..500_010, 1, 1).text.len() < 200);
    }

    proptest::proptest! {
        #[test]
        fn any_range_of_any_bytes_is_within_the_shown_text(bytes: Vec<u8>, a in 0usize..80, b in 0usize..80) {
            let text = ShownText::new(&bytes);
            let range = text.shown_range(&(a.min(b)..a.max(b)));
            proptest::prop_assert!(text.shown.get(range.clone()).is_some());
            text.context_lines(range, 1, 1);
        }
    }
}
