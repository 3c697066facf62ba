//! Keeps compiled regular expressions, so that a pattern is compiled once per run.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use regex::Regex;

/// The number of compiled patterns to keep. When it is reached, the cache is cleared.
const MAX_CACHED_PATTERNS: usize = 256;

/// Compiled patterns by source text, each with its number of positions.
#[derive(Debug, Default)]
pub struct PatternCache(RefCell<HashMap<String, (Arc<Regex>, u64)>>);

impl PatternCache {
    /// The compiled pattern and its number of positions. `None`: it is not kept.
    pub(super) fn find_pattern(&self, pattern: &str) -> Option<(Arc<Regex>, u64)> {
        self.0.borrow().get(pattern).cloned()
    }

    /// Keeps a compiled pattern.
    pub(super) fn keep_pattern(&self, pattern: &str, regex: &Arc<Regex>, positions: u64) {
        let mut patterns = self.0.borrow_mut();
        if patterns.len() >= MAX_CACHED_PATTERNS {
            patterns.clear();
        }
        patterns.insert(pattern.to_owned(), (regex.clone(), positions));
    }
}
