//! Stacks that random changes make from a corpus: parsing, evaluating and rendering must not panic, hang, or take much memory. `cargo test`
//! runs a few; a long run is
//!
//! ```text
//! LEASEHOLD_FUZZ_SECONDS=1200 cargo test --release -p leasehold --test engine config::fuzz -- --nocapture
//! ```
//!
//! `LEASEHOLD_TEST_SEED` selects other changes. An input that fails is written to the temporary directory; `LEASEHOLD_FUZZ_INPUT` with its path
//! runs that input alone.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

mod mutation;
mod outcome;
mod vocabulary;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;

use mutation::{boundary, change};
use outcome::{outcome, peak, timed};

/// The most that one stack may take, of processor time. A debug build is many times slower.
const LIMIT: Duration = if cfg!(debug_assertions) { Duration::from_secs(20) } else { Duration::from_secs(1) };
/// The most memory that the whole run may take, in KiB.
const MEMORY: u64 = 512 * 1024;
/// What is kept to change again may take so many bytes: it counts as memory of the whole run.
const POOL: usize = 32 * 1024 * 1024;
/// Longer stacks are cut.
const LONGEST: usize = 64 * 1024;

/// The files of the corpus, and the stack that has every block and attribute.
fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/config");
    let entries = std::fs::read_dir(folder.join("corpus")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    names.push(folder.join("reference.hcl"));
    names.sort();
    names.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn fuzz() {
    if let Ok(path) = std::env::var("LEASEHOLD_FUZZ_INPUT") {
        let (found, took) = timed(&std::fs::read_to_string(path).unwrap());
        panic!("wall, own and system's time {took:?}: {found:?}");
    }
    let long = environment("LEASEHOLD_FUZZ_SECONDS");
    let mut random = Rng::with_seed(leasehold_test_harness::test_seed());
    let mut pool = corpus();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut kept = 0;
    assert!(pool.len() >= 15, "{}", pool.len());
    for text in &pool {
        known.extend(outcome(text));
    }
    let start = Instant::now();
    let (mut runs, mut slowest) = (0_u64, (Duration::ZERO, String::new()));
    while long.map_or(runs < 40, |seconds| start.elapsed() < Duration::from_secs(seconds)) {
        let mut text = pool[random.usize(..pool.len())].clone();
        for _ in 0..=random.usize(..6) {
            change(&mut text, &pool, &mut random);
        }
        text.truncate(boundary(&text, LONGEST));
        let (found, [wall, own, system]) = timed(&text);
        let took = own + system;
        let worst = |what: &str| {
            let path = std::env::temp_dir().join("leasehold-fuzz-input");
            std::fs::write(&path, &text).unwrap();
            panic!("{what}: {}", path.display());
        };
        let Ok(found) = found else { worst("panic") };
        // Other tests of this process take their share of its time; in a long run it is alone.
        if long.is_some() && took > LIMIT {
            worst(&format!("took {own:?}, and {system:?} of the system, in {wall:?}"));
        }
        if long.is_some() && peak() > MEMORY {
            worst(&format!("took {} MiB", peak() / 1024));
        }
        if took > slowest.0 {
            slowest = (took, text.clone());
        }
        if found.iter().any(|shape| !known.contains(shape)) && kept + text.len() < POOL {
            kept += text.len();
            known.extend(found);
            pool.push(text);
        }
        runs += 1;
        if long.is_some() && runs % 20_000 == 0 {
            tell(start, runs, pool.len(), slowest.0);
        }
    }
    if long.is_some() {
        tell(start, runs, pool.len(), slowest.0);
        assert!(peak() < MEMORY, "{} KiB", peak());
    }
}

/// How a long run goes.
fn tell(start: Instant, runs: u64, kept: usize, slowest: Duration) {
    let (took, peak) = (start.elapsed(), peak() / 1024);
    eprintln!("{runs} runs in {took:?}, {kept} kept, slowest {slowest:?}, peak {peak} MiB");
}

/// The corpus holds what must be refused too: each of those files says with which code.
#[test]
fn the_corpus_is_refused_as_it_says() {
    for text in corpus() {
        let Some(code) = text.strip_prefix("# refused: ").and_then(|text| text.lines().next()) else { continue };
        let shapes = outcome(&text);
        assert!(
            shapes.iter().any(|shape| shape.starts_with(code)),
            "{code}: {shapes:?}\n{}",
            &text[..text.len().min(300)]
        );
        assert!(!shapes.iter().any(|shape| shape.starts_with("sound")), "{code}");
    }
}
