//! Failures on purpose, for tests and rehearsals. The same seed and the same changes give the same failures, in whatever
//! order concurrent changes arrive.

use std::collections::{BTreeSet, HashMap};

use leasehold_provider::{Change, Digest};

/// How a change can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Nothing is written, and nothing answers.
    BeforeCommit,
    /// It is written, and nothing answers.
    AfterCommit,
    /// Nothing is written: too many changes at once.
    Throttled,
}

/// Which changes fail, and how.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// What the choice of changes follows from.
    pub seed: u64,
    /// The share of attempts that fail, from 0 to 1. A change that failed may be tried again: each attempt counts anew.
    pub rate: f64,
    /// How they fail. Empty: none does.
    pub kinds: BTreeSet<FaultKind>,
    /// After this many changes were written nothing more is: as if the process had been killed there. Exact when changes come
    /// one at a time.
    pub crash_after: Option<u64>,
}

/// What happens to the next change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    BeforeCommit,
    AfterCommit,
    Throttled,
    Crashed,
}

/// Deals out faults.
#[derive(Debug, Default)]
pub(crate) struct Injector {
    faults: Faults,
    attempts: HashMap<Digest, u64>,
    writes: u64,
}

impl Injector {
    /// Faults from the first change on.
    pub fn new(faults: Faults) -> Self {
        Self { faults, attempts: HashMap::new(), writes: 0 }
    }

    /// What is to happen to an attempt at this change.
    pub fn next(&mut self, change: &Change) -> Option<Fault> {
        if self.faults.crash_after.is_some_and(|limit| self.writes >= limit) {
            return Some(Fault::Crashed);
        }
        if self.faults.kinds.is_empty() || self.faults.rate <= 0.0 {
            return None;
        }
        let digest = Digest::of(change);
        let attempt = self.attempts.entry(digest).or_default();
        *attempt = attempt.saturating_add(1);
        let drawn = Digest::of(&(self.faults.seed, digest, *attempt)).to_string();
        let number =
            |from: usize| drawn.get(from..from.saturating_add(8)).and_then(|d| u32::from_str_radix(d, 16).ok());
        let (chance, choice) = (number(0)?, number(8)?);
        if f64::from(chance) / f64::from(u32::MAX) >= self.faults.rate {
            return None;
        }
        let choice = usize::try_from(choice).ok()?.checked_rem(self.faults.kinds.len())?;
        self.faults.kinds.iter().nth(choice).map(|kind| match kind {
            FaultKind::BeforeCommit => Fault::BeforeCommit,
            FaultKind::AfterCommit => Fault::AfterCommit,
            FaultKind::Throttled => Fault::Throttled,
        })
    }

    /// Counts a change that was written.
    pub fn written(&mut self) {
        self.writes = self.writes.saturating_add(1);
    }
}
