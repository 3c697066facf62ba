//! Alerts: what a pipeline should show about a plan or about drift, in the formats that pipelines read.
//!
//! In: a plan with its rulings, or a drift report. Out: a list of cases, each with its alerts, as annotations, SARIF or JUnit.

pub mod github;
pub mod junit;
pub mod plan;
pub mod sarif;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use leasehold_provider::{Address, Digest};

use crate::config::{BlockOrigin, DeclaredStack, FileId, Sources};
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

/// The alerts by severity, the most severe first, at most `most` of them; and how many of each level are left out, in words.
fn select_worst_alerts<'a>(
    alerts: impl IntoIterator<Item = &'a Alert>,
    most: usize,
) -> (Vec<&'a Alert>, Option<String>) {
    let mut alerts: Vec<&Alert> = alerts.into_iter().collect();
    alerts.sort_by_key(|alert| std::cmp::Reverse(alert.level));
    let rest = alerts.split_off(most.min(alerts.len()));
    let levels = [AlertLevel::Error, AlertLevel::Warning, AlertLevel::Note].map(|level| {
        let count = rest.iter().filter(|alert| alert.level == level).count();
        (count > 0).then(|| format!("{count} of level {}", level.as_annotation()))
    });
    let words: Vec<String> = levels.into_iter().flatten().collect();
    let omitted = (!rest.is_empty()).then(|| {
        format!("{} alerts are not shown: {}. The plan or report itself has all of them.", rest.len(), words.join(", "))
    });
    (alerts, omitted)
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
    /// The texts of files that were needed. Finding the lines of a file takes as long as reading it.
    texts: RefCell<BTreeMap<FileId, Rc<ShownText<'a>>>>,
    scopes: BTreeMap<Address, &'a BlockOrigin>,
}

impl<'a> BlockPlaces<'a> {
    /// For the blocks of `declared`, whose files are in `sources`.
    #[must_use]
    pub fn new(declared: &'a DeclaredStack, sources: &'a Sources) -> Self {
        let scopes = declared.scopes.values().map(|(scope, origin)| (scope.address(), origin)).collect();
        Self { declared, sources, texts: RefCell::default(), scopes }
    }

    /// The header of the block with this address. If there is no such block, the header of the `leasehold` block.
    #[must_use]
    pub fn find_place(&self, address: Option<&Address>) -> Option<AlertPlace> {
        let identity = address.and_then(|address| self.declared.identities.get(address)).map(|found| &found.origin);
        let scope = || self.scopes.get(address?).copied();
        let origin = identity.or_else(scope).unwrap_or(&self.declared.origin);
        self.locate_span(origin.file, &origin.header)
    }

    fn locate_span(&self, file: FileId, bytes: &std::ops::Range<usize>) -> Option<AlertPlace> {
        let source = self.sources.get_file(file)?;
        let text =
            Rc::clone(self.texts.borrow_mut().entry(file).or_insert_with(|| Rc::new(ShownText::new(&source.bytes))));
        let range = text.shown_range(bytes);
        Some(AlertPlace {
            file: source.name.clone(),
            start: text.line_and_column(range.start),
            end: text.line_and_column(range.end),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(level: AlertLevel, at: usize) -> Alert {
        let text = |word: &str| format!("{word} {at}");
        Alert { rule: text("r"), level, subject: text("s"), message: text("m"), remedy: text("h"), place: None }
    }

    #[test]
    fn the_worst_alerts_are_never_left_out() {
        let alerts: Vec<Alert> =
            (0..80).map(|at| alert(if at == 79 { AlertLevel::Error } else { AlertLevel::Note }, at)).collect();
        let (few, none) = select_worst_alerts(&alerts, 80);
        assert_eq!((few.len(), none), (80, None));
        let (shown, omitted) = select_worst_alerts(&alerts, 50);
        assert_eq!((shown.len(), shown[0].level), (50, AlertLevel::Error));
        assert_eq!(
            omitted.unwrap(),
            "30 alerts are not shown: 30 of level note. The plan or report itself has all of them."
        );
        assert!(render_alerts_github(&alerts).starts_with("::error title=More alerts than are shown::30 alerts"));
    }
}
