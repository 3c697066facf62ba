//! JSON documents in one canonical form, so that equal documents have equal texts.
//!
//! In: JSON text or a parsed value. Out: a [`Document`], which keeps the canonical text: object keys in ascending
//! order, and no white space between tokens.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// A JSON document, such as a policy, in canonical form: the keys of its objects are ordered, so equal documents have
/// equal texts.
///
/// It stores the text, which needs a tenth of the memory of the parsed value. A plan with many identities compares
/// documents far more often than it reads their content. Clones share the text.
#[derive(Clone, Deserialize)]
#[serde(from = "Value")]
pub struct Document(Arc<DocumentText>);

struct DocumentText {
    canonical: Box<RawValue>,
    parsed: OnceLock<Value>,
}

impl Document {
    /// Converts a value to canonical form.
    #[must_use]
    #[expect(clippy::expect_used, reason = "text, numbers and maps with text as keys can always be written as JSON")]
    pub fn new(value: Value) -> Self {
        let canonical = to_raw_value(&OrderedJson(&value)).expect("bug in Leasehold: a JSON value cannot be written");
        Self::from_canonical(canonical)
    }

    /// Reads a document. Text in the form of [`Document::canonical_text`] is stored without parsing it into a value.
    ///
    /// # Errors
    /// The text is not valid JSON.
    pub fn parse_text(text: &str) -> Result<Self, serde_json::Error> {
        if is_canonical(text) {
            RawValue::from_string(text.to_owned()).map(Self::from_canonical)
        } else {
            serde_json::from_str(text)
        }
    }

    fn from_canonical(canonical: Box<RawValue>) -> Self {
        Self(Arc::new(DocumentText { canonical, parsed: OnceLock::new() }))
    }

    /// The canonical text, without white space between tokens.
    #[must_use]
    pub fn canonical_text(&self) -> &str {
        self.0.canonical.get()
    }

    /// The parsed document. It is parsed on the first call, and the result is kept.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the text was checked or written as JSON when the document was created")]
    pub fn as_json_value(&self) -> &Value {
        let parse = || serde_json::from_str(self.canonical_text()).expect("bug in Leasehold: a document is not JSON");
        self.0.parsed.get_or_init(parse)
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.canonical_text() == other.canonical_text()
    }
}

impl Eq for Document {}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.canonical_text())
    }
}

impl Serialize for Document {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.canonical.serialize(serializer)
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self::new(value)
    }
}

impl From<Document> for Value {
    fn from(document: Document) -> Self {
        document.as_json_value().clone()
    }
}

/// Serializes a value with the keys of its objects in order, whatever order the value has them in.
struct OrderedJson<'a>(&'a Value);

impl Serialize for OrderedJson<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(OrderedJson)),
            Value::Object(fields) => {
                let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
                fields.sort_unstable_by_key(|(key, _)| *key);
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    map.serialize_entry(key, &OrderedJson(value))?;
                }
                map.end()
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

/// Whole numbers with at most this many digits have exactly one JSON text.
const DIGITS: usize = 15;

/// Deeper documents are parsed into a value when they are read, so that `serde_json` refuses those that exceed its
/// recursion limit of 128 levels. A raw text has no such limit, and could not be parsed later.
const DEPTH: usize = 100;

/// Whether a text, provided that it is JSON, is written as [`Document::new`] writes it. The check is conservative: it
/// returns false for text with escapes, with numbers that can be written in several ways, or with many levels.
fn is_canonical(text: &str) -> bool {
    // The last key of each open object; `None` for an array, or before the first key.
    let mut open: Vec<Option<&str>> = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        match next {
            '"' => {
                let Some((string, after)) = rest.get(1..).and_then(|inner| inner.split_once('"')) else { return false };
                if string.contains('\\') {
                    return false;
                }
                rest = after;
                if after.starts_with(':') {
                    let Some(last) = open.last_mut() else { return false };
                    if last.replace(string).is_some_and(|last| last >= string) {
                        return false;
                    }
                }
                continue;
            }
            '{' | '[' if open.len() == DEPTH => return false,
            '{' | '[' => open.push(None),
            '}' | ']' => drop(open.pop()),
            '0'..='9' => {
                let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                if rest.len().saturating_sub(after.len()) > DIGITS || after.starts_with(['.', 'e', 'E']) {
                    return false;
                }
                rest = after;
                continue;
            }
            '-' => return false,
            _ if next.is_whitespace() => return false,
            _ => {}
        }
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_equal_whatever_the_order_of_keys() {
        let one: Value = serde_json::from_str(r#"{"b":[{"y":1,"x":2}],"a":0}"#).unwrap();
        let document = Document::new(one);
        assert_eq!(serde_json::to_string(&document).unwrap(), r#"{"a":0,"b":[{"x":2,"y":1}]}"#);
        assert_eq!(document.canonical_text(), r#"{"a":0,"b":[{"x":2,"y":1}]}"#);
        assert_eq!(*document.as_json_value(), json!({"a": 0, "b": [{"x": 2, "y": 1}]}));
    }

    #[test]
    fn texts_in_other_forms_are_read_as_the_same() {
        let desired = Document::new(json!({"a": [1, true], "b": {"c": "x"}}));
        assert!(is_canonical(desired.canonical_text()));
        for other in [
            r#"{"b":{"c":"x"},"a":[1,true]}"#,
            r#"{"a":[1, true],"b":{"c":"x"}}"#,
            r#"{"a":[1,true],"b":{"c":"\u0078"}}"#,
            r#"{"a":[9],"a":[1,true],"b":{"c":"x"}}"#,
            "{\n\"a\":[1,true],\"b\":{\"c\":\"x\"}}",
        ] {
            assert!(!is_canonical(other), "{other}");
            assert_eq!(Document::parse_text(other).unwrap(), desired, "{other}");
        }
        for broken in ["", "{", "[1,]", r#"{"a":1}}"#, r#"{"a":01}"#, "nul", r#"{"a"}"#, r#""a":1"#] {
            assert!(Document::parse_text(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_document_is_refused_when_it_is_too_deep_to_be_parsed() {
        let nested = |depth: usize| Document::parse_text(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        assert!(nested(127).unwrap().as_json_value().is_array());
        assert!(nested(200).is_err());
    }

    fn values() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            // Other fractions are not always read back as they were written.
            any::<i16>().prop_map(|n| Value::from(f64::from(n) / 4.0)),
            "[ -~é\"\\\\]{0,6}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-cé\"]{0,2}", inner), 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Text that is stored without parsing gives the same document as text that is parsed and written again.
        #[test]
        fn reading_is_taking_apart_and_putting_together(value in values(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let apart = Document::new(serde_json::from_str(&text).unwrap());
            prop_assert_eq!(&Document::parse_text(&text).unwrap(), &apart);
            prop_assert_eq!(&Document::parse_text(apart.canonical_text()).unwrap(), &apart);
        }
    }
}
