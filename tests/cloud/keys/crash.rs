//! Killed before any request, and after it was carried out: the next run ends where an undisturbed one does, and no key is left that
//! the store does not hold.

use std::time::Duration;

use leasehold_emulator::{Emulator, Fault};

use crate::keys::{ON_AWS, assert_one_key, bot, delivered, held, keys};
use leasehold_test_harness::crash::{self, Point};
use leasehold_test_harness::{Stack, wait_until};

fn prepared(aws: &Emulator) -> Stack {
    aws.reset();
    let stack = Stack::of(&bot(ON_AWS)).with_env(aws.env());
    aws.clear_requests();
    stack
}

fn killed_at(aws: &Emulator, at: Point) {
    let stack = prepared(aws);
    crash::kill(&stack, aws, at);
    crash::finish(&stack, at);
    assert_one_key(aws, &stack, &at.to_string());
}

#[test]
fn killed_at_any_request_the_next_run_leaves_the_one_key_that_was_delivered() {
    let aws = Emulator::moto();
    let stack = prepared(&aws);
    stack.apply();
    let actions: Vec<String> = aws.requests().into_iter().map(|request| request.action).collect();
    // All of them with LEASEHOLD_CRASH_POINTS=all; else those about the key, and a few others.
    let all = std::env::var("LEASEHOLD_CRASH_POINTS").as_deref() == Ok("all");
    let desired = |(number, point): &(usize, Point)| {
        let action = &actions[usize::try_from(point.request).unwrap()];
        all || action == "CreateAccessKey" || number.is_multiple_of(9)
    };
    let points: Vec<Point> = crash::points(actions.len()).enumerate().filter(desired).map(|(_, point)| point).collect();
    println!("{} requests, {} crash points", actions.len(), points.len());
    crash::each(points, killed_at);
}

#[test]
fn a_rotation_that_is_killed_after_its_key_was_made_is_made_anew() {
    let aws = Emulator::moto();
    let stack = prepared(&aws);
    stack.apply();
    let (first, _) = held(&stack);
    stack.edit("stack.hcl", "owner = owner.jane", "owner = owner.tom");
    aws.order(Fault::hold_response("CreateAccessKey").times(1));
    let run = stack.start(&["apply", "--auto-approve"]);
    wait_until("the creation", || aws.held() > 0);
    run.signal("KILL");
    run.wait();
    aws.release_held();
    let lost: Vec<String> = keys(&aws).into_keys().filter(|id| *id != first).collect();
    assert_eq!((lost.len(), delivered(&stack)), (1, vec![first.clone()]));
    std::thread::sleep(Duration::from_millis(2700));
    stack.plan().says(&[&lost[0], "in no secret store: created outside Leasehold, or by a run that did not complete"]);
    stack.apply();
    let now = keys(&aws);
    assert!(!now.contains_key(&lost[0]) && now.contains_key(&first) && now.len() == 2, "{now:?}");
    assert_eq!(now.keys().cloned().collect::<Vec<_>>(), delivered(&stack));
    let writes: Vec<String> =
        aws.requests().into_iter().filter(leasehold_emulator::Request::writes).map(|r| r.action).collect();
    let of = |action: &str| writes.iter().rposition(|write| write == action).unwrap();
    assert!(of("DeleteAccessKey") < of("CreateAccessKey"), "{writes:?}");
    stack.assert_converged();
}
