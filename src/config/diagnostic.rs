//! What is wrong, where, and what to do about it: a value. Drawing it is the views' work.

use super::source::FileSpan;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiagnosticSeverity {
    /// Nothing is done until it is mended.
    Error,
    /// Somebody should look at it.
    Warning,
}

/// A place in a file, with a word on what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Where.
    pub span: FileSpan,
    /// What to write under the underline; may be empty.
    pub label: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: DiagnosticSeverity,
    /// A stable code, such as `config::unknown_attribute`. SARIF and annotations use it.
    pub code: &'static str,
    /// One line: what is wrong.
    pub summary: String,
    /// More on it, where there is more: the values involved, the rule.
    pub detail: Option<String>,
    /// The references in what is wrong, each with a word on its value: `var.x`, `is "a"`.
    pub values: Vec<(String, String)>,
    /// What to do.
    pub help: Option<String>,
    /// Where. `None`: the stack as a whole.
    pub location: Option<Location>,
    /// Other places that matter, such as the first of two duplicates.
    pub related: Vec<Location>,
}

impl Diagnostic {
    /// An error with no place yet.
    pub fn error(code: &'static str, summary: impl Into<String>) -> Self {
        Self {
            severity: DiagnosticSeverity::Error,
            code,
            summary: summary.into(),
            detail: None,
            values: Vec::new(),
            help: None,
            location: None,
            related: Vec::new(),
        }
    }

    /// A warning with no place yet.
    pub fn warning(code: &'static str, summary: impl Into<String>) -> Self {
        Self { severity: DiagnosticSeverity::Warning, ..Self::error(code, summary) }
    }

    /// The same, at a place.
    #[must_use]
    pub fn with_location(mut self, span: FileSpan, label: impl Into<String>) -> Self {
        self.location = Some(Location { span, label: label.into() });
        self
    }

    /// The same, with more on it.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same, with what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same, with another place that matters.
    #[must_use]
    pub fn with_related(mut self, span: FileSpan, label: impl Into<String>) -> Self {
        self.related.push(Location { span, label: label.into() });
        self
    }
}
