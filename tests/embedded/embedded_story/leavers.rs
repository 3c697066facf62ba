//! Leavers: quarantine, return, deletion, and what holds them.

use serde_json::{Value, json};

use super::{applied, crowd, lifecycles, phase, quickstart};
use leasehold_test_harness::snapshot;
use leasehold_test_harness::{START, Stack};

fn inline_policy(stack: &Stack, address: &str) -> Value {
    let shown = stack.ok(&["show", address, "--format", "json"]).json();
    let resources = shown["resources"].as_array().unwrap();
    let policy = resources.iter().find(|resource| resource["type"] == "directory_inline_policy").unwrap();
    policy["attributes"]["policy"].clone()
}

#[test]
fn a_leaver_is_quarantined_and_restored_when_put_back() {
    let mut stack = applied();
    let block = stack.cut("identities.hcl", "identity \"triage_agent\"");
    snapshot!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      - leaver   identity.triage_agent  no longer in configuration → quarantine now, delete after 2026-11-27
          ~ directory_role                  triage_agent            trust policy emptied
          ~ directory_inline_policy         triage_agent/leasehold  deny everything

    Plan: 0 to add, 2 to change, 0 to destroy.  1 leaver.
    ");
    stack.apply();
    stack.assert_converged();
    snapshot!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

    No changes. Your identities match the configuration.
      . quarantined  identity.triage_agent  since 2026-11-20 (removed) · delete after 2026-11-27
    ");
    assert_eq!(phase(&stack, "identity.triage_agent").as_deref(), Some("quarantined"));
    let policy = inline_policy(&stack, "identity.triage_agent");
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 1);
    assert_eq!(policy["Statement"][0]["Effect"], "Deny");
    assert_eq!(policy["Statement"][0]["Action"], json!(["*"]));

    stack.pass_days(6);
    stack.append("identities.hcl", &block);
    snapshot!("leaver_restored", stack.plan());
    stack.apply();
    stack.assert_converged();
    assert_eq!(phase(&stack, "identity.triage_agent").as_deref(), Some("active"));
    let list = stack.ok(&["list", "--format", "json"]).json();
    let row = list["identities"].as_array().unwrap().iter().find(|row| row["name"] == "triage_agent").unwrap().clone();
    assert_eq!(row["deadline"], "2026-12-20T22:00:00Z", "its lease counts from its joining, not from its return");
}

#[test]
fn a_leaver_is_deleted_after_its_grace_and_not_before() {
    let mut stack = applied();
    stack.cut("identities.hcl", "identity \"triage_agent\"");
    stack.apply();
    stack.pass_days(6);
    stack.assert_converged();
    stack.pass_days(1);
    snapshot!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-11-27T22:00:00Z

      - leaver   identity.triage_agent  no longer in configuration → delete now
          - directory_role                  triage_agent
          - directory_inline_policy         triage_agent/leasehold
          - directory_attachment            triage_agent/orders_read

    Plan: 0 to add, 0 to change, 3 to destroy.  1 leaver.
    ");
    stack.apply().says(&["3 destroyed"]);
    stack.assert_converged();
    assert_eq!(phase(&stack, "identity.triage_agent"), None);
}

#[test]
fn used_leaver_is_kept_and_reported() {
    let mut stack = applied();
    stack.cut("identities.hcl", "identity \"triage_agent\"");
    stack.apply();
    stack.outside().record_use("triage_agent", "2026-11-25T10:00:00Z".parse().unwrap()).unwrap();
    stack.pass_days(30);
    stack.assert_converged();
    snapshot!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-12-20T22:00:00Z

    No changes. Your identities match the configuration.
      . quarantined  identity.triage_agent  since 2026-11-20 (removed) · not deleted: it was used at 2026-11-25T10:00:00Z, after its quarantine began
    ");
}

#[test]
fn expired_lease_quarantines_the_identity() {
    let mut stack = applied();
    stack.pass_days(31);
    snapshot!(stack.plan().says(&["lease expired 2026-12-20T22:00:00Z"]), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-12-21T22:00:00Z

      - leaver   identity.triage_agent  lease expired 2026-12-20T22:00:00Z → quarantine now, delete after its block is removed
          ~ directory_role                  triage_agent            trust policy emptied
          ~ directory_inline_policy         triage_agent/leasehold  deny everything

    Plan: 0 to add, 2 to change, 0 to destroy.  1 leaver.
    ");
    stack.apply();
    stack.pass_days(30);
    stack.assert_converged();
    assert_eq!(phase(&stack, "identity.triage_agent").as_deref(), Some("quarantined"), "its block stands");
    stack.edit(
        "identities.hcl",
        "ttl                  = \"30d\"",
        "ttl                  = \"30d\"\n  renewed_at = \"2027-01-20T00:00:00Z\"",
    );
    stack.apply();
    assert_eq!(phase(&stack, "identity.triage_agent").as_deref(), Some("active"), "renewed by a line");
    stack.cut("identities.hcl", "identity \"triage_agent\"");
    stack.apply();
    stack.pass_days(8);
    stack.apply();
    assert_eq!(phase(&stack, "identity.triage_agent"), None);
}

#[test]
fn more_leavers_than_the_budget_need_their_count() {
    let stack = Stack::of(&crowd(8)).at(START);
    stack.apply();
    stack.edit("stack.hcl", "range(8)", "range(1)");
    let before = stack.files();
    snapshot!("delete_budget", stack.run(&["apply", "--auto-approve"]).expect(3).says(&["--max-leavers 7"]));
    stack.run(&["apply", "--auto-approve", "--max-leavers", "6"]).expect(3);
    assert_eq!(stack.files(), before);
    stack.ok(&["apply", "--auto-approve", "--max-leavers", "7"]);
    stack.assert_converged();
}

#[test]
fn a_break_glass_account_leaves_only_with_its_approval() {
    let stack = quickstart();
    stack.append("identities.hcl", "identity \"firefighter\" {\n  kind = \"break_glass\"\n  owner = owner.jane\n  purpose = \"when all else fails\"\n}\n");
    stack.apply();
    stack.cut("identities.hcl", "identity \"firefighter\"");
    let before = stack.files();
    snapshot!(stack.run(&["apply", "--auto-approve"]).expect(3), @"
    $ leasehold apply --auto-approve
    exit 3
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      - leaver   identity.firefighter  no longer in configuration → quarantine now, delete after 2026-11-27
          + directory_inline_policy         firefighter/leasehold  deny everything

      refused by break-glass:  identity.firefighter is a break-glass account and would leave
        If it should leave, approve it: --approve identity.firefighter.

    Plan: 1 to add, 0 to change, 0 to destroy.  1 leaver.
    ─── stderr
    error: the plan is refused; nothing was changed
      - break-glass: identity.firefighter is a break-glass account and would leave
        help: If it should leave, approve it: --approve identity.firefighter.
    ");
    stack.run(&["apply", "--auto-approve", "--approve", "identity.jane_doe"]).expect(3);
    assert_eq!(stack.files(), before);
    stack.ok(&["apply", "--auto-approve", "--approve", "identity.firefighter"]);
    assert_eq!(phase(&stack, "identity.firefighter").as_deref(), Some("quarantined"));
}

#[test]
fn a_break_glass_account_outlives_every_lease() {
    let mut stack = quickstart();
    stack.append("identities.hcl", "identity \"firefighter\" {\n  kind = \"break_glass\"\n  owner = owner.jane\n  purpose = \"when all else fails\"\n}\n");
    stack.apply();
    stack.pass_days(4000);
    assert!(!lifecycles(&stack.plan_json()).contains_key("identity.firefighter"));
}
