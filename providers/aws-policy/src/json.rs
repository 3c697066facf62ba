//! JSON text → a tree whose every node knows its bytes. Stricter than most readers where policies need it: a member
//! that stands twice is an error, because which of the two counts differs from reader to reader. RFC 8259 otherwise.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use serde_json::Value;

use crate::error::{JsonPath, ParseError, Problem};

/// Policies nest eight levels at most; the bound keeps hostile input off the stack.
const DEEPEST: usize = 64;

/// A JSON value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// None when the tree was made from a value, which has no text.
    pub bytes: Option<Range<usize>>,
    pub kind: Kind,
}

/// What a node is. Numbers keep their spelling: policies compare them as text until an operator gives them a type.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Node>),
    /// Members in the order of the text, names unique.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// Reads the whole text as one JSON value.
    pub fn read(text: &str) -> Result<Self, ParseError> {
        let mut reader = Reader { text, chars: text.char_indices().peekable(), depth: 0 };
        let node = reader.value(&JsonPath::root())?;
        reader.skip_space();
        match reader.chars.peek() {
            None => Ok(node),
            Some(&(at, _)) => Err(fault(&JsonPath::root(), at..text.len(), Problem::Json("text after the value"))),
        }
    }

    /// The same tree from a value that is already read; it carries no byte ranges.
    pub fn from_value(value: &Value) -> Self {
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(b) => Kind::Bool(*b),
            Value::Number(n) => Kind::Number(n.to_string()),
            Value::String(s) => Kind::String(s.clone()),
            Value::Array(items) => Kind::Array(items.iter().map(Self::from_value).collect()),
            Value::Object(members) => {
                Kind::Object(members.iter().map(|(k, v)| (k.clone(), Self::from_value(v))).collect())
            }
        };
        Self { bytes: None, kind }
    }

    /// An error about this node.
    pub fn fault(&self, path: &JsonPath, problem: Problem) -> ParseError {
        ParseError { path: path.clone(), bytes: self.bytes.clone(), problem }
    }
}

fn fault(path: &JsonPath, bytes: Range<usize>, problem: Problem) -> ParseError {
    ParseError { path: path.clone(), bytes: Some(bytes), problem }
}

struct Reader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    depth: usize,
}

impl Reader<'_> {
    fn at(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |&(at, _)| at)
    }

    fn skip_space(&mut self) {
        while self.chars.next_if(|&(_, c)| matches!(c, ' ' | '\t' | '\r' | '\n')).is_some() {}
    }

    fn here(&mut self, path: &JsonPath, what: &'static str) -> ParseError {
        let start = self.at();
        let end = self.chars.peek().map_or(start, |&(at, c)| at + c.len_utf8());
        fault(path, start..end, Problem::Json(what))
    }

    fn take(&mut self, wanted: char) -> bool {
        self.chars.next_if(|&(_, c)| c == wanted).is_some()
    }

    fn value(&mut self, path: &JsonPath) -> Result<Node, ParseError> {
        self.skip_space();
        let start = self.at();
        if self.depth >= DEEPEST {
            return Err(fault(path, start..start, Problem::TooDeep(DEEPEST)));
        }
        self.depth += 1;
        let kind = match self.chars.peek().map(|&(_, c)| c) {
            Some('{') => self.object(path)?,
            Some('[') => self.array(path)?,
            Some('"') => Kind::String(self.string(path)?),
            Some('-' | '0'..='9') => Kind::Number(self.number(path)?),
            Some('a'..='z') => self.word(path)?,
            _ => return Err(self.here(path, "a value should stand here")),
        };
        self.depth -= 1;
        let end = self.at();
        Ok(Node { bytes: Some(start..end), kind })
    }

    fn object(&mut self, path: &JsonPath) -> Result<Kind, ParseError> {
        self.take('{');
        let mut members: Vec<(String, Node)> = Vec::new();
        self.skip_space();
        if self.take('}') {
            return Ok(Kind::Object(members));
        }
        loop {
            self.skip_space();
            let start = self.at();
            if !matches!(self.chars.peek(), Some((_, '"'))) {
                return Err(self.here(path, "a member name in quotes should stand here"));
            }
            let name = self.string(path)?;
            let end = self.at();
            if members.iter().any(|(seen, _)| *seen == name) {
                return Err(fault(path, start..end, Problem::Repeated(name)));
            }
            self.skip_space();
            if !self.take(':') {
                return Err(self.here(path, "`:` should stand here"));
            }
            let node = self.value(&path.member(&name))?;
            members.push((name, node));
            self.skip_space();
            if self.take('}') {
                return Ok(Kind::Object(members));
            }
            if !self.take(',') {
                return Err(self.here(path, "`,` or `}` should stand here"));
            }
        }
    }

    fn array(&mut self, path: &JsonPath) -> Result<Kind, ParseError> {
        self.take('[');
        let mut items = Vec::new();
        self.skip_space();
        if self.take(']') {
            return Ok(Kind::Array(items));
        }
        loop {
            items.push(self.value(&path.element(items.len()))?);
            self.skip_space();
            if self.take(']') {
                return Ok(Kind::Array(items));
            }
            if !self.take(',') {
                return Err(self.here(path, "`,` or `]` should stand here"));
            }
        }
    }

    fn string(&mut self, path: &JsonPath) -> Result<String, ParseError> {
        let start = self.at();
        self.take('"');
        let mut out = String::new();
        loop {
            match self.chars.next() {
                None => return Err(fault(path, start..self.text.len(), Problem::Json("the string has no end"))),
                Some((_, '"')) => return Ok(out),
                Some((at, '\\')) => out.push(self.escape(path, at)?),
                Some((at, c)) if c < ' ' => {
                    return Err(fault(path, at..at + 1, Problem::Json("a control character must be escaped")));
                }
                Some((_, c)) => out.push(c),
            }
        }
    }

    fn escape(&mut self, path: &JsonPath, at: usize) -> Result<char, ParseError> {
        let bad = |end: usize| fault(path, at..end, Problem::Json("not an escape sequence"));
        match self.chars.next() {
            Some((_, c @ ('"' | '\\' | '/'))) => Ok(c),
            Some((_, 'b')) => Ok('\u{8}'),
            Some((_, 'f')) => Ok('\u{c}'),
            Some((_, 'n')) => Ok('\n'),
            Some((_, 'r')) => Ok('\r'),
            Some((_, 't')) => Ok('\t'),
            Some((_, 'u')) => {
                let high = self.hex4().ok_or_else(|| bad(at + 2))?;
                if !(0xD800..0xDC00).contains(&high) {
                    return char::from_u32(high).ok_or_else(|| bad(at + 6));
                }
                if !(self.take('\\') && self.take('u')) {
                    return Err(bad(at + 6));
                }
                let low = self.hex4().filter(|low| (0xDC00..0xE000).contains(low)).ok_or_else(|| bad(at + 6))?;
                char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).ok_or_else(|| bad(at + 12))
            }
            _ => Err(bad(at + 1)),
        }
    }

    fn hex4(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |sum, _| {
            self.chars.next_if(|(_, c)| c.is_ascii_hexdigit())?.1.to_digit(16).map(|d| sum * 16 + d)
        })
    }

    fn digits(&mut self, out: &mut String) -> usize {
        let before = out.len();
        while let Some((_, c)) = self.chars.next_if(|(_, c)| c.is_ascii_digit()) {
            out.push(c);
        }
        out.len() - before
    }

    fn number(&mut self, path: &JsonPath) -> Result<String, ParseError> {
        let mut out = String::new();
        if self.take('-') {
            out.push('-');
        }
        let leading_zero = matches!(self.chars.peek(), Some((_, '0')));
        let whole = self.digits(&mut out);
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.here(path, "not a number"));
        }
        if self.take('.') {
            out.push('.');
            if self.digits(&mut out) == 0 {
                return Err(self.here(path, "a digit should follow the point"));
            }
        }
        if self.chars.next_if(|(_, c)| matches!(c, 'e' | 'E')).is_some() {
            out.push('e');
            if let Some((_, sign)) = self.chars.next_if(|(_, c)| matches!(c, '+' | '-')) {
                out.push(sign);
            }
            if self.digits(&mut out) == 0 {
                return Err(self.here(path, "a digit should stand in the exponent"));
            }
        }
        Ok(out)
    }

    fn word(&mut self, path: &JsonPath) -> Result<Kind, ParseError> {
        let start = self.at();
        let mut word = String::new();
        while let Some((_, c)) = self.chars.next_if(|(_, c)| c.is_ascii_lowercase()) {
            word.push(c);
        }
        match word.as_str() {
            "null" => Ok(Kind::Null),
            "true" => Ok(Kind::Bool(true)),
            "false" => Ok(Kind::Bool(false)),
            _ => Err(fault(path, start..start + word.len(), Problem::Json("not a value"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_path_and_bytes() {
        let text = r#"{"a": [1, {"b": tru}]}"#;
        let error = Node::read(text).unwrap_err();
        assert_eq!(error.path.to_string(), "a[1].b");
        assert_eq!(&text[error.bytes.unwrap()], "tru");
    }

    #[test]
    fn a_member_that_stands_twice_is_refused() {
        let text = r#"{"Effect": "Allow", "Effect": "Deny"}"#;
        let error = Node::read(text).unwrap_err();
        assert_eq!(error.problem, Problem::Repeated("Effect".to_owned()));
        assert_eq!(error.bytes, Some(20..28));
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_json() {
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
            assert_eq!(Node::read(text).is_ok(), theirs.is_ok(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let error = Node::read(&"[".repeat(10_000)).unwrap_err();
        assert_eq!(error.problem, Problem::TooDeep(DEEPEST));
    }
}
