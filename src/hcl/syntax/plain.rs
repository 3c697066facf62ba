//! A fast reader for simple items: literals, references without computation, lists and objects of them, and inner blocks. Input: the text
//! of one item. Output: the item, or `None`.
//!
//! Most of a large stack consists of such items. `hcl-edit` is slow on them, because it keeps comments and blanks for editing, which
//! are not needed here. This reader never reports an error: if an item contains something it does not know, or an error, it
//! returns `None` and `hcl-edit` parses the item. The invariant is that both produce the same tree; a property test checks it.
//! The scan has already limited the nesting, so recursion is bounded.

use std::collections::HashSet;
use std::sync::Arc;

use super::extent::measure_expression;
use super::lower::LoweringContext;
use super::{
    Attribute, Block, BlockBody, ByteRange, Expr, ExprKind, SpannedName, Traversal, TraversalStep, TraversalStepKind,
};
use crate::hcl::source::FileId;

/// A top-level item.
#[derive(Debug)]
pub(super) enum PlainItem {
    Attribute(Attribute),
    Block(Block),
}

/// Shares one allocation among equal words, such as names of attributes. It keeps at most 4096 words.
#[derive(Default)]
pub(super) struct WordInterner(HashSet<Arc<str>>);

impl WordInterner {
    fn intern_word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.0.get(word) {
            return known.clone();
        }
        let word: Arc<str> = word.into();
        if self.0.len() < 4096 {
            self.0.insert(word.clone());
        }
        word
    }
}

/// A cursor over the text of one item. `at` is the next byte to read, counted from the start of the item.
struct PlainReader<'t, 'w> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    offset: usize,
    file: FileId,
    words: &'w mut WordInterner,
}

/// Reads an item that begins at byte `offset` of its file. `None`: the item is not simple, or contains an error.
pub(super) fn read_plain_item(text: &str, offset: usize, file: FileId, words: &mut WordInterner) -> Option<PlainItem> {
    let mut reader = PlainReader { text, bytes: text.as_bytes(), at: 0, offset, file, words };
    let name = reader.read_name()?;
    let item = reader.read_structure(name)?;
    reader.skip_line_end()?;
    reader.skip_lines()?;
    (reader.at == text.len()).then_some(item)
}

impl PlainReader<'_, '_> {
    fn peek_byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat_byte(&mut self, byte: u8) -> Option<()> {
        (self.peek_byte() == Some(byte)).then(|| self.at += 1)
    }

    fn make_range(&self, start: usize) -> ByteRange {
        ByteRange::new(self.offset + start, self.offset + self.at)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek_byte(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Skips a line comment, if there is one, up to the end of its line. `None`: a block comment follows.
    fn skip_comment(&mut self) -> Option<()> {
        match (self.peek_byte(), self.bytes.get(self.at + 1)) {
            (Some(b'#'), _) | (Some(b'/'), Some(b'/')) => {
                while !matches!(self.peek_byte(), None | Some(b'\n')) {
                    // A carriage return alone does not end a comment; only a line feed does.
                    self.at += 1;
                }
                Some(())
            }
            (Some(b'/'), _) => None,
            _ => Some(()),
        }
    }

    /// Skips blanks, a comment and the end of the line. `None`: something else follows.
    fn skip_line_end(&mut self) -> Option<()> {
        self.skip_blanks();
        self.skip_comment()?;
        match (self.peek_byte(), self.bytes.get(self.at + 1)) {
            (None, _) => Some(()),
            (Some(b'\n'), _) => self.eat_byte(b'\n'),
            (Some(b'\r'), Some(b'\n')) => {
                self.at += 2;
                Some(())
            }
            _ => None,
        }
    }

    /// Skips blank lines and comments.
    fn skip_lines(&mut self) -> Option<()> {
        loop {
            match self.peek_byte() {
                Some(b' ' | b'\t' | b'\n') => self.at += 1,
                Some(b'\r') if self.bytes.get(self.at + 1) == Some(&b'\n') => self.at += 2,
                Some(b'#' | b'/') => self.skip_comment()?,
                _ => return Some(()),
            }
        }
    }

    fn read_word(&mut self) -> Option<&str> {
        let start = self.at;
        if !self.peek_byte().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') {
            return None;
        }
        while self.peek_byte().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
            self.at += 1;
        }
        // Identifiers with non-ASCII letters have rules of their own: leave them to `hcl-edit`.
        if self.peek_byte().is_some_and(|b| b >= 0x80) {
            return None;
        }
        self.text.get(start..self.at)
    }

    fn read_name(&mut self) -> Option<SpannedName> {
        let start = self.at;
        self.read_word()?;
        let text = self.words.intern_word(self.text.get(start..self.at)?);
        Some(SpannedName { text, place: self.make_range(start) })
    }

    /// Reads a string. `None`: it has escapes, interpolations or non-ASCII characters.
    fn read_string(&mut self) -> Option<&str> {
        self.eat_byte(b'"')?;
        let start = self.at;
        loop {
            match self.peek_byte()? {
                b'"' => break,
                b'\\' | 0x80.. | 0..=0x1f | 0x7f => return None,
                b'$' | b'%' if self.bytes.get(self.at + 1) == Some(&b'{') => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.text.get(start..self.at - 1)
    }

    /// Reads what follows a name: the value of an attribute, or the labels and content of a block.
    fn read_structure(&mut self, name: SpannedName) -> Option<PlainItem> {
        self.skip_blanks();
        if self.peek_byte() == Some(b'=') {
            return Some(PlainItem::Attribute(self.read_attribute(name)?));
        }
        let mut labels = Vec::new();
        while self.peek_byte() != Some(b'{') {
            let start = self.at;
            let label = if self.peek_byte() == Some(b'"') {
                let text: Arc<str> = self.read_string()?.into();
                SpannedName { text, place: self.make_range(start) }
            } else {
                self.read_name()?
            };
            labels.push(label);
            self.skip_blanks();
        }
        let end = labels.last().map_or(name.place.end, |label| label.place.end);
        let header = ByteRange { start: name.place.start, end };
        let body = self.read_body()?;
        Some(PlainItem::Block(Block { file: self.file, keyword: name, labels, header, body }))
    }

    fn read_attribute(&mut self, name: SpannedName) -> Option<Attribute> {
        self.eat_byte(b'=')?;
        self.skip_blanks();
        let value = self.read_value()?;
        Some(Attribute { name, value })
    }

    fn read_body(&mut self) -> Option<BlockBody> {
        self.eat_byte(b'{')?;
        let mut body = BlockBody::default();
        self.skip_blanks();
        if !matches!(self.peek_byte(), Some(b'\n' | b'\r' | b'#' | b'/')) {
            // HCL allows at most one attribute in a block on one line.
            if self.peek_byte() != Some(b'}') {
                let name = self.read_name()?;
                self.skip_blanks();
                let attribute = self.read_attribute(name)?;
                body.attributes.push(attribute);
                self.skip_blanks();
            }
            self.eat_byte(b'}')?;
            return Some(body);
        }
        self.skip_line_end()?;
        loop {
            self.skip_lines()?;
            if self.peek_byte() == Some(b'}') {
                self.at += 1;
                // An attribute is set twice: `hcl-edit` reports it.
                let mut names = HashSet::with_capacity(body.attributes.len());
                let distinct = body.attributes.iter().all(|attribute| names.insert(&*attribute.name.text));
                return distinct.then_some(body);
            }
            let name = self.read_name()?;
            match self.read_structure(name)? {
                PlainItem::Attribute(attribute) => body.attributes.push(attribute),
                PlainItem::Block(block) => body.blocks.push(block),
            }
            self.skip_line_end()?;
        }
    }

    fn read_value(&mut self) -> Option<Expr> {
        let start = self.at;
        let kind = match self.peek_byte()? {
            b'"' => ExprKind::String(self.read_string()?.into()),
            b'[' => self.read_tuple()?,
            b'{' => self.read_object()?,
            b'0'..=b'9' => self.read_number()?,
            _ => self.read_reference()?,
        };
        let expr = Expr { kind, place: self.make_range(start) };
        // If something else follows, such as an operator, the expression is not simple.
        let end = self.at;
        self.skip_blanks();
        let ends = matches!(self.peek_byte(), None | Some(b'\n' | b'\r' | b',' | b']' | b'}' | b'#'))
            || (self.peek_byte() == Some(b'/') && self.bytes.get(self.at + 1) == Some(&b'/'));
        self.at = end;
        ends.then_some(expr)
    }

    /// Reads the value of an object item. `hcl-edit` parses a value that is not simple, but only that value: its time for an object grows
    /// with the square of the object's size.
    fn read_value_or_expression(&mut self) -> Option<Expr> {
        let start = self.at;
        if let Some(value) = self.read_value() {
            return Some(value);
        }
        self.at = start;
        let text = self.text.get(start..)?;
        let text = text.get(..measure_expression(text)?)?;
        let expr = hcl_edit::parser::parse_expr(text).ok()?;
        self.at = start + text.len();
        Some(LoweringContext { text, offset: self.offset + start, file: self.file }.lower_expr(expr))
    }

    /// Reads digits with an optional decimal point. `None`: no digits follow the point, or the number has 100 characters or more.
    fn read_number(&mut self) -> Option<ExprKind> {
        let start = self.at;
        let digits = |reader: &mut Self| {
            let from = reader.at;
            while reader.peek_byte().is_some_and(|b| b.is_ascii_digit()) {
                reader.at += 1;
            }
            (reader.at > from).then_some(())
        };
        digits(self)?;
        if self.peek_byte() == Some(b'.') {
            self.at += 1;
            digits(self)?;
        }
        let written = self.text.get(start..self.at)?;
        // `hcl-edit` may reject longer numbers.
        (written.len() < 100).then(|| ExprKind::Number(written.into()))
    }

    /// Reads `null`, `true`, `false`, or a reference with only `.name` steps.
    fn read_reference(&mut self) -> Option<ExprKind> {
        let start = self.at;
        self.read_word()?;
        let word = self.text.get(start..self.at)?;
        match word {
            "null" => return Some(ExprKind::Null),
            "true" => return Some(ExprKind::Bool(true)),
            "false" => return Some(ExprKind::Bool(false)),
            _ => {}
        }
        let base = Expr { kind: ExprKind::Variable(self.words.intern_word(word)), place: self.make_range(start) };
        let mut steps = Vec::new();
        while self.peek_byte() == Some(b'.') {
            let dot = self.at;
            self.at += 1;
            let name = self.read_name()?;
            steps.push(TraversalStep { kind: TraversalStepKind::Name(name.text), place: self.make_range(dot) });
        }
        if steps.is_empty() { Some(base.kind) } else { Some(ExprKind::Traverse(Box::new(Traversal { base, steps }))) }
    }

    fn read_tuple(&mut self) -> Option<ExprKind> {
        self.eat_byte(b'[')?;
        let mut items = Vec::new();
        loop {
            self.skip_lines()?;
            if self.peek_byte() == Some(b']') {
                break;
            }
            if self.is_at_for() {
                return None;
            }
            items.push(self.read_value()?);
            self.skip_lines()?;
            if self.peek_byte() == Some(b',') {
                self.at += 1;
            } else if self.peek_byte() != Some(b']') {
                return None;
            }
        }
        self.at += 1;
        Some(ExprKind::Tuple(items.into()))
    }

    /// Whether a for expression may begin here.
    fn is_at_for(&self) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b"for"))
    }

    fn read_object(&mut self) -> Option<ExprKind> {
        self.eat_byte(b'{')?;
        let mut items: Vec<(Expr, Expr)> = Vec::new();
        let mut keys: HashSet<Arc<str>> = HashSet::new();
        loop {
            self.skip_lines()?;
            if self.peek_byte() == Some(b'}') {
                break;
            }
            if self.is_at_for() {
                return None;
            }
            let start = self.at;
            let bare = self.peek_byte()? != b'"';
            let text: Arc<str> = if bare { self.read_name()?.text } else { self.read_string()?.into() };
            // `null`, `true` and `false` are literals, also as keys. A duplicate key is an error that `hcl-edit` reports.
            if (bare && matches!(&*text, "null" | "true" | "false")) || !keys.insert(text.clone()) {
                return None;
            }
            let place = self.make_range(start);
            self.skip_blanks();
            if !matches!(self.peek_byte(), Some(b'=' | b':')) || self.bytes.get(self.at + 1) == Some(&b'>') {
                return None;
            }
            self.at += 1;
            self.skip_blanks();
            let value = self.read_value_or_expression()?;
            items.push((Expr { kind: ExprKind::String(text), place }, value));
            self.skip_blanks();
            match self.peek_byte()? {
                b',' => self.at += 1,
                b'}' => {}
                _ => self.skip_line_end()?,
            }
        }
        self.at += 1;
        Some(ExprKind::Object(items.into()))
    }
}

#[cfg(test)]
mod tests;
