//! What can be wrong with a policy document, and where: the JSON path a person reads, the byte range an editor marks.

use std::fmt;
use std::ops::Range;

/// A place inside a document, written as people write it: `Statement[2].Condition.StringEquals`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonPath(String);

impl JsonPath {
    /// The document itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The member `name` of this object.
    pub fn member(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}.{name}", self.0)) }
    }

    /// The element `index` of this array, counted from zero.
    pub fn element(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("the document") } else { f.write_str(&self.0) }
    }
}

/// Why a document is not a policy. IAM would refuse it, or store something whose meaning nobody documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ParseError {
    /// Where in the document.
    pub path: JsonPath,
    /// The bytes of the text that are at fault; none when the document came as a value, which has no text.
    pub bytes: Option<Range<usize>>,
    /// What is wrong there.
    pub problem: Problem,
}

/// The kinds of fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    Json(&'static str),
    /// Arrays and objects nest deeper than any policy does.
    #[error("nested deeper than {0} levels")]
    TooDeep(usize),
    /// The same member twice in one object; JSON readers differ in which one they take.
    #[error("`{0}` appears twice")]
    Repeated(String),
    /// A member that the policy grammar does not have.
    #[error("unknown element `{0}`")]
    UnknownElement(String),
    /// A required member is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// Two members that exclude each other, such as `Action` and `NotAction`.
    #[error("`{0}` and `{1}` exclude each other")]
    Both(&'static str, &'static str),
    /// The value has another JSON type than the grammar asks for.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A value that is well-formed JSON but not in the set the grammar allows.
    #[error("`{value}` is not {expected}")]
    NotOneOf {
        /// What stands there.
        value: String,
        /// What may stand there.
        expected: &'static str,
    },
    /// An empty list under a negated element: AWS does not say whether it means everything.
    #[error("`{0}` may not be an empty list")]
    EmptyNegation(&'static str),
    /// An element that this kind of policy does not have.
    #[error("`{element}` does not belong in {kind}")]
    WrongKind {
        /// The element's name.
        element: &'static str,
        /// The kind of policy, with its article.
        kind: &'static str,
    },
}
