//! Compares every AWS managed policy that moto contains with a shuffled copy of itself, and with itself without one
//! action. `cargo bench -p leasehold-policy`
//!
//! Criterion times all of them together. This benchmark also measures each comparison alone and asserts bounds on the
//! distribution of the times and on the memory of the process.
#![allow(missing_docs, clippy::panic, clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock and the memory usage")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::Random;
use common::managed::{elements, policies, shuffled, without};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use leasehold_policy::{PolicyDocument, PolicySet, compare_policies};
use rustix::time::ClockId;
use serde_json::Value;

const MEDIAN: Duration = Duration::from_millis(1);
const NINETY_NINE: Duration = Duration::from_millis(100);
const SLOWEST: Duration = Duration::from_secs(2);
const MEMORY_KB: u64 = 200 * 1024;

/// A policy and the variants it is compared with.
struct Case {
    whole: PolicySet,
    shuffled: PolicySet,
    /// Without its middle action.
    less: PolicySet,
}

fn case(value: &Value) -> Case {
    let document = PolicyDocument::from_value(value).expect("a policy");
    let copy = PolicyDocument::from_value(&shuffled(&mut Random::new(7), value)).expect("a policy");
    let all = elements(&document);
    let less = without(&document, all[all.len() / 2]);
    let [whole, shuffled, less] = [document, copy, less].map(|document| PolicySet::new(vec![document]));
    Case { whole, shuffled, less }
}

/// The processor time of this thread, which is independent of the load of the machine, and the wall time.
fn clocks() -> (Duration, Instant) {
    let spent = rustix::time::clock_gettime(ClockId::ThreadCPUTime);
    (Duration::try_from(spent).expect("a time"), Instant::now())
}

/// The processor and wall time of one comparison: the fastest of three runs.
fn time(old: &PolicySet, new: &PolicySet) -> (Duration, Duration) {
    let once = || {
        let (spent, start) = clocks();
        black_box(compare_policies(black_box(old), black_box(new)));
        let (spent_after, end) = clocks();
        (spent_after - spent, end - start)
    };
    once().min(once()).min(once())
}

/// Prints the distribution of the times of single comparisons, and asserts the bounds on the processor time.
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

/// The peak memory of this process in kB. `None` on systems without `/proc/self/status`.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn managed(criterion: &mut Criterion) {
    let corpus = policies();
    let held = peak();
    let (mut shuffled, mut less) = (Vec::new(), Vec::new());
    // One policy at a time, so that the peak is the corpus as JSON plus one comparison.
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
    let mut time = |about, other: fn(&Case) -> &PolicySet| {
        group.bench_function(about, |bencher| {
            bencher.iter(|| cases.iter().for_each(|case| drop(black_box(compare_policies(&case.whole, other(case))))));
        });
    };
    time("shuffled", |case| &case.shuffled);
    time("without one action", |case| &case.less);
    group.finish();
}

criterion_group!(benches, managed);
criterion_main!(benches);
