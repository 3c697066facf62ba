//! A part of the account that could not be read is an error, whatever was asked and in whatever form.

use leasehold_emulator::{Emulator, Fault};

use super::{applied, writes};
use leasehold_test_harness::Stack;

const COMMANDS: [&[&str]; 9] = [
    &["drift"],
    &["drift", "--format", "json"],
    &["drift", "--format", "markdown"],
    &["drift", "--format", "sarif"],
    &["drift", "--format", "junit"],
    &["drift", "--unmanaged", "--json-into", "drift.json"],
    &["plan", "--format", "markdown", "--json-into", "plan.json"],
    &["sweep", "--auto-approve"],
    &["revoke", "identity.reporter", "--reason", "x"],
];

fn assert_errors(aws: &Emulator, stack: &Stack, because: &str) {
    for command in COMMANDS {
        let ran = stack.run(command).expect(1).says(&[because]);
        assert_eq!(ran.stdout, "", "{ran}");
        let said = ran.stderr.to_lowercase();
        assert!(!said.contains("in sync") && !said.contains("no changes"), "{ran}");
    }
    assert!(!stack.path("drift.json").exists() && !stack.path("plan.json").exists());
    assert_eq!(writes(aws), 0);
}

#[test]
fn a_denied_list_an_expired_token_and_a_denied_key_are_errors() {
    let (aws, stack) = applied();
    for (fault, because) in [
        (Fault::deny("ListRoles"), "iam:ListRoles"),
        (Fault::deny("ListAccessKeys"), "iam:ListAccessKeys"),
        (Fault::error("*", 403, "ExpiredToken"), "ExpiredToken"),
    ] {
        aws.order(fault);
        assert_errors(&aws, &stack, because);
        aws.clear_faults();
    }
    stack.run(&["drift"]).expect(0).says(&["In sync"]);
}

#[test]
fn a_page_that_fails_half_way_is_an_error() {
    let (aws, stack) = applied();
    aws.boto3(
        "
        nobody = json.dumps({'Version': '2012-10-17', 'Statement': []})
        for n in range(1005):
            iam.create_role(RoleName=f'other-{n}', AssumeRolePolicyDocument=nobody)
        ",
    );
    stack.run(&["drift"]).expect(0).says(&["In sync"]);
    assert!(aws.calls("ListRoles") >= 2, "{:?}", aws.counts());
    for command in [COMMANDS[0], COMMANDS[6], COMMANDS[7]] {
        aws.clear_faults();
        aws.order(Fault::deny("ListRoles").after(1));
        let ran = stack.run(command).expect(1).says(&["iam:ListRoles"]);
        assert_eq!(ran.stdout, "", "{ran}");
        assert!(!ran.stderr.to_lowercase().contains("in sync") && !ran.stderr.contains("No changes"), "{ran}");
    }
}
