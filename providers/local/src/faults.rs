//! Fault injection for tests: makes changes fail.
//!
//! In: [`Faults`], which say which share of attempts fails and how. Out: for each attempt, the fault it meets or none.
//! The choice is a hash of seed, change and attempt number, so that equal seeds give equal failures even if concurrent
//! changes arrive in another order.

use std::collections::{BTreeSet, HashMap};

use leasehold_provider::{Change, Digest};

/// How an attempt at a change fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Nothing is written; the caller gets `Unreachable`, as if the request had been lost.
    BeforeCommit,
    /// The change is written; the caller gets `Unreachable`, as if the response had been lost.
    AfterCommit,
    /// Nothing is written; the caller gets `Throttled`.
    Throttled,
}

/// Which attempts fail, and how. The default injects no faults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// Seed of the choice of failing attempts.
    pub seed: u64,
    /// Probability that an attempt fails, from 0 to 1. Each attempt at the same change is decided separately.
    pub rate: f64,
    /// The faults to choose from. If empty, no attempt fails.
    pub kinds: BTreeSet<FaultKind>,
    /// Number of written changes after which every attempt fails without a write, as after a crash; `None` for never.
    /// Exact only if changes are executed one at a time.
    pub crash_after: Option<u64>,
}

/// What happens to one attempt: a [`FaultKind`], or a failure after the simulated crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InjectedFault {
    BeforeCommit,
    AfterCommit,
    Throttled,
    Crashed,
}

/// Decides which attempts fail, and counts attempts and writes.
#[derive(Debug, Default)]
pub(crate) struct FaultInjector {
    faults: Faults,
    attempts: HashMap<Digest, u64>,
    writes: u64,
}

impl FaultInjector {
    pub fn new(faults: Faults) -> Self {
        Self { faults, attempts: HashMap::new(), writes: 0 }
    }

    /// Returns the fault for the next attempt at this change; `None` lets it pass.
    pub fn next_fault(&mut self, change: &Change) -> Option<InjectedFault> {
        if self.faults.crash_after.is_some_and(|limit| self.writes >= limit) {
            return Some(InjectedFault::Crashed);
        }
        if self.faults.kinds.is_empty() || self.faults.rate <= 0.0 {
            return None;
        }
        let digest = Digest::from_serializable(change);
        let attempt = self.attempts.entry(digest).or_default();
        *attempt = attempt.saturating_add(1);
        let random = Digest::from_serializable(&(self.faults.seed, digest, *attempt)).to_string();
        let word = |from: usize| random.get(from..from.saturating_add(8)).and_then(|d| u32::from_str_radix(d, 16).ok());
        let (chance, choice) = (word(0)?, word(8)?);
        if f64::from(chance) / f64::from(u32::MAX) >= self.faults.rate {
            return None;
        }
        let choice = usize::try_from(choice).ok()?.checked_rem(self.faults.kinds.len())?;
        self.faults.kinds.iter().nth(choice).map(|kind| match kind {
            FaultKind::BeforeCommit => InjectedFault::BeforeCommit,
            FaultKind::AfterCommit => InjectedFault::AfterCommit,
            FaultKind::Throttled => InjectedFault::Throttled,
        })
    }

    /// Counts a written change, for `crash_after`.
    pub fn count_write(&mut self) {
        self.writes = self.writes.saturating_add(1);
    }
}
