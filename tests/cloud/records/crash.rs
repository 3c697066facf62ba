//! Killed anywhere, the next run finishes; the ledger knows of every write.

use std::collections::BTreeSet;

use leasehold_emulator::Emulator;
use serde_json::Value;

use crate::records::{entries, iam, on_s3_with_lease, records};
use leasehold_test_harness::Stack;
use leasehold_test_harness::crash::{self, Point};

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
pub fn prepared(aws: &Emulator, lease: &str) -> Stack {
    aws.reset();
    let stack = on_s3_with_lease(aws, lease);
    stack.apply();
    change(&stack);
    aws.clear_requests();
    stack
}

/// Runs the change with the process killed at a request, and then again to the end.
fn killed_at(aws: &Emulator, at: Point, reference: &Value) {
    let stack = prepared(aws, "2s");
    crash::kill(&stack, aws, at);
    let interrupted = entries(aws);
    crash::finish(&stack, at);
    let name = at.to_string();
    assert_eq!(iam(aws), *reference, "{name}");
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
    let reported = |entries: &[Value], kind: &str, run: &str| -> BTreeSet<(String, u64)> {
        records(entries)
            .into_iter()
            .filter(|(_, record)| record["kind"] == kind)
            .map(|(of, record)| (record[run].as_str().map_or(of, str::to_owned), record["step"].as_u64().unwrap()))
            .collect()
    };
    let intents = reported(before, "intent", "-");
    let open: BTreeSet<_> = intents.difference(&reported(before, "outcome", "-")).cloned().collect();
    let resolved = reported(after, "resolved", "of_run");
    assert!(open.is_subset(&resolved), "{name}: {open:?} are open, {resolved:?} are resolved");
}

#[test]
fn killed_at_any_request_the_next_run_finishes() {
    let aws = Emulator::moto();
    let stack = prepared(&aws, "2s");
    stack.apply();
    let reference = iam(&aws);
    let requests = aws.requests().len();
    assert!(requests > 20, "{requests}");
    let points = crash::sample(requests, 11);
    println!("{requests} requests, {} crash points", points.len());
    crash::each(points, |aws, at| killed_at(aws, at, &reference));
}
