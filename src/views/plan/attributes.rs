//! The differences between two states of an object, as lines.
//!
//! In: an object before and after a change. Out: lines with a marker, whose text is safe for a terminal. Sensitive values are never in
//! them: they are replaced by [`HIDDEN`].

use std::collections::BTreeSet;

use leasehold_provider::{Marks, Resource, Value};
use similar::{ChangeTag, TextDiff};

use crate::views::inert::escape_steering;
use crate::views::style::{ADD, FAINT, REMOVE, paint_text};

/// The role of a line in a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineMarker {
    /// Context: neither added nor removed.
    Same,
    /// Added.
    Added,
    /// Removed.
    Removed,
    /// Replaces unchanged lines that are not shown.
    Folded,
}

/// One line of a difference. Its text is escaped and safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceLine {
    /// The role of the line.
    pub marker: LineMarker,
    indent: usize,
    text: String,
}

impl DifferenceLine {
    fn new(marker: LineMarker, text: impl Into<String>) -> Self {
        Self { marker, indent: 0, text: text.into() }
    }

    fn indent_deeper(self) -> Self {
        Self { indent: self.indent + 2, ..self }
    }

    /// The line for a terminal: the marker is in front of the text, after the indentation.
    #[must_use]
    pub fn to_terminal(&self) -> String {
        let (indent, text) = (" ".repeat(self.indent), &self.text);
        match self.marker {
            LineMarker::Same => format!("{indent}{text}"),
            LineMarker::Added => format!("{indent}{}", paint_text(ADD, &format!("+ {text}"))),
            LineMarker::Removed => format!("{indent}{}", paint_text(REMOVE, &format!("- {text}"))),
            LineMarker::Folded => format!("{indent}{}", paint_text(FAINT, text)),
        }
    }

    /// The line for a diff block: the marker is in column 0.
    #[must_use]
    pub fn to_diff(&self) -> String {
        let sign = match self.marker {
            LineMarker::Same | LineMarker::Folded => ' ',
            LineMarker::Added => '+',
            LineMarker::Removed => '-',
        };
        format!("{sign} {}{}", " ".repeat(self.indent), self.text)
    }
}

/// The text that replaces a hidden value.
pub const HIDDEN: &str = leasehold_provider::sensitive::HIDDEN;

/// A longer text is compared line by line, and a line is truncated to this length.
const LONG: usize = 400;

/// How many unchanged lines of a document are shown before and after a change.
const CONTEXT: usize = 2;

/// The lines that show the difference between `before` and `after`.
#[must_use]
pub fn difference_lines(before: &Resource, after: &Resource) -> Vec<DifferenceLine> {
    let names: BTreeSet<&str> = before.attributes.keys().chain(after.attributes.keys()).map(AsRef::as_ref).collect();
    let mut lines = Vec::new();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        if before.sensitive.contains(name) || after.sensitive.contains(name) {
            lines.push(DifferenceLine::new(LineMarker::Same, format!("{name}: {HIDDEN} → {HIDDEN}")));
            continue;
        }
        lines.extend(value_lines(name, old, new));
    }
    lines
}

/// All documents of one object in full; every line has the same marker.
#[must_use]
pub fn whole_document_lines(resource: &Resource, marker: LineMarker) -> Vec<DifferenceLine> {
    let mut lines = Vec::new();
    for (name, value) in &resource.attributes {
        let Value::Document(document) = value else { continue };
        if resource.sensitive.contains(name.as_ref()) {
            lines.push(DifferenceLine::new(marker, format!("{name}: {HIDDEN}")));
            continue;
        }
        lines.push(DifferenceLine::new(marker, format!("{name}:")));
        lines.extend(
            pretty_json(document.as_json_value())
                .lines()
                .map(|line| DifferenceLine::new(marker, escape_steering(line)).indent_deeper()),
        );
    }
    lines
}

/// The lines that show the difference between marks, without the digest, which is not meaningful to people.
#[must_use]
pub fn mark_difference_lines(before: Option<&Marks>, after: &Marks) -> Vec<DifferenceLine> {
    let tags = |marks: &Marks| Marks { digest: None, ..marks.clone() }.to_tags();
    let (old, new) = (before.map(tags).unwrap_or_default(), tags(after));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| entry_line(key, old.get(key), new.get(key)))
        .collect()
}

fn value_lines(name: &str, old: Option<&Value>, new: Option<&Value>) -> Vec<DifferenceLine> {
    let heading = || std::iter::once(DifferenceLine::new(LineMarker::Same, format!("{name}:")));
    match (old, new) {
        (Some(Value::Document(old)), Some(Value::Document(new))) => heading()
            .chain(
                document_difference_lines(old.as_json_value(), new.as_json_value())
                    .into_iter()
                    .map(DifferenceLine::indent_deeper),
            )
            .collect(),
        (Some(Value::Text(old)), Some(Value::Text(new))) if old.len().max(new.len()) > LONG => {
            heading().chain(text_difference_lines(old, new).into_iter().map(DifferenceLine::indent_deeper)).collect()
        }
        (Some(Value::Set(old)), Some(Value::Set(new))) => {
            let gone = old.difference(new).map(|item| DifferenceLine::new(LineMarker::Removed, quote_text(item)));
            let added = new.difference(old).map(|item| DifferenceLine::new(LineMarker::Added, quote_text(item)));
            heading().chain(gone.chain(added).map(DifferenceLine::indent_deeper)).collect()
        }
        (Some(Value::Map(old)), Some(Value::Map(new))) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let differing = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
            heading().chain(differing.map(|key| entry_line(key, old.get(key), new.get(key)).indent_deeper())).collect()
        }
        (old, new) => {
            let text = |value: Option<&Value>| {
                value.map_or_else(
                    || "none".to_owned(),
                    |value| escape_steering(&value.to_json().to_string()).into_owned(),
                )
            };
            vec![DifferenceLine::new(LineMarker::Same, format!("{name}: {} → {}", text(old), text(new)))]
        }
    }
}

fn quote_text(text: &str) -> String {
    escape_steering(&serde_json::Value::from(text).to_string()).into_owned()
}

fn entry_line(key: &str, old: Option<&String>, new: Option<&String>) -> DifferenceLine {
    let key = escape_steering(key);
    match (old, new) {
        (Some(old), Some(new)) => {
            DifferenceLine::new(LineMarker::Same, format!("{key}: {} → {}", quote_text(old), quote_text(new)))
        }
        (Some(old), None) => DifferenceLine::new(LineMarker::Removed, format!("{key}: {}", quote_text(old))),
        (None, Some(new)) => DifferenceLine::new(LineMarker::Added, format!("{key}: {}", quote_text(new))),
        (None, None) => DifferenceLine::new(LineMarker::Same, String::new()),
    }
}

fn pretty_json(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// A line diff of two documents.
fn document_difference_lines(old: &serde_json::Value, new: &serde_json::Value) -> Vec<DifferenceLine> {
    text_difference_lines(&pretty_json(old), &pretty_json(new))
}

/// A line as it is shown: in full, or its start and its length.
fn shorten_line(line: &str) -> String {
    match line.char_indices().nth(LONG) {
        None => escape_steering(line).into_owned(),
        Some((end, _)) => {
            format!("{}… ({} characters)", escape_steering(line.get(..end).unwrap_or_default()), line.chars().count())
        }
    }
}

/// A line diff of two texts. Unchanged parts are replaced by the number of their lines.
fn text_difference_lines(old: &str, new: &str) -> Vec<DifferenceLine> {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    let mut shown_to = 0usize;
    let total = old.lines().count();
    for group in diff.grouped_ops(CONTEXT) {
        let start = group.first().map_or(shown_to, |op| op.old_range().start);
        fold_unchanged(&mut lines, start.saturating_sub(shown_to));
        for op in &group {
            for change in diff.iter_changes(op) {
                let text = shorten_line(change.value().trim_end_matches('\n'));
                lines.push(match change.tag() {
                    ChangeTag::Equal => DifferenceLine::new(LineMarker::Same, text).indent_deeper(),
                    ChangeTag::Delete => DifferenceLine::new(LineMarker::Removed, text),
                    ChangeTag::Insert => DifferenceLine::new(LineMarker::Added, text),
                });
            }
        }
        shown_to = group.last().map_or(shown_to, |op| op.old_range().end);
    }
    fold_unchanged(&mut lines, total.saturating_sub(shown_to));
    lines
}

fn fold_unchanged(lines: &mut Vec<DifferenceLine>, unchanged: usize) {
    match unchanged {
        0 => {}
        1 => lines.push(DifferenceLine::new(LineMarker::Folded, "# 1 unchanged line")),
        n => lines.push(DifferenceLine::new(LineMarker::Folded, format!("# {n} unchanged lines"))),
    }
}
