//! Where a run came from, as `lock show` and `audit show` have it: the CI job and the commit. No process is started to find out.

use std::os::unix::fs::PermissionsExt as _;

use leasehold_emulator::{Emulator, Fault};

use crate::records::on_s3;
use leasehold_test_harness::{START, Stack};

const COMMIT: &str = "ffac537e6cbbf934b08745a378932722df287a53";

const SMALL: &str = "leasehold {\n  stack = \"origin\"\n}\n\nowner \"jane\" {}\n\nidentity \"a\" {\n  kind  = \"service\"\n  owner = owner.jane\n  \
                     ttl   = \"9d\"\n}\n";

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_job_of_azure_pipelines_is_shown_by_the_lock_and_the_ledger() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws).with_env(variables(&[
        ("TF_BUILD", "True"),
        ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/fabrikam/"),
        ("SYSTEM_TEAMPROJECT", "My Project"),
        ("BUILD_BUILDID", "239"),
        ("BUILD_REQUESTEDFOR", "Jane Doe"),
        ("SYSTEM_PULLREQUEST_PULLREQUESTID", "5"),
        ("BUILD_SOURCEVERSION", COMMIT),
    ]));
    let job = "Azure Pipelines, https://dev.azure.com/fabrikam/My%20Project/_build/results?buildId=239, pull request 5, \
               started by Jane Doe";
    aws.order(Fault::hold("CreateRole").times(1));
    let run = stack.start(&["apply", "--auto-approve"]);
    leasehold_test_harness::wait_until("the request", || aws.held() > 0);
    stack.ok(&["lock", "show"]).says(&[&format!("Pipeline: {job}, commit ffac537e6cbb\n")]);
    let lock = stack.ok(&["lock", "show", "--format", "json"]).json();
    assert_eq!(lock["lock"]["holder"]["job"]["system"], "azure");
    stack.run(&["apply", "--auto-approve"]).expect(3).says(&[&format!("pipeline: {job}")]);
    aws.release_held();
    run.wait().expect(0);
    let shown = format!("commit ffac537e6cbb, pipeline: {job}");
    stack.ok(&["audit", "list", "--kind", "run_started"]).says(&[&shown]);
    stack.ok(&["audit", "show", "1"]).says(&[&shown]);
}

#[test]
fn a_job_of_bitbucket_is_shown_by_the_ledger() {
    let stack = Stack::of(SMALL).at(START).with_env(variables(&[
        ("CI", "true"),
        ("BITBUCKET_BUILD_NUMBER", "77"),
        ("BITBUCKET_GIT_HTTP_ORIGIN", "http://bitbucket.org/acme/iam"),
        ("BITBUCKET_PR_ID", "6"),
        ("BITBUCKET_STEP_TRIGGERER_UUID", "{deadbeef}"),
        ("BITBUCKET_COMMIT", COMMIT),
    ]));
    stack.apply();
    let job = "commit ffac537e6cbb, pipeline: Bitbucket Pipelines, http://bitbucket.org/acme/iam/pipelines/results/77, \
               pull request 6, started by {deadbeef}";
    stack.ok(&["audit", "show", "1"]).says(&[job]);
    stack.ok(&["audit", "verify"]);
}

/// A repository that would run a command as soon as git looks at its work tree.
fn trap(stack: &Stack, directory: &str) {
    let marker = stack.path("../marker");
    let hook = stack.path("../hook");
    std::fs::write(&hook, format!("#!/bin/sh\ntouch '{}'\n", marker.display())).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    stack.write(&format!("{directory}HEAD"), "ref: refs/heads/main\n");
    stack.write(
        &format!("{directory}config"),
        &format!("[core]\n\trepositoryformatversion = 0\n\tfsmonitor = {}\n", hook.display()),
    );
    stack.write(&format!("{directory}objects/.keep"), "");
    stack.write(&format!("{directory}refs/.keep"), "");
}

#[test]
fn no_repository_makes_a_run_start_a_process() {
    let path = vec![("PATH".to_owned(), std::env::var("PATH").unwrap())];
    for directory in ["", ".git/"] {
        let stack = Stack::of(SMALL).with_env(path.clone()).at(START);
        trap(&stack, directory);
        stack.write(&format!("{directory}refs/heads/main"), COMMIT);
        stack.apply();
        assert!(!stack.path("../marker").exists(), "{directory:?} ran a command");
        let started = stack.ok(&["audit", "list", "--kind", "run_started", "--format", "json"]).json();
        let record = started.pointer("/records/0/record").unwrap();
        let commit =
            record.as_object().unwrap().values().find_map(|value| value.get("commit")).or(record.get("commit"));
        let expected = (directory == ".git/").then_some(COMMIT);
        assert_eq!(commit.and_then(|commit| commit.as_str()), expected, "{record}");
    }
}
