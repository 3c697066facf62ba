//! The scheduled write: what time brings, and nothing else.

use serde_json::Value;

use leasehold_test_harness::snapshot;
use leasehold_test_harness::{START, Stack};

fn applied() -> Stack {
    let stack = Stack::example("quickstart").at(START);
    stack.apply();
    stack
}

fn phases(stack: &Stack) -> Vec<(String, String)> {
    let list = stack.ok(&["list", "--format", "json"]).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list["identities"].as_array().unwrap().iter().map(|row| (text(&row["address"]), text(&row["phase"]))).collect()
}

#[test]
fn sweep_without_due_changes_shows_the_next_one() {
    let stack = applied();
    snapshot!(stack.ok(&["sweep", "--auto-approve"]), @"
    $ leasehold sweep --auto-approve
    exit 0
    ─── stdout
    No changes. No lease or grace period has expired, and no key is due for rotation.
    Next: identity.triage_agent: lease expires at 2026-12-20T22:00:00Z.
    ");
}

#[test]
fn sweep_quarantines_expired_leases_only() {
    let mut stack = applied();
    // A joiner, a mover, a leaver and drift, none of them applied.
    stack.append("identities.hcl", "identity \"newcomer\" {\n  kind = \"service\"\n  owner = owner.jane\n}\n");
    stack.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:GetObject\", \"s3:PutObject\"");
    stack.cut("identities.hcl", "identity \"checkout_ci\"");
    stack.outside().add_key("nightly_report", "AKIASTRAY").unwrap();
    stack.pass_days(40);
    let due = |plan: &Value| {
        let changes = plan["identity_changes"].as_array().unwrap().clone();
        changes.into_iter().partition::<Vec<Value>, _>(|change| change["address"] == "identity.triage_agent")
    };
    let (agent, rest) = due(&stack.plan_json());
    assert_eq!((agent.len(), rest.len()), (1, 4));
    let before = stack.outside().rows_of(&["checkout_ci", "nightly_report"]).unwrap();
    snapshot!(stack.ok(&["sweep", "--auto-approve"]), @"
    $ leasehold sweep --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-12-30T22:00:00Z

      - leaver   identity.triage_agent  lease expired 2026-12-20T22:00:00Z → quarantine now, delete after its block is removed
          ~ directory_role                  triage_agent            trust policy emptied
          ~ directory_inline_policy         triage_agent/leasehold  deny everything

    Plan: 0 to add, 2 to change, 0 to destroy.  1 leaver.

    Apply complete! 0 added, 2 changed, 0 destroyed. Read back and verified.
    ");
    assert_eq!(stack.outside().rows_of(&["checkout_ci", "nightly_report"]).unwrap(), before);
    let (agent, still) = due(&stack.plan_json());
    assert_eq!(agent, Vec::<Value>::new(), "it is quarantined, and stays so");
    assert_eq!(still, rest, "all else waits for an apply, as it did");
    stack.ok(&["sweep", "--auto-approve"]).says(&["No changes."]);
    assert!(phases(&stack).contains(&("identity.triage_agent".to_owned(), "quarantined".to_owned())));
}

#[test]
fn sweep_deletes_after_the_grace_period() {
    let mut stack = applied();
    stack.cut("identities.hcl", "identity \"checkout_ci\"");
    stack.apply();
    stack.ok(&["sweep", "--auto-approve"]).says(&["No changes.", "identity.checkout_ci: grace period ends"]);
    stack.pass_days(8);
    snapshot!(stack.ok(&["sweep", "--auto-approve"]), @"
    $ leasehold sweep --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-11-28T22:00:00Z

      - leaver   identity.checkout_ci  no longer in configuration → delete now
          - directory_role                  checkout_ci
          - directory_inline_policy         checkout_ci/leasehold

    Plan: 0 to add, 0 to change, 2 to destroy.  1 leaver.

    Apply complete! 0 added, 0 changed, 2 destroyed. Read back and verified.
    ");
    assert!(!phases(&stack).iter().any(|(address, _)| address == "identity.checkout_ci"));
}

#[test]
fn sweep_has_budget_and_prompt_of_apply() {
    let mut stack = Stack::of(
        r#"leasehold { stack = "crowd" }
owner "jane" { email = "jane@example.com" }
identity "bot" {
  for_each = toset([for n in range(12) : format("%02d", n)])
  kind     = "service"
  owner    = owner.jane
  ttl      = "30d"
}
"#,
    )
    .at(START);
    stack.apply();
    stack.pass_days(31);
    let before = stack.outside().rows_of(&["bot-00", "bot-11"]).unwrap();
    stack.run(&["sweep", "--auto-approve"]).expect(3).says(&["delete-budget", "--max-leavers 12"]);
    stack.run(&["sweep", "--max-leavers", "12"]).expect(3).says(&["stdin or stderr is not a terminal"]);
    assert_eq!(stack.outside().rows_of(&["bot-00", "bot-11"]).unwrap(), before);
    stack.ok(&["sweep", "--max-leavers", "12", "--auto-approve", "--json-into", "swept.json"]);
    let swept: Value = serde_json::from_str(&stack.read("swept.json")).unwrap();
    assert_eq!(swept["summary"]["leavers"], 12);
    assert!(phases(&stack).iter().all(|(_, phase)| phase == "quarantined"));
}
