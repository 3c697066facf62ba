//! How much work a comparison may do. Counted, not timed: the same input always ends the same way.

/// The work or memory allowed ran out; the answer is Unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exhausted;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    work: usize,
    memory: usize,
}

impl Budget {
    /// About a second of work and 100 MB in a release build.
    pub fn standard() -> Self {
        Self { work: 30_000_000, memory: 8_000_000 }
    }

    /// Takes steps of work.
    pub fn spend(&mut self, steps: usize) -> Result<(), Exhausted> {
        self.work = self.work.checked_sub(steps).ok_or(Exhausted)?;
        Ok(())
    }

    /// Takes words of memory that stay in use.
    pub fn hold(&mut self, words: usize) -> Result<(), Exhausted> {
        self.memory = self.memory.checked_sub(words).ok_or(Exhausted)?;
        Ok(())
    }
}
