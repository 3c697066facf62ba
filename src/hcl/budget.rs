//! Limits on the work and memory of an evaluation, so that no input makes it run for long or exhaust memory. Every operation charges the
//! budget before or directly after its work. If the budget is spent, the evaluation ends with [`EvalError::Exhausted`], which `try`
//! does not catch.

use std::cell::Cell;
use std::sync::Arc;

use super::eval_error::{EvalError, Evaluated};
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::source::FileSpan;
use crate::hcl::value::{ConfigValue, ValueData};

/// Steps for one run: each expression and each element takes one.
const MOST_STEPS: u64 = 2_500_000;
/// Bytes for all values of a run together: 192 MiB.
const MOST_BYTES: u64 = 192 * 1024 * 1024;
/// The longest string, in bytes: 16 MiB.
pub const LONGEST_STRING: usize = 16 * 1024 * 1024;
/// The largest number of elements of a collection.
pub const LARGEST_COLLECTION: usize = 250_000;
/// The largest number of values within one value; a shared value counts once for each occurrence.
pub const MOST_VALUES: u32 = 1_000_000;
/// The largest number of levels of a value. Functions that read a value recurse, and JSON has at most 128 levels.
pub const DEEPEST_VALUE: u16 = 200;
/// The maximum depth of expressions within each other, including those reached through references.
const DEEPEST: u32 = 1_000;
/// The memory of a list element, in bytes.
const ELEMENT: usize = size_of::<ConfigValue>();
/// The memory of a map node, in bytes. A node of the standard library's B-tree has room for eleven entries, however few are in it.
const NODE: usize = 11 * (size_of::<ConfigValue>() + size_of::<Arc<str>>());
/// Every B-tree node except the root has at least this many entries.
const IN_A_NODE: usize = 5;

/// The maximum size of a configuration. Memory and time grow with it; these limits bound them for any `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalLimits {
    /// The maximum number of instances of all blocks with `for_each` or `count` together.
    pub instances: usize,
    /// The maximum number of module instances.
    pub modules: usize,
}

/// The remaining budget of a run.
#[derive(Debug)]
pub struct EvalBudget {
    steps: Cell<u64>,
    bytes: Cell<u64>,
    depth: Cell<u32>,
    suggestions: Cell<u64>,
    instances: Cell<usize>,
    /// The limits on the size of the configuration.
    pub limits: EvalLimits,
}

impl EvalBudget {
    /// The full budget for a configuration with these limits.
    #[must_use]
    pub fn from_limits(limits: EvalLimits) -> Self {
        Self {
            steps: Cell::new(MOST_STEPS),
            bytes: Cell::new(MOST_BYTES),
            depth: Cell::new(0),
            suggestions: Cell::new(500_000),
            instances: Cell::new(limits.instances),
            limits,
        }
    }
}

/// The limit that a result would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLargeError {
    /// The length of a string.
    #[error("the result would be a string of more than 16 MiB")]
    String,
    /// The number of elements of a collection.
    #[error("the result would have more than 250,000 elements")]
    Collection,
    /// The number of values in a value.
    #[error("the result would contain more than 1,000,000 values, each occurrence of a value counted")]
    Values,
    /// The number of levels of a value.
    #[error("the result would have more than 200 levels of lists and maps within each other")]
    Depth,
    /// The memory of all values together.
    #[error("the values of this stack would take more than 192 MiB")]
    Total,
}

impl EvalBudget {
    /// The steps that are left.
    #[must_use]
    pub fn steps_left(&self) -> u64 {
        self.steps.get()
    }

    /// Charges `count` steps. `span` is the range for the diagnostic.
    ///
    /// # Errors
    ///
    /// Returns [`EvalError::Exhausted`] if fewer steps are left.
    pub fn take_steps(&self, span: impl FnOnce() -> FileSpan, count: u64) -> Evaluated<()> {
        match self.steps.get().checked_sub(count) {
            Some(left) => {
                self.steps.set(left);
                Ok(())
            }
            None => {
                self.steps.set(0);
                let finding = Diagnostic::error("config::budget", "evaluation takes too long")
                    .with_location(span(), "stopped here")
                    .with_detail(format!("The expressions of this stack take more than {MOST_STEPS} steps."))
                    .with_help("use smaller collections and texts");
                Err(EvalError::Exhausted(Box::new(finding)))
            }
        }
    }

    /// Checks that a string of `bytes` bytes fits the budget, without charging it.
    ///
    /// # Errors
    ///
    /// Returns the limit that the string would exceed.
    pub fn check_string_room(&self, bytes: usize) -> Result<(), TooLargeError> {
        if bytes > LONGEST_STRING { Err(TooLargeError::String) } else { self.subtract_bytes(bytes).map(drop) }
    }

    /// Checks that a collection of `elements` elements fits the budget, without charging it.
    ///
    /// # Errors
    ///
    /// Returns the limit that the collection would exceed.
    pub fn check_collection_room(&self, elements: usize) -> Result<(), TooLargeError> {
        if elements > LARGEST_COLLECTION {
            Err(TooLargeError::Collection)
        } else {
            self.subtract_bytes(elements.saturating_mul(ELEMENT)).map(drop)
        }
    }

    /// Charges the memory of a new value: its own text or elements, but not what the elements refer to.
    ///
    /// # Errors
    ///
    /// Returns the limit that the value exceeds.
    pub fn charge_value(&self, value: &ConfigValue) -> Result<(), TooLargeError> {
        if value.size().values > MOST_VALUES {
            return Err(TooLargeError::Values);
        }
        if value.size().depth > DEEPEST_VALUE {
            return Err(TooLargeError::Depth);
        }
        let bytes = match &value.data {
            ValueData::String(text) if text.len() > LONGEST_STRING => return Err(TooLargeError::String),
            ValueData::String(text) => text.len(),
            _ => {
                let elements = value.elements().map_or(0, <[ConfigValue]>::len);
                let entries = value.entries().map_or(0, std::collections::BTreeMap::len);
                let nodes = if entries == 0 { 0 } else { 1 + entries / IN_A_NODE };
                elements.saturating_mul(ELEMENT).saturating_add(nodes.saturating_mul(NODE))
            }
        };
        let left = self.subtract_bytes(bytes);
        self.bytes.set(left.unwrap_or(0));
        left.map(drop)
    }

    /// Charges the memory of `elements` elements and of `text` bytes of text, which a function creates within its result.
    ///
    /// # Errors
    ///
    /// Returns the limit that they exceed.
    pub fn charge_parts(&self, elements: usize, text: usize) -> Result<(), TooLargeError> {
        let left = self.subtract_bytes(elements.saturating_mul(ELEMENT).saturating_add(text));
        self.bytes.set(left.unwrap_or(0));
        left.map(drop)
    }

    fn subtract_bytes(&self, bytes: usize) -> Result<u64, TooLargeError> {
        let left = u64::try_from(bytes).ok().and_then(|bytes| self.bytes.get().checked_sub(bytes));
        left.ok_or(TooLargeError::Total)
    }

    /// Charges the instances of a block.
    ///
    /// # Errors
    ///
    /// Returns [`EvalError::Exhausted`] if fewer instances are left.
    pub fn take_instances(&self, span: impl FnOnce() -> FileSpan, count: usize) -> Evaluated<()> {
        if let Some(left) = self.instances.get().checked_sub(count) {
            self.instances.set(left);
            return Ok(());
        }
        let finding =
            Diagnostic::error("config::budget", format!("more than {} instances in one stack", self.limits.instances))
                .with_location(span(), format!("{count} here"))
                .with_help("split it into several stacks");
        Err(EvalError::Exhausted(Box::new(finding)))
    }

    /// Runs `inner` with `steps` more steps. The memory of its intermediate values is available again afterwards.
    pub fn run_with_more_steps<T>(&self, steps: u64, inner: impl FnOnce() -> T) -> T {
        self.steps.set(self.steps.get().saturating_add(steps));
        let bytes = self.bytes.get();
        let result = inner();
        self.bytes.set(bytes);
        result
    }

    /// Runs `inner` one level deeper.
    ///
    /// # Errors
    ///
    /// Returns [`EvalError::Exhausted`] at the maximum depth, otherwise the error of `inner`.
    pub fn run_nested<T>(&self, span: impl FnOnce() -> FileSpan, inner: impl FnOnce() -> Evaluated<T>) -> Evaluated<T> {
        let depth = self.depth.get();
        if depth >= DEEPEST {
            let finding = Diagnostic::error("config::too_deep", "references are nested too deep")
                .with_location(span(), "stopped here")
                .with_detail(format!("more than {DEEPEST} expressions are nested through references"))
                .with_help("shorten the chain of locals");
            return Err(EvalError::Exhausted(Box::new(finding)));
        }
        self.depth.set(depth + 1);
        let result = inner();
        self.depth.set(depth);
        result
    }

    /// Charges one comparison of names for a suggestion. False: too many comparisons have been made. Then the diagnostic has no
    /// suggestion, which is not an error.
    pub fn take_suggestion(&self) -> bool {
        let left = self.suggestions.get().checked_sub(1);
        left.inspect(|left| self.suggestions.set(*left)).is_some()
    }
}
