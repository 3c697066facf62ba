//! `policy simulate` and `explain`, and what every command says of a file that is no policy.

use serde_json::{Value, json};

use super::{policy, reported, run_in};

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
    insta::assert_snapshot!(diagnostic("list.json", format!("\u{feff}[\n  {{\"Statement\": [\n    {statement}\n  ]}}\n]\n").as_bytes()), @r#"
    policy::malformed

      × this is not a policy: [0].Statement[0]: `Resource` is missing
       ╭─[list.json:3:5]
     2 │   {"Statement": [
     3 │     {"Effect": "Allow", "Action": "a:b"}
       ·     ──────────────────┬─────────────────
       ·                       ╰── `Resource` is missing
     4 │   ]}
       ╰────
      help: IAM would refuse it. The grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/
            reference_policies_grammar.html
    "#);
    insta::assert_snapshot!(diagnostic("text.json", b"not a policy\n"), @"
    policy::malformed

      × this is not a policy: the document: not JSON: not a value
       ╭─[text.json:1:1]
     1 │ not a policy
       · ─┬─
       ·  ╰── not JSON: not a value
       ╰────
      help: IAM would refuse it. The grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/
            reference_policies_grammar.html
    ");
    insta::assert_snapshot!(diagnostic("bytes.json", b"{\n  \"Statement\": \"\xff\"\n}\n"), @r#"
    policy::not_utf8

      × the file is not UTF-8
       ╭─[bytes.json:2:17]
     1 │ {
     2 │   "Statement": "�"
       ·                 ┬
       ·                 ╰── invalid byte
     3 │ }
       ╰────
    "#);
}

#[test]
fn simulate_names_the_statements_that_decided() {
    let ask = |more: &[&str]| {
        let request = ["simulate", "--policy", "read-write.json", "--resource", "arn:aws:s3:::acme-orders/x"];
        reported(&[&request[..], more].concat())
    };
    let put = ["--action", "s3:PutObject", "--principal", "arn:aws:iam::111122223333:role/ci"];
    let inside = [&put[..], &["--context", "aws:SourceIp=10.1.2.3"]].concat();
    let outside = [&put[..], &["--context", "aws:SourceIp=192.0.2.1"]].concat();
    insta::assert_snapshot!([
            ask(&inside),
            ask(&outside),
            ask(&[&inside[..], &["--boundary", "read.json"]].concat()),
            ask(&["--action", "s3:GetObject", "--boundary", "read.json"]),
            ask(&["--action", "s3:GetObject", "--policy", "unknown-operator.json"]),
            reported(&["simulate", "--policy", "unknown-operator.json", "--action", "s3:PutObject", "--resource", "*"]),
        ]
        .concat(), @"
    allowed  s3:PutObject on arn:aws:s3:::acme-orders/x by arn:aws:iam::111122223333:role/ci when aws:sourceip = 10.1.2.3
      by read-write.json [0].Statement[0]
    denied explicitly  s3:PutObject on arn:aws:s3:::acme-orders/x by arn:aws:iam::111122223333:role/ci when aws:sourceip = 192.0.2.1
      by read-write.json [1].Statement[0] (NotFromOutside)
    denied: no statement allows it  s3:PutObject on arn:aws:s3:::acme-orders/x by arn:aws:iam::111122223333:role/ci when aws:sourceip = 10.1.2.3
    allowed  s3:GetObject on arn:aws:s3:::acme-orders/x by anonymous
      by read-write.json [0].Statement[0]
      by read.json Statement[0] (ReadOrders)  (permissions boundary)
    allowed  s3:GetObject on arn:aws:s3:::acme-orders/x by anonymous
      by read-write.json [0].Statement[0]
    not decided: depends on undocumented AWS behavior  s3:PutObject on * by anonymous
      by unknown-operator.json Statement[0]
    ");
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
    insta::assert_snapshot!(reported(&["explain", "deployer.json"]), @"
    Highest level: permissions management

    iam  AWS Identity and Access Management (IAM)
      permissions management  1 of 79     PassRole

    lambda  AWS Lambda
      write                   2 of 44     CreateFunction, InvokeFunction
    ");
    insta::assert_snapshot!(reported(&["explain", "read-write.json", "--boundary", "read.json"]), @"
    Highest level: read

    s3  Amazon S3
      read                    1 of 62     GetObject
    ");
    let json: Value = serde_json::from_str(&reported(&["explain", "read-write.json", "--format", "json"])).unwrap();
    assert_eq!(json["highest_level"], "write");
    assert_eq!(json["services"][0]["levels"]["write"]["actions"], json!(["PutObject"]));
    assert_eq!(json["services"][0]["levels"]["read"]["actions"], json!(["GetObject"]));
}
