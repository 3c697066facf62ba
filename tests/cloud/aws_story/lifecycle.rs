//! Joiners, movers and leavers, as the account has them.

use leasehold_emulator::Emulator;
use serde_json::{Value, json};

use super::{
    AWS_PROVIDER, DEADLINE, applied, assert_denies_everything, filtered, fresh, names, payments, role, statements, user,
};
use leasehold_test_harness::Stack;

#[test]
fn joiners_have_lease_deny_marks_and_expiring_trust() {
    let (aws, stack) = fresh();
    filtered!(stack.apply(), @"
    $ leasehold apply --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      + scope   scope.orders_read  attached to 2 identities
          + aws_iam_policy                  payments/orders_read

      + joiner   identity.checkout_ci  workload · owner jane · service checkout · prod · expires 2090-01-01 ([days]) · write access
          + aws_iam_role                    checkout_ci
          + aws_iam_role_policy             checkout_ci/leasehold    lease deny
          + aws_iam_role_policy_attachment  checkout_ci/orders_read

      + joiner   identity.reporter  service · owner jane · expires 2090-01-01 ([days]) · read access
          + aws_iam_user                    reporter
          + aws_iam_user_policy             reporter/leasehold    lease deny
          + aws_iam_user_policy_attachment  reporter/orders_read

    Plan: 7 to add, 0 to change, 0 to destroy.  2 joiners, 1 shared scope.

    Apply complete! 7 added, 0 changed, 0 destroyed. Read back and verified.
    ");
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
fn mover_shows_gained_access_and_is_applied() {
    let (aws, stack) = applied();
    stack.edit("stack.hcl", r#"["s3:PutObject"]"#, r#"["s3:PutObject", "s3:DeleteObject"]"#);
    let plan = stack.plan();
    filtered!(plan, @r#"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      ~ mover    identity.checkout_ci  workload · owner jane · service checkout · prod · expires 2090-01-01 ([days]) · EXPANDS access
          access differs
          newly allowed, for example: s3:DeleteObject on arn:aws:s3:::acme-releases/
          ~ aws_iam_role_policy             checkout_ci/leasehold
              policy:
                # 19 unchanged lines
                      {
                        "Action": [
                +         "s3:DeleteObject",
                          "s3:PutObject"
                        ],
                # 8 unchanged lines

    Plan: 0 to add, 1 to change, 0 to destroy.  1 mover (1 expands).
    "#);
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
fn leaver_with_unmanaged_access_is_quarantined_restored_and_deleted() {
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
    filtered!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      - leaver   identity.checkout_ci  no longer in configuration; changed outside Leasehold → quarantine now, delete after [day]
          ~ aws_iam_role                    checkout_ci            trust policy replaced by Deny
          ~ aws_iam_role_policy             checkout_ci/leasehold  deny everything

      - leaver   identity.reporter  no longer in configuration; changed outside Leasehold → quarantine now, delete after [day]
          ~ aws_iam_user_policy             reporter/leasehold             deny everything
          ~ aws_iam_access_key              reporter/[key]  [short key] → Inactive
          - aws_iam_user_login_profile      reporter

    Plan: 0 to add, 4 to change, 1 to destroy.  2 leavers, 2 drifts.
    ");
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
    filtered!("restored", stack.plan());
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
        ",
    );
    stack.end_grace_periods();
    stack.plan().says(&["delete now"]);
    stack.apply();
    assert_eq!(names(&aws), json!([]));
    stack.assert_converged();
}

#[test]
fn leaver_without_grace_is_quarantined_then_deleted() {
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
fn expired_lease_quarantines_the_role() {
    let (aws, stack) = applied();
    stack.edit("stack.hcl", "purpose    = \"builds the nightly report\"\n  scopes     = [scope.orders_read]\n  expires_at = \"2090-01-01T00:00:00Z\"", "purpose    = \"builds the nightly report\"\n  scopes     = [scope.orders_read]\n  expires_at = \"2020-01-01T00:00:00Z\"");
    stack.plan().says(&["lease expired 2020-01-01T00:00:00Z"]);
    stack.apply();
    assert_denies_everything(&user(&aws, "reporter")["inline"]["leasehold"]);
    stack.assert_converged();
    stack
        .ok(&["plan", "--now", "2095-01-01T00:00:00Z"])
        .says(&["identity.checkout_ci", "lease expired 2090-01-01T00:00:00Z"]);
}

#[test]
fn for_each_instances_join_and_leave_individually() {
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
