//! Runs that break off.

use super::crowd;
use leasehold_test_harness::{RunningCommand, START, Stack, wait_until};

/// A slow apply of a crowd that has begun to write.
fn apply_underway() -> (Stack, RunningCommand) {
    let stack = Stack::of(&crowd(300)).at(START);
    let running = stack.start(&["apply", "--auto-approve", "--parallelism", "2"]);
    wait_until("the first writes", || {
        let list = stack.ok(&["list", "--format", "json"]).json();
        list["identities"].as_array().unwrap().iter().any(|row| row["live"] == true)
    });
    (stack, running)
}

#[test]
fn an_interrupt_finishes_what_is_in_flight_and_names_the_rest() {
    let (stack, running) = apply_underway();
    running.signal("INT");
    let ran = running.wait().expect(1);
    assert!(ran.stderr.contains("Stopping: finishing the steps in flight"), "{ran}");
    let not_done = ran.stderr.lines().filter(|line| line.starts_with("not done: ")).count();
    let tally = ran.stderr.lines().find(|line| line.contains("steps done")).unwrap();
    assert!(not_done > 0 && tally.contains(&format!(" 0 failed, {not_done} not done.")), "{tally}");
    assert!(ran.stderr.contains("bot[\"299\"]") && ran.stderr.contains("Run `leasehold apply` again"), "{ran}");
    stack.ok(&["apply", "--auto-approve", "--parallelism", "256"]);
    stack.assert_converged();
}

#[test]
fn a_killed_run_is_finished_by_the_next() {
    let (stack, running) = apply_underway();
    running.signal("KILL");
    assert_eq!(running.wait().code, -1);
    let plan = stack.plan_json();
    assert!(plan["summary"]["add"].as_u64().unwrap() > 0, "it was killed before its end");
    stack.ok(&["apply", "--auto-approve", "--parallelism", "256"]);
    stack.assert_converged();
    let list = stack.ok(&["list", "--format", "json"]).json();
    assert_eq!(list["identities"].as_array().unwrap().len(), 300);
}
