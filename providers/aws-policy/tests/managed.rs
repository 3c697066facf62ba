//! AWS's own policies, all that the emulator's package carries: each is read, equals a shuffled copy of itself, and says less
//! without any one of its actions.
//!
//! A policy's actions are taken out one at a time: a few of each, or with `LEASEHOLD_POLICY_REMOVALS=all` every one.

#![allow(clippy::disallowed_methods, reason = "the length of the run is set from outside")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::Random;
use common::managed::{Element, elements, grants, policies, shuffled, without};
use leasehold_policy::{Access, Document, Verdict, Why, compare, equivalent};

/// So many of each policy, evenly over its length.
const REMOVALS: usize = 3;

/// The elements that are taken out of a policy.
fn chosen(document: &Document) -> Vec<Element> {
    let all = elements(document);
    let most = match std::env::var("LEASEHOLD_POLICY_REMOVALS").as_deref() {
        Ok("all") => all.len(),
        Ok(number) => number.parse().unwrap(),
        Err(_) => REMOVALS,
    };
    let most = most.min(all.len());
    (0..most).map(|index| all[index * all.len() / most]).collect()
}

/// Runs a task on every processor.
fn on_all<T: Sync>(items: &[T], task: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    task(item);
                }
            });
        }
    });
}

#[test]
fn every_managed_policy() {
    let tallies: Mutex<BTreeMap<(&str, Verdict), usize>> = Mutex::new(BTreeMap::new());
    let tally = |about: &'static str, verdict: Verdict| {
        *tallies.lock().unwrap().entry((about, verdict)).or_default() += 1;
    };
    let mut policies: Vec<_> = policies().into_iter().collect();
    // The long ones first, so that no processor is left with one at the end.
    policies.sort_by_cached_key(|(_, value)| std::cmp::Reverse(value.to_string().len()));
    on_all(&policies, |(name, value)| {
        let document = Document::from_value(value).unwrap_or_else(|error| panic!("{name}: {error}"));
        let copy = shuffled(&mut Random::new(7), value);
        assert!(equivalent(value, &copy).unwrap(), "{name} shuffled");
        let access = Access::of(vec![document.clone()]);
        let copy = Access::of(vec![Document::from_value(&copy).unwrap()]);
        assert_eq!(compare(&access, &copy).verdict(), Verdict::Equivalent, "{name}");
        tally("shuffled", Verdict::Equivalent);
        for element in chosen(&document) {
            let less = grants(&document, element);
            let comparison = compare(&access, &Access::of(vec![without(&document, element)]));
            let verdict = comparison.verdict();
            let fits = match verdict {
                Verdict::Equivalent => true,
                Verdict::Narrows => less,
                Verdict::Expands => !less,
                // What a Deny refuses of an Allow may hang on how far a `*` reaches, which AWS leaves open.
                Verdict::Unknown => !less && comparison.reason() == Some(&Why::Wildcard),
                Verdict::Incomparable => false,
            };
            assert!(fits, "{name} without {element:?}: {verdict}");
            tally(if less { "without a grant" } else { "without a refusal" }, verdict);
        }
    });
    let tallies = tallies.into_inner().unwrap();
    println!("{} policies; {tallies:?}", policies.len());
    assert!(policies.len() > 1_000, "moto ships some 1,580: {}", policies.len());
    assert!(tallies[&("without a grant", Verdict::Narrows)] > policies.len());
}
