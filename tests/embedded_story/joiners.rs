//! Joiners.

use super::quickstart;
use super::support::{START, Stack};
use crate::snapshot;

#[test]
fn the_first_apply_creates_and_verifies_and_the_second_has_nothing_to_do() {
    let stack = quickstart();
    snapshot!("first_apply", stack.apply());
    snapshot!("second_apply", stack.apply());
    stack.assert_converged();
    snapshot!("list", stack.ok(&["list"]));
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
