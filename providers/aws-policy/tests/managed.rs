//! AWS's own policies, as they are: all of a corpus where one is at hand, else the sample that is kept here.
//!
//! `LEASEHOLD_POLICY_CORPUS` names a JSON file `{name: document}`; `scripts/managed-policies.py` writes it from an
//! installed moto. Without it the test runs over the sample, whose licence is named in NOTICE.
//! `LEASEHOLD_POLICY_REMOVALS` sets how many actions are taken out of each policy, one at a time. A release build is
//! held to its speed.

#![allow(clippy::disallowed_methods, reason = "the corpus is named from outside, and the test measures time")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::Random;
use leasehold_policy::{Access, Document, Verdict, compare, equivalent};
use serde_json::{Value, json};

fn corpus() -> BTreeMap<String, Value> {
    match std::env::var("LEASEHOLD_POLICY_CORPUS") {
        Ok(path) => serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(),
        Err(_) => {
            let packed = include_bytes!("corpus/managed-policies.bin");
            serde_json::from_slice(&miniz_oxide::inflate::decompress_to_vec_zlib(packed).unwrap()).unwrap()
        }
    }
}

fn shuffle(random: &mut Random, list: &mut [Value]) {
    for index in (1..list.len()).rev() {
        list.swap(index, random.below(index + 1));
    }
}

fn shuffled(random: &mut Random, value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| shuffled(random, item)).collect();
            shuffle(random, &mut items);
            json!(items)
        }
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), shuffled(random, v))).collect(),
        other => other.clone(),
    }
}

/// The document without one of its actions; none where that leaves a statement without any.
fn without_an_action(random: &mut Random, document: &Value) -> Option<Value> {
    let mut out = document.clone();
    let statements = match &mut out["Statement"] {
        Value::Array(list) => list.iter_mut().collect::<Vec<_>>(),
        one => vec![one],
    };
    let mut lists: Vec<&mut Vec<Value>> = statements
        .into_iter()
        .filter(|statement| statement["Effect"] == "Allow")
        .filter_map(|statement| statement.get_mut("Action")?.as_array_mut())
        .filter(|list| list.len() > 1)
        .collect();
    let at = random.below(lists.len());
    let list = lists.get_mut(at)?;
    let action = random.below(list.len());
    list.remove(action);
    Some(out)
}

#[test]
fn every_managed_policy() {
    let mut random = Random::new(7);
    let mut times: Vec<(Duration, String)> = Vec::new();
    let mut unknown = Vec::new();
    let removals: usize = std::env::var("LEASEHOLD_POLICY_REMOVALS").map_or(1, |text| text.parse().unwrap());
    for (name, value) in corpus() {
        let document = Document::from_value(&value).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(equivalent(&value, &shuffled(&mut random, &value)).unwrap(), "{name} shuffled");
        let access = Access::of(vec![document]);
        let mut timed = |other: &Access| {
            let start = Instant::now();
            let comparison = compare(&access, other);
            times.push((start.elapsed(), name.clone()));
            comparison
        };
        assert_eq!(timed(&access).verdict(), Verdict::Equivalent, "{name}");
        for less in (0..removals).filter_map(|_| without_an_action(&mut random, &value)) {
            let comparison = timed(&Access::of(vec![Document::from_value(&less).unwrap()]));
            let verdict = comparison.verdict();
            if let Some(why) = comparison.reason() {
                unknown.push(format!("{name}: {why}"));
            } else {
                assert!(matches!(verdict, Verdict::Narrows | Verdict::Equivalent), "{name}: {verdict}");
            }
        }
    }
    times.sort();
    let at = |share: usize| &times[(times.len() - 1) * share / 1000];
    println!("{} comparisons; median {:?}, 99 % {:?}, slowest {:?}", times.len(), at(500).0, at(990).0, at(1000));
    println!("unknown without one action: {unknown:?}");
    assert!(unknown.is_empty());
    if !cfg!(debug_assertions) {
        assert!(at(500).0 <= Duration::from_millis(1), "median {:?}", at(500));
        assert!(at(990).0 <= Duration::from_millis(100), "99 % {:?}", at(990));
        assert!(at(1000).0 <= Duration::from_secs(2), "slowest {:?}", at(1000));
    }
}
