//! The comparison of every policy that AWS manages and moto ships: with a copy of itself in another order, and with itself less
//! one action. `cargo bench -p leasehold-policy`
//!
//! Criterion times all of them together. How they are spread is measured here, each comparison on its own, and held to its
//! bounds, as is the memory of the whole process.
#![allow(missing_docs, clippy::panic, clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock, and what the kernel says of its memory")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::Random;
use common::managed::{elements, policies, shuffled, without};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use leasehold_policy::{Access, Document, compare};

const MEDIAN: Duration = Duration::from_millis(1);
const NINETY_NINE: Duration = Duration::from_millis(100);
const SLOWEST: Duration = Duration::from_secs(2);
const MEMORY_KB: u64 = 200 * 1024;

/// A policy, and what it is compared with.
struct Case {
    name: String,
    whole: Access,
    shuffled: Access,
    /// Without its middle action.
    less: Access,
}

fn cases() -> Vec<Case> {
    let case = |(name, value)| {
        let document = Document::from_value(&value).expect("a policy");
        let copy = Document::from_value(&shuffled(&mut Random::new(7), &value)).expect("a policy");
        let all = elements(&document);
        let less = without(&document, all[all.len() / 2]);
        let [whole, shuffled, less] = [document, copy, less].map(|document| Access::of(vec![document]));
        Case { name, whole, shuffled, less }
    };
    policies().into_iter().map(case).collect()
}

/// Prints how long single comparisons take, and asserts their bounds. Of three runs of each, the fastest counts.
fn spread(about: &str, cases: &[Case], other: impl Fn(&Case) -> &Access) {
    let time = |case: &Case| {
        let once = || {
            let start = Instant::now();
            black_box(compare(black_box(&case.whole), black_box(other(case))));
            start.elapsed()
        };
        once().min(once()).min(once())
    };
    let mut times: Vec<(Duration, &str)> = cases.iter().map(|case| (time(case), case.name.as_str())).collect();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 1000].0;
    let (slowest, name) = times[times.len() - 1];
    println!(
        "{about}: {} policies; median {:?}, 99 % {:?}, slowest {slowest:?} ({name})",
        times.len(),
        at(500),
        at(990)
    );
    assert!(at(500) <= MEDIAN && at(990) <= NINETY_NINE && slowest <= SLOWEST, "{about} misses a bound");
}

/// The most memory that this process has held, in kB; none where the kernel does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn managed(criterion: &mut Criterion) {
    let cases = cases();
    spread("shuffled", &cases, |case| &case.shuffled);
    spread("without one action", &cases, |case| &case.less);
    match peak() {
        Some(peak) => {
            println!("memory: at most {} MB, corpus included", peak / 1024);
            assert!(peak <= MEMORY_KB, "{peak} kB are more than {MEMORY_KB}");
        }
        None => println!("memory: not known on this system"),
    }
    let mut group = criterion.benchmark_group("every managed policy");
    group.sample_size(10).throughput(Throughput::Elements(cases.len() as u64));
    let mut time = |about, other: fn(&Case) -> &Access| {
        group.bench_function(about, |bencher| {
            bencher.iter(|| cases.iter().for_each(|case| drop(black_box(compare(&case.whole, other(case))))));
        });
    };
    time("shuffled", |case| &case.shuffled);
    time("without one action", |case| &case.less);
    group.finish();
}

criterion_group!(benches, managed);
criterion_main!(benches);
