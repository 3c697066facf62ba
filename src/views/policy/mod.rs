//! Answers about policies, for people and for machines.

pub mod explanation;
pub mod findings;
pub mod sarif;
pub mod simulation;

use leasehold_policy::{AccessRequest, ComparisonVerdict, LintFinding, PlacedDocument, PolicyComparison};

use crate::config::SourceFile;
use crate::views::inert::escape_steering;
use crate::views::style::{ADD, REMOVE, paint_text};

/// A file of policies.
#[derive(Debug)]
pub struct PolicyFile {
    /// The name and the text of the file.
    pub file: SourceFile,
    /// The policy documents in the file, in the order of the text.
    pub documents: Vec<PlacedDocument>,
}

/// A finding and the document that it is about.
#[derive(Debug)]
pub struct FileFinding<'a> {
    /// The file.
    pub file: &'a PolicyFile,
    /// The document in the file.
    pub placed: &'a PlacedDocument,
    /// The finding.
    pub finding: LintFinding,
}

impl FileFinding<'_> {
    /// The range of bytes that the finding is about: its statement, or the whole file.
    fn byte_range(&self) -> std::ops::Range<usize> {
        let statement = self.finding.statement.and_then(|statement| self.placed.statements.get(statement));
        statement.cloned().unwrap_or(0..self.file.file.bytes.len())
    }

    /// The path within the file of what the finding is about.
    fn finding_path(&self) -> String {
        match self.finding.statement {
            Some(statement) => self.placed.statement_path(statement).to_string(),
            None => self.placed.path.to_string(),
        }
    }
}

/// A comparison of policies, as text for people.
#[must_use]
pub fn render_comparison(comparison: &PolicyComparison) -> String {
    let words = match comparison.verdict() {
        ComparisonVerdict::Equivalent => paint_text(ADD, "the same access"),
        ComparisonVerdict::Narrows => paint_text(ADD, "narrows access"),
        ComparisonVerdict::Expands => paint_text(REMOVE, "EXPANDS access"),
        ComparisonVerdict::Incomparable => paint_text(REMOVE, "EXPANDS and narrows access"),
        ComparisonVerdict::Unknown => paint_text(REMOVE, "access may EXPAND or narrow"),
    };
    let mut out = format!("{words}\n");
    if let Some(request) = comparison.new_in_old.witness() {
        out.push_str(&format!("  newly allowed, for example: {}\n", describe_request(request)));
    }
    if let Some(request) = comparison.old_in_new.witness() {
        out.push_str(&format!("  no longer allowed, for example: {}\n", describe_request(request)));
    }
    if let Some(reason) = comparison.unknown_reason() {
        let proved = if comparison.grants_nothing_new() { "; nothing is newly allowed (proved)" } else { "" };
        out.push_str(&format!("  not decided: {}{proved}\n", escape_steering(&reason.to_string())));
    }
    out
}

/// A request as text: action, resource, caller and condition keys.
fn describe_request(request: &AccessRequest) -> String {
    let mut words = format!("{} on {} by {}", request.action, request.resource, request.principal);
    let context: Vec<String> =
        request.context.iter().map(|(key, values)| format!("{key} = {}", values.join(" or "))).collect();
    if !context.is_empty() {
        words.push_str(&format!(" when {}", context.join(", ")));
    }
    escape_steering(&words).into_owned()
}
