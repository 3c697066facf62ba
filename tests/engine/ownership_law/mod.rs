//! The law of ownership: whoever can edit marks can cause no write to an object of somebody else, no longer lease, no earlier deletion, and
//! cannot lift a revocation; every edit of a mark is reported and repaired.
//!
//! Random histories on the embedded directory, with the lock, the ledger and the inventory in a folder. Between the runs of a stack an
//! attacker edits, copies, moves, removes and forges marks, renames principals and replaces them. Runs are killed at random points, time
//! passes, and the configuration changes. [`oracle::Oracle`] compares the rows of the directory before and after each run. It learns which
//! objects belong to the stack from the rows that runs create, so it shares nothing with the inventory that it tests.
//!
//! `LEASEHOLD_HISTORIES` sets the number of histories, `LEASEHOLD_TEST_SEED` the seed of the first one.
#![allow(clippy::disallowed_methods, reason = "a test writes files and reads its environment")]

mod attacker;
mod configuration;
mod estate;
mod history;
mod oracle;

use std::sync::atomic::{AtomicU64, Ordering};

use leasehold_test_harness::test_seed;

use history::History;

/// The number of histories without `LEASEHOLD_HISTORIES`.
const HISTORIES: u64 = 1_000;

fn count_histories() -> u64 {
    std::env::var("LEASEHOLD_HISTORIES").map_or(HISTORIES, |text| text.parse().unwrap())
}

#[test]
fn no_edit_of_a_mark_gives_access_or_takes_an_object() {
    let first = test_seed().wrapping_mul(1_000_000);
    let histories = count_histories();
    let next = AtomicU64::new(0);
    let workers = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= histories {
                        return;
                    }
                    History::new(first.wrapping_add(number), &runtime).play();
                }
            });
        }
    });
}
