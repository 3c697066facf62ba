//! An account that throttles, refuses, and loses answers.

use std::time::Duration;

use leasehold_emulator::Fault;
use serde_json::json;

use super::{filtered, fresh, names, user};

#[test]
fn a_throttled_account_and_a_lost_answer_end_at_the_same_place() {
    let (aws, stack) = fresh();
    for action in ["CreateRole", "PutRolePolicy", "CreatePolicy", "GetAccountAuthorizationDetails"] {
        aws.order(Fault::throttle(action).times(2));
    }
    aws.order(Fault::drop_response("CreateUser").times(1));
    stack.apply().says(&["Apply complete!"]);
    stack.assert_converged();
}

#[test]
fn a_write_that_is_refused_is_named_and_the_rest_goes_on() {
    let (aws, stack) = fresh();
    aws.order(Fault::deny("CreateUser"));
    let ran = stack.run(&["apply", "--auto-approve"]).expect(1).says(&["Run `leasehold apply` again"]);
    filtered!("write_refused", ran);
    assert_eq!(names(&aws), json!(["checkout_ci"]));
    aws.clear_faults();
    stack.apply();
    stack.assert_converged();
}

#[test]
fn a_run_killed_on_the_wire_is_finished_by_the_next() {
    let (aws, stack) = fresh();
    // The user is made, its fence is on its way: the program dies before it has an answer.
    aws.order(Fault::delay_response("PutUserPolicy", Duration::from_secs(600)).times(1));
    let running = stack.start(&["apply", "--auto-approve"]);
    leasehold_test_harness::wait_until("the fence's call", || aws.calls("PutUserPolicy") > 0);
    running.signal("KILL");
    running.wait();
    stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    stack.apply();
    stack.assert_converged();
    assert_eq!(names(&aws), json!(["checkout_ci", "reporter"]));
    let reporter = user(&aws, "reporter");
    assert_eq!(reporter["inline"].as_object().unwrap().keys().collect::<Vec<_>>(), ["leasehold"]);
}
