//! All AWS managed policies that the emulator's package contains: each can be parsed, equals a shuffled copy of itself,
//! and grants less without one of its actions.
//!
//! A few actions of each policy are removed one at a time, or every one with `LEASEHOLD_POLICY_REMOVALS=all`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::Random;
use crate::common::managed::{Element, elements, grants, policies, shuffled, without};
use leasehold_policy::{ComparisonVerdict, PolicyDocument, PolicySet, UnknownReason, are_equivalent, compare_policies};

/// The number of removals for each policy, distributed evenly over its actions.
const REMOVALS: usize = 3;

/// The actions that are removed from a policy, one at a time.
fn chosen(document: &PolicyDocument) -> Vec<Element> {
    let all = elements(document);
    let most = match std::env::var("LEASEHOLD_POLICY_REMOVALS").as_deref() {
        Ok("all") => all.len(),
        Ok(number) => number.parse().unwrap(),
        Err(_) => REMOVALS,
    };
    let most = most.min(all.len());
    (0..most).map(|index| all[index * all.len() / most]).collect()
}

/// Runs a task for all items, on all processors.
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
fn managed_policies_equal_themselves_and_narrow_without_an_action() {
    let tallies: Mutex<BTreeMap<(&str, ComparisonVerdict), usize>> = Mutex::new(BTreeMap::new());
    let tally = |about: &'static str, verdict: ComparisonVerdict| {
        *tallies.lock().unwrap().entry((about, verdict)).or_default() += 1;
    };
    let mut policies: Vec<_> = policies().into_iter().collect();
    // Long policies first, so that no single processor has to finish one at the end.
    policies.sort_by_cached_key(|(_, value)| std::cmp::Reverse(value.to_string().len()));
    on_all(&policies, |(name, value)| {
        let document = PolicyDocument::from_value(value).unwrap_or_else(|error| panic!("{name}: {error}"));
        let copy = shuffled(&mut Random::new(7), value);
        assert!(are_equivalent(value, &copy).unwrap(), "{name} shuffled");
        let access = PolicySet::new(vec![document.clone()]);
        let copy = PolicySet::new(vec![PolicyDocument::from_value(&copy).unwrap()]);
        assert_eq!(compare_policies(&access, &copy).verdict(), ComparisonVerdict::Equivalent, "{name}");
        tally("shuffled", ComparisonVerdict::Equivalent);
        for element in chosen(&document) {
            let less = grants(&document, element);
            let comparison = compare_policies(&access, &PolicySet::new(vec![without(&document, element)]));
            let verdict = comparison.verdict();
            let fits = match verdict {
                ComparisonVerdict::Equivalent => true,
                ComparisonVerdict::Narrows => less,
                ComparisonVerdict::Expands => !less,
                // Whether a Deny matches what an Allow grants may depend on how far a `*` matches, which AWS does not
                // document.
                ComparisonVerdict::Unknown => {
                    !less && comparison.unknown_reason() == Some(&UnknownReason::WildcardReach)
                }
                ComparisonVerdict::Incomparable => false,
            };
            assert!(fits, "{name} without {element:?}: {verdict}");
            tally(if less { "without a grant" } else { "without a denial" }, verdict);
        }
    });
    let tallies = tallies.into_inner().unwrap();
    println!("{} policies; {tallies:?}", policies.len());
    assert!(policies.len() > 1_000, "moto has about 1,580: {}", policies.len());
    assert!(tallies[&("without a grant", ComparisonVerdict::Narrows)] > policies.len());
}
