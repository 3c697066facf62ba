//! A lock that does not read can be broken; its release survives a renewal that is under way, and an outage of the bucket.

use std::time::Duration;

use leasehold_emulator::{Emulator, Fault};

use crate::records::{objects, on_s3};
use leasehold_test_harness::{START, Stack, wait_until};

#[test]
fn unreadable_lock_is_broken_and_recorded() {
    let stack = Stack::of("leasehold {\n  stack = \"torn\"\n}\n\nowner \"jane\" {}\n").at(START);
    stack.append("stack.hcl", "identity \"a\" {\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"9d\"\n}\n");
    stack.apply();
    for (garbage, why) in [("", "EOF"), ("{\"schema\":2", "EOF"), ("\u{1}\u{2}", "expected value"), ("[]", "")] {
        stack.write(".leasehold/lock.json", garbage);
        stack.run(&["apply", "--auto-approve"]).expect(3).says(&["lock.json is not a lock", "lock break --reason"]);
        stack.run(&["lock", "break", "--reason", " "]).expect(3).says(&["--reason is empty"]);
        stack.ok(&["lock", "break", "--reason", "a torn write"]).says(&["Broke the unreadable lock"]);
        stack.ok(&["lock", "show"]).says(&["The lock is not held"]);
        stack.apply();
        stack.ok(&["audit", "list", "--kind", "lock_broken", "--format", "json"]).says(&["a torn write", why]);
    }
    let newer = stack.read(".leasehold/lock.json").replace("\"schema\":2", "\"schema\":9");
    stack.write(".leasehold/lock.json", &newer);
    stack.run(&["apply", "--auto-approve"]).expect(3).says(&["its format is 9", "Use the version of Leasehold"]);
    stack.ok(&["lock", "break", "--reason", "a version that nobody has"]);
    let listed = stack.ok(&["audit", "list", "--kind", "lock_broken"]);
    assert_eq!(listed.stdout.matches("an unreadable lock").count(), 5, "{listed}");
    stack.ok(&["audit", "verify"]).says(&["The ledger is intact"]);
}

#[test]
fn a_lock_in_a_bucket_that_does_not_read_is_broken_and_its_epoch_goes_on() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    stack.apply();
    stack.apply();
    aws.boto3("client('s3').put_object(Bucket='records', Key='iam/crash/lock.json', Body='half of a lo')");
    stack.ok(&["lock", "break", "--reason", "half written"]);
    stack.edit("stack.hcl", "[\"s3:GetObject\"]", "[\"s3:ListBucket\"]");
    stack.apply();
    let lock: serde_json::Value = serde_json::from_str(&objects(&aws)["iam/crash/lock.json"]).unwrap();
    assert!(lock["epoch"].as_u64() > Some(1) && lock["free"] == true, "{lock}");
    stack.ok(&["audit", "verify"]).says(&["The ledger is intact"]);
}

/// The answer to a renewal, or the renewal itself, arrives after the run has given the lock back.
#[test]
fn lock_is_released_during_a_renewal() {
    let aws = Emulator::moto();
    const LATE: Duration = Duration::from_secs(4);
    for late in [Fault::delay_response("S3:PUT", LATE), Fault::delay("S3:PUT", LATE)] {
        aws.reset();
        let stack = on_s3(&aws);
        // Renewed after a third of it, good for writing until a quarter before its end.
        stack.edit("stack.hcl", "lock_lease = \"2s\"", "lock_lease = \"9s\"");
        aws.order(Fault::hold("CreateRole").times(1));
        let run = stack.start(&["apply", "--auto-approve"]);
        wait_until("the run has the lock and writes", || aws.held() == 1);
        aws.order(late.on_key("/lock.json").times(1));
        wait_until("a renewal is under way", || {
            aws.requests().iter().any(|r| r.fault.is_some() && r.action == "S3:PUT")
        });
        aws.release_held();
        run.wait().expect(0);
        stack.ok(&["lock", "show"]).says(&["The lock is not held"]);
        std::thread::sleep(LATE);
        stack.ok(&["lock", "show"]).says(&["The lock is not held"]);
    }
}

/// Six attempts used to be all: a run that had done its work ended with an error and kept the lock.
#[test]
fn outage_after_the_last_step_is_retried() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    stack.edit("stack.hcl", "lock_lease = \"2s\"", "lock_lease = \"60s\"");
    aws.order(Fault::hold("CreateRole").times(1));
    let run = stack.start(&["apply", "--auto-approve"]);
    wait_until("the run writes", || aws.held() == 1);
    aws.order(Fault::drop_request("S3:PUT").times(7));
    aws.release_held();
    run.wait().expect(0).says(&["warning: cannot write", "Trying again."]);
    stack.ok(&["lock", "show"]).says(&["The lock is not held"]);
    stack.ok(&["audit", "verify"]).says(&["The ledger is intact"]);
}

#[test]
fn bucket_that_never_answered_fails_quickly() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    let endpoint = "endpoint = \"http://127.0.0.1:9\"\n    lock_lease = \"2s\"";
    stack.edit("stack.hcl", "lock_lease = \"2s\"", endpoint);
    let begun = std::time::Instant::now();
    stack
        .run(&["apply", "--auto-approve"])
        .expect(1)
        .says(&["cannot read lock.json", "Check that the store is running"]);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert!(aws.requests().iter().all(|request| !request.writes()));
}
