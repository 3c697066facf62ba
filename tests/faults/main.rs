//! Every scenario of a lifecycle, under every fault: the real program, two emulators, a proxy between. Each run must end where a run
//! without faults ends, by writes in an order that gives nobody more than old and new access.
//!
//! `LEASEHOLD_CRASH_POINTS=all` tries every crash point, and more seeds and repetitions of the other faults; without it a sample is
//! tried, another one each day.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod account;
mod crash;
mod order;
mod replay;
mod scenarios;
mod stage;
#[path = "../support/mod.rs"]
mod support;

/// Whether everything is to be tried.
fn is_long() -> bool {
    std::env::var("LEASEHOLD_CRASH_POINTS").as_deref() == Ok("all")
}

/// The number of this day: samples rotate by it.
fn day() -> usize {
    usize::try_from(jiff::Timestamp::now().as_second() / 86_400).unwrap()
}

/// The only scenario to play, for a closer look.
fn is_wanted(scenario: &scenarios::Scenario) -> bool {
    std::env::var("LEASEHOLD_SCENARIO").map_or(true, |wanted| scenario.name.contains(&wanted))
}
