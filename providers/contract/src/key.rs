//! Keys of block instances, and qualified names, which include the module of a block.
//!
//! A qualified name is the label, preceded by one segment per module: `orders`, `a.orders`, `a,key.orders` (a module
//! with `for_each`), `a+0.orders` (a module with `count`). It uses only characters that a tag value and a policy name
//! allow.

use std::fmt;
use std::sync::Arc;

/// The key of one instance of a block with `for_each` or `count`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The index of an instance with `count`, from 0.
    Index(u64),
    /// The key of an instance with `for_each`.
    Name(Arc<str>),
}

impl Key {
    /// Reads a key and its closing bracket from the start of a text, such as `"k"].x` or `0].x`, and returns the key
    /// and the rest. `None`: the text does not start with a key and a closing bracket.
    #[must_use]
    pub fn parse_prefix(text: &str) -> Option<(Self, &str)> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            let (number, rest) = text.split_at_checked(digits)?;
            return Some((Self::Index(number.parse().ok()?), rest.strip_prefix(']')?));
        }
        let mut names = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let name = names.next()?.ok()?;
        let rest = text.get(names.byte_offset()..)?.strip_prefix(']')?;
        Some((Self::Name(name.into()), rest))
    }

    /// The key as plain text: the value of `each.key` or `count.index` in a string.
    #[must_use]
    pub fn key_text(&self) -> String {
        match self {
            Self::Index(index) => index.to_string(),
            Self::Name(name) => name.to_string(),
        }
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

impl fmt::Display for Key {
    /// With its brackets: `["k"]`, `[0]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Name(name) => write!(f, "[{}]", serde_json::Value::from(&**name)),
        }
    }
}

/// One module segment of a qualified name: `a`, `a,key`, `a+0`.
#[must_use]
pub fn render_segment(label: &str, key: Option<&Key>) -> String {
    let mut segment = label.to_owned();
    match key {
        None => {}
        Some(Key::Index(index)) => segment.push_str(&format!("+{index}")),
        Some(Key::Name(name)) => {
            segment.push(',');
            encode_key(name, &mut segment);
        }
    }
    segment
}

/// The qualified name of an owner, a service or a scope, which marks, policies and other blocks refer to: its label,
/// preceded by the module segments if it is in a module, as in `a.orders` or `a,key.orders`. Its characters are
/// allowed in a tag value and in a policy name.
#[must_use]
pub fn qualify_name(modules: Option<&str>, label: &str) -> String {
    modules.map_or_else(|| label.to_owned(), |modules| format!("{modules}.{label}"))
}

/// Reads a segment written by [`render_segment`]. `None`: the key or the index is not valid.
pub(crate) fn parse_segment(segment: &str) -> Option<(&str, Option<Key>)> {
    match (segment.split_once(','), segment.split_once('+')) {
        (Some((label, key)), _) => Some((label, Some(Key::Name(decode_key(key)?.into())))),
        (None, Some((label, index))) => Some((label, Some(Key::Index(index.parse().ok()?)))),
        (None, None) => Some((segment, None)),
    }
}

/// Appends a key, with every character that is not a letter, digit, `_`, `-` or `@` as the hexadecimal bytes `=XX` of
/// its UTF-8 form.
pub(crate) fn encode_key(key: &str, into: &mut String) {
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"_-@".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("={byte:02X}"));
        }
    }
}

/// Reverses [`encode_key`]. `None`: an `=XX` sequence is incomplete, or the bytes are not UTF-8.
pub(crate) fn decode_key(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'=' {
            let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}
