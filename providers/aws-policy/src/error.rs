//! Errors in a policy document: what is wrong, the JSON path for people, and the byte range for editors.

use std::fmt;
use std::ops::Range;

/// A place in a document, such as `Statement[2].Condition.StringEquals`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonPath(String);

impl JsonPath {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of the member `name` of this object.
    pub fn with_member(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}.{name}", self.0)) }
    }

    /// The path of the element `index` of this array, counted from zero.
    pub fn with_element(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("the document") } else { f.write_str(&self.0) }
    }
}

/// A document is not a policy. IAM would reject it, or accept it with a meaning that is not documented.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct PolicyParseError {
    /// The place in the document.
    pub path: JsonPath,
    /// The bytes of the text that are wrong. `None` when the document was parsed from a JSON value, which has no text.
    pub bytes: Option<Range<usize>>,
    /// What is wrong.
    pub problem: ParseErrorKind,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    Json(&'static str),
    /// Arrays and objects are nested deeper than the parser accepts.
    #[error("nested deeper than {0} levels")]
    TooDeep(usize),
    /// A member occurs twice in one object; JSON parsers differ in which one they use.
    #[error("`{0}` appears twice")]
    Repeated(String),
    /// A member that is not part of the policy grammar.
    #[error("unknown element `{0}`")]
    UnknownElement(String),
    /// A required member is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// Both of two mutually exclusive members, such as `Action` and `NotAction`.
    #[error("`{0}` and `{1}` exclude each other")]
    Both(&'static str, &'static str),
    /// The value has the wrong JSON type; holds the expected type.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The value has the right JSON type, but the grammar does not allow it.
    #[error("`{value}` is not {expected}")]
    NotOneOf {
        /// The value in the document.
        value: String,
        /// What the grammar allows.
        expected: &'static str,
    },
    /// A negated element with an empty list. AWS does not document whether it matches everything.
    #[error("`{0}` may not be an empty list")]
    EmptyNegation(&'static str),
    /// An element that this kind of policy may not have.
    #[error("`{element}` does not belong in {kind}")]
    WrongKind {
        /// The name of the element.
        element: &'static str,
        /// The kind of policy with its article, such as "a trust policy".
        kind: &'static str,
    },
}
