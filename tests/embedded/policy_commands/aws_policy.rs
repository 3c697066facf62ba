//! `provider aws-policy`: whose policy it is, of which accounts, in which partition.

use serde_json::{Value, json};

use leasehold_test_harness::{Ran, Stack};

const ROLE: &str = "arn:aws:iam::444455556666:role/leasehold";
const RECORDS: &str = "arn:aws:iam::777788889999:role/records";

fn stack(backend: &str, providers: &str, rest: &str) -> Stack {
    Stack::of(&format!(
        "leasehold {{\n  stack = \"pay\"\n{backend}}}\n{providers}\nowner \"jane\" {{\n  email = \"jane@example.com\"\n}}\n{rest}"
    ))
}

fn bucket(more: &str) -> String {
    format!("  backend \"s3\" {{\n    bucket = \"records\"\n    region = \"eu-west-1\"\n{more}  }}\n")
}

fn provider(alias: &str, more: &str) -> String {
    format!("provider \"aws\" {{\n{alias}  region = \"eu-west-1\"\n{more}}}\n")
}

fn assuming(role: &str) -> String {
    format!("  assume_role {{\n    role_arn = \"{role}\"\n  }}\n")
}

fn user(name: &str, more: &str) -> String {
    format!("identity \"{name}\" {{\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"90d\"\n{more}}}\n")
}

fn print(stack: &Stack, args: &[&str]) -> Ran {
    stack.ok(&[&["provider", "aws-policy"], args].concat())
}

/// The statement of that id.
fn statement(ran: &Ran, sid: &str) -> Value {
    let policy = ran.json();
    policy["Statement"].as_array().unwrap().iter().find(|it| it["Sid"] == sid).cloned().unwrap_or_default()
}

fn services(ran: &Ran) -> Vec<String> {
    let policy = ran.json();
    let actions =
        policy["Statement"].as_array().unwrap().iter().flat_map(|it| it["Action"].as_array().unwrap().clone());
    let mut services: Vec<String> =
        actions.map(|action| action.as_str().unwrap().split(':').next().unwrap().to_owned()).collect();
    services.sort();
    services.dedup();
    services
}

#[test]
fn a_role_that_the_provider_assumes_has_the_rights_and_the_caller_may_assume_it() {
    let stack = stack(&bucket(""), &provider("", &assuming(ROLE)), &user("bot", ""));
    let caller = print(&stack, &["--for", "plan"]);
    assert_eq!(services(&caller), ["sts"]);
    assert_eq!(statement(&caller, "AssumeRole")["Resource"], json!([ROLE]));
    let command = format!("leasehold provider aws-policy --for plan --role {ROLE}");
    assert!(caller.stderr.contains(&command), "{caller}");
    // The bucket is reached with the credentials of the provider.
    let role = print(&stack, &["--for", "plan", "--role", ROLE]);
    assert_eq!((services(&role), role.stderr.as_str()), (vec!["iam".to_owned(), "s3".to_owned()], ""));
    assert_eq!(statement(&role, "AnyUser")["Resource"], "arn:aws:iam::444455556666:user/*");
}

#[test]
fn a_role_of_the_backend_alone_has_the_rights_on_the_bucket() {
    let key = "    kms_key_id = \"alias/records\"\n";
    let backend = bucket(&format!("{key}{}", assuming(RECORDS)));
    let stack = stack(&backend, &provider("", "  allowed_account_ids = [\"111122223333\"]\n"), &user("bot", ""));
    let caller = print(&stack, &["--for", "drift"]);
    assert_eq!(services(&caller), ["iam", "sts"]);
    assert_eq!(statement(&caller, "AnyUser")["Resource"], "arn:aws:iam::111122223333:user/*");
    let role = print(&stack, &["--for", "drift", "--role", RECORDS]);
    assert_eq!(services(&role), ["kms", "s3"]);
    let key = statement(&role, "RecordsKey");
    assert_eq!(key["Resource"], "arn:aws:kms:eu-west-1:777788889999:key/*");
    assert_eq!(key["Condition"]["ForAnyValue:StringEquals"]["kms:ResourceAliases"], "alias/records");
}

#[test]
fn a_profile_of_the_backend_has_a_policy_of_its_own() {
    let stack = stack(&bucket("    profile = \"archive\"\n"), &provider("", ""), &user("bot", ""));
    let caller = print(&stack, &["--for", "sweep"]);
    assert_eq!(services(&caller), ["iam"]);
    assert!(caller.stderr.contains("aws-policy --for sweep --profile archive"), "{caller}");
    assert_eq!(services(&print(&stack, &["--for", "sweep", "--profile", "archive"])), ["s3"]);
}

#[test]
fn each_account_gets_what_it_has() {
    let providers = provider("", "") + &provider("  alias = \"audit\"\n", &assuming(ROLE));
    let role = "identity \"ci\" {\n  kind = \"workload\"\n  owner = owner.jane\n  ttl = \"90d\"\n  trust \"service\" {\n    principals = [\"lambda.amazonaws.com\"]\n  }\n}\n";
    let stack = stack("", &providers, &(user("bot", "  provider = provider.aws.audit\n") + role));
    let creates = |ran: &Ran| [statement(ran, "NewUser"), statement(ran, "NewRole")].map(|it| !it.is_null());
    assert_eq!(creates(&print(&stack, &[])), [false, true]);
    assert_eq!(creates(&print(&stack, &["--role", ROLE])), [true, false]);
}

#[test]
fn partition_follows_region_or_option() {
    for (region, partition) in [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("us-iso-east-1", "aws-iso")]
    {
        let bucket = bucket("").replace("eu-west-1", region);
        let stack = stack(&bucket, &provider("", "").replace("eu-west-1", region), &user("bot", ""));
        let ran = print(&stack, &["--for", "sweep"]);
        assert!(ran.stdout.contains(&format!("arn:{partition}:iam")), "{ran}");
        assert!(ran.stdout.contains(&format!("arn:{partition}:s3:::records/leasehold/pay/ledger/*")), "{ran}");
        assert!(!ran.stdout.contains("arn:aws:"), "{ran}");
    }
    let nowhere = Stack::empty();
    let ran = print(&nowhere, &["--stack", "pay", "--partition", "aws-us-gov"]);
    assert!(!ran.stdout.contains("arn:aws:") && ran.stdout.contains("arn:aws-us-gov:iam::*:user/*"), "{ran}");
    assert!(print(&nowhere, &["--stack", "pay"]).stdout.contains("arn:aws:iam::*:user/*"));
    nowhere
        .run(&["provider", "aws-policy", "--stack", "pay", "--partition", "aws-mars"])
        .expect(2)
        .says(&["aws-iso-b"]);
}

#[test]
fn purpose_without_permissions_is_refused_with_remedy() {
    let stack = stack("", &provider("", ""), &user("bot", ""));
    let command = |args: &[&str]| stack.run(&[&["provider", "aws-policy"], args].concat());
    command(&["--for", "audit"]).expect(3).says(&["the environment needs no permissions for this purpose"]);
    command(&["--role", ROLE]).expect(3).says(&["this stack does not use role", "It uses the environment."]);
    command(&["--stack", "pay"]).expect(0);
    command(&["--stack", "pay", "--for", "audit"]).expect(3).says(&["Pass the stack's directory"]);
    let rehearsed = self::stack("", "", &user("bot", ""));
    rehearsed.run(&["provider", "aws-policy"]).expect(1).says(&["needs no AWS permissions"]);
    // The records of a rehearsal may lie in a bucket all the same.
    let kept = self::stack(&bucket(""), "", &user("bot", ""));
    assert_eq!(services(&print(&kept, &[])), ["s3"]);
}

#[test]
fn policy_over_managed_limit_is_reported_and_printed_in_two_parts() {
    let prefix = format!("    prefix = \"{}\"\n", "p".repeat(450));
    let group = "group \"crew\" {\n  members = [identity.bot]\n  statement {\n    actions   = [\"sqs:SendMessage\"]\n    resources = [\"*\"]\n  }\n}\n";
    let stack = stack(&bucket(&prefix), &provider("", ""), &(user("bot", "") + group));
    print(&stack, &[]).says(&["the limit for a managed policy is 6144", "--only iam and --only records"]);
    for part in ["iam", "records"] {
        let ran = print(&stack, &["--only", part]);
        assert_eq!(ran.stderr, "");
        assert_eq!(services(&ran), [if part == "iam" { "iam" } else { "s3" }]);
    }
}

#[test]
fn protect_marks_prints_deny_statements_for_everybody_else() {
    let nowhere = Stack::empty();
    let other = "arn:aws:iam::111122223333:user/operator";
    let ran = print(&nowhere, &["--for", "protect-marks", "--principal", ROLE, "--principal", other]);
    let statement = statement(&ran, "ProtectMarks");
    assert_eq!(statement["Effect"], "Deny");
    assert_eq!(statement["Condition"]["ForAnyValue:StringLike"]["aws:TagKeys"], "leasehold:*");
    assert_eq!(statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"], json!([ROLE, other]));
    nowhere.write("scp.json", &ran.stdout);
    nowhere.ok(&["policy", "lint", "scp.json"]);
    // Without --principal: the roles that the providers assume.
    let assumed = stack("", &provider("", &assuming(ROLE)), &user("bot", ""));
    assert_eq!(print(&assumed, &["--for", "protect-marks"]).stdout.matches(ROLE).count(), 2);
}

#[test]
fn protect_marks_needs_principals_that_only_the_tool_can_be() {
    let refused = |stack: &Stack, args: &[&str], why: &str| {
        let ran = stack.run(&[&["provider", "aws-policy"], args].concat());
        assert!(ran.code != 0 && ran.stderr.contains(why) && ran.stdout.is_empty(), "{ran}");
    };
    let unknown = stack("", &provider("", ""), &user("bot", ""));
    refused(&unknown, &["--for", "protect-marks"], "--principal");
    refused(&unknown, &["--for", "protect-marks", "--stack", "pay"], "--principal");
    refused(&unknown, &["--for", "protect-marks", "--principal", "arn:aws:iam::111122223333:role/*"], "wildcard");
    refused(&unknown, &["--for", "apply", "--principal", ROLE], "protect-marks");
}
