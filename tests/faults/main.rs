//! Every scenario of a lifecycle, under every fault: the real program, two emulators, a proxy between. Each run must end where a run
//! without faults ends, by writes in an order that gives nobody more than old and new access.
//!
//! `LEASEHOLD_CRASH_POINTS=all` tries every crash point and every other trial, with more seeds; without it a sample is tried, another
//! one each day. `LEASEHOLD_SCENARIO` picks scenarios by a part of their name, `LEASEHOLD_TRIAL` trials.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod account;
mod authorized;
mod declared;
mod order;
mod play;
mod replay;
mod rights;
mod scenarios;
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod throttled;
mod trials;
