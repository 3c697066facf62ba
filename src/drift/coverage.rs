//! Coverage: which objects of an account a stack manages.
//!
//! In: a snapshot and an ignore file. Out: a [`Coverage`], which counts the users, roles and customer-managed
//! policies by who manages them, and lists the unmanaged ones.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobMatcher};
use leasehold_provider::{Custody, Realizer, Resource, Snapshot};
use serde::Serialize;

/// The objects that may be unmanaged: globs on ARNs or other cloud names. `*` matches any characters, `?` matches
/// one.
#[derive(Debug, Clone, Default)]
pub struct IgnorePatterns {
    patterns: Vec<(String, GlobMatcher)>,
}

/// A line of an ignore file that is not a valid glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text:?} is not a valid pattern: {problem}")]
pub struct InvalidPatternError {
    /// The line, from 1.
    pub line: usize,
    /// The text of the line.
    pub text: String,
    /// What is wrong with it, in the words of the glob parser.
    pub problem: String,
}

impl IgnorePatterns {
    /// Parses an ignore file: one pattern per line. Empty lines and lines that start with `#` are ignored.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidPatternError`] for the first line that is not a valid glob.
    pub fn parse_ignore_file(text: &str) -> Result<Self, InvalidPatternError> {
        let mut patterns = Vec::new();
        for (line, text) in (1usize..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let glob = GlobBuilder::new(text).literal_separator(false).build().map_err(|error| {
                InvalidPatternError { line, text: text.to_owned(), problem: error.kind().to_string() }
            })?;
            patterns.push((text.to_owned(), glob.compile_matcher()));
        }
        Ok(Self { patterns })
    }

    /// The first pattern that matches a name; `None` if no pattern does.
    fn find_matching_pattern(&self, name: &str) -> Option<&str> {
        self.patterns.iter().find(|(_, glob)| glob.is_match(name)).map(|(text, _)| text.as_str())
    }
}

/// The users, roles and customer-managed policies of an account, by who manages them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The number of objects that this stack manages.
    pub managed: usize,
    /// The number of objects that other stacks manage, by stack.
    pub other_stacks: BTreeMap<String, usize>,
    /// The names of unmanaged objects: without a mark, or with one that cannot be read.
    pub unmanaged: BTreeSet<String>,
    /// The number of unmanaged objects that a pattern ignores.
    pub ignored: usize,
    /// The number of service-linked roles.
    pub service_linked: usize,
    /// The number of objects that the cloud's own user directory manages, such as IAM Identity Center.
    pub reserved: usize,
    /// The patterns that match nothing.
    pub unused_patterns: Vec<String>,
}

impl Coverage {
    /// Counts the live objects of a snapshot.
    #[must_use]
    pub fn from_snapshot(snapshot: &Snapshot, realize: &Realizer, ignore: &IgnorePatterns) -> Self {
        let bears_marks = |resource: &&Resource| resource.marks.is_some();
        let parts = snapshot.identities.values().flat_map(|live| live.resources.values().filter(bears_marks));
        let mut coverage = Self { managed: parts.count().saturating_add(snapshot.shared.len()), ..Self::default() };
        let mut used: BTreeSet<&str> = BTreeSet::new();
        for unmanaged_object in snapshot.unmanaged_objects.values() {
            let count = match (realize.names.classify_custody(&unmanaged_object.arn), &unmanaged_object.stack) {
                (Custody::ServiceLinked, _) => &mut coverage.service_linked,
                (Custody::Reserved, _) => &mut coverage.reserved,
                (Custody::Customer, Some(stack)) if unmanaged_object.unreadable.is_none() => {
                    coverage.other_stacks.entry(stack.to_string()).or_default()
                }
                (Custody::Customer, _) => match ignore.find_matching_pattern(&unmanaged_object.arn) {
                    Some(pattern) => {
                        used.insert(pattern);
                        &mut coverage.ignored
                    }
                    None => {
                        coverage.unmanaged.insert(unmanaged_object.arn.clone());
                        continue;
                    }
                },
            };
            *count = count.saturating_add(1);
        }
        let patterns = ignore.patterns.iter().map(|(text, _)| text);
        coverage.unused_patterns = patterns.filter(|text| !used.contains(text.as_str())).cloned().collect();
        coverage
    }

    /// The managed share of the objects that a customer can write, in percent, rounded down; ignored objects count as
    /// not managed. `None` if there are no such objects.
    #[must_use]
    pub fn percent(&self) -> Option<usize> {
        let managed = self.other_stacks.values().fold(self.managed, |sum, count| sum.saturating_add(*count));
        let all = managed.saturating_add(self.unmanaged.len()).saturating_add(self.ignored);
        managed.saturating_mul(100).checked_div(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignore_patterns_match_full_names() {
        let ignore =
            IgnorePatterns::parse_ignore_file("# ours\n\narn:aws:iam::*:role/legacy-*\narn:aws:iam::1:user/jane\n")
                .unwrap();
        assert!(ignore.find_matching_pattern("arn:aws:iam::1:role/legacy-a/b").is_some());
        assert!(ignore.find_matching_pattern("arn:aws:iam::1:role/x/legacy-a").is_none());
        assert!(ignore.find_matching_pattern("arn:aws:iam::1:user/jane2").is_none());
        assert_eq!(IgnorePatterns::parse_ignore_file("ok\n[\n").unwrap_err().line, 2);
    }
}
