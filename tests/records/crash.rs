//! Killed anywhere, the next run finishes; the ledger knows of every write.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use leasehold_emulator::{Emulator, Fault};
use serde_json::Value;

use crate::support::{Stack, wait_until};
use crate::{entries, iam, on_s3, records};

/// The second state of the stack: one leaves, one is rescoped, one joins.
fn change(stack: &Stack) {
    stack.cut("stack.hcl", "identity \"old\"");
    stack.edit("stack.hcl", "actions   = [\"s3:GetObject\"]", "actions   = [\"s3:GetObject\", \"s3:ListBucket\"]");
    stack.append(
        "stack.hcl",
        "identity \"new\" {\n  kind   = \"service\"\n  owner  = owner.jane\n  scopes = [scope.read]\n}\n",
    );
}

/// Brings a stack to its first state, and describes the second.
fn prepared(aws: &Emulator) -> Stack {
    aws.reset();
    let stack = on_s3(aws);
    stack.apply();
    change(&stack);
    aws.forget_requests();
    stack
}

/// Runs the change with the process killed while its request number `at` is held, and then again to the end.
fn killed_at(aws: &Emulator, at: u32, committed: bool, reference: &Value) {
    let stack = prepared(aws);
    let fault = if committed { Fault::hold_response("*") } else { Fault::hold("*") };
    aws.order(fault.after(at).times(1));
    let run = stack.start(&["apply", "--auto-approve"]);
    wait_until("the request", || aws.held() > 0);
    run.signal("KILL");
    run.wait();
    aws.let_go();
    let name = format!("killed {} request {at}", if committed { "after" } else { "before" });
    aws.heal();
    let interrupted = entries(aws);
    let refused = stack.run(&["apply", "--auto-approve"]);
    if refused.code == 3 {
        assert!(refused.stderr.contains("is locked by another run"), "{name}: {refused}");
        std::thread::sleep(Duration::from_millis(2700));
        stack.apply();
    } else {
        assert_eq!(refused.code, 0, "{name}: {refused}");
    }
    assert_eq!(iam(aws), *reference, "{name}");
    stack.assert_converged();
    let verified = stack.ok(&["audit", "verify", "--format", "json"]).json();
    assert_eq!(verified["valid"], true, "{name}: {verified}");
    assert_eq!(verified["unfinished"].as_array().unwrap().len(), 0, "{name}: {verified}");
    every_write_was_intended(aws, &name);
    open_intents_were_resolved(&interrupted, &entries(aws), &name);
}

/// Each write to IAM is of an object, or of the principal or policy of one, that an intent names.
fn every_write_was_intended(aws: &Emulator, name: &str) {
    let records = records(&entries(aws));
    let intended: BTreeSet<String> = records
        .iter()
        .filter(|(_, record)| record["kind"] == "intent")
        .flat_map(|(_, record)| {
            let name = record["resource"]["name"].as_str().unwrap().to_owned();
            let principal = name.split('/').next().unwrap().to_owned();
            [name.replace('/', "."), principal]
        })
        .collect();
    for request in aws.requests().iter().filter(|request| request.writes()) {
        let of = ["RoleName", "UserName", "PolicyName", "PolicyArn"];
        let named = of.iter().filter_map(|key| request.parameters.get(*key));
        let known = named
            .map(|name| name.rsplit('/').next().unwrap())
            .any(|name| intended.iter().any(|intended| intended == name || name.ends_with(&format!(".{intended}"))));
        assert!(known, "{name}: {request:?} was not intended: {intended:?}");
    }
}

/// What the killed run had intended and not told the end of, a later one tells.
fn open_intents_were_resolved(before: &[Value], after: &[Value], name: &str) {
    let told = |entries: &[Value], kind: &str, run: &str| -> BTreeSet<(String, u64)> {
        records(entries)
            .into_iter()
            .filter(|(_, record)| record["kind"] == kind)
            .map(|(of, record)| (record[run].as_str().map_or(of, str::to_owned), record["step"].as_u64().unwrap()))
            .collect()
    };
    let intents = told(before, "intent", "-");
    let open: BTreeSet<_> = intents.difference(&told(before, "outcome", "-")).cloned().collect();
    let resolved = told(after, "resolved", "of_run");
    assert!(open.is_subset(&resolved), "{name}: {open:?} are open, {resolved:?} are resolved");
}

/// How many emulators work at once: each case mostly waits for a lock to run out.
const WORKERS: usize = 4;

#[test]
fn killed_at_any_request_the_next_run_finishes() {
    let aws = Emulator::moto();
    let stack = prepared(&aws);
    stack.apply();
    let reference = iam(&aws);
    let requests = u32::try_from(aws.requests().len()).unwrap();
    assert!(requests > 20, "{requests}");
    // All of them with LEASEHOLD_CRASH_POINTS=all; else a few, others on each day.
    let every = match std::env::var("LEASEHOLD_CRASH_POINTS").as_deref() {
        Ok("all") => 1,
        _ => 11,
    };
    let day = u32::try_from(jiff::Timestamp::now().as_second() / 86_400 % 11).unwrap();
    let points = (0..requests).flat_map(|at| [(at, false), (at, true)]);
    let points: Vec<_> = points.enumerate().filter(|(n, _)| (*n as u32 + day).is_multiple_of(every)).collect();
    println!("{requests} requests, {} crash points", points.len());
    let points = Mutex::new(points.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let aws = Emulator::moto();
                loop {
                    let next = points.lock().unwrap().next();
                    let Some((_, (at, committed))) = next else { break };
                    killed_at(&aws, at, committed, &reference);
                }
            });
        }
    });
}
