//! JSON documents in one form, so that equal ones have equal texts.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// A JSON document, such as a policy, with its objects' keys in order: equal documents have equal texts.
///
/// It is kept as its text, which takes a tenth of the memory of the parsed value; a plan over many identities compares
/// documents far more often than it looks into one. Clones share the text.
#[derive(Clone, Deserialize)]
#[serde(from = "Value")]
pub struct Document(Arc<DocumentText>);

struct DocumentText {
    canonical: Box<RawValue>,
    parsed: OnceLock<Value>,
}

impl Document {
    /// Takes a document and orders its keys.
    #[must_use]
    pub fn new(value: Value) -> Self {
        // Texts, numbers and maps by text always serialize.
        let canonical = to_raw_value(&OrderedJson(&value)).unwrap_or_default();
        Self::from_canonical(canonical)
    }

    /// Reads a document. One that is written in the form of [`Document::canonical_text`] is not taken apart for it.
    ///
    /// # Errors
    /// Where the text is no JSON.
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

    /// The document as text, without white space between its parts.
    #[must_use]
    pub fn canonical_text(&self) -> &str {
        self.0.canonical.get()
    }

    /// The document. It is parsed when it is first asked for, and stays so.
    #[must_use]
    pub fn as_json_value(&self) -> &Value {
        // The text was written from a value, so that it parses.
        self.0.parsed.get_or_init(|| serde_json::from_str(self.canonical_text()).unwrap_or_default())
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

/// A value that is written with its objects' keys in order, whatever order it holds them in.
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

/// Whole numbers of so many digits have one form only.
const DIGITS: usize = 15;

/// Whether a text, if it is JSON at all, is written as [`Document::new`] writes it. A text with escapes, or with numbers that could be
/// written in several ways, is not said to be.
fn is_canonical(text: &str) -> bool {
    // The last key of each object that is open; `None` of an array, or before the first key.
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
        let wanted = Document::new(json!({"a": [1, true], "b": {"c": "x"}}));
        assert!(is_canonical(wanted.canonical_text()));
        for other in [
            r#"{"b":{"c":"x"},"a":[1,true]}"#,
            r#"{"a":[1, true],"b":{"c":"x"}}"#,
            r#"{"a":[1,true],"b":{"c":"\u0078"}}"#,
            r#"{"a":[9],"a":[1,true],"b":{"c":"x"}}"#,
            "{\n\"a\":[1,true],\"b\":{\"c\":\"x\"}}",
        ] {
            assert!(!is_canonical(other), "{other}");
            assert_eq!(Document::parse_text(other).unwrap(), wanted, "{other}");
        }
        for broken in ["", "{", "[1,]", r#"{"a":1}}"#, r#"{"a":01}"#, "nul", r#"{"a"}"#, r#""a":1"#] {
            assert!(Document::parse_text(broken).is_err(), "{broken}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            // Others are not always read as they were written.
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
        /// What is read as it stands is what taking it apart gives.
        #[test]
        fn reading_is_taking_apart_and_putting_together(value in values(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let apart = Document::new(serde_json::from_str(&text).unwrap());
            prop_assert_eq!(&Document::parse_text(&text).unwrap(), &apart);
            prop_assert_eq!(&Document::parse_text(apart.canonical_text()).unwrap(), &apart);
        }
    }
}
