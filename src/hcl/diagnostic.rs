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

/// The most findings that one stage collects. They take memory before they are shown.
pub const MOST_FINDINGS: usize = 10_000;

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

/// Adds a finding, unless there are too many. The finding after the last says so.
pub fn add_bounded_finding(findings: &mut Vec<Diagnostic>, finding: Diagnostic) {
    match findings.len() {
        0..MOST_FINDINGS => findings.push(finding),
        MOST_FINDINGS => {
            let summary = format!("more than {MOST_FINDINGS} errors and warnings");
            let many = Diagnostic::error("config::too_many", summary)
                .with_help("correct the first errors, and run the command again");
            findings.push(match finding.location {
                Some(at) => many.with_location(at.span, "later ones are not reported"),
                None => many,
            });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finding_after_the_last_says_that_there_are_more() {
        let mut findings = Vec::new();
        (0..MOST_FINDINGS).for_each(|_| add_bounded_finding(&mut findings, Diagnostic::error("a", "b")));
        assert!(findings.iter().all(|finding| finding.code == "a"));
        (0..5).for_each(|_| add_bounded_finding(&mut findings, Diagnostic::error("a", "b")));
        assert_eq!(findings.len(), MOST_FINDINGS + 1);
        assert_eq!(findings.last().unwrap().code, "config::too_many");
    }
}
