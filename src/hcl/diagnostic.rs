//! Diagnostics as values: what is wrong, where, and what to do. [`crate::views`] renders them.

use super::source::FileSpan;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiagnosticSeverity {
    /// The run stops without changes until it is fixed.
    Error,
    /// The run continues; a person should check it.
    Warning,
}

/// A place in a file, with a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The place.
    pub span: FileSpan,
    /// The text under the underline; may be empty.
    pub label: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its severity.
    pub severity: DiagnosticSeverity,
    /// A stable code, such as `config::unknown_attribute`. SARIF output and annotations use it.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub summary: String,
    /// Details, such as the values involved or the rule.
    pub detail: Option<String>,
    /// The references in the failing expression, each with a description of its value: `var.x`, `is "a"`.
    pub values: Vec<(String, String)>,
    /// What to do.
    pub help: Option<String>,
    /// The place. `None`: the finding is about the configuration as a whole.
    pub location: Option<Location>,
    /// Other relevant places, such as the first of two duplicates.
    pub related: Vec<Location>,
}

impl Diagnostic {
    /// An error without a place.
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

    /// A warning without a place.
    pub fn warning(code: &'static str, summary: impl Into<String>) -> Self {
        Self { severity: DiagnosticSeverity::Warning, ..Self::error(code, summary) }
    }

    /// Sets the place.
    #[must_use]
    pub fn with_location(mut self, span: FileSpan, label: impl Into<String>) -> Self {
        self.location = Some(Location { span, label: label.into() });
        self
    }

    /// Sets the details.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds another relevant place.
    #[must_use]
    pub fn with_related(mut self, span: FileSpan, label: impl Into<String>) -> Self {
        self.related.push(Location { span, label: label.into() });
        self
    }
}
