//! Saved plans: applied as they are, or refused.

use leasehold_provider::Document;
use serde_json::{Value, json};

use super::{applied, crowd, quickstart};
use leasehold_test_harness::snapshot;
use leasehold_test_harness::{START, Stack};

/// The quickstart with a mover in a saved plan.
fn saved() -> Stack {
    let stack = applied();
    stack.edit("identities.hcl", "\"180d\"", "\"200d\"");
    snapshot!("plan_out", stack.ok(&["plan", "--out", "review.plan"]));
    stack
}

/// Asserts that the saved plan is refused for this reason, and that nothing was written.
fn assert_stale(stack: &Stack, why: &str) -> leasehold_test_harness::Ran {
    let before = stack.files();
    let ran = stack.run(&["apply", "review.plan", "--auto-approve"]).expect(3).says(&[why]);
    assert_eq!(stack.files(), before);
    ran
}

#[test]
fn a_saved_plan_is_shown_and_applied_as_it_is() {
    let stack = saved();
    let shown = stack.ok(&["show", "review.plan"]);
    assert_eq!(shown.stdout, stack.plan().stdout);
    let json = stack.ok(&["show", "review.plan", "--format", "json"]).json();
    assert_eq!(json, stack.plan_json());
    stack.run(&["apply", "review.plan"]).expect(3);
    stack.ok(&["apply", "review.plan", "--auto-approve"]).says(&["Apply complete!"]);
    stack.assert_converged();
    snapshot!(assert_stale(&stack, "has changed in the cloud"), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: the saved plan is stale; nothing was changed
      - directory_inline_policy nightly_report/leasehold has changed in the cloud
      - directory_user nightly_report has changed in the cloud
      help: Make a new plan, review it, and apply that.
    ");
}

#[test]
fn a_saved_plan_is_stale_once_a_file_changed() {
    let stack = saved();
    stack.edit("stack.hcl", "read the orders of the shop", "read orders");
    snapshot!(assert_stale(&stack, "stack.hcl has changed"), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: the saved plan is stale; nothing was changed
      - stack.hcl has changed
      help: Make a new plan, review it, and apply that.
    ");
}

#[test]
fn a_saved_plan_is_stale_once_a_file_appeared_or_went() {
    let stack = saved();
    stack.write("more.hcl", "locals {\n  x = 1\n}\n");
    assert_stale(&stack, "more.hcl was added");
    std::fs::remove_file(stack.path("more.hcl")).unwrap();
    std::fs::rename(stack.path("identities.hcl"), stack.path("others.hcl")).unwrap();
    assert_stale(&stack, "identities.hcl was removed").says(&["others.hcl was added"]);
}

#[test]
fn a_saved_plan_is_stale_once_a_live_object_it_touches_changed() {
    let stack = saved();
    let other = Document::new(json!({ "Version": "2012-10-17", "Statement": [] }));
    stack.outside().put_inline_policy("nightly_report", "leasehold", &other).unwrap();
    snapshot!(assert_stale(&stack, "nightly_report/leasehold has changed in the cloud"), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: the saved plan is stale; nothing was changed
      - directory_inline_policy nightly_report/leasehold has changed in the cloud
      help: Make a new plan, review it, and apply that.
    ");
}

#[test]
fn a_saved_plan_is_refused_once_its_bytes_changed() {
    let stack = saved();
    let text = stack.read("review.plan");
    let altered = text.replacen("\"owner\":\"jane\"", "\"owner\":\"mallory\"", 1);
    assert_ne!(text, altered);
    stack.write("review.plan", &altered);
    snapshot!(assert_stale(&stack, "was modified after it was made"), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: review.plan: the plan was modified after it was made: its digest does not match its content
      help: Make a new plan with `leasehold plan --out review.plan`, review it, and apply that.
    ");
    stack.write("review.plan", "not a plan at all");
    assert_stale(&stack, "not a Leasehold plan");
}

#[test]
fn a_saved_plan_of_another_version_is_refused() {
    let stack = saved();
    let text = stack.read("review.plan");
    stack.write("review.plan", &text.replacen("\"leasehold_plan\":3", "\"leasehold_plan\":4", 1));
    snapshot!(assert_stale(&stack, "format 4"), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: review.plan: the plan has format 4, made by Leasehold 0.1.0; this version reads format 3
      help: Make a new plan with `leasehold plan --out review.plan`, review it, and apply that.
    ");
}

#[test]
fn a_saved_plan_of_an_older_program_is_refused() {
    let stack = saved();
    let text = stack.read("review.plan");
    // As the older program would have written it: its digest fits.
    let version = env!("CARGO_PKG_VERSION");
    let mut envelope: Value = serde_json::from_str(&text).unwrap();
    envelope["plan"]["basis"]["version"] = "0.0.9".into();
    envelope["version"] = "0.0.9".into();
    let plan: leasehold::plan::Plan = serde_json::from_value(envelope["plan"].clone()).unwrap();
    let bytes = leasehold::plan::saved::write_plan(&plan, None).unwrap();
    std::fs::write(stack.path("review.plan"), bytes).unwrap();
    assert_stale(&stack, &format!("made by Leasehold 0.0.9; this is Leasehold {version}"));
}

#[test]
fn a_saved_plan_is_stale_once_another_identity_changed() {
    let stack = saved();
    stack
        .outside()
        .put_inline_policy("jane.doe", "more", &Document::new(json!({ "Version": "2012-10-17", "Statement": [] })))
        .unwrap();
    snapshot!(assert_stale(&stack, "would change now, too"), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: the saved plan is stale; nothing was changed
      - identity.jane_doe would change now, too
      - The configuration, the variables and the objects that the plan writes are as they were. Either other live objects of the stack have changed, or the file was edited
      help: Make a new plan, review it, and apply that.
    ");
}

#[test]
fn an_old_saved_plan_is_refused() {
    let mut stack = saved();
    let tried = |stack: &Stack, code| stack.run(&["apply", "review.plan", "--auto-approve"]).expect(code);
    stack.set_now("2026-11-21T22:00:01Z");
    snapshot!(tried(&stack, 3), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: the saved plan is stale; nothing was changed
      - made for 2026-11-20T22:00:00Z; it is 2026-11-21T22:00:01Z, and a plan may be at most 1d old (--max-plan-age)
      help: Make a new plan, review it, and apply that.
    ");
    stack.run(&["apply", "review.plan", "--max-plan-age", "90"]).says(&["--max-plan-age", "has no unit"]);
    stack.set_now("2026-11-20T23:00:01Z");
    stack.run(&["apply", "review.plan", "--max-plan-age", "1h"]).expect(3).says(&["at most 1h old"]);
    stack.set_now("2026-11-20T21:54:59Z");
    snapshot!(tried(&stack, 3), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: the saved plan is stale; nothing was changed
      - made for 2026-11-20T22:00:00Z, which is in the future; it is 2026-11-20T21:54:59Z
      help: Make a new plan, review it, and apply that.
    ");
    // The clocks of two machines may differ by a few minutes.
    stack.set_now("2026-11-20T21:56:00Z");
    tried(&stack, 0);
}

#[test]
fn a_rehearsed_plan_is_applied_within_its_age() {
    let mut stack = saved();
    stack.set_now("2026-11-21T21:00:00Z");
    // The plan is made again for its own instant, so the new lease is the reviewed one.
    stack.ok(&["apply", "review.plan", "--auto-approve"]).says(&["2027-06-08T22:00:00Z", "Apply complete!"]);
    stack.assert_converged();
    let longer = stack.run(&["apply", "review.plan", "--auto-approve", "--max-plan-age", "30d"]).expect(3);
    longer.says(&["has changed in the cloud"]);
}

#[test]
fn variables_are_given_again() {
    let stack = applied();
    stack
        .ok(&["plan", "--var", "environment=production", "--out", "review.plan"])
        .says(&["--var 'environment=production'"]);
    assert!(!stack.read("review.plan").contains("environment=production"));
    snapshot!(assert_stale(&stack, "var.environment has another value"), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: the saved plan is stale; nothing was changed
      - var.environment has another value; pass the same --var, --var-file and LEASEHOLD_VAR_ as for the plan
      help: Make a new plan, review it, and apply that.
    ");
    for other in ["staging", "Production", ""] {
        let variable = format!("environment={other}");
        stack.run(&["apply", "review.plan", "--auto-approve", "--var", &variable]).expect(3);
    }
    // The source does not matter: a variable file in another directory, or the environment.
    stack.write("more/values.hclvars", "environment = \"production\"\n");
    let given = ["apply", "review.plan", "--auto-approve", "--var-file", "more/values.hclvars"];
    stack.ok(&given).says(&["Apply complete!"]);
    stack.ok(&["plan", "--detailed-exitcode", "--var", "environment=production"]).says(&["No changes."]);
}

#[test]
fn a_part_of_a_plan_is_applied_as_that_part() {
    let stack = applied();
    stack.edit("identities.hcl", "\"180d\"", "\"200d\"");
    stack.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:GetObject\", \"s3:GetObjectVersion\"");
    let part = ["plan", "--exclude", "scope.orders_read", "--out", "review.plan"];
    stack.ok(&part).says(&["a part of the plan: --exclude scope.orders_read"]);
    stack.ok(&["show", "review.plan"]).says(&["a part of the plan: --exclude scope.orders_read"]);
    // Without the selection it would be another plan.
    let text = stack.read("review.plan");
    let envelope: Value = serde_json::from_str(&text).unwrap();
    let mut plan: leasehold::plan::Plan = serde_json::from_value(envelope["plan"].clone()).unwrap();
    plan.selection = leasehold::plan::select::PlanSelection::default();
    std::fs::write(stack.path("review.plan"), leasehold::plan::saved::write_plan(&plan, None).unwrap()).unwrap();
    assert_stale(&stack, "would change now, too");
    stack.write("review.plan", &text);
    stack.ok(&["apply", "review.plan", "--auto-approve"]).says(&["Apply complete!"]);
    stack.run(&["plan", "--detailed-exitcode"]).expect(2).says(&["scope.orders_read"]);
}

/// Six of twelve identities leave, which is one more than the budget.
fn leavers() -> Stack {
    let stack = Stack::of(&crowd(12)).at(START);
    stack.apply();
    stack.edit("stack.hcl", "range(12)", "range(6)");
    stack
}

#[test]
fn a_plan_beyond_the_budget_is_saved_and_refused() {
    let stack = leavers();
    stack.ok(&["plan"]);
    snapshot!("plan_out_refused", stack.run(&["plan", "--out", "review.plan"]).expect(3));
    stack.ok(&["show", "review.plan"]).says(&["refused by delete-budget"]);
    assert_eq!(stack.ok(&["show", "review.plan", "--format", "json"]).json()["applyable"], false);
    stack.run(&["apply", "review.plan", "--auto-approve"]).expect(3).says(&["delete-budget"]);
    stack.run(&["plan", "--out", "review.plan", "--max-leavers", "5"]).expect(3);
    stack.run(&["plan", "--out", "review.plan", "--detailed-exitcode"]).expect(3);
    // Approved, and the printed command approves it again.
    let planned = stack.ok(&["plan", "--out", "review.plan", "--max-leavers", "6"]);
    planned.says(&["leasehold apply review.plan --max-leavers 6"]);
    stack.run(&["apply", "review.plan", "--auto-approve"]).expect(3).says(&["delete-budget"]);
    stack.ok(&["apply", "review.plan", "--auto-approve", "--max-leavers", "6"]).says(&["Apply complete!"]);
}

#[test]
fn a_plan_that_a_rule_refuses_is_saved_and_refused() {
    let stack = quickstart();
    let emergency = "identity \"emergency\" {\n  kind  = \"break_glass\"\n  owner = owner.jane\n}\n";
    stack.append("identities.hcl", emergency);
    stack.apply();
    stack.cut("identities.hcl", "identity \"emergency\"");
    stack.run(&["plan", "--out", "review.plan"]).expect(3).says(&["break-glass", "--approve identity.emergency"]);
    assert!(stack.path("review.plan").is_file());
    stack
        .ok(&["plan", "--out", "review.plan", "--approve", "identity.emergency"])
        .says(&["leasehold apply review.plan --approve identity.emergency"]);
}
