//! `policy compare`.

use serde_json::json;

use super::{policy, reported};

#[test]
fn compare_gives_machines_verdict_proofs_and_witnesses() {
    let ran = policy(&["compare", "read.json", "read-write.json", "--format", "json"]);
    assert_eq!(ran.code, 0);
    assert_eq!(
        ran.json(),
        json!({
            "verdict": "expands",
            "new_in_old": "refuted",
            "old_in_new": "proved",
            "witness_new": {
                "principal": {"AWS": "arn:aws:iam::111122223333:user/example"},
                "action": "s3:PutObject",
                "resource": "arn:aws:s3:::acme-orders/",
                "context": {"aws:sourceip": "10.0.0.0"},
            },
            "witness_old": null,
            "reason": null,
        })
    );
}

#[test]
fn compare_tells_people() {
    insta::assert_snapshot!(reported(&["compare", "read.json", "read-write.json"]), @"
    EXPANDS access
      newly allowed, for example: s3:PutObject on arn:aws:s3:::acme-orders/ by arn:aws:iam::111122223333:user/example when aws:sourceip = 10.0.0.0
    ");
    insta::assert_snapshot!(reported(&["compare", "read-write.json", "read.json"]), @"
    narrows access
      no longer allowed, for example: s3:PutObject on arn:aws:s3:::acme-orders/ by arn:aws:iam::111122223333:user/example when aws:sourceip = 10.0.0.0
    ");
    insta::assert_snapshot!(reported(&["compare", "read.json", "read.json"]), @"the same access");
    insta::assert_snapshot!(reported(&["compare", "read.json", "deployer.json"]), @"
    EXPANDS and narrows access
      newly allowed, for example: iam:PassRole on arn:aws:iam::111122223333:role/example by arn:aws:iam::111122223333:user/example
      no longer allowed, for example: s3:GetObject on arn:aws:s3:::acme-orders/ by arn:aws:iam::111122223333:user/example
    ");
}

#[test]
fn a_detailed_exit_code_is_2_unless_access_stays_or_shrinks() {
    let code = |args: &[&str]| policy(&[&["compare"], args, &["--detailed-exitcode"]].concat()).code;
    assert_eq!(code(&["read.json", "read.json"]), 0);
    assert_eq!(code(&["read-write.json", "read.json"]), 0);
    assert_eq!(code(&["read.json", "read-write.json"]), 2);
    assert_eq!(code(&["read.json", "deployer.json"]), 2);
    assert_eq!(code(&["read.json", "unknown-operator.json"]), 2);
    assert_eq!(code(&["read.json", "malformed.json"]), 1);
}

#[test]
fn unknown_verdict_has_a_reason() {
    let verdict = policy(&["compare", "read.json", "unknown-operator.json", "--format", "json"]).json();
    assert_eq!((&verdict["verdict"], &verdict["new_in_old"]), (&json!("unknown"), &json!("unknown")));
    assert!(verdict["reason"].as_str().unwrap().contains("an unknown condition operator"));
}

#[test]
fn boundaries_limit_their_side() {
    let verdict =
        |args: &[&str]| policy(&[&["compare"], args, &["--format", "json"]].concat()).json()["verdict"].clone();
    assert_eq!(verdict(&["read.json", "read-write.json", "--boundary-new", "read.json"]), "equivalent");
    assert_eq!(verdict(&["read-write.json", "read-write.json", "--boundary-old", "read.json"]), "expands");
}

#[test]
fn account_replaces_its_placeholder() {
    let verdict =
        |args: &[&str]| policy(&[&["compare"], args, &["--format", "json"]].concat()).json()["verdict"].clone();
    let both = ["placeholder.json", "filled.json"];
    assert_ne!(verdict(&both), "equivalent");
    assert_eq!(verdict(&[&both[..], &["--account", "111122223333"]].concat()), "equivalent");
    assert_eq!(verdict(&[&both[..], &["--account", "444455556666"]].concat()), "incomparable");
}
