//! Verdicts for pairs of policies that a reader can verify. Where AWS does not document the behaviour, the verdict is
//! Unknown with the reason. Every witness is verified with the evaluator.

use leasehold_policy::{
    Ambiguity, ComparisonVerdict, Containment, PolicyComparison, PolicyDocument, PolicySet, Truth, UnknownReason,
    compare_policies, evaluate_request,
};
use serde_json::{Value, json};

fn access(statements: Value) -> PolicySet {
    PolicySet::new(vec![
        PolicyDocument::from_value(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap(),
    ])
}

fn judged(old: &PolicySet, new: &PolicySet) -> PolicyComparison {
    let comparison = compare_policies(old, new);
    for (containment, yes, no) in [(&comparison.new_in_old, new, old), (&comparison.old_in_new, old, new)] {
        if let Containment::Refuted(request) = containment {
            assert_eq!(evaluate_request(yes, request).is_allowed(), Truth::Yes);
            assert_eq!(evaluate_request(no, request).is_allowed(), Truth::No);
        }
    }
    comparison
}

fn verdict(old: Value, new: Value) -> ComparisonVerdict {
    judged(&access(old), &access(new)).verdict()
}

fn why(old: Value, new: Value) -> UnknownReason {
    judged(&access(old), &access(new)).unknown_reason().unwrap().clone()
}

fn on(resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource})
}

fn doing(actions: &[&str]) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "*"})
}

fn when(condition: Value) -> Value {
    json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": condition})
}

fn deny(part: Value) -> Value {
    let mut whole = json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"});
    whole.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    whole
}

fn by(principal: Value) -> Value {
    json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})
}

use ComparisonVerdict::{Equivalent, Expands, Incomparable, Narrows};

#[test]
fn action_patterns() {
    assert_eq!(verdict(doing(&["s3:*"]), doing(&["s3:Get*"])), Narrows);
    assert_eq!(verdict(doing(&["s3:Get*"]), doing(&["s3:Put*"])), Incomparable);
    assert_eq!(verdict(doing(&["s3:Get*"]), doing(&["s3:get*", "S3:GetObject"])), Equivalent);
    assert_eq!(verdict(doing(&["s3:Get?bject"]), doing(&["s3:GetObject"])), Narrows);
    assert_eq!(verdict(doing(&["*"]), doing(&["*:*"])), Equivalent);
    let not = json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"});
    assert_eq!(verdict(json!([doing(&["iam:*"]), not]), doing(&["*"])), Equivalent);
    assert_eq!(verdict(doing(&["s3:*a*", "s3:*b*"]), doing(&["s3:*a*b*", "s3:*b*a*"])), Narrows);
}

#[test]
fn resource_patterns() {
    assert_eq!(verdict(on("arn:aws:s3:::b/*"), on("arn:aws:s3:::b/a*")), Narrows);
    assert_eq!(verdict(on("arn:aws:s3:::b/*"), on("*")), Expands);
    assert_eq!(verdict(on("arn:aws:s3:::b/*"), on("arn:aws:s3:::B/*")), Incomparable);
    let not = json!({"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::b/*"});
    assert_eq!(verdict(on("arn:aws:s3:::b/*"), json!([on("*"), not])), Equivalent);
}

#[test]
fn wildcards_across_colons_are_unknown_unless_all_readings_agree() {
    // All readings agree.
    assert_eq!(verdict(on("arn:aws:sqs:*:1:q"), on("arn:aws:sqs:eu-*:1:q")), Narrows);
    assert_eq!(verdict(on("arn:aws:s3:::*"), on("arn:aws:s3:::*:*")), Narrows);
    // The new pattern is within the old one only if a wildcard matches a colon.
    assert_eq!(why(on("arn:aws:sqs:*:q"), on("arn:aws:sqs:eu:1:q")), UnknownReason::WildcardReach);
    assert_eq!(why(on("arn:aws:*x:::b"), on("arn:aws:s3:::x:::b")), UnknownReason::WildcardReach);
    // A `?` before the sixth segment may or may not match a colon.
    assert_eq!(why(on("arn:aws:s?3:::b"), on("arn:aws:s:3:::b")), UnknownReason::WildcardReach);
}

#[test]
fn absent_keys() {
    let a = json!({"StringEquals": {"aws:SourceVpc": "a"}});
    let not_a = json!({"StringNotEquals": {"aws:SourceVpc": "a"}});
    let if_exists = json!({"StringEqualsIfExists": {"aws:SourceVpc": "a"}});
    let present = json!({"Null": {"aws:SourceVpc": "false"}});
    let absent = json!({"Null": {"aws:SourceVpc": "true"}});
    assert_eq!(verdict(when(a.clone()), when(if_exists.clone())), Expands);
    assert_eq!(verdict(json!([when(a.clone()), when(absent.clone())]), when(if_exists)), Equivalent);
    assert_eq!(verdict(json!([when(a.clone()), when(not_a.clone())]), when(json!({}))), Equivalent);
    assert_eq!(verdict(json!([when(a.clone()), when(not_a.clone())]), when(present.clone())), Narrows);
    assert_eq!(verdict(when(json!({})), json!([when(json!({})), deny(json!({"Condition": a}))])), Narrows);
    assert_eq!(verdict(when(not_a), json!([when(json!({})), deny(json!({"Condition": a.clone()}))])), Equivalent);
    assert_eq!(verdict(when(present), when(absent)), Incomparable);
    let any_case = json!({"StringEqualsIgnoreCase": {"aws:SourceVpc": "A"}});
    assert_eq!(verdict(when(any_case), when(a)), Narrows);
}

#[test]
fn numbers_dates_addresses_and_booleans() {
    let number = |operator: &str, n: &str| when(json!({operator: {"s3:max-keys": n}}));
    assert_eq!(verdict(number("NumericLessThanEquals", "10"), number("NumericLessThan", "10")), Narrows);
    assert_eq!(verdict(number("NumericLessThan", "10"), number("NumericLessThan", "9.5")), Narrows);
    let both = json!([number("NumericLessThan", "10"), number("NumericGreaterThanEquals", "10.0")]);
    assert_eq!(verdict(both, when(json!({"Null": {"s3:max-keys": "false"}}))), Equivalent);
    let apart = json!([number("NumericLessThanEquals", "1"), number("NumericGreaterThanEquals", "2")]);
    assert_eq!(verdict(apart, when(json!({"Null": {"s3:max-keys": "false"}}))), Expands);
    let until = |instant: &str| when(json!({"DateLessThan": {"aws:CurrentTime": instant}}));
    assert_eq!(verdict(until("2026-06-01T00:00:00Z"), until("2026-06-01T02:00:00+02:00")), Equivalent);
    assert_eq!(verdict(until("2026-06-01T00:00:00Z"), until("2026-07-01")), Expands);
    // Every request has the time, so a lease deny is the same as an Allow with a deadline.
    let lease_deny = deny(json!({"Condition": {"DateGreaterThanEquals": {"aws:CurrentTime": "2026-06-01"}}}));
    assert_eq!(verdict(until("2026-06-01"), json!([when(json!({})), lease_deny])), Equivalent);
    let from = |range: &str| when(json!({"IpAddress": {"aws:SourceIp": range}}));
    assert_eq!(verdict(from("10.0.0.0/8"), from("10.1.0.0/16")), Narrows);
    assert_eq!(
        verdict(from("10.0.0.0/8"), when(json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/9", "10.128.0.0/9"]}}))),
        Equivalent
    );
    assert_eq!(verdict(from("0.0.0.0/0"), from("::/0")), Incomparable);
    let half = when(json!({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "::/0"]}}));
    assert_eq!(verdict(half, when(json!({"Null": {"aws:SourceIp": "false"}}))), Expands);
    let flag = |text: &str| when(json!({"Bool": {"aws:SecureTransport": text}}));
    assert_eq!(
        verdict(json!([flag("true"), flag("false")]), when(json!({"Null": {"aws:SecureTransport": "false"}}))),
        Equivalent
    );
    assert_eq!(verdict(flag("true"), flag("True")), Equivalent);
}

#[test]
fn keys_with_several_values() {
    let tags = |operator: &str, values: Value| when(json!({operator: {"aws:TagKeys": values}}));
    let (all, any) = ("ForAllValues:StringEquals", "ForAnyValue:StringEquals");
    assert_eq!(verdict(tags(all, json!(["a", "b"])), tags(all, json!(["a"]))), Narrows);
    assert_eq!(verdict(tags(any, json!(["a", "b"])), tags(any, json!(["a"]))), Narrows);
    assert_eq!(verdict(tags(all, json!(["a"])), tags(any, json!(["a"]))), Incomparable);
    let both = json!([tags(any, json!(["a"])), tags(any, json!(["b"]))]);
    assert_eq!(verdict(both, tags(any, json!(["a", "b"]))), Equivalent);
    let each = json!([tags(all, json!(["a"])), tags(all, json!(["b"]))]);
    let grown = judged(&access(each), &access(tags(all, json!(["a", "b"]))));
    assert_eq!(grown.verdict(), Expands);
    assert_eq!(grown.new_in_old.witness().unwrap().context["aws:tagkeys"].len(), 2);
    // AWS does not document several values without a quantifier.
    let plain =
        json!([tags("StringEquals", json!(["a"])), deny(json!({"Condition": {"StringEquals": {"aws:TagKeys": "b"}}}))]);
    let open = why(plain, tags("StringEquals", json!(["a"])));
    assert_eq!(open, UnknownReason::Ambiguous([Ambiguity::SeveralValues].into()));
}

#[test]
fn policy_variables() {
    let own = "arn:aws:s3:::b/${aws:username}/*";
    assert_eq!(verdict(on(own), on(own)), Equivalent);
    assert_eq!(verdict(on("arn:aws:s3:::b/*"), on(own)), Narrows);
    assert_eq!(verdict(on(own), on("arn:aws:s3:::b/*")), Expands);
    assert_eq!(verdict(on(own), on("arn:aws:s3:::b/${aws:userid}/*")), Incomparable);
    // `${*}` is the literal character.
    assert_eq!(verdict(on("arn:aws:s3:::b/*"), on("arn:aws:s3:::b/${*}")), Narrows);
    // AWS does not document whether an unresolved variable invalidates only its entry or the whole statement.
    let two = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": [own, "arn:aws:s3:::c"]});
    assert_eq!(why(two, on("arn:aws:s3:::c")), UnknownReason::Ambiguous([Ambiguity::Variable].into()));
    let tagged = |value: &str| when(json!({"StringEquals": {"aws:ResourceTag/owner": value}}));
    assert_eq!(verdict(tagged("${aws:username}"), tagged("${aws:username}")), Equivalent);
    let either = when(json!({"StringEquals": {"aws:ResourceTag/owner": ["${aws:username}", "b"]}}));
    assert_eq!(why(either, tagged("b")), UnknownReason::Ambiguous([Ambiguity::Variable].into()));
    let grown = judged(&access(tagged("a")), &access(tagged("${aws:username}")));
    assert!(matches!(grown.new_in_old, Containment::Refuted(_)));
}

#[test]
fn undecidable_conditions_never_hide_an_expansion() {
    let odd = |value: &str| json!({"StringMatches": {"k": value}});
    assert_eq!(verdict(when(odd("a")), when(odd("a"))), Equivalent);
    assert_eq!(verdict(when(odd("a")), json!([when(odd("a")), on("*")])), ComparisonVerdict::Unknown);
    let narrower = judged(&access(on("*")), &access(when(odd("a"))));
    assert!(narrower.grants_nothing_new());
    assert_eq!(narrower.unknown_reason(), Some(&UnknownReason::Ambiguous([Ambiguity::Operator].into())));
    let mixed = json!({"StringEquals": {"k": "1"}, "NumericLessThan": {"k": "5"}});
    let alone = json!({"StringEquals": {"k": "1"}});
    assert!(judged(&access(when(alone.clone())), &access(when(mixed.clone()))).grants_nothing_new());
    assert_eq!(why(when(mixed), when(alone)), UnknownReason::Ambiguous([Ambiguity::MixedTypes].into()));
    let number = |text: &str| when(json!({"NumericEquals": {"k": text}}));
    assert_eq!(why(number("1"), number("one")), UnknownReason::Ambiguous([Ambiguity::Unreadable].into()));
}

#[test]
fn principal_clauses() {
    assert_eq!(
        verdict(by(json!({"AWS": "111111111111"})), by(json!({"AWS": "arn:aws:iam::111111111111:user/a"}))),
        Narrows
    );
    assert_eq!(
        verdict(by(json!({"AWS": "111111111111"})), by(json!({"AWS": "arn:aws:iam::111111111111:root"}))),
        Equivalent
    );
    assert_eq!(verdict(by(json!({"AWS": "111111111111"})), by(json!({"AWS": "222222222222"}))), Incomparable);
    assert_eq!(verdict(by(json!({"AWS": "111111111111"})), by(json!("*"))), Expands);
    let role = "arn:aws:iam::111111111111:role/p/r";
    let session = "arn:aws:sts::111111111111:assumed-role/r/s";
    assert_eq!(verdict(by(json!({"AWS": role})), by(json!({"AWS": session}))), Narrows);
    let (service, federated) = (json!({"Service": "x.amazonaws.com"}), json!({"Federated": "x.amazonaws.com"}));
    assert_eq!(verdict(by(service.clone()), by(federated)), Incomparable);
    assert_eq!(verdict(by(json!({"AWS": "*"})), by(service)), Narrows);
    // A deleted principal matches no caller.
    assert_eq!(verdict(by(json!({"AWS": role})), by(json!({"AWS": [role, "AROAEXAMPLEEXAMPLE123"]}))), Equivalent);
    // Whether NotPrincipal exempts the sessions of a named role depends on the other entries.
    let except = |principal: Value| json!([by(json!("*")), {"Effect": "Deny", "Action": "sts:AssumeRole", "NotPrincipal": principal}]);
    assert_eq!(verdict(except(json!({"AWS": role})), by(json!({"AWS": role}))), ComparisonVerdict::Unknown);
    assert_eq!(verdict(by(json!("*")), except(json!({"AWS": role}))), Narrows);
}

#[test]
fn permissions_boundaries() {
    let all = access(doing(&["*"]));
    let s3 = access(doing(&["s3:*"]));
    let within = |access: &PolicySet, limit: &PolicySet| access.clone().with_boundary(limit.policies.clone());
    assert_eq!(judged(&all, &within(&all, &s3)).verdict(), Narrows);
    assert_eq!(judged(&s3, &within(&all, &s3)).verdict(), Equivalent);
    assert_eq!(judged(&within(&all, &s3), &all).verdict(), Expands);
    let get = access(doing(&["s3:Get*"]));
    assert_eq!(judged(&within(&all, &s3), &within(&all, &get)).verdict(), Narrows);
    assert_eq!(judged(&within(&get, &s3), &within(&s3, &get)).verdict(), Equivalent);
    let nothing = all.clone().with_boundary(Vec::new());
    assert_eq!(judged(&nothing, &PolicySet::default()).verdict(), Equivalent);
    let mut denying = all.clone();
    denying.boundary =
        Some(access(json!([doing(&["*"]), {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}])).policies);
    assert_eq!(judged(&all, &denying).verdict(), Narrows);
}

#[test]
fn union_of_policies_equals_one_policy() {
    let split = PolicySet {
        policies: [access(doing(&["s3:Get*"])).policies, access(doing(&["s3:Put*"])).policies].concat(),
        boundary: None,
    };
    assert_eq!(judged(&split, &access(doing(&["s3:Put*", "s3:Get*"]))).verdict(), Equivalent);
}

#[test]
fn json_form_of_a_comparison() {
    let grown = judged(&access(on("arn:aws:s3:::b/*")), &access(on("arn:aws:s3:::*"))).to_value();
    assert_eq!(grown["verdict"], "expands");
    assert_eq!((&grown["new_in_old"], &grown["old_in_new"]), (&json!("refuted"), &json!("proved")));
    assert_eq!(grown["witness_new"]["action"].as_str().map(str::to_lowercase).as_deref(), Some("s3:getobject"));
    assert_eq!((&grown["witness_old"], &grown["reason"]), (&Value::Null, &Value::Null));
}
