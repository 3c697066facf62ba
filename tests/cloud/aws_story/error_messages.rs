//! What an operator is told when something else fails: what happened, to which call, what was changed, what to do.

use std::collections::BTreeSet;

use leasehold_emulator::{Emulator, Fault};

use super::{applied, filtered, fresh, names};
use leasehold_test_harness::{Ran, Stack};

/// As [`filtered`], with the time that tries took, and the pace, made equal.
fn reported(name: &str, ran: &Ran) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"(\d+) attempts in \d+ s", "$1 attempts in [n] s");
    settings.add_filter(r"now \d+ calls a second", "now [n] calls a second");
    settings.add_filter(r"calls; the run waited .+", "calls; the run waited [some time].");
    settings.bind(|| filtered!(name, ran));
}

const EXPIRED: &str = "The security token included in the request is expired";

fn faults(action: &str) -> Vec<(&'static str, Fault)> {
    let region = "Credential should be scoped to a valid region.";
    let late = "Signature expired: 20261121T080000Z is now earlier than 20261121T081300Z";
    vec![
        ("throttled", Fault::throttle(action)),
        ("expired", Fault::error(action, 403, "ExpiredToken").with_message(EXPIRED)),
        ("region", Fault::error(action, 403, "SignatureDoesNotMatch").with_message(region)),
        ("clock", Fault::error(action, 403, "SignatureDoesNotMatch").with_message(late).with_clock_ahead(780)),
        (
            "clock_ahead",
            Fault::error(action, 400, "RequestExpired").with_message("Request has expired.").with_clock_ahead(-7200),
        ),
        ("permission", Fault::deny(action)),
        ("down", Fault::error(action, 503, "ServiceUnavailable").with_message("Service is unable to handle request.")),
        ("cut", Fault::drop_request(action)),
    ]
}

#[test]
fn each_read_error_has_a_remedy() {
    let (aws, stack) = fresh();
    let stack = stack.with_env([("AWS_MAX_ATTEMPTS".to_owned(), "3".to_owned())]);
    for (name, fault) in faults("ListRoles") {
        aws.order(fault);
        let ran = stack.run(&["plan"]).expect(1).says(&["iam:ListRoles", "Nothing was changed.", "help:"]);
        assert_eq!(ran.stdout, "", "no plan");
        reported(&format!("told_{name}"), &ran);
        aws.clear_faults();
    }
    aws.order(Fault::error("GetCallerIdentity", 403, "ExpiredToken").with_message(EXPIRED));
    reported("told_expired_at_once", &stack.run(&["apply", "--auto-approve"]).expect(1));
    aws.clear_faults();
    let wrong = stack.with_env([("AWS_MAX_ATTEMPTS".to_owned(), "many".to_owned())]);
    reported("told_attempts", &wrong.run(&["plan"]).expect(1));
}

#[test]
fn each_write_error_states_what_was_done() {
    let (aws, stack) = fresh();
    let stack = stack.with_env([("AWS_MAX_ATTEMPTS".to_owned(), "3".to_owned())]);
    for (name, fault) in faults("PutUserPolicy") {
        if !["throttled", "expired", "down", "cut"].contains(&name) {
            continue;
        }
        aws.reset();
        aws.order(fault);
        let ran = stack.run(&["apply", "--auto-approve"]).expect(1);
        let ran = ran.says(&["iam:PutUserPolicy", "steps done, 1 failed", "Run `leasehold apply` again"]);
        // What a call that was refused for good has not done, it has not; what had no answer is open.
        let open = ran.stderr.contains("it is not known whether the change was made");
        assert_eq!(open, ["down", "cut"].contains(&name), "{ran}");
        reported(&format!("told_writing_{name}"), &Ran { stdout: String::new(), ..ran });
        aws.clear_faults();
    }
    stack.apply();
    stack.assert_converged();
}

#[test]
fn failed_read_back_is_never_reported_as_unchanged() {
    let (aws, stack) = fresh();
    // The plan reads once; the second reading is the one afterwards.
    aws.order(Fault::deny("ListRoles").after(1));
    let ran = stack.run(&["apply", "--auto-approve"]).expect(1).does_not_say(&["Nothing was changed", "verified."]);
    reported("told_not_read_back", &Ran { stdout: String::new(), ..ran });
    assert_eq!(names(&aws), serde_json::json!(["checkout_ci", "reporter"]));
    aws.clear_faults();
    stack.assert_converged();
}

/// Denies each read that a plan makes, in turn: no plan, the API and the permission named, nothing written. Gives the reads.
pub fn deny_each_read(aws: &Emulator, stack: &Stack, args: &[&str]) -> BTreeSet<String> {
    aws.clear_requests();
    let ran = stack.run(args);
    assert!(ran.code == 0 || ran.code == 2, "{ran}");
    let actions: BTreeSet<String> = aws.requests().into_iter().map(|request| request.action).collect();
    assert!(aws.requests().iter().all(|request| !request.writes()), "a plan only reads: {actions:?}");
    for action in &actions {
        aws.order(Fault::deny(action));
        aws.clear_requests();
        let service = if action == "GetCallerIdentity" { "sts" } else { "iam" };
        let name = format!("{service}:{action}");
        let ran = stack.run(args).expect(1);
        assert_eq!(ran.stdout, "", "no plan without {action}");
        let ran = ran.says(&[
            &format!("{name}: the caller does not have permission"),
            "Nothing was changed.",
            &format!("allow {name}"),
        ]);
        assert!(!ran.stderr.contains("No changes"), "{ran}");
        assert!(aws.requests().iter().all(|request| !request.writes()), "{:?}", aws.counts());
        aws.clear_faults();
    }
    actions
}

#[test]
fn access_denied_on_any_single_read_is_no_plan() {
    let (aws, stack) = applied();
    super::credentials::equip(&aws, "reporter");
    aws.boto3(
        "
        arn = iam.create_open_id_connect_provider(Url='https://issuer.example.com', ClientIDList=['x'], ThumbprintList=[])
        iam.create_saml_provider(Name='corp', SAMLMetadataDocument='<x>' + 1000 * 'x' + '</x>')
        ",
    );
    // A scope that differs has its marks read; something new has the account's quotas read.
    stack.edit("stack.hcl", "[\"s3:GetObject\"]", "[\"s3:GetObject\", \"s3:ListBucket\"]");
    stack.append(
        "stack.hcl",
        "identity \"newcomer\" {\n  kind = \"service\"\n  owner = owner.jane\n  expires_at = \"2090-01-01T00:00:00Z\"\n}\n",
    );
    let denied = deny_each_read(&aws, &stack, &["plan"]);
    for action in [
        "GetAccountAuthorizationDetails",
        "GetAccountSummary",
        "GetAccessKeyLastUsed",
        "GetCallerIdentity",
        "GetLoginProfile",
        "GetOpenIDConnectProvider",
        "GetSAMLProvider",
        "GetUser",
        "ListAccessKeys",
        "ListMFADevices",
        "ListOpenIDConnectProviders",
        "ListPolicyTags",
        "ListRoles",
        "ListSAMLProviders",
        "ListSSHPublicKeys",
        "ListServiceSpecificCredentials",
        "ListSigningCertificates",
    ] {
        assert!(denied.contains(action), "the stack is too poor to need {action}: {denied:?}");
    }
}
