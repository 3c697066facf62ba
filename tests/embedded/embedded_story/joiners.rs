//! Joiners.

use super::quickstart;
use leasehold_test_harness::snapshot;
use leasehold_test_harness::{START, Stack};

#[test]
fn the_first_apply_creates_and_verifies_and_the_second_has_nothing_to_do() {
    let stack = quickstart();
    snapshot!("first_apply", stack.apply());
    snapshot!(stack.apply(), @"
    $ leasehold apply --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

    No changes. Your identities match the configuration.
    ");
    stack.assert_converged();
    snapshot!(stack.ok(&["list"]), @"
    $ leasehold list
    exit 0
    ─── stdout
     address                  kind      owner  service   phase   expires     last used
     identity.checkout_ci     workload  jane   checkout  active  2027-02-18  -
     identity.jane_doe        human     jane   -         active  2027-02-18  -
     identity.nightly_report  service   jane   checkout  active  2027-05-19  -
     identity.triage_agent    agent     jane   -         active  2026-12-20  -
    ");
    snapshot!("show_identity", stack.ok(&["show", "identity.checkout_ci"]));
}

#[test]
fn every_example_applies_and_converges() {
    for name in ["quickstart", "github-actions", "agents"] {
        let stack = Stack::example(name).at(START);
        stack.apply().says(&["Apply complete!", "Read back and verified."]);
        stack.assert_converged();
    }
}

#[test]
fn plan_writes_nothing_at_all() {
    let stack = quickstart();
    let before = stack.files();
    stack.plan().says(&["4 joiners"]);
    stack.ok(&["validate"]);
    stack.ok(&["list"]);
    assert_eq!(stack.files(), before);
}

#[test]
fn detailed_exitcode_tells_changes_from_none() {
    let stack = quickstart();
    stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    stack.apply();
    stack.run(&["plan", "--detailed-exitcode"]).expect(0);
    stack.edit("identities.hcl", "deploys the checkout service", "deploys checkout");
    stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    stack.ok(&["plan"]);
}

/// The one that waits comes first in every other order: by name, and by place in the file.
#[test]
fn joiner_waits_for_dependencies_and_target_includes_them() {
    let identity = |label: &str, on: &str| {
        format!("identity \"{label}\" {{\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"9d\"\n{on}}}\n")
    };
    let text = "leasehold { stack = \"waits\" }\nowner \"jane\" { email = \"jane@example.com\" }\n";
    let blocks = [
        identity("a", "  depends_on = [identity.b]\n"),
        identity("b", "  depends_on = [identity.c]\n"),
        identity("c", ""),
    ];
    let stack = Stack::of(&format!("{text}{}", blocks.concat())).at(START);
    stack.ok(&["plan", "--target", "identity.a"]).says(&["3 joiners"]);
    stack.ok(&["plan", "--target", "identity.b"]).says(&["2 joiners"]);
    stack.ok(&["apply", "--auto-approve", "--parallelism", "8"]);
    // The directory numbers its principals as they are made.
    let rows = stack.outside().rows_of(&["a", "b", "c"]).unwrap();
    let number = |label: &str| rows[&format!("principal {label}")][0][0].as_i64().unwrap();
    assert!(number("c") < number("b") && number("b") < number("a"), "{rows:?}");
    stack.assert_converged();
}
