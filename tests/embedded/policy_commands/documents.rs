//! `policy simulate` and `explain`, and what every command says of a file that is no policy.

use serde_json::{Value, json};

use super::{policy, run_in, told};

/// Every command reads its files alike: nothing on stdout, and the place, path and snippet on stderr.
#[test]
fn what_is_no_policy_gets_a_diagnostic() {
    let commands: [&[&str]; 4] = [
        &["compare", "read.json", "malformed.json"],
        &["lint", "read.json", "malformed.json"],
        &["explain", "malformed.json"],
        &["simulate", "--policy", "malformed.json", "--action", "a:b", "--resource", "*"],
    ];
    for command in commands {
        let ran = policy(command);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
        insta::assert_snapshot!("malformed", ran.stderr);
    }
}

#[test]
fn diagnostics_point_into_lists_and_past_a_byte_order_mark() {
    let files = tempfile::tempdir().unwrap();
    let diagnostic = |name: &str, content: &[u8]| {
        std::fs::write(files.path().join(name), content).unwrap();
        let ran = run_in(files.path(), &["policy", "explain", name]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
        ran.stderr
    };
    let statement = r#"{"Effect": "Allow", "Action": "a:b"}"#;
    insta::assert_snapshot!(
        "malformed_in_a_list",
        diagnostic("list.json", format!("\u{feff}[\n  {{\"Statement\": [\n    {statement}\n  ]}}\n]\n").as_bytes())
    );
    insta::assert_snapshot!("no_json", diagnostic("text.json", b"not a policy\n"));
    insta::assert_snapshot!("not_utf8", diagnostic("bytes.json", b"{\n  \"Statement\": \"\xff\"\n}\n"));
}

#[test]
fn simulate_names_the_statements_that_decided() {
    let ask = |more: &[&str]| {
        let request = ["simulate", "--policy", "read-write.json", "--resource", "arn:aws:s3:::acme-orders/x"];
        told(&[&request[..], more].concat())
    };
    let put = ["--action", "s3:PutObject", "--principal", "arn:aws:iam::111122223333:role/ci"];
    let inside = [&put[..], &["--context", "aws:SourceIp=10.1.2.3"]].concat();
    let outside = [&put[..], &["--context", "aws:SourceIp=192.0.2.1"]].concat();
    insta::assert_snapshot!(
        "simulate",
        [
            ask(&inside),
            ask(&outside),
            ask(&[&inside[..], &["--boundary", "read.json"]].concat()),
            ask(&["--action", "s3:GetObject", "--boundary", "read.json"]),
            ask(&["--action", "s3:GetObject", "--policy", "unknown-operator.json"]),
            told(&["simulate", "--policy", "unknown-operator.json", "--action", "s3:PutObject", "--resource", "*"]),
        ]
        .concat()
    );
    let json: Value = serde_json::from_str(&ask(&[&outside[..], &["--format", "json"]].concat())).unwrap();
    assert_eq!(
        json,
        json!({
            "decision": "explicit_deny",
            "statements": [{
                "layer": "policy", "file": "read-write.json", "path": "[1].Statement[0]", "statement": 0, "sid": "NotFromOutside",
            }],
            "request": {
                "principal": {"AWS": "arn:aws:iam::111122223333:role/ci"},
                "action": "s3:PutObject",
                "resource": "arn:aws:s3:::acme-orders/x",
                "context": {"aws:sourceip": "192.0.2.1"},
            },
        })
    );
}

#[test]
fn a_request_that_is_none_is_refused() {
    for (action, principal, context) in
        [("s3:*", "*", "a=b"), ("GetObject", "*", "a=b"), ("s3:GetObject", "bob", "a=b"), ("s3:GetObject", "*", "ab")]
    {
        let ran = policy(&[
            "simulate",
            "--policy",
            "read.json",
            "--resource",
            "*",
            "--action",
            action,
            "--principal",
            principal,
            "--context",
            context,
        ]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{action} {principal} {context}");
    }
}

#[test]
fn explain_tells_services_and_levels() {
    insta::assert_snapshot!("explain", told(&["explain", "deployer.json"]));
    insta::assert_snapshot!("explain_bounded", told(&["explain", "read-write.json", "--boundary", "read.json"]));
    let json: Value = serde_json::from_str(&told(&["explain", "read-write.json", "--format", "json"])).unwrap();
    assert_eq!(json["highest_level"], "write");
    assert_eq!(json["services"][0]["levels"]["write"]["actions"], json!(["PutObject"]));
    assert_eq!(json["services"][0]["levels"]["read"]["actions"], json!(["GetObject"]));
}
