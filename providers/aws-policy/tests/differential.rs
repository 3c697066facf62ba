//! The comparison against the evaluator, which knows nothing of it: over generated pairs of accesses, no verdict may be
//! contradicted by any request that was tried, and every witness must replay.
//!
//! `LEASEHOLD_POLICY_PAIRS` sets how many pairs, `LEASEHOLD_POLICY_SEED` where to begin.

#![allow(clippy::disallowed_methods, reason = "a test's size is set from outside")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use common::alphabet::Alphabet;
use common::{Random, access, pair, statement};
use leasehold_policy::{Access, Containment, Document, Truth, Verdict, compare, evaluate};
use serde_json::{Value, json};

/// Requests tried for each pair: all there are, or this many at random.
const REQUESTS: usize = 100;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

fn describe(seed: u64, old: &Access, new: &Access) -> String {
    let show = |access: &Access| {
        let list = |documents: &[Document]| {
            documents.iter().map(|d| d.labelled().to_string()).collect::<Vec<_>>().join("\n  ")
        };
        format!("{}\nwithin {:?}", list(&access.policies), access.boundary.as_ref().map(|b| list(b)))
    };
    format!("seed {seed}\nold {}\nnew {}", show(old), show(new))
}

fn check_witness(containment: &Containment, granting: &Access, refusing: &Access, about: &str) {
    if let Containment::Refuted(request) = containment {
        assert_eq!(evaluate(granting, request).allowed(), Truth::Yes, "{about}\n{request:?}");
        assert_eq!(evaluate(refusing, request).allowed(), Truth::No, "{about}\n{request:?}");
    }
}

fn swapped(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Narrows => Verdict::Expands,
        Verdict::Expands => Verdict::Narrows,
        same => same,
    }
}

fn with_statement(documents: &[Value], boundary: Option<&Vec<Document>>, effect: &str, random: &mut Random) -> Access {
    let mut documents = documents.to_vec();
    let mut one = statement(random, false, 2);
    one["Effect"] = json!(effect);
    documents[0]["Statement"].as_array_mut().unwrap().push(one);
    Access { boundary: boundary.cloned(), ..access(&documents) }
}

#[test]
fn no_verdict_is_contradicted() {
    let pairs = setting("LEASEHOLD_POLICY_PAIRS", 3_000);
    let first = setting("LEASEHOLD_POLICY_SEED", 1);
    let mut verdicts: BTreeMap<Verdict, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut requests = 0_usize;
    let mut decided_by_force = 0_usize;
    for seed in first..first + pairs {
        let mut random = Random::new(seed);
        let (old_text, _, old, new) = pair(&mut random);
        let about = describe(seed, &old, &new);
        let comparison = compare(&old, &new);
        *verdicts.entry(comparison.verdict()).or_default() += 1;
        if let Some(why) = comparison.reason() {
            *reasons.entry(why.to_string()).or_default() += 1;
        }
        check_witness(&comparison.new_in_old, &new, &old, &about);
        check_witness(&comparison.old_in_new, &old, &new, &about);

        let alphabet = Alphabet::of([&old, &new]);
        let size = alphabet.size();
        let (mut more, mut less) = (false, false);
        for index in 0..size.min(REQUESTS) {
            let number = if size <= REQUESTS { index } else { random.below(size) };
            let request = alphabet.request(number);
            let (before, after) = (evaluate(&old, &request).allowed(), evaluate(&new, &request).allowed());
            requests += 1;
            if (after, before) == (Truth::Yes, Truth::No) {
                more = true;
                assert_ne!(comparison.new_in_old, Containment::Proved, "grows unseen\n{about}\n{request:?}");
            }
            if (before, after) == (Truth::Yes, Truth::No) {
                less = true;
                assert_ne!(comparison.old_in_new, Containment::Proved, "shrinks unseen\n{about}\n{request:?}");
            }
        }
        decided_by_force += usize::from(more || less);

        assert_eq!(compare(&new, &old).verdict(), swapped(comparison.verdict()), "swapped\n{about}");
        assert_eq!(compare(&old, &old).verdict(), Verdict::Equivalent, "with itself\n{about}");
        let more = with_statement(&old_text, old.boundary.as_ref(), "Allow", &mut random);
        assert_eq!(compare(&old, &more).old_in_new, Containment::Proved, "an Allow narrows\n{about}");
        let less = with_statement(&old_text, old.boundary.as_ref(), "Deny", &mut random);
        assert_eq!(compare(&old, &less).new_in_old, Containment::Proved, "a Deny expands\n{about}");
    }
    let unknown = verdicts.get(&Verdict::Unknown).copied().unwrap_or_default();
    println!(
        "{pairs} pairs, {requests} requests tried; {decided_by_force} pairs told apart by them; verdicts {verdicts:?}"
    );
    println!("unknown: {:.2} %, {reasons:#?}", 100.0 * unknown as f64 / pairs as f64);
}
