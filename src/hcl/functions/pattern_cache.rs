//! Keeps compiled regular expressions, so that a pattern is compiled once per run.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use regex::Regex;

use super::rescan::RescanMeter;
use super::{Args, FunctionError};

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
    unpaid: Cell<u64>,
}

/// The bytes of text that one position of a pattern reads in one step.
const BYTES_IN_A_STEP: u64 = 10;

impl CompiledPattern {
    pub(super) fn new(regex: Regex, positions: u64, meter: RescanMeter) -> Self {
        Self { regex, positions, meter, unpaid: Cell::new(0) }
    }

    /// Charges the steps of reading `bytes` bytes of text.
    ///
    /// # Errors
    ///
    /// Returns [`FunctionError::Inner`] if fewer steps are left.
    pub(super) fn charge_reading(&self, bytes: usize, args: &Args<'_>) -> Result<(), FunctionError> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let read = self.positions.saturating_mul(bytes).saturating_add(self.unpaid.get());
        self.unpaid.set(read % BYTES_IN_A_STEP);
        args.take_steps(read / BYTES_IN_A_STEP)
    }
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
