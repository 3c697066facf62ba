//! How an attribute changes, line by line.

use std::collections::BTreeSet;

use leasehold_provider::{Marks, Resource, Value};
use similar::{ChangeTag, TextDiff};

use crate::views::inert::inert;
use crate::views::style::{ADD, FAINT, REMOVE, paint};

/// What stands for a value that views hide.
pub const HIDDEN: &str = "(sensitive value)";

/// Lines of an unchanged part of a document that are shown on each side of a change.
const CONTEXT: usize = 2;

/// The lines that say how `after` differs from `before`.
#[must_use]
pub fn differences(before: &Resource, after: &Resource) -> Vec<String> {
    let names: BTreeSet<&str> = before.attributes.keys().chain(after.attributes.keys()).map(AsRef::as_ref).collect();
    let mut lines = Vec::new();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        if before.sensitive.contains(name) || after.sensitive.contains(name) {
            lines.push(format!("{name}: {HIDDEN} → {HIDDEN}"));
            continue;
        }
        lines.extend(value_lines(name, old, new));
    }
    lines
}

/// The lines that say how marks differ, but for the digest, which says nothing to people.
#[must_use]
pub fn mark_differences(before: Option<&Marks>, after: &Marks) -> Vec<String> {
    let tags = |marks: &Marks| Marks { digest: None, ..marks.clone() }.to_tags();
    let (old, new) = (before.map(tags).unwrap_or_default(), tags(after));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| entry(key, old.get(key), new.get(key)))
        .collect()
}

fn value_lines(name: &str, old: Option<&Value>, new: Option<&Value>) -> Vec<String> {
    match (old, new) {
        (Some(Value::Document(old)), Some(Value::Document(new))) => {
            let mut lines = vec![format!("{name}:")];
            lines.extend(document_lines(old.json(), new.json()).into_iter().map(|line| format!("  {line}")));
            lines
        }
        (Some(Value::Set(old)), Some(Value::Set(new))) => {
            let gone = old.difference(new).map(|item| paint(REMOVE, &format!("- {}", quoted(item))));
            let added = new.difference(old).map(|item| paint(ADD, &format!("+ {}", quoted(item))));
            std::iter::once(format!("{name}:")).chain(gone.chain(added).map(|line| format!("  {line}"))).collect()
        }
        (Some(Value::Map(old)), Some(Value::Map(new))) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let lines = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
            std::iter::once(format!("{name}:"))
                .chain(lines.map(|key| format!("  {}", entry(key, old.get(key), new.get(key)))))
                .collect()
        }
        (old, new) => {
            let text = |value: Option<&Value>| {
                value.map_or_else(|| "none".to_owned(), |value| inert(&value.to_json().to_string()).into_owned())
            };
            vec![format!("{name}: {} → {}", text(old), text(new))]
        }
    }
}

fn quoted(text: &str) -> String {
    inert(&serde_json::Value::from(text).to_string()).into_owned()
}

fn entry(key: &str, old: Option<&String>, new: Option<&String>) -> String {
    let key = inert(key);
    match (old, new) {
        (Some(old), Some(new)) => format!("{key}: {} → {}", quoted(old), quoted(new)),
        (Some(old), None) => paint(REMOVE, &format!("- {key}: {}", quoted(old))),
        (None, Some(new)) => paint(ADD, &format!("+ {key}: {}", quoted(new))),
        (None, None) => String::new(),
    }
}

/// A line diff of two documents, with unchanged parts folded to their count.
fn document_lines(old: &serde_json::Value, new: &serde_json::Value) -> Vec<String> {
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    let (old, new) = (pretty(old), pretty(new));
    let diff = TextDiff::from_lines(&old, &new);
    let mut lines = Vec::new();
    let mut shown_to = 0usize;
    let total = old.lines().count();
    for group in diff.grouped_ops(CONTEXT) {
        let start = group.first().map_or(shown_to, |op| op.old_range().start);
        fold(&mut lines, start.saturating_sub(shown_to));
        for op in &group {
            for change in diff.iter_changes(op) {
                let text = inert(change.value().trim_end_matches('\n')).into_owned();
                lines.push(match change.tag() {
                    ChangeTag::Equal => format!("  {text}"),
                    ChangeTag::Delete => paint(REMOVE, &format!("- {text}")),
                    ChangeTag::Insert => paint(ADD, &format!("+ {text}")),
                });
            }
        }
        shown_to = group.last().map_or(shown_to, |op| op.old_range().end);
    }
    fold(&mut lines, total.saturating_sub(shown_to));
    lines
}

fn fold(lines: &mut Vec<String>, unchanged: usize) {
    match unchanged {
        0 => {}
        1 => lines.push(paint(FAINT, "# 1 unchanged line")),
        n => lines.push(paint(FAINT, &format!("# {n} unchanged lines"))),
    }
}
