//! Text that means harm, or nothing: no panic, no hang, bounded memory. Mutations of a small corpus go through every
//! function of the crate; `LEASEHOLD_POLICY_FUZZ` sets how many, for a long run.

#![allow(clippy::disallowed_methods, reason = "the length of the run is set from outside")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::Random;
use leasehold_policy::{
    Access, Caller, Containment, Document, PolicyKind, Request, Setting, Verdict, compare, contains, evaluate, lint,
};
use serde_json::json;

const SEEDS: &[&str] = &[
    include_str!("corpus/identity.json"),
    include_str!("corpus/trust.json"),
    include_str!("corpus/resource.json"),
    include_str!("corpus/odd.json"),
];

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

fn mutated(random: &mut Random) -> String {
    let mut text: Vec<char> = random.pick(SEEDS).chars().collect();
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
            // Between the quotes of a string, so that the document stays well-formed more often.
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
fn nothing_panics_or_hangs() {
    let runs: u64 = std::env::var("LEASEHOLD_POLICY_FUZZ").ok().map_or(4_000, |text| text.parse().unwrap());
    let mut last: Option<Access> = None;
    let (mut read, mut slowest) = (0, Duration::ZERO);
    for seed in 0..runs {
        let mut random = Random::new(seed ^ 0xF0_55);
        let text = mutated(&mut random);
        let start = Instant::now();
        match Document::parse(&text) {
            Err(error) => {
                if let Some(bytes) = error.bytes.clone() {
                    assert!(text.get(bytes).is_some(), "the range is not in the text: {error:?}\n{text}");
                }
                assert!(!error.to_string().is_empty());
            }
            Ok(document) => {
                read += 1;
                let canonical = document.canonical();
                assert_eq!(Document::from_value(&canonical).unwrap().canonical(), canonical, "{text}");
                let access = Access::of(vec![document.clone()]);
                let caller = Caller::Aws("arn:aws:iam::111122223333:user/example".to_owned());
                let _ = evaluate(&access, &Request::new(caller, "s3:GetObject", "arn:aws:s3:::b/x"));
                if let Some(other) = &last {
                    let comparison = compare(other, &access);
                    for (containment, yes, no) in
                        [(&comparison.new_in_old, &access, other), (&comparison.old_in_new, other, &access)]
                    {
                        if let Containment::Refuted(request) = containment {
                            assert_eq!(evaluate(yes, request).allowed(), leasehold_policy::Truth::Yes);
                            assert_eq!(evaluate(no, request).allowed(), leasehold_policy::Truth::No);
                        }
                    }
                }
                if random.one_in(20) {
                    for kind in [PolicyKind::Identity, PolicyKind::Trust, PolicyKind::Resource] {
                        let _ = lint(&document, &Setting::of(kind));
                    }
                }
                last = Some(access);
            }
        }
        slowest = slowest.max(start.elapsed());
    }
    println!("{runs} runs, {read} documents, slowest {slowest:?}");
    assert!(read > runs / 20, "too few mutations were policies: {read}");
    assert!(slowest < Duration::from_secs(20), "{slowest:?}");
}

fn allow(actions: serde_json::Value, resources: serde_json::Value) -> Access {
    let value =
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": resources}});
    Access::of(vec![Document::from_value(&value).unwrap()])
}

fn within_seconds(old: &Access, new: &Access) -> Verdict {
    let start = Instant::now();
    let verdict = compare(old, new).verdict();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    verdict
}

/// Six kilobytes of wildcards. A run of them has one form, so that the plain ones are decided after all; with letters
/// between them there are more combinations than the limit allows.
#[test]
fn six_kilobytes_of_wildcards() {
    let plain = format!("arn:aws:s3:::{}", "*?".repeat(3_000));
    let longer = format!("{plain}?");
    let of = |resource: &str| allow(json!("s3:*"), json!(resource));
    assert_eq!(within_seconds(&of(&plain), &of(&longer)), Verdict::Narrows);

    let intertwined = |offset: usize| -> Access {
        let list: Vec<String> =
            (0..30).map(|n| format!("arn:aws:s3:::*a{}", "?*b?".repeat(20 + (n + offset) % 31))).collect();
        allow(json!("s3:*"), json!(list))
    };
    let windows = |count: usize| -> Access {
        let list: Vec<String> = (0..count).map(|n| format!("arn:aws:s3:::*a{}", "?".repeat(40 + n))).collect();
        allow(json!("s3:*"), json!(list))
    };
    let _ = within_seconds(&intertwined(0), &intertwined(7));
    let result = within_seconds(&windows(60), &windows(61));
    assert!(matches!(result, Verdict::Expands | Verdict::Unknown), "{result}");
    let list: Vec<String> =
        (0..60).map(|n| format!("arn:aws:s3:::*{}{}", "ab".repeat(n % 7 + 1), "?".repeat(30 + n))).collect();
    let deny = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": &list[..30]},
        {"Effect": "Deny", "Action": "*", "NotResource": &list[30..]}]});
    let other = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": &list[1..31]},
        {"Effect": "Deny", "Action": "*", "NotResource": &list[31..]}]});
    let [deny, other] = [deny, other].map(|value| Access::of(vec![Document::from_value(&value).unwrap()]));
    let _ = within_seconds(&deny, &other);
}

#[test]
fn many_keys_and_deep_text_are_bounded() {
    let conditions: serde_json::Map<String, serde_json::Value> =
        (0..600).map(|n| (format!("k:{n}"), json!(["a", format!("b{n}*"), "${aws:username}"]))).collect();
    let with = |operator: &str| {
        let value = json!({"Version": "2012-10-17", "Statement":
            {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: conditions}}});
        Access::of(vec![Document::from_value(&value).unwrap()])
    };
    let _ = within_seconds(&with("StringLike"), &with("StringNotLike"));
    let _ = within_seconds(&with("ForAllValues:StringLike"), &with("ForAnyValue:StringNotLike"));
    assert!(Document::parse(&"{\"Statement\":[".repeat(50_000)).is_err());
    let start = Instant::now();
    let empty = Access::default();
    assert_eq!(contains(&empty, &empty), Containment::Proved);
    assert!(start.elapsed() < Duration::from_secs(1));
}
