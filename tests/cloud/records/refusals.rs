//! Where nothing can be recorded, nothing is written to the cloud.

use leasehold_emulator::{Emulator, Fault};

use crate::records::{IDENTITIES, head, on_s3};
use leasehold_test_harness::{START, Stack};

/// The stack's apply is refused in these words, and IAM is not written.
#[track_caller]
fn refused(aws: &Emulator, stack: &Stack, code: i32, words: &[&str]) {
    aws.clear_requests();
    stack.run(&["apply", "--auto-approve"]).expect(code).says(words);
    let writes: Vec<_> = aws.requests().into_iter().filter(leasehold_emulator::Request::writes).collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[test]
fn missing_bucket_is_an_error() {
    let aws = Emulator::moto();
    let stack = Stack::of(&format!("{}{IDENTITIES}", head("crash", crate::records::BUCKET))).with_env(aws.env());
    refused(&aws, &stack, 1, &["s3://records/iam/crash", "NoSuchBucket", "Create the bucket"]);
}

#[test]
fn read_only_bucket_is_an_error() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    aws.order(Fault::error("S3:PUT", 403, "AccessDenied"));
    refused(&aws, &stack, 1, &["cannot write lock.json", "s3:PutObject"]);
}

/// What S3 answers, and a word of the remedy that belongs to that cause alone.
#[test]
fn each_refusal_of_the_bucket_has_its_own_remedy() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    for (status, code, remedy) in [
        (400, "ExpiredToken", "Get new credentials"),
        (403, "InvalidAccessKeyId", "check AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "Check the secret access key"),
        (403, "RequestTimeTooSkewed", "Set this machine's clock"),
        (301, "PermanentRedirect", "Set `region`"),
        (400, "KMS.DisabledException", "kms:GenerateDataKey"),
        (501, "NotImplemented", "conditional writes"),
        (507, "XMinioStorageFull", "raise the quota"),
    ] {
        aws.clear_faults();
        aws.order(Fault::error("S3:PUT", status, code));
        refused(&aws, &stack, 1, &["cannot write lock.json in s3://records/iam/crash", code, remedy]);
    }
}

#[test]
fn a_ledger_that_may_not_be_written_although_the_lock_may() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    aws.order(Fault::error("S3:PUT", 403, "AccessDenied").on_key("/ledger/"));
    refused(&aws, &stack, 1, &["the ledger could not be written", "Plan:"]);
}

#[test]
fn the_accounts_of_a_stack_may_not_be_written_although_the_lock_may() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    aws.order(Fault::error("S3:PUT", 403, "AccessDenied").on_key("/accounts.json"));
    refused(&aws, &stack, 1, &["cannot write accounts.json", "a change that cannot be recorded is not made"]);
}

#[test]
fn a_plan_without_the_records_is_made_and_not_applied() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    aws.order(Fault::error("S3:GET", 403, "AccessDenied").on_key("/accounts.json"));
    stack.ok(&["plan", "--out", "saved.plan"]).says(&["warning: cannot check"]);
    aws.clear_faults();
    let ran = stack.run(&["apply", "saved.plan", "--auto-approve"]).expect(3);
    ran.says(&["it was made without the stack's records"]);
    assert_eq!(aws.calls("CreateUser") + aws.calls("CreateRole"), 0);
    stack.ok(&["plan", "--out", "saved.plan"]);
    stack.ok(&["apply", "saved.plan", "--auto-approve"]);
}

#[test]
fn a_clock_two_hours_off() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    aws.order(Fault::skew("S3:GET", -7200));
    refused(&aws, &stack, 3, &["this machine's clock is", "ahead of that of s3://records/iam/crash", "Set the clock"]);
}

#[test]
fn a_folder_that_may_not_be_written() {
    let aws = Emulator::moto();
    let stack = Stack::of(&format!("{}{IDENTITIES}", head("crash", ""))).with_env(aws.env());
    // A file where the folder should be keeps out the superuser too.
    stack.write(".leasehold", "");
    refused(&aws, &stack, 1, &["is not a folder but a file"]);
    std::fs::remove_file(stack.path(".leasehold")).unwrap();
    std::fs::create_dir(stack.path(".leasehold")).unwrap();
    stack.write(".leasehold/ledger", "");
    refused(&aws, &stack, 1, &["ledger"]);
}

#[test]
fn a_full_disk() {
    let aws = Emulator::moto();
    let stack = Stack::of(&format!("{}{IDENTITIES}", head("crash", ""))).with_env(aws.env());
    // A limit on the size of files is the disk that a test can fill.
    let mut command = std::process::Command::new("sh");
    let inner = stack.command(&["apply", "--auto-approve"]);
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" apply --auto-approve 2>&1 | cat"])
        .arg(inner.get_program())
        .current_dir(stack.dir())
        .env_clear();
    for (key, value) in inner.get_envs() {
        if let Some(value) = value {
            command.env(key, value);
        }
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("File too large") && said.contains("Free space"), "{said}");
    assert!(aws.requests().iter().all(|request| !request.writes()));
}

#[test]
fn lock_of_another_run_is_shown_and_can_be_broken() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    aws.order(Fault::hold("CreateRole").times(1));
    let run = stack.start(&["apply", "--auto-approve"]);
    leasehold_test_harness::wait_until("the request", || aws.held() > 0);
    stack.ok(&["lock", "show"]).says(&["Held by", "running apply"]);
    let words = ["stack crash is locked by another run", "running apply", "lock break"];
    stack.run(&["apply", "--auto-approve"]).expect(3).says(&words);
    stack.run(&["lock", "break", "--reason", "x", "--epoch", "7"]).expect(3).says(&["another holder"]);
    run.signal("KILL");
    run.wait();
    stack.ok(&["lock", "break", "--reason", "the runner died", "--epoch", "1"]).says(&["Broke the lock of"]);
    aws.release_held();
    stack.ok(&["lock", "show"]).says(&["The lock is not held"]);
    stack.apply();
    stack.assert_converged();
    stack.ok(&["audit", "list", "--kind", "lock_broken"]).says(&["the runner died"]);
    stack.ok(&["audit", "verify"]);
}

#[test]
fn run_with_broken_lock_stops_writing() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    aws.order(Fault::hold("CreatePolicy").times(1));
    let run = stack.start(&["apply", "--auto-approve"]);
    leasehold_test_harness::wait_until("the request", || aws.held() > 0);
    stack.ok(&["lock", "break", "--reason", "wrong branch"]);
    // Its next renewal, within a third of the lease, tells it.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    aws.release_held();
    let ran = run.wait().expect(1);
    assert!(ran.stderr.contains("stopped: ") && ran.stderr.contains("lock"), "{ran}");
}

#[test]
fn lock_of_a_dead_process_is_free_at_once() {
    let stack = Stack::of("leasehold {\n  stack = \"died\"\n}\n\nowner \"jane\" {}\n").at(START);
    stack.append("stack.hcl", "identity \"a\" {\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"9d\"\n}\n");
    stack.apply();
    let lock = stack.path(".leasehold/lock.json");
    let left = std::fs::read_to_string(&lock).unwrap().replace("\"free\":true", "\"free\":false");
    std::fs::write(&lock, left).unwrap();
    stack.ok(&["lock", "show"]).says(&["The lock is not held"]);
    stack.apply();
}
