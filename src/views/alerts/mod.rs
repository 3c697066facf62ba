//! What a pipeline should show of a plan or of drift, in the forms that pipelines read: annotations, SARIF, JUnit.

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

/// How loud an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertLevel {
    /// To be known.
    Note,
    /// To be looked at.
    Warning,
    /// Stands against going on.
    Error,
}

impl AlertLevel {
    /// The level as annotations and SARIF both have it, but for a note.
    fn as_annotation(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Where in the configuration an alert belongs: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertPlace {
    /// The file, as people know it.
    pub file: String,
    /// Line and column of the first character.
    pub start: (usize, usize),
    /// Line and column behind the last character.
    pub end: (usize, usize),
}

/// One thing to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The rule, by an id that never changes its meaning.
    pub rule: String,
    /// How loud it is.
    pub level: AlertLevel,
    /// What it is about: an address, or an object's own name.
    pub subject: String,
    /// What there is to say, in a sentence.
    pub message: String,
    /// What to do, in a sentence.
    pub remedy: String,
    /// Where it belongs.
    pub place: Option<AlertPlace>,
}

impl Alert {
    /// A name that stays from run to run, as long as the same is said of the same.
    #[must_use]
    pub fn compute_fingerprint(&self) -> String {
        Digest::from_serializable(&(&self.rule, &self.subject, &self.message)).to_string()
    }
}

/// One thing that was looked at, and what there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertCase {
    /// What it is: an address, or an object's own name.
    pub subject: String,
    /// What there is to say; empty: all is well.
    pub alerts: Vec<Alert>,
}

/// The places of a stack's blocks.
pub struct BlockPlaces<'a> {
    declared: &'a DeclaredStack,
    sources: &'a Sources,
}

impl<'a> BlockPlaces<'a> {
    /// The places of the blocks of `declared`, which `sources` hold.
    #[must_use]
    pub fn new(declared: &'a DeclaredStack, sources: &'a Sources) -> Self {
        Self { declared, sources }
    }

    /// The header of the block of that address; of the `leasehold` block where no such block stands.
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
