//! A run that a signal stops while it holds the lock, or asks for it: it finishes what is in flight, gives the lock back, and the next run
//! does the rest.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use leasehold_emulator::{Emulator, Fault, Request};
use serde_json::Value;

use crate::records::crash::prepared;
use crate::records::{iam, objects, on_s3_with_lease};
use leasehold_test_harness::crash::{self, Point};
use leasehold_test_harness::{Ran, RunningCommand, START, Stack, wait_until};

/// How long a stopped run may take once the request in flight is answered. It is a handful of requests, and a second on an idle machine;
/// the tests' machine is busy. The slowest is printed.
const SLOWEST: Duration = Duration::from_secs(15);

/// Longer than a test, so that no renewal of the lock is among the requests.
pub const LEASE: &str = "200s";

/// How many requests it may take: up to ten steps are in flight, and after them come the ledger and the lock.
const MOST: usize = 20;

/// Sends a signal, and waits until the run has received it.
pub fn signal(run: &mut RunningCommand, name: &str) {
    let received = format!("SIG{name} ");
    run.signal(name);
    wait_until("the signal", || {
        run.has_exited() || run.said().contains(&received) || run.said().contains(&logged(name))
    });
}

fn logged(name: &str) -> String {
    format!("signal received signal=SIG{name}")
}

/// The stack, with the signals it receives in its log.
pub fn logging(stack: Stack) -> Stack {
    stack.with_env([("RUST_LOG".to_owned(), "leasehold=info".to_owned())])
}

/// Starts a run that is held at a request.
pub fn held(stack: &Stack, aws: &Emulator, args: &[&str], fault: Fault) -> RunningCommand {
    aws.order(fault.times(1));
    let mut run = stack.start(args);
    wait_until("the request", || run.has_exited() || aws.held() > 0);
    run
}

pub fn lock(aws: &Emulator) -> Option<Value> {
    let objects = objects(aws);
    let (_, text) = objects.iter().find(|(key, _)| key.ends_with("/lock.json"))?;
    Some(serde_json::from_str(text).unwrap())
}

#[track_caller]
pub fn assert_free(aws: &Emulator, what: &str) {
    assert!(lock(aws).is_none_or(|lock| lock["free"] == true), "{what}: {:?}", lock(aws));
}

/// The ledger is whole; so many steps are open in it.
#[track_caller]
pub fn assert_whole(stack: &Stack, unfinished: usize, what: &str) {
    let verified = stack.ok(&["audit", "verify", "--format", "json"]).json();
    assert_eq!(verified["valid"], true, "{what}: {verified}");
    assert_eq!(verified["unfinished"].as_array().unwrap().len(), unfinished, "{what}: {verified}");
}

/// The writes to IAM that were carried out, each with how often.
fn writes(requests: &[Request]) -> BTreeMap<String, usize> {
    let mut writes = BTreeMap::new();
    for request in requests.iter().filter(|request| request.writes() && request.status == Some(200)) {
        *writes.entry(format!("{} {:?}", request.action, request.parameters)).or_default() += 1;
    }
    writes
}

/// What an undisturbed run comes to.
struct Reference {
    iam: Value,
    writes: BTreeMap<String, usize>,
}

/// A run that is stopped at a request, and the run after it. Returns how long the end took, and how many requests.
fn stopped_at(aws: &Emulator, at: Point, reference: &Reference) -> (Duration, usize) {
    let stack = logging(prepared(aws, LEASE));
    let fault = if at.committed { Fault::hold_response("*") } else { Fault::hold("*") };
    let mut run = held(&stack, aws, &["apply", "--auto-approve"], fault.after(at.request));
    let name = ["TERM", "INT", "HUP"][usize::try_from(at.request % 3).unwrap()];
    if !run.has_exited() {
        signal(&mut run, name);
    }
    let before = aws.requests().len();
    let answered = Instant::now();
    aws.release_held();
    let ran = run.wait();
    let took = answered.elapsed();
    aws.clear_faults();
    let requests = aws.requests().len() - before;
    let what = format!("{at}, SIG{name}: {ran}");
    assert_free(aws, &what);
    // Where all is done, nothing is left to stop.
    let done = ran.code == 0 && ran.stdout.contains("Apply complete!");
    assert!(done || (ran.code == 1 && says_how_it_ended(&ran)), "{what}");
    assert_whole(&stack, 0, &what);
    stack.apply();
    stack.assert_converged();
    assert_whole(&stack, 0, &what);
    assert_eq!(iam(aws), reference.iam, "{what}");
    // A mark that came out as it should is not written again.
    let of_reference =
        |(write, times): (&String, &usize)| reference.writes.get(write).is_some_and(|most| times <= most);
    assert!(writes(&aws.requests()).iter().all(of_reference), "{what}: {:?}", writes(&aws.requests()));
    (took, requests)
}

fn says_how_it_ended(ran: &Ran) -> bool {
    let before = ran.stderr.contains("error: stopped by SIG") && ran.stderr.contains(": nothing was changed");
    let midway = ["stopped: by SIG", " steps done, 0 failed, "].iter().all(|text| ran.stderr.contains(text));
    let rest = if ran.stderr.contains("not done: ") { "Run `leasehold apply` again" } else { "Run `leasehold plan`" };
    before != (midway && ran.stderr.contains(rest))
}

#[test]
fn stopped_at_any_request_the_lock_is_free_and_the_next_run_finishes() {
    let aws = Emulator::moto();
    let stack = prepared(&aws, LEASE);
    stack.apply();
    let reference = Reference { iam: iam(&aws), writes: writes(&aws.requests()) };
    let points = crash::sample(aws.requests().len(), 13);
    println!("{} requests, {} points", aws.requests().len(), points.len());
    let slowest = Mutex::new((Duration::ZERO, 0));
    crash::each(points, |aws, at| {
        let (took, requests) = stopped_at(aws, at, &reference);
        let mut slowest = slowest.lock().unwrap();
        *slowest = (slowest.0.max(took), slowest.1.max(requests));
    });
    let (took, requests) = slowest.into_inner().unwrap();
    println!("at most {took:?} and {requests} requests after the one in flight was answered");
    assert!(took < SLOWEST && requests <= MOST, "{took:?}, {requests} requests");
}

/// Stops a command at its first write to IAM, and runs it again.
#[track_caller]
fn stopped_command(stack: &Stack, aws: &Emulator, args: &[&str], action: &str, name: &str) {
    let mut run = held(stack, aws, args, Fault::hold(action));
    assert!(aws.held() > 0, "{args:?} does not call {action}: {}", run.wait());
    signal(&mut run, name);
    aws.release_held();
    let again = format!("Run `leasehold {}", args[0]);
    run.wait().expect(1).says(&[&format!("stopped: by SIG{name}"), "not done:", &again]);
    assert_free(aws, args[0]);
    assert_whole(stack, 0, args[0]);
    stack.ok(args);
    assert_whole(stack, 0, args[0]);
}

#[test]
fn sweep_revoke_and_restore_stop_like_apply() {
    let aws = Emulator::moto();
    let stack = logging(on_s3_with_lease(&aws, LEASE));
    stack.apply();
    stopped_command(&stack, &aws, &["revoke", "identity.ci", "--reason", "leaked"], "UpdateAssumeRolePolicy", "HUP");
    stopped_command(&stack, &aws, &["restore", "identity.ci", "--auto-approve"], "UpdateAssumeRolePolicy", "TERM");
    stack.edit("stack.hcl", "identity \"reporter\" {", "identity \"reporter\" {\n  ttl    = \"1s\"");
    stopped_command(&stack, &aws, &["sweep", "--auto-approve", "--max-leavers", "5"], "PutUserPolicy", "INT");
}

#[test]
fn a_step_without_an_answer_is_abandoned_and_the_next_run_finds_out() {
    let aws = Emulator::moto();
    let stack = logging(prepared(&aws, LEASE));
    let mut run = held(&stack, &aws, &["apply", "--auto-approve"], Fault::hold("CreateUser"));
    let start = Instant::now();
    signal(&mut run, "TERM");
    let ran = run.wait().expect(1).says(&[
        "unknown: aws_iam_user new (identity.new): ",
        "no response in time",
        "1 without a response",
        "stopped: by SIGTERM",
    ]);
    println!("it ended {:?} after the signal", start.elapsed());
    assert!(start.elapsed() >= Duration::from_secs(19), "{ran}");
    assert_free(&aws, "abandoned");
    assert_whole(&stack, 1, "abandoned");
    // The cloud carries it out when nobody waits any more.
    aws.release_held();
    wait_until("the creation", || aws.requests().iter().any(|r| r.action == "CreateUser" && r.status == Some(200)));
    aws.clear_faults();
    stack.apply().says(&["An earlier run did not complete: 1 of its steps"]);
    stack.assert_converged();
    assert_whole(&stack, 0, "resolved");
}

#[test]
fn unanswered_lock_request_is_abandoned_and_reported() {
    let aws = Emulator::moto();
    let stack = logging(on_s3_with_lease(&aws, LEASE));
    let mut run = held(&stack, &aws, &["apply", "--auto-approve"], Fault::hold("S3:PUT").on_key("/lock.json"));
    signal(&mut run, "TERM");
    run.wait().expect(1).says(&[
        "stopped by SIGTERM: nothing was changed, but a request to the store of the lock timed out",
        "If the request succeeded: The stack's lock was not released: it expires within 250 s.",
    ]);
    aws.release_held();
}

#[test]
fn second_signal_exits_at_once_and_explains_the_lock() {
    let aws = Emulator::moto();
    let stack = logging(prepared(&aws, LEASE));
    let mut run = held(&stack, &aws, &["apply", "--auto-approve"], Fault::hold("CreateUser"));
    let start = Instant::now();
    signal(&mut run, "TERM");
    // For a moment more signals are part of the first request.
    while !run.has_exited() {
        run.signal("INT");
        std::thread::sleep(Duration::from_millis(200));
    }
    let ran = run.wait().expect(1).says(&[
        "stopped by SIGINT: second signal, exiting at once",
        "The stack's lock was not released: it expires within 250 s. Run `leasehold plan` to see what was done.",
    ]);
    assert!(start.elapsed() < Duration::from_secs(18), "{:?}: {ran}", start.elapsed());
    assert_eq!(lock(&aws).unwrap()["free"], false, "{ran}");
    aws.release_held();
}

#[test]
fn breaking_a_lock_is_not_stopped_half_way() {
    let aws = Emulator::moto();
    let stack = logging(prepared(&aws, LEASE));
    let mut holder = held(&stack, &aws, &["apply", "--auto-approve"], Fault::hold("CreateUser"));
    holder.signal("KILL");
    wait_until("its end", || holder.has_exited());
    aws.release_held();
    let break_it = ["lock", "break", "--reason", "it was killed"];
    let mut run = held(&stack, &aws, &break_it, Fault::hold("S3:PUT").on_key("/ledger/"));
    signal(&mut run, "TERM");
    aws.release_held();
    run.wait().expect(0).says(&["Broke the lock of "]);
    assert_free(&aws, "broken");
    stack.apply();
}

#[test]
fn run_on_a_folder_releases_the_lock() {
    let identity = "identity \"bot\" {\n  for_each = toset([for n in range(200) : tostring(n)])\n  kind = \"service\"\n  owner = owner.jane\n  ttl = \"90d\"\n}\n";
    let stack = logging(
        Stack::of(&format!("leasehold {{\n  stack = \"many\"\n}}\n\nowner \"jane\" {{}}\n{identity}")).at(START),
    );
    let mut run = stack.start(&["apply", "--auto-approve", "--parallelism", "1"]);
    wait_until("the first entry", || stack.path(".leasehold/ledger").is_dir() || run.has_exited());
    signal(&mut run, "TERM");
    run.wait().expect(1).says(&["stopped: by SIGTERM", "not done:"]);
    stack.ok(&["lock", "show"]).says(&["The lock is not held."]);
    assert_whole(&stack, 0, "on a folder");
    stack.ok(&["apply", "--auto-approve", "--parallelism", "256"]);
    stack.assert_converged();
}
