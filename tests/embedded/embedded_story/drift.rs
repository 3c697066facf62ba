//! What a stranger does.

use std::collections::BTreeMap;

use leasehold_provider::{Document, Principal};
use serde_json::json;

use super::{applied, lifecycles, quickstart};
use leasehold_test_harness::snapshot;

#[test]
fn external_changes_are_shown_and_reverted() {
    let stack = applied();
    let unmanaged_object = stack.outside();
    let anybody = Document::new(json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "AWS": ["*"] }, "Action": ["sts:AssumeRole"] }],
    }));
    unmanaged_object.attach_policy("nightly_report", "arn:aws:iam::aws:policy/AdministratorAccess").unwrap();
    unmanaged_object.add_key("nightly_report", "AKIASTRANGER").unwrap();
    unmanaged_object.add_login("jane.doe").unwrap();
    unmanaged_object.set_trust("checkout_ci", &anybody).unwrap();
    let everything =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    unmanaged_object.put_inline_policy("triage_agent", "backdoor", &Document::new(everything)).unwrap();

    let plan = stack.plan_json();
    let drift = ["checkout_ci", "jane_doe", "nightly_report", "triage_agent"];
    assert_eq!(
        lifecycles(&plan),
        drift.iter().map(|label| (format!("identity.{label}"), "drift".to_owned())).collect::<BTreeMap<_, _>>()
    );
    stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    snapshot!("drift", stack.plan());
    stack.apply();
    stack.assert_converged();
    let rows = unmanaged_object.rows_of(&["nightly_report", "jane.doe", "triage_agent"]).unwrap();
    assert_eq!(rows["attachment nightly_report"].as_array().unwrap().len(), 1);
    for gone in ["key nightly_report", "login jane.doe"] {
        assert_eq!(rows[gone], json!([]), "{gone}");
    }
    assert_eq!(rows["inline triage_agent"].as_array().unwrap().len(), 1);
}

#[test]
fn removed_part_is_restored() {
    let stack = applied();
    stack.outside().delete_inline_policy("checkout_ci", "leasehold").unwrap();
    snapshot!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! drift    identity.checkout_ci  parts are missing: removed outside Leasehold, or an earlier run did not complete
          + directory_inline_policy         checkout_ci/leasehold  lease deny

    Plan: 1 to add, 0 to change, 0 to destroy.  1 drift.
    ");
    stack.apply();
    stack.assert_converged();
}

#[test]
fn a_principal_of_the_same_name_that_is_not_ours_is_named_and_untouched() {
    let stack = quickstart();
    std::fs::create_dir(stack.path(".leasehold")).unwrap();
    let unmanaged_object = stack.outside();
    unmanaged_object.create_principal(Principal::Role, "checkout_ci", &BTreeMap::new()).unwrap();
    let before = unmanaged_object.rows_of(&["checkout_ci"]).unwrap();
    snapshot!(stack.run(&["apply", "--auto-approve"]).expect(1).says(&["checkout_ci"]), @r#"
    $ leasehold apply --auto-approve
    exit 1
    ─── stderr
    plan::name_taken

      × identity.checkout_ci cannot be created: directory_role checkout_ci already exists and does not
      │ belong to this stack
      │ local:role/checkout_ci exists in the cloud, and it has no Leasehold marks. Leasehold only
      │ changes objects that have the marks of its stack.
        ╭─[identities.hcl:19:1]
     18 │ 
     19 │ identity "checkout_ci" {
        · ───────────┬──────────
        ·            ╰── this name is taken
     20 │   kind        = "workload"
        ╰────
      help: Set another `name`, or delete the live object outside Leasehold if it is unused.
    "#);
    assert_eq!(unmanaged_object.rows_of(&["checkout_ci"]).unwrap(), before);
}
