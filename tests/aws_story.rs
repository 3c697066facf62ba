//! The whole story on AWS IAM, told by the real program against an emulator and asserted by a client of its own, boto3.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod support;

use std::time::{Duration, Instant};

use leasehold_emulator::{Emulator, Fault};
use serde_json::{Value, json};
use support::Stack;

const DEADLINE: &str = "2090-01-01T00:00:00Z";

/// A stack with a user, a role and a scope that both hold; its leases end at [`DEADLINE`].
fn payments(grace: &str) -> String {
    format!(
        r#"leasehold {{
  stack = "payments"
  defaults {{
    leaver {{
      grace = "{grace}"
    }}
  }}
}}

provider "aws" {{
  region              = "us-east-1"
  allowed_account_ids = ["{account}"]
}}

owner "jane" {{
  email = "jane@example.com"
}}

service "checkout" {{
  owner = owner.jane
}}

scope "orders_read" {{
  description = "read orders"
  statement {{
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme-orders/*"]
  }}
}}

identity "reporter" {{
  kind       = "service"
  owner      = owner.jane
  purpose    = "builds the nightly report"
  scopes     = [scope.orders_read]
  expires_at = "{DEADLINE}"
}}

identity "checkout_ci" {{
  kind                 = "workload"
  owner                = owner.jane
  service              = service.checkout
  purpose              = "deploys the checkout service"
  environment          = "prod"
  scopes               = [scope.orders_read]
  expires_at           = "{DEADLINE}"
  max_session_duration = "2h"

  statement {{
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::acme-releases/*"]
  }}

  trust "oidc" {{
    issuer    = "https://token.actions.githubusercontent.com"
    audiences = ["sts.amazonaws.com"]
    subjects  = ["repo:acme/checkout:ref:refs/heads/main"]
  }}
}}
"#,
        account = Emulator::ACCOUNT
    )
}

const AWS_PROVIDER: &str = "provider \"aws\" {\n  region = \"us-east-1\"\n}\n";

/// A fresh account, and the stack, not applied.
fn fresh() -> (Emulator, Stack) {
    let aws = Emulator::moto();
    let stack = Stack::of(&payments("7d")).with_env(aws.env());
    (aws, stack)
}

/// A fresh account in which the stack is applied.
fn applied() -> (Emulator, Stack) {
    let (aws, stack) = fresh();
    stack.apply();
    (aws, stack)
}

/// All that boto3 sees of a role.
fn role(aws: &Emulator, name: &str) -> Value {
    aws.boto3(&format!(
        "
        role = iam.get_role(RoleName='{name}')['Role']
        inline = iam.list_role_policies(RoleName='{name}')['PolicyNames']
        print({{
            'trust': role['AssumeRolePolicyDocument'],
            'session': role['MaxSessionDuration'],
            'description': role.get('Description'),
            'tags': {{t['Key']: t['Value'] for t in role.get('Tags', [])}},
            'inline': {{n: iam.get_role_policy(RoleName='{name}', PolicyName=n)['PolicyDocument'] for n in inline}},
            'attached': sorted(p['PolicyArn'] for p in iam.list_attached_role_policies(RoleName='{name}')['AttachedPolicies']),
        }})
        "
    ))
}

/// All that boto3 sees of a user.
fn user(aws: &Emulator, name: &str) -> Value {
    aws.boto3(&format!(
        "
        user = iam.get_user(UserName='{name}')['User']
        inline = iam.list_user_policies(UserName='{name}')['PolicyNames']
        print({{
            'tags': {{t['Key']: t['Value'] for t in user.get('Tags', [])}},
            'inline': {{n: iam.get_user_policy(UserName='{name}', PolicyName=n)['PolicyDocument'] for n in inline}},
            'attached': sorted(p['PolicyArn'] for p in iam.list_attached_user_policies(UserName='{name}')['AttachedPolicies']),
            'keys': sorted(k['Status'] for k in iam.list_access_keys(UserName='{name}')['AccessKeyMetadata']),
        }})
        "
    ))
}

fn names(aws: &Emulator) -> Value {
    aws.boto3("print(sorted([r['RoleName'] for r in iam.list_roles()['Roles']] + [u['UserName'] for u in iam.list_users()['Users']]))")
}

/// The statements of a document by effect.
fn statements<'a>(document: &'a Value, effect: &str) -> Vec<&'a Value> {
    document["Statement"].as_array().unwrap().iter().filter(|statement| statement["Effect"] == effect).collect()
}

/// Asserts that a document denies everything, whenever.
fn assert_denies_everything(document: &Value) {
    assert_eq!(statements(document, "Allow"), Vec::<&Value>::new());
    let all = |value: &Value| *value == "*" || *value == json!(["*"]);
    let total = |s: &&&Value| all(&s["Action"]) && all(&s["Resource"]) && s.get("Condition").is_none();
    assert_eq!(statements(document, "Deny").iter().filter(total).count(), 1, "{document}");
}

fn filtered(name: &str, ran: &support::Ran) {
    let mut settings = support::settings();
    settings.add_filter(r"now \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "now [now]");
    settings.add_filter(r"deleted after \d{4}-\d\d-\d\d", "deleted after [day]");
    settings.add_filter(r"until 2090-01-01 \([0-9a-z]+\)", "until 2090-01-01 ([days])");
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:[port]");
    settings.add_filter(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "since [then]");
    settings.add_filter(r"(AKIA|LKIA)…[A-Z0-9]{4}", "[short key]");
    settings.add_filter(r"(AKIA|LKIA)[A-Z0-9]{12,16}", "[key]");
    settings.bind(|| insta::assert_snapshot!(name, ran.to_string()));
}

#[test]
fn joiners_stand_in_the_account_fenced_marked_and_trusted_until_their_deadline() {
    let (aws, stack) = fresh();
    filtered("joiners", &stack.apply());
    stack.assert_converged();

    let role = role(&aws, "checkout_ci");
    let fence = json!({ "aws:CurrentTime": DEADLINE });
    let trust = role["trust"]["Statement"].as_array().unwrap();
    assert_eq!(trust.len(), 1);
    assert_eq!(trust[0]["Condition"]["DateLessThan"], fence);
    assert_eq!(
        trust[0]["Principal"]["Federated"],
        "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    );
    let policy = &role["inline"]["leasehold"];
    let denials = statements(policy, "Deny");
    assert_eq!(denials.len(), 1);
    assert_eq!(denials[0]["Sid"], "LeaseholdLease");
    assert_eq!(denials[0]["Condition"], json!({ "DateGreaterThanEquals": fence }));
    assert_eq!(statements(policy, "Allow").len(), 1);
    assert_eq!(role["session"], 7200);
    let scope = "arn:aws:iam::123456789012:policy/leasehold/payments/payments.orders_read";
    assert_eq!(role["attached"], json!([scope]));
    let tags = &role["tags"];
    for (key, value) in [
        ("stack", "payments"),
        ("address", "identity.checkout_ci"),
        ("owner", "jane"),
        ("service", "checkout"),
        ("environment", "prod"),
        ("expires-at", DEADLINE),
    ] {
        assert_eq!(tags[format!("leasehold:{key}")], value, "{key}");
    }
    assert!(tags["leasehold:created-at"].is_string() && tags["leasehold:digest"].is_string());

    let user = user(&aws, "reporter");
    assert_eq!(
        statements(&user["inline"]["leasehold"], "Deny")[0]["Condition"],
        json!({ "DateGreaterThanEquals": fence })
    );
    assert_eq!(user["attached"], json!([scope]));
    assert_eq!(user["keys"], json!([]));
    let document = aws.boto3(&format!(
        "print(iam.get_policy_version(PolicyArn='{scope}', VersionId='v1')['PolicyVersion']['Document'])"
    ));
    assert_eq!(statements(&document, "Allow").len(), 1);
}

#[test]
fn what_was_done_behind_its_back_is_shown_and_removed() {
    let (aws, stack) = applied();
    let before = (role(&aws, "checkout_ci"), user(&aws, "reporter"));
    aws.boto3(
        "
        everything = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]})
        iam.put_role_policy(RoleName='checkout_ci', PolicyName='backdoor', PolicyDocument=everything)
        iam.attach_user_policy(UserName='reporter', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')
        iam.create_access_key(UserName='reporter')
        iam.create_access_key(UserName='reporter')
        ",
    );
    let plan = stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    filtered("drift", &plan);
    let plan = stack.plan_json();
    assert_eq!(plan["summary"]["drifted"], 2, "{plan:#}");
    stack.apply();
    stack.assert_converged();
    assert_eq!((role(&aws, "checkout_ci"), user(&aws, "reporter")), before);
}

#[test]
fn an_edited_trust_and_a_lifted_fence_are_put_right() {
    let (aws, stack) = applied();
    let before = role(&aws, "checkout_ci");
    aws.boto3(
        "
        anybody = json.dumps({'Version': '2012-10-17', 'Statement': [
            {'Effect': 'Allow', 'Principal': {'AWS': 'arn:aws:iam::999999999999:root'}, 'Action': 'sts:AssumeRole'}]})
        iam.update_assume_role_policy(RoleName='checkout_ci', PolicyDocument=anybody)
        iam.delete_role_policy(RoleName='checkout_ci', PolicyName='leasehold')
        iam.update_role(RoleName='checkout_ci', MaxSessionDuration=43200)
        ",
    );
    stack.run(&["plan", "--detailed-exitcode"]).expect(2).says(&["! drift", "identity.checkout_ci"]);
    stack.apply();
    stack.assert_converged();
    assert_eq!(role(&aws, "checkout_ci"), before);
}

#[test]
fn a_mover_is_told_by_what_it_gains_and_lands_in_the_account() {
    let (aws, stack) = applied();
    stack.edit("stack.hcl", r#"["s3:PutObject"]"#, r#"["s3:PutObject", "s3:DeleteObject"]"#);
    let plan = stack.plan();
    filtered("mover", &plan);
    let json = stack.plan_json();
    assert_eq!(json["identity_changes"][0]["access_verdict"], "expands");
    stack.apply();
    stack.assert_converged();
    let allowed = role(&aws, "checkout_ci")["inline"]["leasehold"].clone();
    assert_eq!(statements(&allowed, "Allow")[0]["Action"], json!(["s3:DeleteObject", "s3:PutObject"]));

    stack.edit("stack.hcl", "environment          = \"prod\"", "environment          = \"staging\"");
    stack.plan().says(&["environment prod → staging"]);
    stack.apply();
    assert_eq!(role(&aws, "checkout_ci")["tags"]["leasehold:environment"], "staging");
    stack.assert_converged();
}

#[test]
fn a_leaver_with_strays_is_shut_at_once_restored_when_put_back_and_deleted_after_grace() {
    let (aws, stack) = applied();
    let (role_before, mut user_before) = (role(&aws, "checkout_ci"), user(&aws, "reporter"));
    aws.boto3(
        "
        for name in ['reporter']:
            iam.attach_user_policy(UserName=name, PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')
            iam.create_access_key(UserName=name)
            iam.create_login_profile(UserName=name, Password='Secret-123456')
        iam.attach_role_policy(RoleName='checkout_ci', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')
        ",
    );
    let ci = stack.cut("stack.hcl", "identity \"checkout_ci\"");
    let reporter = stack.cut("stack.hcl", "identity \"reporter\"");
    filtered("leavers", &stack.plan());
    stack.apply();
    stack.assert_converged();
    let (role_shut, user_shut) = (role(&aws, "checkout_ci"), user(&aws, "reporter"));
    assert_denies_everything(&role_shut["inline"]["leasehold"]);
    assert_denies_everything(&user_shut["inline"]["leasehold"]);
    assert_eq!(statements(&role_shut["trust"], "Allow"), Vec::<&Value>::new(), "{}", role_shut["trust"]);
    assert!(user_shut["keys"].as_array().unwrap().iter().all(|status| status == "Inactive"), "{user_shut}");
    assert!(user_shut["tags"]["leasehold:quarantined-at"].is_string());
    let login = "
        try:
            print(bool(iam.get_login_profile(UserName='reporter')))
        except iam.exceptions.NoSuchEntityException:
            print(False)
        ";
    assert_eq!(aws.boto3(login), json!(false));

    stack.append("stack.hcl", &ci);
    stack.append("stack.hcl", &reporter);
    filtered("restored", &stack.plan());
    stack.apply();
    stack.assert_converged();
    assert_eq!(role(&aws, "checkout_ci"), role_before);
    let user_after = user(&aws, "reporter");
    // A key that was there as a stray is off or gone; it never comes back on.
    assert!(user_after["keys"].as_array().unwrap().iter().all(|status| status == "Inactive"), "{user_after}");
    user_before["keys"] = user_after["keys"].clone();
    assert_eq!(user_after, user_before);

    stack.cut("stack.hcl", "identity \"checkout_ci\"");
    stack.cut("stack.hcl", "identity \"reporter\"");
    stack.apply();
    aws.boto3(
        "
        strays = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
        iam.attach_user_policy(UserName='reporter', PolicyArn=strays)
        iam.create_access_key(UserName='reporter')
        iam.attach_role_policy(RoleName='checkout_ci', PolicyArn=strays)
        past = [{'Key': 'leasehold:quarantined-at', 'Value': '2020-01-01T00:00:00Z'}]
        iam.tag_user(UserName='reporter', Tags=past)
        iam.tag_role(RoleName='checkout_ci', Tags=past)
        ",
    );
    stack.plan().says(&["deleted now"]);
    stack.apply();
    assert_eq!(names(&aws), json!([]));
    stack.assert_converged();
}

#[test]
fn without_grace_a_leaver_is_shut_by_one_run_and_deleted_by_the_next() {
    let aws = Emulator::moto();
    let stack = Stack::of(&payments("0s")).with_env(aws.env());
    stack.apply();
    stack.cut("stack.hcl", "identity \"reporter\"");
    stack.apply();
    assert_denies_everything(&user(&aws, "reporter")["inline"]["leasehold"]);
    stack.apply();
    assert_eq!(names(&aws), json!(["checkout_ci"]));
    stack.assert_converged();
}

#[test]
fn a_lease_that_ends_shuts_the_role_with_no_change_of_configuration() {
    let (aws, stack) = applied();
    stack.edit("stack.hcl", "purpose    = \"builds the nightly report\"\n  scopes     = [scope.orders_read]\n  expires_at = \"2090-01-01T00:00:00Z\"", "purpose    = \"builds the nightly report\"\n  scopes     = [scope.orders_read]\n  expires_at = \"2020-01-01T00:00:00Z\"");
    stack.plan().says(&["lease ended 2020-01-01T00:00:00Z"]);
    stack.apply();
    assert_denies_everything(&user(&aws, "reporter")["inline"]["leasehold"]);
    stack.assert_converged();
    stack
        .ok(&["plan", "--now", "2095-01-01T00:00:00Z"])
        .says(&["identity.checkout_ci", "lease ended 2090-01-01T00:00:00Z"]);
}

#[test]
fn a_role_of_the_same_name_that_is_not_ours_is_named_and_untouched() {
    let (aws, stack) = fresh();
    aws.boto3(
        "
        nobody = json.dumps({'Version': '2012-10-17', 'Statement': []})
        iam.create_role(RoleName='checkout_ci', AssumeRolePolicyDocument=nobody, Description='somebody else made me')
        ",
    );
    let before = role(&aws, "checkout_ci");
    aws.forget_requests();
    for command in [&["plan"][..], &["apply", "--auto-approve"]] {
        let ran = stack.run(command).expect(1).says(&["checkout_ci"]).says_nothing_of(&["No changes."]);
        filtered(&format!("same_name_{}", command[0]), &ran);
    }
    assert_eq!(role(&aws, "checkout_ci"), before);
    assert_eq!(aws.requests().iter().filter(|request| request.writes()).count(), 0);
}

#[test]
fn an_account_that_cannot_be_read_is_an_error_and_never_empty() {
    let (aws, stack) = applied();
    for action in ["GetAccountAuthorizationDetails", "ListRoles"] {
        aws.order(Fault::deny(action));
        aws.forget_requests();
        let before = stack.files();
        for command in [&["plan", "--out", "p"][..], &["apply", "--auto-approve"], &["list"]] {
            let ran = stack.run(command).expect(1);
            assert_eq!(ran.stdout, "", "no plan, and nothing that reads like one");
            assert!(ran.stderr.contains("access denied"), "{ran}");
            filtered(&format!("denied_{action}_{}", command[0]), &ran);
        }
        assert_eq!(stack.files(), before);
        assert_eq!(aws.requests().iter().filter(|request| request.writes()).count(), 0);
        aws.heal();
    }
    stack.assert_converged();
}

#[test]
fn an_endpoint_that_does_not_answer_is_told_quickly() {
    let env = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let stack = Stack::of(&payments("7d")).with_env(env.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let start = Instant::now();
    let ran = stack.run(&["plan"]).expect(1).says_nothing_of(&["No changes."]);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    filtered("unreachable", &ran);
}

#[test]
fn without_credentials_the_caller_is_told_where_they_come_from() {
    let stack = Stack::of(&payments("7d")).with_env([("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned())]);
    let ran = stack.run(&["plan"]).expect(1);
    filtered("no_credentials", &ran);
}

#[test]
fn another_account_than_the_configuration_allows_is_refused_before_anything_is_read() {
    let (aws, stack) = fresh();
    stack.edit("stack.hcl", "[\"123456789012\"]", "[\"111122223333\"]");
    let ran = stack.run(&["apply", "--auto-approve"]).expect(1).says(&["123456789012", "111122223333"]);
    filtered("wrong_account", &ran);
    let actions: Vec<String> = aws.counts().into_keys().collect();
    assert_eq!(actions, ["GetCallerIdentity"]);
}

#[test]
fn a_real_cloud_is_changed_at_the_present_moment_only() {
    let (aws, stack) = fresh();
    let ran = stack.run(&["apply", "--auto-approve", "--now", "2027-01-01T00:00:00Z"]).expect(3);
    filtered("apply_now", &ran);
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
    aws.forget_requests();
    let ran =
        stack.run(&["apply", "review.plan", "--auto-approve"]).expect(3).says(&["checkout_ci/leasehold has changed"]);
    filtered("stale", &ran);
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
fn a_name_that_another_stack_holds_is_refused() {
    let (aws, _payments) = applied();
    let other = Stack::of(&payments("7d").replace("stack = \"payments\"", "stack = \"billing\"")).with_env(aws.env());
    let before = (role(&aws, "checkout_ci"), user(&aws, "reporter"));
    let ran = other.run(&["apply", "--auto-approve"]).expect(1).says(&["payments"]);
    filtered("other_stacks_name", &ran);
    assert_eq!((role(&aws, "checkout_ci"), user(&aws, "reporter")), before);
}

#[test]
fn agents_of_one_block_come_and_go_one_by_one() {
    let aws = Emulator::moto();
    let stack = Stack::example("agents").with_env(aws.env());
    stack.append("stack.hcl", AWS_PROVIDER);
    stack.apply().says(&["3 joiners"]);
    stack.assert_converged();
    assert_eq!(names(&aws), json!(["agent-refund", "agent-summarise", "agent-triage"]));
    let tags = role(&aws, "agent-triage")["tags"].clone();
    assert_eq!(tags["leasehold:address"], "identity.agent/triage", "as tags can hold it");
    let text = stack.read("stack.hcl");
    let line = text.lines().find(|line| line.trim_start().starts_with("refund ")).unwrap().to_owned();
    stack.edit("stack.hcl", &format!("{line}\n"), "");
    let plan = stack.plan_json();
    assert_eq!(plan["identity_changes"].as_array().unwrap().len(), 1);
    assert_eq!(plan["identity_changes"][0]["lifecycle"], "leaver");
    stack.apply();
    assert_denies_everything(&role(&aws, "agent-refund")["inline"]["leasehold"]);
    stack.assert_converged();
}

#[test]
fn a_throttled_account_and_a_lost_answer_end_at_the_same_place() {
    let (aws, stack) = fresh();
    for action in ["CreateRole", "PutRolePolicy", "CreatePolicy", "GetAccountAuthorizationDetails"] {
        aws.order(Fault::throttle(action).times(2));
    }
    aws.order(Fault::drop_response("CreateUser").times(1));
    stack.apply().says(&["Apply complete!"]);
    stack.assert_converged();
}

#[test]
fn a_write_that_is_refused_is_named_and_the_rest_goes_on() {
    let (aws, stack) = fresh();
    aws.order(Fault::deny("CreateUser"));
    let ran = stack.run(&["apply", "--auto-approve"]).expect(1).says(&["Run `leasehold apply` again"]);
    filtered("write_refused", &ran);
    assert_eq!(names(&aws), json!(["checkout_ci"]));
    aws.heal();
    stack.apply();
    stack.assert_converged();
}

#[test]
fn a_run_killed_on_the_wire_is_finished_by_the_next() {
    let (aws, stack) = fresh();
    // The user is made, its fence is on its way: the program dies before it has an answer.
    aws.order(Fault::delay_response("PutUserPolicy", Duration::from_secs(600)).times(1));
    let running = stack.start(&["apply", "--auto-approve"]);
    support::wait_until("the fence's call", || aws.calls("PutUserPolicy") > 0);
    running.signal("KILL");
    running.wait();
    stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    stack.apply();
    stack.assert_converged();
    assert_eq!(names(&aws), json!(["checkout_ci", "reporter"]));
    let reporter = user(&aws, "reporter");
    assert_eq!(reporter["inline"].as_object().unwrap().keys().collect::<Vec<_>>(), ["leasehold"]);
}

#[test]
fn a_role_that_trusts_an_identity_of_the_stack_comes_after_it() {
    let (aws, stack) = fresh();
    stack.append(
        "stack.hcl",
        "identity \"auditor\" {\n  kind = \"workload\"\n  owner = owner.jane\n  purpose = \"reads\"\n  expires_at = \"2090-01-01T00:00:00Z\"\n  trust \"identity\" {\n    identities = [identity.reporter]\n  }\n}\n",
    );
    stack.apply();
    stack.assert_converged();
    let calls: Vec<String> = aws.requests().iter().filter(|r| r.writes()).map(|r| r.action.clone()).collect();
    let made = |name: &str| {
        aws.requests().iter().filter(|r| r.writes()).position(|r| r.parameters.values().any(|value| value == name))
    };
    assert!(made("reporter") < made("auditor"), "{calls:?}");
    let trust = role(&aws, "auditor")["trust"]["Statement"][0].clone();
    assert_eq!(trust["Principal"]["AWS"], "arn:aws:iam::123456789012:user/reporter");
    assert_eq!(trust["Condition"]["DateLessThan"], json!({ "aws:CurrentTime": DEADLINE }));
}
