//! What `plan` and `who-can` say of the policies of a stack.

use std::sync::Arc;

use leasehold_local::LocalDirectory;
use serde_json::{Value, json};

use super::{Ran, run_in};

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
            "message": "`acme:Frobnicate`: there is no service with the prefix `acme`",
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
fn who_can_lists_identities_statements_and_deadlines() {
    let stack = Stack::of(&staff());
    stack.apply(NOW);
    let ask = |action: &str, now: &str, more: &[&str]| {
        stack.run(&[&["who-can", action, "arn:aws:s3:::acme-orders/x", "--now", now][..], more].concat())
    };
    insta::assert_snapshot!(ask("s3:GetObject", NOW, &[]).stdout, @"
    identity.inside  service · owner jane · expires 2026-12-20T22:00:00Z
      through directory_inline_policy inside/leasehold  Statement[1]
        only if IpAddress aws:sourceip 10.0.0.0/8

    identity.leaver  service · owner jane · expires 2026-12-20T22:00:00Z
      through directory_inline_policy leaver/leasehold  Statement[1]

    identity.report_bot  service · owner jane · expires 2026-12-20T22:00:00Z
      through directory_policy orders_read  Statement[0] (ReadOrders)
    ");
    insta::assert_snapshot!(ask("s3:DeleteBucketPolicy", "2026-12-20T22:00:00Z", &[]).stdout, @"No identity in this stack has this access.");
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
fn who_can_reads_live_state() {
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
fn equivalent_policy_text_is_not_drift() {
    let stack = Stack::of(&staff());
    stack.apply(NOW);
    let outside = LocalDirectory::new(
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
        outside.external_admin().put_inline_policy("writer", "leasehold", &policy.into()).unwrap();
    };
    rewrite("S3:putobject");
    assert!(stack.plan().contains("No changes."), "{}", stack.plan());
    rewrite("s3:Put*");
    assert_eq!(stack.changes()[0]["lifecycle"], "drift");
}
