//! Runs each scenario of the lifecycle under each fault: the real program, two emulators, and a proxy in front of them. Each run must end
//! in the state in which a run without faults ends, and its writes must be in an order that gives no principal more than its old or its new
//! access.
//!
//! `LEASEHOLD_CRASH_POINTS=all` tries every crash point and every other trial, with more seeds. Without it, a sample is tried;
//! `LEASEHOLD_TEST_SEED` selects another sample. `LEASEHOLD_SCENARIO` selects scenarios by a part of their name, and `LEASEHOLD_TRIAL` selects
//! trials.

mod account;
mod authorized;
mod declared;
mod harness;
mod order;
mod replay;
mod rights;
mod scenario_runs;
mod scenarios;
mod throttled;
mod trials;
