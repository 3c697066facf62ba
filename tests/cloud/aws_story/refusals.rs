//! What is not touched: strangers, other stacks, other accounts, and what could not be read.

use std::time::{Duration, Instant};

use leasehold_emulator::Fault;
use serde_json::json;

use super::{applied, filtered, fresh, names, payments, role, user};
use leasehold_test_harness::Stack;

#[test]
fn unmanaged_role_with_the_same_name_is_reported_and_unchanged() {
    let (aws, stack) = fresh();
    aws.boto3(
        "
        nobody = json.dumps({'Version': '2012-10-17', 'Statement': []})
        iam.create_role(RoleName='checkout_ci', AssumeRolePolicyDocument=nobody, Description='somebody else made me')
        ",
    );
    let before = role(&aws, "checkout_ci");
    aws.clear_requests();
    for command in [&["plan"][..], &["apply", "--auto-approve"]] {
        let ran = stack.run(command).expect(1).says(&["checkout_ci"]).does_not_say(&["No changes."]);
        filtered!(format!("same_name_{}", command[0]), ran);
    }
    assert_eq!(role(&aws, "checkout_ci"), before);
    assert_eq!(aws.requests().iter().filter(|request| request.writes()).count(), 0);
}

#[test]
fn an_account_that_cannot_be_read_is_an_error_and_never_empty() {
    let (aws, stack) = applied();
    for action in ["GetAccountAuthorizationDetails", "ListRoles"] {
        aws.order(Fault::deny(action));
        aws.clear_requests();
        let before = stack.files();
        for command in [&["plan", "--out", "p"][..], &["apply", "--auto-approve"], &["list"]] {
            let ran = stack.run(command).expect(1);
            assert_eq!(ran.stdout, "", "no plan, and nothing that reads like one");
            assert!(ran.stderr.contains("access denied"), "{ran}");
            filtered!(format!("denied_{action}_{}", command[0]), ran);
        }
        assert_eq!(stack.files(), before);
        assert_eq!(aws.requests().iter().filter(|request| request.writes()).count(), 0);
        aws.clear_faults();
    }
    stack.assert_converged();
}

#[test]
fn unreachable_endpoint_is_reported_quickly() {
    let env = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let stack = Stack::of(&payments("7d")).with_env(env.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let start = Instant::now();
    let ran = stack.run(&["plan"]).expect(1).does_not_say(&["No changes."]);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    filtered!(ran, @"
    $ leasehold plan
    exit 1
    ─── stderr
    error: the cloud could not be read: no response
      - sts:GetCallerIdentity: http://127.0.0.1:[port] cannot be reached: connection refused; 3 attempts in 1 s
      - Nothing was changed.
      help: start the service on http://127.0.0.1:[port], or correct AWS_ENDPOINT_URL (or `endpoint_url` of the profile)
    ");
}

#[test]
fn missing_credentials_error_names_the_sources() {
    let stack = Stack::of(&payments("7d")).with_env([("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned())]);
    let ran = stack.run(&["plan"]).expect(1);
    filtered!(ran, @"
    $ leasehold plan
    exit 1
    ─── stderr
    error: the cloud does not accept the credentials
      - sts:GetCallerIdentity: no AWS credentials were found
      - Nothing was changed.
      help: log in (`aws sso login`), name a `profile` in the provider block, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    ");
}

#[test]
fn another_account_than_the_configuration_allows_is_refused_before_anything_is_read() {
    let (aws, stack) = fresh();
    stack.edit("stack.hcl", "[\"123456789012\"]", "[\"111122223333\"]");
    let ran = stack.run(&["apply", "--auto-approve"]).expect(1).says(&["123456789012", "111122223333"]);
    filtered!(ran, @"
    $ leasehold apply --auto-approve
    exit 1
    ─── stderr
    error: the credentials belong to an account that the configuration does not allow
      - sts:GetCallerIdentity: these credentials are for account 123456789012 (as user/moto), but allowed_account_ids allows only 111122223333
      - Nothing was changed.
      help: use credentials of an allowed account (AWS_PROFILE, `profile`, `assume_role`), or correct allowed_account_ids; Leasehold has not read or written anything
    ");
    let actions: Vec<String> = aws.counts().into_keys().collect();
    assert_eq!(actions, ["GetCallerIdentity"]);
}

#[test]
fn a_real_cloud_is_changed_at_the_present_moment_only() {
    let (aws, stack) = fresh();
    let ran = stack.run(&["apply", "--auto-approve", "--now", "2027-01-01T00:00:00Z"]).expect(3);
    filtered!(ran, @"
    $ leasehold apply --auto-approve --now [now]
    exit 3
    ─── stderr
    error: --now is only for the embedded directory: changes to AWS use the current time
      help: Use `leasehold plan --now [now]` to see the changes at that time.
    ");
    assert_eq!(aws.counts().len(), 0);
    stack.ok(&["plan", "--now", "2027-01-01T00:00:00Z"]).says(&["2 joiners"]);
}

#[test]
fn a_saved_plan_is_applied_as_reviewed_or_not_at_all() {
    let (aws, stack) = applied();
    stack.edit("stack.hcl", r#"["s3:PutObject"]"#, r#"["s3:PutObject", "s3:DeleteObject"]"#);
    stack.ok(&["plan", "--out", "review.plan"]);
    aws.boto3(
        "
        other = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]})
        iam.put_role_policy(RoleName='checkout_ci', PolicyName='leasehold', PolicyDocument=other)
        ",
    );
    let before = role(&aws, "checkout_ci");
    aws.clear_requests();
    let ran =
        stack.run(&["apply", "review.plan", "--auto-approve"]).expect(3).says(&["checkout_ci/leasehold has changed"]);
    filtered!(ran, @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: the saved plan is stale; nothing was changed
      - aws_iam_role_policy checkout_ci/leasehold has changed in the cloud
      help: Make a new plan, review it, and apply that.
    ");
    assert_eq!(role(&aws, "checkout_ci"), before);
    assert_eq!(aws.requests().iter().filter(|request| request.writes()).count(), 0);

    stack.ok(&["plan", "--out", "review.plan"]);
    stack.ok(&["show", "review.plan"]);
    stack.ok(&["apply", "review.plan", "--auto-approve"]);
    stack.assert_converged();
}

#[test]
fn two_stacks_in_one_account_do_not_touch_each_other() {
    let (aws, payments_stack) = applied();
    let other = Stack::of(
        &payments("0s")
            .replace("stack = \"payments\"", "stack = \"billing\"")
            .replace("identity \"reporter\"", "identity \"biller\"")
            .replace("identity \"checkout_ci\"", "identity \"billing_ci\""),
    )
    .with_env(aws.env());
    let before = (role(&aws, "checkout_ci"), user(&aws, "reporter"));
    other.apply().says(&["2 joiners"]);
    other.assert_converged();
    payments_stack.assert_converged();
    other.cut("stack.hcl", "identity \"biller\"");
    other.cut("stack.hcl", "identity \"billing_ci\"");
    other.apply();
    other.apply();
    other.assert_converged();
    payments_stack.assert_converged();
    assert_eq!((role(&aws, "checkout_ci"), user(&aws, "reporter")), before);
    assert_eq!(names(&aws), json!(["checkout_ci", "reporter"]));
}

#[test]
fn name_of_another_stack_is_refused() {
    let (aws, _payments) = applied();
    let other = Stack::of(&payments("7d").replace("stack = \"payments\"", "stack = \"billing\"")).with_env(aws.env());
    let before = (role(&aws, "checkout_ci"), user(&aws, "reporter"));
    let ran = other.run(&["apply", "--auto-approve"]).expect(1).says(&["payments"]);
    filtered!("other_stacks_name", ran);
    assert_eq!((role(&aws, "checkout_ci"), user(&aws, "reporter")), before);
}
