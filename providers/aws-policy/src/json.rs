//! JSON text → a tree in which every node knows its byte range. Follows RFC 8259, with one exception: a duplicate
//! member is an error, because parsers differ in which of the two they use.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use serde_json::Value;

use crate::error::{JsonPath, ParseErrorKind, PolicyParseError};

/// The deepest nesting. Policies nest at most eight levels; the limit protects the stack from hostile input.
const DEEPEST: usize = 64;

/// A JSON value and its byte range.
#[derive(Debug, Clone)]
pub(crate) struct JsonNode {
    /// `None` in a tree built from a value, which has no text.
    pub bytes: Option<Range<usize>>,
    pub kind: JsonKind,
}

/// The value of a node. Numbers keep their spelling, because only the condition operator decides whether a value is a
/// number.
#[derive(Debug, Clone)]
pub(crate) enum JsonKind {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<JsonNode>),
    /// Members in the order of the text, with unique names.
    Object(Vec<(String, JsonNode)>),
}

impl JsonNode {
    /// Parses the whole text as one JSON value.
    pub fn parse_text(text: &str) -> Result<Self, PolicyParseError> {
        let mut reader = JsonReader { text, chars: text.char_indices().peekable(), depth: 0 };
        let node = reader.read_value(&JsonPath::root())?;
        reader.skip_space();
        match reader.chars.peek() {
            None => Ok(node),
            Some(&(at, _)) => Err(error_at(
                &JsonPath::root(),
                at..text.len(),
                ParseErrorKind::Json("unexpected text after the value"),
            )),
        }
    }

    /// Builds the tree from a parsed value; it has no byte ranges.
    pub fn from_value(value: &Value) -> Self {
        let kind = match value {
            Value::Null => JsonKind::Null,
            Value::Bool(b) => JsonKind::Bool(*b),
            Value::Number(n) => JsonKind::Number(n.to_string()),
            Value::String(s) => JsonKind::String(s.clone()),
            Value::Array(items) => JsonKind::Array(items.iter().map(Self::from_value).collect()),
            Value::Object(members) => {
                JsonKind::Object(members.iter().map(|(k, v)| (k.clone(), Self::from_value(v))).collect())
            }
        };
        Self { bytes: None, kind }
    }

    /// An error at this node.
    pub fn error_here(&self, path: &JsonPath, problem: ParseErrorKind) -> PolicyParseError {
        PolicyParseError { path: path.clone(), bytes: self.bytes.clone(), problem }
    }
}

fn error_at(path: &JsonPath, bytes: Range<usize>, problem: ParseErrorKind) -> PolicyParseError {
    PolicyParseError { path: path.clone(), bytes: Some(bytes), problem }
}

struct JsonReader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    depth: usize,
}

impl JsonReader<'_> {
    fn byte_offset(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |&(at, _)| at)
    }

    fn skip_space(&mut self) {
        while self.chars.next_if(|&(_, c)| matches!(c, ' ' | '\t' | '\r' | '\n')).is_some() {}
    }

    fn error_at_next(&mut self, path: &JsonPath, what: &'static str) -> PolicyParseError {
        let start = self.byte_offset();
        let end = self.chars.peek().map_or(start, |&(at, c)| at + c.len_utf8());
        error_at(path, start..end, ParseErrorKind::Json(what))
    }

    fn next_char_if(&mut self, desired: char) -> bool {
        self.chars.next_if(|&(_, c)| c == desired).is_some()
    }

    fn read_value(&mut self, path: &JsonPath) -> Result<JsonNode, PolicyParseError> {
        self.skip_space();
        let start = self.byte_offset();
        if self.depth >= DEEPEST {
            return Err(error_at(path, start..start, ParseErrorKind::TooDeep(DEEPEST)));
        }
        self.depth += 1;
        let kind = match self.chars.peek().map(|&(_, c)| c) {
            Some('{') => self.read_object(path)?,
            Some('[') => self.read_array(path)?,
            Some('"') => JsonKind::String(self.read_string(path)?),
            Some('-' | '0'..='9') => JsonKind::Number(self.read_number(path)?),
            Some('a'..='z') => self.read_word(path)?,
            _ => return Err(self.error_at_next(path, "expected a value")),
        };
        self.depth -= 1;
        let end = self.byte_offset();
        Ok(JsonNode { bytes: Some(start..end), kind })
    }

    fn read_object(&mut self, path: &JsonPath) -> Result<JsonKind, PolicyParseError> {
        self.next_char_if('{');
        let mut members: Vec<(String, JsonNode)> = Vec::new();
        self.skip_space();
        if self.next_char_if('}') {
            return Ok(JsonKind::Object(members));
        }
        loop {
            self.skip_space();
            let start = self.byte_offset();
            if !matches!(self.chars.peek(), Some((_, '"'))) {
                return Err(self.error_at_next(path, "expected a member name in quotes"));
            }
            let name = self.read_string(path)?;
            let end = self.byte_offset();
            if members.iter().any(|(seen, _)| *seen == name) {
                return Err(error_at(path, start..end, ParseErrorKind::Repeated(name)));
            }
            self.skip_space();
            if !self.next_char_if(':') {
                return Err(self.error_at_next(path, "expected `:`"));
            }
            let node = self.read_value(&path.with_member(&name))?;
            members.push((name, node));
            self.skip_space();
            if self.next_char_if('}') {
                return Ok(JsonKind::Object(members));
            }
            if !self.next_char_if(',') {
                return Err(self.error_at_next(path, "expected `,` or `}`"));
            }
        }
    }

    fn read_array(&mut self, path: &JsonPath) -> Result<JsonKind, PolicyParseError> {
        self.next_char_if('[');
        let mut items = Vec::new();
        self.skip_space();
        if self.next_char_if(']') {
            return Ok(JsonKind::Array(items));
        }
        loop {
            items.push(self.read_value(&path.with_element(items.len()))?);
            self.skip_space();
            if self.next_char_if(']') {
                return Ok(JsonKind::Array(items));
            }
            if !self.next_char_if(',') {
                return Err(self.error_at_next(path, "expected `,` or `]`"));
            }
        }
    }

    fn read_string(&mut self, path: &JsonPath) -> Result<String, PolicyParseError> {
        let start = self.byte_offset();
        self.next_char_if('"');
        let mut out = String::new();
        loop {
            match self.chars.next() {
                None => {
                    return Err(error_at(path, start..self.text.len(), ParseErrorKind::Json("unterminated string")));
                }
                Some((_, '"')) => return Ok(out),
                Some((at, '\\')) => out.push(self.read_escape(path, at)?),
                Some((at, c)) if c < ' ' => {
                    return Err(error_at(
                        path,
                        at..at + 1,
                        ParseErrorKind::Json("a control character must be escaped"),
                    ));
                }
                Some((_, c)) => out.push(c),
            }
        }
    }

    fn read_escape(&mut self, path: &JsonPath, at: usize) -> Result<char, PolicyParseError> {
        let bad = |end: usize| error_at(path, at..end, ParseErrorKind::Json("invalid escape sequence"));
        match self.chars.next() {
            Some((_, c @ ('"' | '\\' | '/'))) => Ok(c),
            Some((_, 'b')) => Ok('\u{8}'),
            Some((_, 'f')) => Ok('\u{c}'),
            Some((_, 'n')) => Ok('\n'),
            Some((_, 'r')) => Ok('\r'),
            Some((_, 't')) => Ok('\t'),
            Some((_, 'u')) => {
                let high = self.read_hex4().ok_or_else(|| bad(at + 2))?;
                if !(0xD800..0xDC00).contains(&high) {
                    return char::from_u32(high).ok_or_else(|| bad(at + 6));
                }
                if !(self.next_char_if('\\') && self.next_char_if('u')) {
                    return Err(bad(at + 6));
                }
                let low = self.read_hex4().filter(|low| (0xDC00..0xE000).contains(low)).ok_or_else(|| bad(at + 6))?;
                char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).ok_or_else(|| bad(at + 12))
            }
            _ => Err(bad(at + 1)),
        }
    }

    fn read_hex4(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |sum, _| {
            self.chars.next_if(|(_, c)| c.is_ascii_hexdigit())?.1.to_digit(16).map(|d| sum * 16 + d)
        })
    }

    fn read_digits(&mut self, out: &mut String) -> usize {
        let before = out.len();
        while let Some((_, c)) = self.chars.next_if(|(_, c)| c.is_ascii_digit()) {
            out.push(c);
        }
        out.len() - before
    }

    fn read_number(&mut self, path: &JsonPath) -> Result<String, PolicyParseError> {
        let mut out = String::new();
        if self.next_char_if('-') {
            out.push('-');
        }
        let leading_zero = matches!(self.chars.peek(), Some((_, '0')));
        let whole = self.read_digits(&mut out);
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.error_at_next(path, "invalid number"));
        }
        if self.next_char_if('.') {
            out.push('.');
            if self.read_digits(&mut out) == 0 {
                return Err(self.error_at_next(path, "expected a digit after the decimal point"));
            }
        }
        if self.chars.next_if(|(_, c)| matches!(c, 'e' | 'E')).is_some() {
            out.push('e');
            if let Some((_, sign)) = self.chars.next_if(|(_, c)| matches!(c, '+' | '-')) {
                out.push(sign);
            }
            if self.read_digits(&mut out) == 0 {
                return Err(self.error_at_next(path, "expected a digit in the exponent"));
            }
        }
        Ok(out)
    }

    fn read_word(&mut self, path: &JsonPath) -> Result<JsonKind, PolicyParseError> {
        let start = self.byte_offset();
        let mut word = String::new();
        while let Some((_, c)) = self.chars.next_if(|(_, c)| c.is_ascii_lowercase()) {
            word.push(c);
        }
        match word.as_str() {
            "null" => Ok(JsonKind::Null),
            "true" => Ok(JsonKind::Bool(true)),
            "false" => Ok(JsonKind::Bool(false)),
            _ => Err(error_at(path, start..start + word.len(), ParseErrorKind::Json("not a value"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_path_and_bytes() {
        let text = r#"{"a": [1, {"b": tru}]}"#;
        let error = JsonNode::parse_text(text).unwrap_err();
        assert_eq!(error.path.to_string(), "a[1].b");
        assert_eq!(&text[error.bytes.unwrap()], "tru");
    }

    #[test]
    fn duplicate_member_is_rejected() {
        let text = r#"{"Effect": "Allow", "Effect": "Deny"}"#;
        let error = JsonNode::parse_text(text).unwrap_err();
        assert_eq!(error.problem, ParseErrorKind::Repeated("Effect".to_owned()));
        assert_eq!(error.bytes, Some(20..28));
    }

    #[test]
    fn accepts_the_same_texts_as_serde_json() {
        for text in [
            "1",
            "-0.5e+3",
            "01",
            "1.",
            "\"\\u00e9\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "[1,]",
            "{}",
            "[]",
            "nul",
            "{\"a\":1,}",
            "\"\n\"",
            " [ true , false , null ] ",
            "",
            "{\"a\" 1}",
            "[1 2]",
            "\"\\x\"",
            "-",
            "1e",
            "\"\\u12\"",
        ] {
            let theirs = serde_json::from_str::<Value>(text);
            assert_eq!(JsonNode::parse_text(text).is_ok(), theirs.is_ok(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let error = JsonNode::parse_text(&"[".repeat(10_000)).unwrap_err();
        assert_eq!(error.problem, ParseErrorKind::TooDeep(DEEPEST));
    }
}
