//! The comparison of every policy that AWS manages and moto ships: with a copy of itself in another order, and with itself less
//! one action. `cargo bench -p leasehold-policy`
//!
//! Criterion times all of them together. How they are spread is measured here, each comparison on its own, and held to its
//! bounds, as is the memory of the whole process while they are compared one after the other.
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
use rustix::time::ClockId;
use serde_json::Value;

const MEDIAN: Duration = Duration::from_millis(1);
const NINETY_NINE: Duration = Duration::from_millis(100);
const SLOWEST: Duration = Duration::from_secs(2);
const MEMORY_KB: u64 = 200 * 1024;

/// A policy, and what it is compared with.
struct Case {
    whole: Access,
    shuffled: Access,
    /// Without its middle action.
    less: Access,
}

fn case(value: &Value) -> Case {
    let document = Document::from_value(value).expect("a policy");
    let copy = Document::from_value(&shuffled(&mut Random::new(7), value)).expect("a policy");
    let all = elements(&document);
    let less = without(&document, all[all.len() / 2]);
    let [whole, shuffled, less] = [document, copy, less].map(|document| Access::of(vec![document]));
    Case { whole, shuffled, less }
}

/// The processor time of this thread, which the load of the machine does not lengthen, and the time on the wall.
fn clocks() -> (Duration, Instant) {
    let spent = rustix::time::clock_gettime(ClockId::ThreadCPUTime);
    (Duration::try_from(spent).expect("a time"), Instant::now())
}

/// How long one comparison takes: processor and wall. Of three runs, the fastest counts.
fn time(old: &Access, new: &Access) -> (Duration, Duration) {
    let once = || {
        let (spent, start) = clocks();
        black_box(compare(black_box(old), black_box(new)));
        let (spent_after, end) = clocks();
        (spent_after - spent, end - start)
    };
    once().min(once()).min(once())
}

/// Prints how long single comparisons take, and asserts the bounds of the processor time.
fn spread(about: &str, mut times: Vec<(Duration, Duration, &str)>) {
    let mut wall: Vec<Duration> = times.iter().map(|(_, wall, _)| *wall).collect();
    wall.sort_unstable();
    times.sort_unstable();
    let last = times.len() - 1;
    let at = |share: usize| last * share / 1000;
    let (median, ninety_nine, slowest) = (times[at(500)].0, times[at(990)].0, times[last].0);
    println!(
        "{about}: {} policies; processor time: median {median:?}, 99 % {ninety_nine:?}, slowest {slowest:?} ({})",
        times.len(),
        times[last].2
    );
    println!("{about}: wall: median {:?}, 99 % {:?}, slowest {:?}", wall[at(500)], wall[at(990)], wall[last]);
    assert!(median <= MEDIAN && ninety_nine <= NINETY_NINE && slowest <= SLOWEST, "{about} misses a bound");
}

/// The most memory that this process has held, in kB; none where the kernel does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn managed(criterion: &mut Criterion) {
    let corpus = policies();
    let held = peak();
    let (mut shuffled, mut less) = (Vec::new(), Vec::new());
    // One policy at a time, so that the memory is that of the corpus as JSON and of one comparison.
    for (name, value) in &corpus {
        let case = case(value);
        let (spent, wall) = time(&case.whole, &case.shuffled);
        shuffled.push((spent, wall, name.as_str()));
        let (spent, wall) = time(&case.whole, &case.less);
        less.push((spent, wall, name.as_str()));
    }
    spread("shuffled", shuffled);
    spread("without one action", less);
    match (held, peak()) {
        (Some(held), Some(peak)) => {
            println!("memory: at most {} MB, of which {} MB before the first comparison", peak / 1024, held / 1024);
            assert!(peak <= MEMORY_KB, "{peak} kB are more than {MEMORY_KB}");
        }
        _ => println!("memory: not known on this system"),
    }
    let cases: Vec<Case> = corpus.values().map(case).collect();
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
