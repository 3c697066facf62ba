//! Tests the comparison against the evaluator, which shares no code with it: for generated pairs of policies, no
//! request that is tried contradicts the verdict, and every witness is confirmed.
//!
//! `LEASEHOLD_POLICY_PAIRS` sets the number of pairs, `LEASEHOLD_TEST_SEED` the first seed.

use std::collections::BTreeMap;

use crate::common::alphabet::Alphabet;
use crate::common::{Random, access, pair, setting, statement};
use leasehold_policy::{
    ComparisonVerdict, Containment, PolicyDocument, PolicySet, Truth, compare_policies, evaluate_request,
};
use serde_json::{Value, json};

/// The most requests that are tried for each pair. If the alphabet has more, this many at random.
const REQUESTS: usize = 100;

fn describe(seed: u64, old: &PolicySet, new: &PolicySet) -> String {
    let show = |access: &PolicySet| {
        let list = |documents: &[PolicyDocument]| {
            documents.iter().map(|d| d.to_labelled_value().to_string()).collect::<Vec<_>>().join("\n  ")
        };
        format!("{}\nwithin {:?}", list(&access.policies), access.boundary.as_ref().map(|b| list(b)))
    };
    format!("seed {seed}\nold {}\nnew {}", show(old), show(new))
}

fn check_witness(containment: &Containment, granting: &PolicySet, refusing: &PolicySet, about: &str) {
    if let Containment::Refuted(request) = containment {
        assert_eq!(evaluate_request(granting, request).is_allowed(), Truth::Yes, "{about}\n{request:?}");
        assert_eq!(evaluate_request(refusing, request).is_allowed(), Truth::No, "{about}\n{request:?}");
    }
}

fn swapped(verdict: ComparisonVerdict) -> ComparisonVerdict {
    match verdict {
        ComparisonVerdict::Narrows => ComparisonVerdict::Expands,
        ComparisonVerdict::Expands => ComparisonVerdict::Narrows,
        same => same,
    }
}

fn with_statement(
    documents: &[Value],
    boundary: Option<&Vec<PolicyDocument>>,
    effect: &str,
    random: &mut Random,
) -> PolicySet {
    let mut documents = documents.to_vec();
    let mut one = statement(random, false, 2);
    one["Effect"] = json!(effect);
    documents[0]["Statement"].as_array_mut().unwrap().push(one);
    PolicySet { boundary: boundary.cloned(), ..access(&documents) }
}

#[test]
fn no_request_contradicts_a_verdict() {
    let pairs = setting("LEASEHOLD_POLICY_PAIRS", 3_000);
    let first = setting("LEASEHOLD_TEST_SEED", 1);
    let mut verdicts: BTreeMap<ComparisonVerdict, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut requests = 0_usize;
    let mut differing_pairs = 0_usize;
    for seed in first..first + pairs {
        let mut random = Random::new(seed);
        let (old_text, _, old, new) = pair(&mut random);
        let about = describe(seed, &old, &new);
        let comparison = compare_policies(&old, &new);
        *verdicts.entry(comparison.verdict()).or_default() += 1;
        if let Some(why) = comparison.unknown_reason() {
            *reasons.entry(why.to_string()).or_default() += 1;
        }
        check_witness(&comparison.new_in_old, &new, &old, &about);
        check_witness(&comparison.old_in_new, &old, &new, &about);

        let alphabet = Alphabet::from_policies([&old, &new]);
        let size = alphabet.size();
        let (mut more, mut less) = (false, false);
        for index in 0..size.min(REQUESTS) {
            let number = if size <= REQUESTS { index } else { random.below(size) };
            let request = alphabet.request(number);
            let (before, after) =
                (evaluate_request(&old, &request).is_allowed(), evaluate_request(&new, &request).is_allowed());
            requests += 1;
            if (after, before) == (Truth::Yes, Truth::No) {
                more = true;
                assert_ne!(comparison.new_in_old, Containment::Proved, "undetected expansion\n{about}\n{request:?}");
            }
            if (before, after) == (Truth::Yes, Truth::No) {
                less = true;
                assert_ne!(comparison.old_in_new, Containment::Proved, "undetected narrowing\n{about}\n{request:?}");
            }
        }
        differing_pairs += usize::from(more || less);

        assert_eq!(compare_policies(&new, &old).verdict(), swapped(comparison.verdict()), "swapped\n{about}");
        assert_eq!(compare_policies(&old, &old).verdict(), ComparisonVerdict::Equivalent, "with itself\n{about}");
        let more = with_statement(&old_text, old.boundary.as_ref(), "Allow", &mut random);
        assert_eq!(compare_policies(&old, &more).old_in_new, Containment::Proved, "an added Allow narrows\n{about}");
        let less = with_statement(&old_text, old.boundary.as_ref(), "Deny", &mut random);
        assert_eq!(compare_policies(&old, &less).new_in_old, Containment::Proved, "an added Deny expands\n{about}");
    }
    let unknown = verdicts.get(&ComparisonVerdict::Unknown).copied().unwrap_or_default();
    println!(
        "{pairs} pairs, {requests} requests tried, {differing_pairs} pairs with a differing request; verdicts {verdicts:?}"
    );
    println!("unknown: {:.2} %, {reasons:#?}", 100.0 * unknown as f64 / pairs as f64);
}
