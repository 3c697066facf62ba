//! Keeps compiled regular expressions, so that a pattern is compiled once per run.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use regex::Regex;

use super::rescan::RescanMeter;

/// The number of compiled patterns to keep. When it is reached, the cache is cleared.
const MAX_CACHED_PATTERNS: usize = 256;

/// A compiled regular expression.
#[derive(Debug)]
pub struct CompiledPattern {
    /// The expression.
    pub regex: Regex,
    /// Its number of positions, which estimates the time for each byte of a text.
    pub positions: u64,
    /// Counts the bytes that its searches read.
    pub meter: RescanMeter,
    /// What has been read and is less than a step, in positions times bytes.
    pub unpaid: Cell<u64>,
}

/// Compiled patterns by source text.
#[derive(Debug, Default)]
pub struct PatternCache(RefCell<HashMap<String, Rc<CompiledPattern>>>);

impl PatternCache {
    /// The compiled pattern. `None`: it is not kept.
    pub(super) fn find_pattern(&self, pattern: &str) -> Option<Rc<CompiledPattern>> {
        self.0.borrow().get(pattern).cloned()
    }

    /// Keeps a compiled pattern.
    pub(super) fn keep_pattern(&self, pattern: &str, compiled: &Rc<CompiledPattern>) {
        let mut patterns = self.0.borrow_mut();
        if patterns.len() >= MAX_CACHED_PATTERNS {
            patterns.clear();
        }
        patterns.insert(pattern.to_owned(), Rc::clone(compiled));
    }
}
