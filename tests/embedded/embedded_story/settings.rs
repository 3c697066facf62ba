//! The settings that say where a stack's records, secrets and accounts are: their changes are shown and approved.

use super::applied;
use leasehold_test_harness::{Stack, snapshot};
use serde_json::json;

/// The settings that change, in a plan as JSON.
fn changes(stack: &Stack) -> Vec<String> {
    let plan = stack.plan_json();
    let changes = plan["setting_changes"].as_array().unwrap().clone();
    changes
        .iter()
        .map(|change| format!("{} {} {}", change["setting"], change["before"], change["after"]).replace('"', ""))
        .collect()
}

/// Moves the records to the folder `records`. With `copied`, the objects are there.
fn move_records(stack: &Stack, copied: bool) {
    let head = "  required_version = \">= 0.1.0\"\n";
    stack.edit("stack.hcl", head, &format!("{head}\n  backend \"local\" {{\n    path = \"records\"\n  }}\n"));
    if copied {
        std::fs::create_dir(stack.path("records")).unwrap();
        std::fs::copy(stack.path(".leasehold/accounts.json"), stack.path("records/accounts.json")).unwrap();
        std::fs::create_dir(stack.path("records/ledger")).unwrap();
        for entry in std::fs::read_dir(stack.path(".leasehold/ledger")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, stack.path("records/ledger").join(path.file_name().unwrap())).unwrap();
        }
    }
}

fn add_store(stack: &Stack) {
    stack.append("stack.hcl", "store \"file\" \"vault\" {\n  path = \"secrets\"\n}\n");
}

#[test]
fn an_applied_stack_has_no_setting_to_change() {
    let stack = applied();
    assert_eq!(changes(&stack), [""; 0]);
    stack.assert_converged();
}

#[test]
fn a_backend_in_another_folder_is_a_change_in_every_view() {
    let stack = applied();
    move_records(&stack, true);
    snapshot!(stack.run(&["plan", "--detailed-exitcode"]).expect(2), @r#"
    $ leasehold plan --detailed-exitcode
    exit 2
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ~ setting  backend.path: ".leasehold" → "records"

    Plan: 0 to add, 0 to change, 0 to destroy.  1 setting.
    "#);
    let shown = "backend.path: &#34;.leasehold&#34; → &#34;records&#34;";
    stack.ok(&["plan", "--format", "markdown"]).says(&[shown]).does_not_say(&["No changes"]);
    stack.ok(&["plan", "--format", "github"]).says(&["backend.path", "records"]);
    stack.ok(&["plan", "--format", "sarif"]).says(&["setting-changed", "backend.path"]);
    stack.ok(&["plan", "--format", "junit"]).says(&["setting-changed", "backend.path"]);
    assert_eq!(changes(&stack), ["backend.path .leasehold records"]);
    let plan = stack.plan_json();
    assert_eq!((&plan["summary"]["settings"], &plan["format_version"]), (&json!(1), &json!("1.6")));
}

#[test]
fn a_change_of_settings_alone_is_approved_and_recorded() {
    let stack = applied();
    move_records(&stack, true);
    stack.run(&["apply"]).expect(3).says(&["cannot prompt for approval"]);
    assert_eq!(changes(&stack), ["backend.path .leasehold records"]);
    stack.apply().says(&["Apply complete!", "1 setting recorded"]);
    stack.assert_converged();
    stack.ok(&["audit", "list"]).says(&["backend.path: \".leasehold\" → \"records\""]);
}

#[test]
fn records_that_are_elsewhere_do_not_read_as_no_changes() {
    let stack = applied();
    move_records(&stack, false);
    for command in [&["plan"][..], &["apply", "--auto-approve"], &["sweep", "--auto-approve"], &["drift"]] {
        stack.run(command).expect(3).says(&["has no record of any object", "leasehold recover"]);
    }
    // A person decides. Nothing in the cloud changes by that.
    stack.run(&["recover"]).expect(3).says(&["identity.checkout_ci", "cannot prompt"]);
    stack.ok(&["recover", "--auto-approve"]).says(&["identity.checkout_ci"]);
    let plan = stack.run(&["plan", "--detailed-exitcode"]).expect(2).says(&["no settings are recorded here"]);
    assert!(plan.stdout.contains("+ setting  backend.path: \"records\""), "{plan}");
    stack.run(&["apply"]).expect(3);
    stack.apply();
    stack.assert_converged();
    stack.run(&["recover", "--auto-approve"]).expect(3).says(&["is intact"]);
}

#[test]
fn only_an_apply_records_settings() {
    let stack = applied();
    add_store(&stack);
    let added = ["store.vault.path null secrets", "store.vault.type null file"];
    assert_eq!(changes(&stack), added);
    stack.ok(&["sweep", "--auto-approve"]);
    assert_eq!(changes(&stack), added);
    stack.ok(&["revoke", "identity.nightly_report", "--reason", "test"]);
    stack.ok(&["restore", "identity.nightly_report", "--auto-approve"]);
    assert_eq!(changes(&stack), added);
    stack.ok(&["plan", "--target", "identity.nightly_report"]).says(&["store.vault.path"]);
    stack.apply();
    stack.assert_converged();
    // A setting that goes is a change, too.
    stack.cut("stack.hcl", "store \"file\" \"vault\"");
    assert_eq!(changes(&stack), ["store.vault.path secrets null", "store.vault.type file null"]);
    stack.apply();
    stack.assert_converged();
}

#[test]
fn a_saved_plan_contains_the_changes_of_settings() {
    let stack = applied();
    add_store(&stack);
    stack.ok(&["plan", "--out", "review.plan"]);
    stack.ok(&["show", "review.plan"]).says(&["store.vault.path", "2 settings"]);
    stack.ok(&["plan", "--out", "later.plan"]);
    stack.ok(&["apply", "review.plan", "--auto-approve"]).says(&["2 settings recorded"]);
    stack.assert_converged();
    stack
        .run(&["apply", "later.plan", "--auto-approve"])
        .expect(3)
        .says(&["the recorded settings of the stack have changed"]);
}

#[test]
fn records_of_an_older_version_get_their_settings_once() {
    let stack = applied();
    let mut accounts: serde_json::Value = serde_json::from_str(&stack.read(".leasehold/accounts.json")).unwrap();
    assert_eq!(accounts["format"], 3);
    accounts.as_object_mut().unwrap().remove("settings");
    accounts["format"] = json!(2);
    stack.write(".leasehold/accounts.json", &accounts.to_string());
    stack.run(&["plan", "--detailed-exitcode"]).expect(2).says(&["no settings are recorded here"]);
    stack.apply();
    stack.assert_converged();
}

#[test]
fn a_value_cannot_steer_the_terminal() {
    let stack = applied();
    stack.append("stack.hcl", "store \"file\" \"vault\" {\n  path = \"se\\u001b[2Jcrets\\u202e\"\n}\n");
    for format in ["human", "markdown", "github", "junit"] {
        let ran = stack.run(&["plan", "--format", format]);
        let stdout = ran.stdout.replace('\n', "");
        assert!(!stdout.chars().any(|c| c.is_control() || c == '\u{202e}'), "{format}: {ran:?}");
    }
}

/// Many new settings, and one identity that is given everything.
#[test]
fn settings_cannot_crowd_out_changes_of_access() {
    let stack = applied();
    let many: String =
        (0..60).map(|n| format!("store \"file\" \"s{n}\" {{\n  path = \"{}{n}\"\n}}\n", "long/".repeat(300))).collect();
    stack.append("stack.hcl", &many);
    stack.edit("stack.hcl", "\"s3:GetObject\"", "\"*\"");
    move_records(&stack, true);
    let comment =
        stack.ok(&["plan", "--format", "markdown", "--max-bytes", "65000"]).says(&["scope.orders&#95;read", "EXPANDS"]);
    // The backend that moves comes before everything that is new.
    assert!(comment.stdout.find("backend.path").unwrap() < comment.stdout.find("store.s").unwrap(), "{comment}");
    assert!(comment.stdout.len() <= 65_000 && comment.stdout.contains("more settings"), "{comment}");
    let small = stack.ok(&["plan", "--format", "markdown", "--max-bytes", "1024"]);
    assert!(small.stdout.contains("settings") && small.stdout.len() <= 1024, "{small}");
    let alerts = stack.ok(&["plan", "--format", "github"]);
    assert!(alerts.stdout.lines().filter(|line| line.contains("backend.path")).count() == 1, "{alerts}");
}
