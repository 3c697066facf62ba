//! Saved plans: applied as they are, or refused.

use leasehold_provider::Document;
use serde_json::{Value, json};

use super::applied;
use leasehold_test_harness::Stack;
use leasehold_test_harness::snapshot;

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
