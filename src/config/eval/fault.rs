//! Why an expression has no value.

use crate::config::diagnostic::Diagnostic;
use crate::config::source::FileSpan;

/// Why an expression has no value.
#[derive(Debug)]
pub enum EvalError {
    /// Something is wrong with it.
    Wrong {
        /// What.
        finding: Box<Diagnostic>,
        /// The values of the references involved are already in it.
        noted: bool,
    },
    /// It needs something whose finding is already reported: no finding of its own.
    Told,
    /// The work exceeds a budget. `try` does not help.
    Exhausted(Box<Diagnostic>),
}

/// The value of an expression, or why there is none.
pub type Evaluated<T> = Result<T, EvalError>;

impl EvalError {
    /// A fault at a place.
    pub fn new(span: FileSpan, code: &'static str, summary: impl Into<String>, label: impl Into<String>) -> Self {
        Self::from(Diagnostic::error(code, summary).with_location(span, label))
    }

    /// The same, with what to do.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        match self {
            Self::Wrong { finding, noted } => Self::Wrong { finding: Box::new((*finding).with_help(help)), noted },
            other => other,
        }
    }
}

impl EvalError {
    /// The same, with another place that matters.
    #[must_use]
    pub fn with_related(self, span: FileSpan, label: impl Into<String>) -> Self {
        match self {
            Self::Wrong { finding, noted } => {
                Self::Wrong { finding: Box::new((*finding).with_related(span, label)), noted }
            }
            other => other,
        }
    }
}

impl From<Diagnostic> for EvalError {
    fn from(finding: Diagnostic) -> Self {
        Self::Wrong { finding: Box::new(finding), noted: false }
    }
}
