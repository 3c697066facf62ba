//! What the real program says of policies: the files in `policy_commands/`, and the stacks made here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use leasehold_local::LocalDirectory;
use serde_json::{Value, json};

/// How a run of the program ended.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }
}

/// Runs the program in a directory, in an environment that says nothing.
fn run_in(directory: &Path, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_leasehold"))
        .args(["-C", directory.to_str().unwrap(), "--color", "never"])
        .args(args)
        .env_clear()
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs `policy` where the example files are.
fn policy(args: &[&str]) -> Ran {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy_commands");
    run_in(&files, &[&["policy"], args].concat())
}

/// What a run printed that ended well.
fn told(args: &[&str]) -> String {
    let ran = policy(args);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    ran.stdout
}

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
    insta::assert_snapshot!("compare_expands", told(&["compare", "read.json", "read-write.json"]));
    insta::assert_snapshot!("compare_narrows", told(&["compare", "read-write.json", "read.json"]));
    insta::assert_snapshot!("compare_equivalent", told(&["compare", "read.json", "read.json"]));
    insta::assert_snapshot!("compare_both_ways", told(&["compare", "read.json", "deployer.json"]));
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
fn an_unknown_verdict_says_why() {
    let verdict = policy(&["compare", "read.json", "unknown-operator.json", "--format", "json"]).json();
    assert_eq!((&verdict["verdict"], &verdict["new_in_old"]), (&json!("unknown"), &json!("unknown")));
    assert!(verdict["reason"].as_str().unwrap().contains("a condition operator that is not known"));
}

#[test]
fn boundaries_cut_their_side() {
    let verdict =
        |args: &[&str]| policy(&[&["compare"], args, &["--format", "json"]].concat()).json()["verdict"].clone();
    assert_eq!(verdict(&["read.json", "read-write.json", "--boundary-new", "read.json"]), "equivalent");
    assert_eq!(verdict(&["read-write.json", "read-write.json", "--boundary-old", "read.json"]), "expands");
}

#[test]
fn an_account_stands_in_for_its_placeholder() {
    let verdict =
        |args: &[&str]| policy(&[&["compare"], args, &["--format", "json"]].concat()).json()["verdict"].clone();
    let both = ["placeholder.json", "filled.json"];
    assert_ne!(verdict(&both), "equivalent");
    assert_eq!(verdict(&[&both[..], &["--account", "111122223333"]].concat()), "equivalent");
    assert_eq!(verdict(&[&both[..], &["--account", "444455556666"]].concat()), "incomparable");
}

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
fn lint_tells_people() {
    insta::assert_snapshot!("lint", told(&["lint", "deployer.json", "read.json"]));
    insta::assert_snapshot!("lint_nothing", told(&["lint", "read.json"]));
}

#[test]
fn lint_gives_machines_rule_place_and_remedy() {
    let found: Value = serde_json::from_str(&told(&["lint", "deployer.json", "--format", "json"])).unwrap();
    assert_eq!(found["format_version"], "1.0");
    assert_eq!(found["summary"], json!({"high": 2, "medium": 2}));
    assert_eq!(
        found["findings"][3],
        json!({
            "id": "unknown-action",
            "severity": "medium",
            "statement": 1,
            "sid": null,
            "message": "no action is called `s3:GetObjekt`",
            "remedy": "correct the spelling, or remove it",
            "owasp": null,
            "path": "Statement[1]",
            "range": {
                "filename": "deployer.json",
                "start": {"line": 10, "column": 5, "byte": 217},
                "end": {"line": 14, "column": 6, "byte": 330},
            },
        })
    );
}

#[test]
fn lint_gives_code_hosts_sarif() {
    let mut sarif: Value = serde_json::from_str(&told(&["lint", "deployer.json", "--format", "sarif"])).unwrap();
    sarif["runs"][0]["tool"]["driver"]["semanticVersion"] = json!("(this version)");
    insta::assert_json_snapshot!("lint_sarif", sarif);
}

/// Lines move and statements change places; what was found stays the same finding. Another statement is another one.
#[test]
fn a_finding_keeps_its_fingerprint() {
    let files = tempfile::tempdir().unwrap();
    let fingerprints = |statements: [&str; 2], space: &str| {
        let text = format!("{{{space}\"Version\": \"2012-10-17\", \"Statement\": [{}]}}", statements.join(space));
        std::fs::write(files.path().join("p.json"), text).unwrap();
        let sarif = run_in(files.path(), &["policy", "lint", "p.json", "--format", "sarif"]).json();
        let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|r| r["partialFingerprints"]["leaseholdFinding/v1"].to_string())
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (one, other) = (
        r#"{"Effect": "Allow", "Action": ["s3:GetObjekt", "s3:PutObjekt"], "Resource": "arn:aws:s3:::b"}"#,
        r#", {"Sid": "Other", "Effect": "Allow", "Action": "s4:*", "Resource": "arn:aws:s3:::c"}"#,
    );
    let before = fingerprints([one, other], " ");
    assert!(before.len() >= 3, "{before:?}");
    assert_eq!(before, fingerprints([&other[2..], &format!(", {one}")], "\n\n  "));
    assert!(before.is_disjoint(&fingerprints([&one.replace(":b", ":d"), &other.replace(":c", ":e")], " ")));
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

const NOW: &str = "2026-11-20T22:00:00Z";

/// A stack in a directory of its own, on the embedded directory.
struct Stack(tempfile::TempDir);

impl Stack {
    fn of(identities: &str) -> Self {
        let stack = Self(tempfile::tempdir().unwrap());
        stack.write(identities);
        stack
    }

    fn write(&self, identities: &str) {
        let head = "leasehold {\n  stack = \"shop\"\n  defaults { ttl = \"30d\" }\n}\nowner \"jane\" {}\n";
        std::fs::write(self.0.path().join("stack.hcl"), format!("{head}{identities}")).unwrap();
    }

    fn run(&self, args: &[&str]) -> Ran {
        let ran = run_in(self.0.path(), args);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        ran
    }

    fn apply(&self, now: &str) {
        self.run(&["apply", "--auto-approve", "--now", now]);
    }

    fn plan(&self) -> String {
        self.run(&["plan", "--now", NOW]).stdout
    }

    fn changes(&self) -> Vec<Value> {
        let plan = self.run(&["plan", "--now", NOW, "--format", "json"]).json();
        plan["identity_changes"].as_array().unwrap().clone()
    }
}

/// A service account with these statements, given as pairs of action and resource.
fn service(name: &str, statements: &[(&str, &str)]) -> String {
    let statement = |(action, resource): &(&str, &str)| {
        format!("  statement {{\n    actions   = [\"{action}\"]\n    resources = [\"{resource}\"]\n  }}\n")
    };
    let statements: String = statements.iter().map(statement).collect();
    format!("identity \"{name}\" {{\n  kind  = \"service\"\n  owner = owner.jane\n{statements}}}\n")
}

const ORDERS: &str = "arn:aws:s3:::acme-orders/*";

#[test]
fn a_joiner_states_its_level_and_what_is_unwise_about_it() {
    let stack = Stack::of(
        &[
            service("nobody", &[]),
            service("reader", &[("s3:GetObject", ORDERS)]),
            service("writer", &[("s3:GetObject", ORDERS), ("s3:PutObject", ORDERS)]),
            service("mystery", &[("acme:Frobnicate", "*")]),
            service("climber", &[("iam:PutUserPolicy", "*"), ("s3:*", "*")]),
        ]
        .concat(),
    );
    insta::assert_snapshot!("plan_joiners", stack.plan());
    let changes = stack.changes();
    let levels: Vec<(&str, &str)> = changes
        .iter()
        .map(|change| (change["address"].as_str().unwrap(), change["access_level"].as_str().unwrap()))
        .collect();
    assert_eq!(
        levels,
        [
            ("identity.climber", "permissions_management"),
            ("identity.mystery", "unknown"),
            ("identity.nobody", "none"),
            ("identity.reader", "read"),
            ("identity.writer", "write"),
        ]
    );
    assert_eq!(changes[3]["findings"], json!([]));
    assert_eq!(changes[0]["findings"][0]["severity"], "high");
    assert_eq!(
        changes[1]["findings"],
        json!([{
            "id": "unknown-action",
            "severity": "medium",
            "policy": {"type": "directory_inline_policy", "name": "mystery/leasehold"},
            "sid": null,
            "message": "`acme:Frobnicate`: no service has the prefix `acme`",
            "remedy": "correct the spelling, or remove it",
            "owasp": null,
        }])
    );
}

/// Whose access stays has no level and no findings, however unwise it is.
#[test]
fn a_mover_has_findings_only_where_its_access_changes() {
    let stack = Stack::of(&[service("bot", &[("s3:*", "*")]), service("grows", &[("s3:GetObject", ORDERS)])].concat());
    stack.apply(NOW);
    let bot = service("bot", &[("s3:*", "*")])
        .replace("\"service\"\n", "\"service\"\n  purpose = \"other\"\n  environment = \"prod\"\n");
    stack.write(&[bot, service("grows", &[("s3:GetObject", ORDERS), ("iam:PutUserPolicy", "*")])].concat());
    insta::assert_snapshot!("plan_movers", stack.plan());
    let changes = stack.changes();
    assert_eq!(changes[0]["address"], "identity.bot");
    assert_eq!((&changes[0]["access_level"], &changes[0]["findings"]), (&Value::Null, &json!([])));
    assert_eq!(
        (&changes[1]["access_level"], &changes[1]["access_verdict"]),
        (&json!("permissions_management"), &json!("expands"))
    );
    assert_eq!(changes[1]["findings"][0]["id"], "privilege-escalation");
}

/// A saved plan keeps what it said.
#[test]
fn a_saved_plan_shows_the_same() {
    let stack = Stack::of(&service("climber", &[("iam:PutUserPolicy", "*")]));
    let fresh = stack.run(&["plan", "--now", NOW, "--out", "saved.plan"]).stdout;
    assert!(fresh.contains("privilege-escalation"));
    assert_eq!(stack.run(&["show", "saved.plan"]).stdout, fresh);
}

fn staff() -> String {
    let scope = "scope \"orders_read\" {\n  statement {\n    sid       = \"ReadOrders\"\n    actions   = [\"s3:GetObject\"]\n    \
                 resources = [\"arn:aws:s3:::acme-orders/*\"]\n  }\n}\n";
    let with_scope = service("report_bot", &[]).replace("owner.jane\n", "owner.jane\n  scopes = [scope.orders_read]\n");
    let inside = service("inside", &[("s3:Get*", ORDERS)]).replace(
        "  }\n}\n",
        "    condition {\n      test     = \"IpAddress\"\n      variable = \"aws:SourceIp\"\n      values   = [\"10.0.0.0/8\"]\n    }\n  }\n}\n",
    );
    [scope, &with_scope, &inside, &service("writer", &[("s3:PutObject", ORDERS)]), &service("leaver", &[("s3:*", "*")])]
        .concat()
}

#[test]
fn who_can_names_holders_statements_and_deadlines() {
    let stack = Stack::of(&staff());
    stack.apply(NOW);
    let ask = |action: &str, now: &str, more: &[&str]| {
        stack.run(&[&["who-can", action, "arn:aws:s3:::acme-orders/x", "--now", now][..], more].concat())
    };
    insta::assert_snapshot!("who_can", ask("s3:GetObject", NOW, &[]).stdout);
    insta::assert_snapshot!("who_can_nobody", ask("s3:DeleteBucketPolicy", "2026-12-20T22:00:00Z", &[]).stdout);
    let answer = ask("s3:GetObject", NOW, &["--format", "json"]).json();
    assert_eq!(
        (&answer["stack"], &answer["action"], &answer["format_version"]),
        (&json!("shop"), &json!("s3:GetObject"), &json!("1.0"))
    );
    assert_eq!(
        answer["identities"][0],
        json!({
            "address": "identity.inside",
            "name": "inside",
            "kind": "service",
            "owner": "jane",
            "service": null,
            "until": "2026-12-20T22:00:00Z",
            "permission": "only_if",
            "through": [{
                "type": "directory_inline_policy", "name": "inside/leasehold", "statement": 1, "sid": null,
                "conditions": ["IpAddress aws:sourceip 10.0.0.0/8"],
            }],
            "unless": [],
            "boundaries": [],
            "unread": [],
        })
    );
    let who = |answer: Value| -> Vec<String> {
        answer["identities"].as_array().unwrap().iter().map(|one| one["address"].to_string()).collect()
    };
    assert_eq!(who(answer).len(), 3);
    // The fence shuts at the deadline, not before it.
    assert_eq!(who(ask("s3:GetObject", "2026-12-20T21:59:59Z", &["--format", "json"]).json()).len(), 3);
    assert_eq!(who(ask("s3:GetObject", "2026-12-20T22:00:00Z", &["--format", "json"]).json()).len(), 0);
}

/// It looks at what lives: a declared change counts once it is applied, and a quarantined identity cannot.
#[test]
fn who_can_looks_at_what_lives() {
    let stack = Stack::of(&staff());
    stack.apply(NOW);
    stack.write(&staff().replace("identity \"leaver\"", "identity \"joiner\""));
    let who = || stack.run(&["who-can", "s3:GetObject", "arn:aws:s3:::acme-orders/x", "--now", NOW]).stdout;
    assert!(who().contains("identity.leaver") && !who().contains("identity.joiner"));
    stack.run(&["apply", "--auto-approve", "--now", NOW, "--max-leavers", "1"]);
    assert!(!who().contains("identity.leaver") && who().contains("identity.joiner"));
    assert!(stack.run(&["list", "--now", NOW]).stdout.contains("quarantined"));
}

/// The policy of `writer` in other words that AWS takes for the same is no drift; in words that say more it is.
#[test]
fn drift_is_what_a_policy_says_not_how_it_is_written() {
    let stack = Stack::of(&staff());
    stack.apply(NOW);
    let outside = LocalDirectory::at(
        stack.0.path().join(".leasehold/directory.db"),
        "stranger",
        Arc::new(|| NOW.parse().unwrap()),
    );
    let rewrite = |action: &str| {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Mine", "Effect": "Allow", "Action": action, "Resource": ORDERS},
            {"Effect": "Deny", "Action": "*", "Resource": "*",
             "Condition": {"dategreaterthanequals": {"AWS:CurrentTime": "2026-12-20T22:00:00Z"}}},
        ]});
        outside.outside().put_inline_policy("writer", "leasehold", &policy.into()).unwrap();
    };
    rewrite("S3:putobject");
    assert!(stack.plan().contains("No changes."), "{}", stack.plan());
    rewrite("s3:Put*");
    assert_eq!(stack.changes()[0]["lifecycle"], "drift");
}
