//! Bounds on the work and memory that evaluation may take, whatever the files say.

use std::cell::Cell;
use std::sync::Arc;

use super::fault::{EvalError, Evaluated};
use crate::config::diagnostic::Diagnostic;
use crate::config::inputs::StackLimits;
use crate::config::source::FileSpan;
use crate::config::value::{ConfigValue, ValueData};

/// Steps of evaluation in one run: one for each expression and each element.
const MOST_STEPS: u64 = 2_500_000;
/// Steps more for each identity: large stacks take long, and may.
const STEPS_OF_AN_IDENTITY: u64 = 2_000;
/// Bytes that values may take, all told.
const MOST_BYTES: u64 = 192 * 1024 * 1024;
/// The longest string, in bytes.
pub const LONGEST_STRING: usize = 16 * 1024 * 1024;
/// The largest collection.
pub const LARGEST_COLLECTION: usize = 250_000;
/// The most values within one, counted as often as they are there.
pub const HEAVIEST: u32 = 1_000_000;
/// How deep evaluation may go through references of references.
const DEEPEST: u32 = 1_000;
/// What an element of a list takes, in bytes.
const ELEMENT: usize = size_of::<ConfigValue>();
/// What a node of a map takes, however few of its entries are there: it has room for eleven.
const NODE: usize = 11 * (size_of::<ConfigValue>() + size_of::<Arc<str>>());
/// A node that is not the only one holds at least so many entries.
const IN_A_NODE: usize = 5;

/// What is left.
#[derive(Debug)]
pub struct EvalBudget {
    steps: Cell<u64>,
    bytes: Cell<u64>,
    depth: Cell<u32>,
    suggestions: Cell<u64>,
    instances: Cell<usize>,
    /// How large the stack may be.
    pub limits: StackLimits,
}

impl EvalBudget {
    /// All that a stack of at most that size may take.
    #[must_use]
    pub fn from_limits(limits: StackLimits) -> Self {
        Self {
            steps: Cell::new(MOST_STEPS),
            bytes: Cell::new(MOST_BYTES),
            depth: Cell::new(0),
            suggestions: Cell::new(500_000),
            instances: Cell::new(limits.identities),
            limits,
        }
    }
}

/// What a function would make is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLargeError {
    /// A string.
    #[error("the result would be a string of more than 16 MiB")]
    String,
    /// A collection.
    #[error("the result would have more than 250,000 elements")]
    Collection,
    /// All values together.
    #[error("the values of this stack would take more than 192 MiB")]
    Total,
}

impl EvalBudget {
    /// Takes steps.
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
                    .with_detail(format!("more than {MOST_STEPS} steps"))
                    .with_help("make the collections that expressions go through smaller");
                Err(EvalError::Exhausted(Box::new(finding)))
            }
        }
    }

    /// Whether there is room for a string of so many bytes. It is not taken yet.
    pub fn check_string_room(&self, bytes: usize) -> Result<(), TooLargeError> {
        if bytes > LONGEST_STRING { Err(TooLargeError::String) } else { self.subtract_bytes(bytes).map(drop) }
    }

    /// Whether there is room for a collection of so many elements. It is not taken yet.
    pub fn check_collection_room(&self, elements: usize) -> Result<(), TooLargeError> {
        if elements > LARGEST_COLLECTION {
            Err(TooLargeError::Collection)
        } else {
            self.subtract_bytes(elements * ELEMENT).map(drop)
        }
    }

    /// Takes the room of a value that was made: of its own text or elements, not of what is within them.
    pub fn charge_value(&self, value: &ConfigValue) -> Result<(), TooLargeError> {
        if value.weight() > HEAVIEST {
            return Err(TooLargeError::Collection);
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

    fn subtract_bytes(&self, bytes: usize) -> Result<u64, TooLargeError> {
        let left = u64::try_from(bytes).ok().and_then(|bytes| self.bytes.get().checked_sub(bytes));
        left.ok_or(TooLargeError::Total)
    }

    /// Takes the room of a block's instances. There are no more of all blocks together than there may be identities.
    pub fn take_instances(&self, span: impl FnOnce() -> FileSpan, count: usize) -> Evaluated<()> {
        if let Some(left) = self.instances.get().checked_sub(count) {
            self.instances.set(left);
            return Ok(());
        }
        let finding =
            Diagnostic::error("config::budget", format!("more than {} instances in one stack", self.limits.identities))
                .with_location(span(), format!("{count} here"))
                .with_help("make several stacks of it");
        Err(EvalError::Exhausted(Box::new(finding)))
    }

    /// Runs the evaluation of one identity: it has steps of its own, and the values made on the way are gone afterwards.
    pub fn run_for_identity<T>(&self, inner: impl FnOnce() -> T) -> T {
        self.steps.set(self.steps.get().saturating_add(STEPS_OF_AN_IDENTITY));
        let bytes = self.bytes.get();
        let result = inner();
        self.bytes.set(bytes);
        result
    }

    /// Runs `inner` one level deeper.
    pub fn run_nested<T>(&self, span: impl FnOnce() -> FileSpan, inner: impl FnOnce() -> Evaluated<T>) -> Evaluated<T> {
        let depth = self.depth.get();
        if depth >= DEEPEST {
            let finding = Diagnostic::error("config::too_deep", "references go too deep")
                .with_location(span(), "stopped here")
                .with_detail(format!("more than {DEEPEST} expressions lie within each other, through references"))
                .with_help("shorten the chain of locals");
            return Err(EvalError::Exhausted(Box::new(finding)));
        }
        self.depth.set(depth + 1);
        let result = inner();
        self.depth.set(depth);
        result
    }

    /// Whether so many more names may be compared for a suggestion. Suggestions are a courtesy: they stop quietly.
    pub fn take_suggestions(&self, names: usize) -> bool {
        let left = u64::try_from(names).ok().and_then(|names| self.suggestions.get().checked_sub(names));
        left.inspect(|left| self.suggestions.set(*left)).is_some()
    }
}
