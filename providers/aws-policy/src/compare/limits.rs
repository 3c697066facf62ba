//! How much work a comparison may do. Counted, not timed: the same input always ends the same way.

/// The work or memory allowed ran out; the answer is Unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exhausted;

/// A hundredth of it for the fuzzer, which is to try many inputs and not to wait for the limit.
const WORK: usize = if cfg!(fuzzing) { 300_000 } else { 30_000_000 };
const MEMORY: usize = 8_000_000;

/// What is left.
#[derive(Debug)]
pub(crate) struct Budget {
    work: usize,
    memory: usize,
}

impl Budget {
    /// About a second of work and 100 MB in a release build.
    pub fn standard() -> Self {
        Self::of_comparisons(1)
    }

    /// The work of so many comparisons, for questions that share it: a document that takes one to the limit does not do so
    /// for each question about it.
    pub fn of_comparisons(count: usize) -> Self {
        Self { work: WORK.saturating_mul(count), memory: MEMORY }
    }

    /// Another comparison begins; what the one before it held is free again.
    pub(super) fn begin(&mut self) {
        self.memory = MEMORY;
    }

    /// Takes steps of work.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Exhausted> {
        self.work = self.work.checked_sub(steps).ok_or(Exhausted)?;
        Ok(())
    }

    /// Takes words of memory that stay in use.
    pub(super) fn hold(&mut self, words: usize) -> Result<(), Exhausted> {
        self.memory = self.memory.checked_sub(words).ok_or(Exhausted)?;
        Ok(())
    }
}
