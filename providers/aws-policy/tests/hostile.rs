//! Hostile and malformed input: no panic, no hang, bounded memory. The inputs of the fuzz target in `fuzz/`, and
//! mutations of them, pass through every function of the crate. `LEASEHOLD_POLICY_FUZZ` sets the number of
//! mutations, `LEASEHOLD_TEST_SEED` the first seed.

#![allow(clippy::disallowed_methods, reason = "an environment variable sets the number of mutations")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::hostile::{exercise_pair, lint_all_kinds, parse_and_check, split_input};
use common::{Random, SeedOnPanic, setting};
use leasehold_policy::{
    ComparisonVerdict, Containment, PolicyComparison, PolicyDocument, PolicySet, UnknownReason, check_containment,
    compare_policies,
};
use serde_json::{Value, json};

/// The longest time of a single comparison, on a busy machine and without full optimization.
const MOST_TIME: Duration = Duration::from_secs(60);
/// The most memory of the process, for all tests of this file together.
const MOST_MEMORY_KB: u64 = 600 * 1024;

/// Asserts the bound on memory, on systems with `/proc/self/status`.
fn assert_memory_bound() {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = line.trim().strip_suffix("kB").unwrap().trim().parse().unwrap();
    println!("memory: at most {} MB", peak / 1024);
    assert!(peak < MOST_MEMORY_KB, "{peak} kB");
}

/// The committed inputs of the fuzz target, in the order of their names.
fn corpus() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/compare");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10, "{files:?}");
    files.iter().map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned()).collect()
}

const SNIPPETS: &[&str] = &[
    "*",
    "?",
    "${aws:username}",
    "${",
    "}",
    "\"",
    "\\u0000",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "null",
    "\u{e9}",
    "\u{1F600}",
    "arn:aws:s3:::",
    "ForAllValues:",
    "IfExists",
    "Null",
    "NotAction",
    "Deny",
    "1e999",
    "-0",
    "255.255.255.255/0",
    "::/0",
    "9999-12-31T23:59:59Z",
    "0000",
    "true",
    "AROAEXAMPLEEXAMPLE123",
];

fn mutate_text(random: &mut Random, seed: &str) -> String {
    let mut text: Vec<char> = seed.chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(text.len());
        let length = random.below(24).min(text.len() - at);
        match random.below(5) {
            0 => drop(text.drain(at..at + length)),
            1 => {
                let copy: Vec<char> = text[at..at + length].to_vec();
                let to = random.below(text.len());
                text.splice(to..to, copy);
            }
            2 => text[at] = char::from_u32(u32::try_from(random.below(0x250)).unwrap()).unwrap_or('?'),
            // At a quote, so that the document more often stays well-formed.
            3 | 4 => {
                let quotes: Vec<usize> = (0..text.len()).filter(|i| text[*i] == '"').collect();
                let to = if quotes.is_empty() { at } else { *random.pick(&quotes) };
                text.splice(to..to, random.pick(SNIPPETS).chars());
            }
            _ => unreachable!(),
        }
        if text.is_empty() {
            text.push('{');
        }
    }
    text.into_iter().collect()
}

#[test]
fn mutated_inputs_neither_panic_nor_hang() {
    let runs = setting("LEASEHOLD_POLICY_FUZZ", 1_500);
    let first = setting("LEASEHOLD_TEST_SEED", 1);
    let corpus = corpus();
    for input in &corpus {
        let (old, new) = split_input(input);
        assert_eq!(exercise_pair(old, new), 2, "{input}");
    }
    let (mut documents, mut slowest) = (0, Duration::ZERO);
    for seed in first..first + runs {
        let _printed = SeedOnPanic(seed);
        let mut random = Random::new(seed ^ 0xF0_55);
        let input: &String = random.pick(&corpus);
        let (old, new) = split_input(input);
        // Half of the time only one side is mutated, so that more pairs consist of two policies.
        let old = if random.one_in(2) { old.to_owned() } else { mutate_text(&mut random, old) };
        let new = mutate_text(&mut random, new);
        let start = Instant::now();
        documents += exercise_pair(&old, &new);
        if let Some(document) = parse_and_check(&new).filter(|_| random.one_in(20)) {
            lint_all_kinds(&document);
        }
        slowest = slowest.max(start.elapsed());
    }
    println!("{runs} runs, {documents} documents, slowest {slowest:?}");
    assert!(documents as u64 > runs / 10, "too few mutations are policies: {documents}");
    assert!(slowest < MOST_TIME, "{slowest:?}");
    assert_memory_bound();
}

fn policy(statements: &Value) -> PolicySet {
    let value = json!({"Version": "2012-10-17", "Statement": statements});
    PolicySet::new(vec![PolicyDocument::from_value(&value).unwrap()])
}

fn allow(actions: &Value, resources: &Value) -> PolicySet {
    policy(&json!({"Effect": "Allow", "Action": actions, "Resource": resources}))
}

fn on(resources: &Value) -> PolicySet {
    allow(&json!("s3:*"), resources)
}

/// Compares, and asserts the bounds on time and memory.
fn bounded(old: &PolicySet, new: &PolicySet) -> PolicyComparison {
    let start = Instant::now();
    let comparison = compare_policies(old, new);
    assert!(start.elapsed() < MOST_TIME, "{:?}", start.elapsed());
    assert_memory_bound();
    comparison
}

/// Asserts that a comparison exceeded its budget, with that reason.
#[track_caller]
fn assert_at_the_limit(comparison: &PolicyComparison) {
    assert_eq!(comparison.verdict(), ComparisonVerdict::Unknown);
    assert_eq!(comparison.unknown_reason(), Some(&UnknownReason::BudgetExceeded));
    assert!(comparison.to_value()["reason"].as_str().unwrap().contains("within the limit"));
}

fn kilobytes(unit: &str) -> String {
    format!("arn:aws:s3:::{}", unit.repeat(6 * 1024 / unit.len()))
}

/// A run of wildcards is normalized to its `?` followed by one `*`, so its length does not matter.
#[test]
fn six_kilobytes_of_wildcards_are_decided() {
    let run = kilobytes("*?");
    let others = [
        (run.clone(), ComparisonVerdict::Equivalent),
        (format!("{run}?"), ComparisonVerdict::Narrows),
        (kilobytes("?*"), ComparisonVerdict::Equivalent),
        (kilobytes("*"), ComparisonVerdict::Expands),
        (kilobytes("?"), ComparisonVerdict::Narrows),
        (kilobytes("**?"), ComparisonVerdict::Expands),
        (format!("{run}a"), ComparisonVerdict::Narrows),
    ];
    for (other, verdict) in &others {
        let about = other.get(other.len() - 6..).unwrap();
        assert_eq!(bounded(&on(&json!(run)), &on(&json!(other))).verdict(), *verdict, "{about}");
    }
    let all: Vec<&String> = others.iter().map(|(other, _)| other).collect();
    assert_eq!(bounded(&on(&json!(run)), &on(&json!(all))).verdict(), ComparisonVerdict::Expands);
    let actions = allow(&json!(format!("s3:{}", "*?".repeat(3_000))), &json!("*"));
    assert_eq!(bounded(&actions, &on(&json!("*"))).verdict(), ComparisonVerdict::Expands);
}

/// With letters between the wildcards there can be too many combinations to enumerate. The comparison then exceeds its
/// budget and the verdict is Unknown.
#[test]
fn six_kilobytes_of_wildcards_and_letters_end_at_the_budget() {
    let phase =
        |offset: usize| on(&json!(kilobytes("*?a*?b")[..].replacen(":::", &format!(":::{}", "?".repeat(offset)), 1)));
    for offset in [0, 1, 2, 7] {
        let comparison = bounded(&phase(0), &phase(offset));
        if comparison.verdict() == ComparisonVerdict::Unknown {
            assert_at_the_limit(&comparison);
        }
    }
    let windows = |letter: char, lengths: std::ops::Range<usize>| {
        on(&json!(lengths.map(|n| format!("arn:aws:s3:::*{letter}{}", "?".repeat(n))).collect::<Vec<_>>()))
    };
    // To find a difference, the automaton may have to distinguish 2^40 states.
    let comparison = bounded(&windows('a', 40..100), &windows('b', 40..100));
    assert!(
        matches!(comparison.verdict(), ComparisonVerdict::Incomparable | ComparisonVerdict::Unknown),
        "{comparison:?}"
    );
}

#[test]
fn exceeded_budget_is_the_reason() {
    let windows = |letters: [char; 2]| {
        let list: Vec<String> = (0..60)
            .map(|n| {
                format!("arn:aws:s3:::*{}{}", if n % 2 == 0 { letters[0] } else { letters[1] }, "?".repeat(30 + n))
            })
            .collect();
        json!(list)
    };
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let within = |allowed: &Value, denied: &Value| {
        policy(&json!([
            {"Effect": "Allow", "Action": "s3:*", "Resource": allowed},
            {"Effect": "Deny", "Action": "*", "Resource": denied},
        ]))
    };
    let (one, other) = (windows(['a', 'b']), windows(['b', 'a']));
    assert_at_the_limit(&bounded(&within(&one, &other), &within(&other, &one)));
    // The other direction is decided without the patterns.
    let comparison =
        bounded(&policy(&json!([all])), &policy(&json!([all, {"Effect": "Deny", "Action": "*", "Resource": one}])));
    assert_eq!(comparison.new_in_old, Containment::Proved);
}

#[test]
fn many_keys_and_deep_nesting_are_bounded() {
    let conditions: serde_json::Map<String, Value> =
        (0..600).map(|n| (format!("k:{n}"), json!(["a", format!("b{n}*"), "${aws:username}"]))).collect();
    let with = |operator: &str| {
        policy(&json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: conditions}}))
    };
    bounded(&with("StringLike"), &with("StringNotLike"));
    bounded(&with("ForAllValues:StringLike"), &with("ForAnyValue:StringNotLike"));
    assert!(PolicyDocument::parse(&"{\"Statement\":[".repeat(50_000)).is_err());
    let start = Instant::now();
    let empty = PolicySet::default();
    assert_eq!(check_containment(&empty, &empty), Containment::Proved);
    assert!(start.elapsed() < Duration::from_secs(1));
}
