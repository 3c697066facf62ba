//! Tests the trimming that happens before a comparison. For generated pairs that share most of their statements, the
//! pair has the same verdict as an equivalent pair that cannot be trimmed, and no request that is tried contradicts it.
//!
//! `LEASEHOLD_POLICY_PAIRS` sets the number of pairs, `LEASEHOLD_TEST_SEED` the first seed.

use std::collections::BTreeMap;

use crate::common::alphabet::Alphabet;
use crate::common::{Random, access, document, setting, statement};
use leasehold_policy::{
    ComparisonVerdict, Containment, PolicyDocument, PolicySet, Truth, compare_policies, evaluate_request,
};
use serde_json::{Value, json};

const REQUESTS: usize = 60;

const PLAIN: &[&str] =
    &["s3:GetObject", "iam:PassRole", "s3:PutObject", "s3:GetBucketObject", "ec2:RunInstances", "x:x"];

/// The statement with one small change that a wrong trimming could miss.
fn edit_statement(random: &mut Random, original: &Value, with_principal: bool) -> Value {
    let mut out = original.clone();
    let fresh = statement(random, with_principal, 4);
    let action = if out.get("Action").is_some() { "Action" } else { "NotAction" };
    match random.below(9) {
        0..3 => out[action].as_array_mut().unwrap().push(json!(random.pick(PLAIN))),
        3 => {
            let list = out[action].as_array_mut().unwrap();
            let at = random.below(list.len());
            if list.len() > 1 {
                list.remove(at);
            } else {
                list[at] = json!(random.pick(PLAIN));
            }
        }
        4 => out["Effect"] = json!(if out["Effect"] == "Deny" { "Allow" } else { "Deny" }),
        5 => {
            let list = out.as_object_mut().unwrap().remove(action).unwrap();
            out[if action == "Action" { "NotAction" } else { "Action" }] = list;
        }
        6 => {
            for name in ["Principal", "NotPrincipal", "Resource", "NotResource"] {
                if random.one_in(2) && out.get(name).is_some() && fresh.get(name).is_some() {
                    out[name] = fresh[name].clone();
                }
            }
        }
        7 => drop(out.as_object_mut().unwrap().remove("Condition")),
        _ => {
            if let Some(condition) = fresh.get("Condition") {
                out["Condition"] = condition.clone();
            }
        }
    }
    out
}

/// Documents that share most of their statements with the given ones, partly in other places.
fn similar_documents(random: &mut Random, documents: &[Value], with_principal: bool) -> Vec<Value> {
    let mut out = documents.to_vec();
    for _ in 0..=random.below(3) {
        let (from, to) = (random.below(out.len()), random.below(out.len()));
        let statements = out[from]["Statement"].as_array().unwrap();
        let at = random.below(statements.len());
        let one = statements[at].clone();
        let change = edit_statement(random, &one, with_principal);
        match random.below(5) {
            // In place, added beside the original, or the original copied to another document.
            0..3 => out[from]["Statement"][at] = change,
            3 => out[to]["Statement"].as_array_mut().unwrap().push(change),
            _ => out[to]["Statement"].as_array_mut().unwrap().insert(0, one),
        }
    }
    out
}

fn pair(random: &mut Random) -> (PolicySet, PolicySet) {
    let with_principal = random.one_in(4);
    let mut old: Vec<Value> = (0..=random.below(2)).map(|_| document(random, with_principal)).collect();
    if random.one_in(2) {
        // Actions without wildcards, so that the second step of trimming applies.
        for statement in old.iter_mut().flat_map(|document| document["Statement"].as_array_mut().unwrap()) {
            if statement["Effect"] == "Allow" && statement.get("Action").is_some() {
                statement["Action"] = json!((0..=random.below(3)).map(|_| *random.pick(PLAIN)).collect::<Vec<_>>());
            }
        }
    }
    let new = similar_documents(random, &old, with_principal);
    let (mut before, mut after) = (access(&old), access(&new));
    if random.one_in(3) {
        let limit = vec![document(random, false)];
        let other = if random.one_in(2) { limit.clone() } else { similar_documents(random, &limit, false) };
        let [limit, other] = [limit, other].map(|documents| Some(access(&documents).policies));
        before.boundary = if random.one_in(6) { None } else { limit };
        after.boundary = if random.one_in(6) { None } else { other };
    }
    if random.one_in(2) { (before, after) } else { (after, before) }
}

/// The same two policy sets in a form that cannot be trimmed. Their boundaries are written differently, so shared
/// grants stay; and each allows and denies again actions with wildcards that no other statement of these tests matches,
/// so the number of actions is not small.
fn untrimmable(old: &PolicySet, new: &PolicySet) -> (PolicySet, PolicySet) {
    let [all, aside] = [
        json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}),
        json!({"Statement": [
            {"Effect": "Allow", "Action": "q*:zz*", "Resource": "*"},
            {"Effect": "Deny", "Action": "q*:zz*", "Resource": "*"},
        ]}),
    ]
    .map(|value| PolicyDocument::from_value(&value).unwrap());
    let [mut old, mut new] = [old, new].map(|access| {
        let mut access = access.clone();
        access.policies.push(aside.clone());
        access.boundary.get_or_insert_with(|| vec![all.clone()]);
        access
    });
    let copies =
        if new.boundary.iter().flatten().count() > old.boundary.iter().flatten().count() { &mut new } else { &mut old };
    let limit = copies.boundary.as_mut().unwrap();
    limit.push(limit[0].clone());
    (old, new)
}

fn describe(seed: u64, old: &PolicySet, new: &PolicySet) -> String {
    let list = |documents: &[PolicyDocument]| {
        documents.iter().map(|d| d.to_labelled_value().to_string()).collect::<Vec<_>>().join("\n  ")
    };
    let show = |access: &PolicySet| {
        format!("{}\nwithin {:?}", list(&access.policies), access.boundary.as_ref().map(|b| list(b)))
    };
    format!("seed {seed}\nold {}\nnew {}", show(old), show(new))
}

#[test]
fn trimming_changes_no_verdict() {
    let pairs = setting("LEASEHOLD_POLICY_PAIRS", 1_000);
    let first = setting("LEASEHOLD_TEST_SEED", 1);
    let mut verdicts: BTreeMap<(ComparisonVerdict, ComparisonVerdict), usize> = BTreeMap::new();
    for seed in first..first + pairs {
        let mut random = Random::new(seed ^ 0x7412_0000);
        let (old, new) = pair(&mut random);
        let about = describe(seed, &old, &new);
        let trimmed = compare_policies(&old, &new);
        let (old_whole, new_whole) = untrimmable(&old, &new);
        let reference = compare_policies(&old_whole, &new_whole);
        *verdicts.entry((reference.verdict(), trimmed.verdict())).or_default() += 1;
        for (reference, trimmed) in
            [(&reference.new_in_old, &trimmed.new_in_old), (&reference.old_in_new, &trimmed.old_in_new)]
        {
            let fits = reference.as_str() == trimmed.as_str() || matches!(reference, Containment::Unknown(_));
            assert!(fits, "{reference:?} became {trimmed:?}\n{about}");
        }
        for (containment, granting, refusing) in [(&trimmed.new_in_old, &new, &old), (&trimmed.old_in_new, &old, &new)]
        {
            if let Containment::Refuted(request) = containment {
                assert_eq!(evaluate_request(granting, request).is_allowed(), Truth::Yes, "{about}\n{request:?}");
                assert_eq!(evaluate_request(refusing, request).is_allowed(), Truth::No, "{about}\n{request:?}");
            }
        }
        let alphabet = Alphabet::from_policies([&old, &new]);
        for _ in 0..REQUESTS.min(alphabet.size()) {
            let request = alphabet.request(random.below(alphabet.size()));
            match (evaluate_request(&old, &request).is_allowed(), evaluate_request(&new, &request).is_allowed()) {
                (Truth::No, Truth::Yes) => assert_ne!(trimmed.new_in_old, Containment::Proved, "{about}\n{request:?}"),
                (Truth::Yes, Truth::No) => assert_ne!(trimmed.old_in_new, Containment::Proved, "{about}\n{request:?}"),
                _ => {}
            }
        }
    }
    println!("{pairs} pairs; verdicts untrimmed and trimmed: {verdicts:?}");
    let decided = |verdict| verdicts.get(&(verdict, verdict)).copied().unwrap_or_default();
    for verdict in [
        ComparisonVerdict::Equivalent,
        ComparisonVerdict::Narrows,
        ComparisonVerdict::Expands,
        ComparisonVerdict::Incomparable,
    ] {
        assert!(decided(verdict) > 0, "{verdict} never occurs: {verdicts:?}");
    }
}
