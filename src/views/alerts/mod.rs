//! Alerts: what a pipeline should show about a plan or about drift, in the formats that pipelines read.
//!
//! In: a plan with its rulings, or a drift report. Out: a list of cases, each with its alerts, as annotations, SARIF or JUnit.

pub mod github;
pub mod junit;
pub mod plan;
pub mod sarif;

use leasehold_provider::{Address, Digest};

use crate::config::{DeclaredStack, FileId, Sources};
use crate::views::diagnostics::text::ShownText;

pub use github::render_alerts_github;
pub use junit::render_alerts_junit;
pub use plan::alerts_for_plan;
pub use sarif::render_alerts_sarif;

/// The severity of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertLevel {
    /// For information.
    Note,
    /// Should be reviewed.
    Warning,
    /// Blocks the apply.
    Error,
}

impl AlertLevel {
    /// The name of the level in SARIF. Annotations use the same names, except for a note.
    fn as_annotation(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The place in the configuration that an alert points to: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertPlace {
    /// The name of the file. For code hosts it is relative to the root of the repository.
    pub file: String,
    /// Line and column of the first character.
    pub start: (usize, usize),
    /// Line and column after the last character.
    pub end: (usize, usize),
}

/// One message to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The id of the rule. An id never changes its meaning.
    pub rule: String,
    /// The severity.
    pub level: AlertLevel,
    /// The subject: an address, or the name of an object.
    pub subject: String,
    /// What was found, as a sentence.
    pub message: String,
    /// What to do, as a sentence.
    pub remedy: String,
    /// The place in the configuration. `None`: there is none, or it is not known.
    pub place: Option<AlertPlace>,
}

impl Alert {
    /// An id that is the same in every run that reports the same message about the same subject.
    #[must_use]
    pub fn compute_fingerprint(&self) -> String {
        Digest::from_serializable(&(&self.rule, &self.subject, &self.message)).to_string()
    }
}

/// A subject that was checked, and the alerts about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertCase {
    /// The subject: an address, or the name of an object.
    pub subject: String,
    /// The alerts. Empty: no problem was found.
    pub alerts: Vec<Alert>,
}

/// Finds the places of a stack's blocks.
pub struct BlockPlaces<'a> {
    declared: &'a DeclaredStack,
    sources: &'a Sources,
}

impl<'a> BlockPlaces<'a> {
    /// For the blocks of `declared`, whose files are in `sources`.
    #[must_use]
    pub fn new(declared: &'a DeclaredStack, sources: &'a Sources) -> Self {
        Self { declared, sources }
    }

    /// The header of the block with this address. If there is no such block, the header of the `leasehold` block.
    #[must_use]
    pub fn find_place(&self, address: Option<&Address>) -> Option<AlertPlace> {
        let identity = address.and_then(|address| self.declared.identities.get(address)).map(|found| &found.origin);
        let scope = || {
            let address = address?;
            self.declared.scopes.values().find(|(scope, _)| scope.address() == *address).map(|(_, origin)| origin)
        };
        let origin = identity.or_else(scope).unwrap_or(&self.declared.origin);
        self.locate_span(origin.file, &origin.header)
    }

    fn locate_span(&self, file: FileId, bytes: &std::ops::Range<usize>) -> Option<AlertPlace> {
        let source = self.sources.get_file(file)?;
        let text = ShownText::new(&source.bytes);
        let range = text.shown_range(bytes);
        Some(AlertPlace {
            file: source.name.clone(),
            start: text.line_and_column(range.start),
            end: text.line_and_column(range.end),
        })
    }
}
