//! The errors of an evaluation.

use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::source::FileSpan;

/// The reason why an expression has no value.
#[derive(Debug)]
pub enum EvalError {
    /// The expression is wrong. `try` and `can` catch this error.
    Invalid {
        /// The diagnostic, not reported yet.
        finding: Box<Diagnostic>,
        /// Whether the diagnostic already contains the values of the references involved.
        noted: bool,
    },
    /// The expression depends on something whose error is already reported, so it has no diagnostic of its own.
    AlreadyReported,
    /// The evaluation exceeds a budget. `try` does not catch this error.
    Exhausted(Box<Diagnostic>),
}

/// The result of an evaluation.
pub type Evaluated<T> = Result<T, EvalError>;

impl EvalError {
    /// An error with a code, a range, a summary, and a label for the range.
    pub fn new(span: FileSpan, code: &'static str, summary: impl Into<String>, label: impl Into<String>) -> Self {
        Self::from(Diagnostic::error(code, summary).with_location(span, label))
    }

    /// Adds advice to the diagnostic. An error of another variant stays unchanged.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        match self {
            Self::Invalid { finding, noted } => Self::Invalid { finding: Box::new((*finding).with_help(help)), noted },
            other => other,
        }
    }
}

impl EvalError {
    /// Adds a related range to the diagnostic. An error of another variant stays unchanged.
    #[must_use]
    pub fn with_related(self, span: FileSpan, label: impl Into<String>) -> Self {
        match self {
            Self::Invalid { finding, noted } => {
                Self::Invalid { finding: Box::new((*finding).with_related(span, label)), noted }
            }
            other => other,
        }
    }
}

impl From<Diagnostic> for EvalError {
    fn from(finding: Diagnostic) -> Self {
        Self::Invalid { finding: Box::new(finding), noted: false }
    }
}
