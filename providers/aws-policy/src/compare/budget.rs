//! The work and memory that a comparison may use. Counted instead of timed, so the same input always has the same
//! result.

/// A comparison exceeded its work or memory; its result is Unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BudgetExceededError;

/// Steps of one comparison: about a second in a release build. The fuzzer gets a hundredth, to try more inputs.
const WORK: usize = if cfg!(fuzzing) { 300_000 } else { 30_000_000 };
/// Words of one comparison: about 100 MB.
const MEMORY: usize = 8_000_000;

/// The rest of the work and memory.
#[derive(Debug)]
pub(crate) struct WorkBudget {
    work: usize,
    memory: usize,
}

impl WorkBudget {
    /// The budget of one comparison: about a second of work and 100 MB in a release build.
    pub fn for_one_comparison() -> Self {
        Self::for_comparisons(1)
    }

    /// The work of `count` comparisons, for many comparisons of one document. With a shared budget, a document that
    /// exceeds the limit does so once and not for each of its comparisons.
    pub fn for_comparisons(count: usize) -> Self {
        Self { work: WORK.saturating_mul(count), memory: MEMORY }
    }

    /// Starts another comparison: the memory of the previous one is free again, its work stays spent.
    pub(super) fn begin_comparison(&mut self) {
        self.memory = MEMORY;
    }

    /// Spends steps of work.
    pub(super) fn spend_work(&mut self, steps: usize) -> Result<(), BudgetExceededError> {
        self.work = self.work.checked_sub(steps).ok_or(BudgetExceededError)?;
        Ok(())
    }

    /// Reserves words of memory until the end of the comparison.
    pub(super) fn reserve_memory(&mut self, words: usize) -> Result<(), BudgetExceededError> {
        self.memory = self.memory.checked_sub(words).ok_or(BudgetExceededError)?;
        Ok(())
    }
}
