//! What was changed outside since the last apply, what is overdue, and who manages what.

use leasehold_emulator::Emulator;
use serde_json::{Value, json};

use super::inert::{assert_annotations, assert_junit, assert_well_formed};
use super::{applied, writes};
use leasehold_test_harness::snapshot;
use leasehold_test_harness::{START, Stack, sarif, shape};

fn found(stack: &Stack, code: i32, args: &[&str]) -> Vec<(String, String)> {
    let args = [&["drift", "--format", "json"], args].concat();
    let report = stack.run(&args).expect(code).json();
    assert_eq!(report["in_sync"], code == 0);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| {
            let subject = if finding["address"].is_null() { &finding["object"] } else { &finding["address"] };
            (text(&finding["rule"]), text(subject))
        })
        .collect()
}

fn is(rule: &str, subject: &str) -> (String, String) {
    (rule.to_owned(), subject.to_owned())
}

#[test]
fn everything_done_outside_is_named_and_nothing_is_written() {
    let (aws, stack) = applied();
    assert_eq!(found(&stack, 0, &[]), []);
    aws.boto3(
        "
        everything = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]})
        anybody = json.dumps({'Version': '2012-10-17', 'Statement': [
            {'Effect': 'Allow', 'Principal': {'AWS': 'arn:aws:iam::999999999999:root'}, 'Action': 'sts:AssumeRole'}]})
        iam.attach_user_policy(UserName='reporter', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')
        iam.put_user_policy(UserName='reporter', PolicyName='backdoor', PolicyDocument=everything)
        iam.create_access_key(UserName='reporter')
        iam.create_login_profile(UserName='reporter', Password='Secret-123456')
        iam.create_group(GroupName='admins')
        iam.add_user_to_group(GroupName='admins', UserName='reporter')
        iam.update_assume_role_policy(RoleName='checkout_ci', PolicyDocument=anybody)
        iam.delete_role_policy(RoleName='checkout_ci', PolicyName='leasehold')
        iam.create_policy(PolicyName='stray', Path='/leasehold/payments/', PolicyDocument=everything)
        ",
    );
    aws.clear_requests();
    let stray = format!("arn:aws:iam::{}:policy/leasehold/payments/stray", Emulator::ACCOUNT);
    let mut all = found(&stack, 2, &[]);
    all.sort();
    assert_eq!(
        all,
        [
            is("drift-changed", "identity.checkout_ci"),
            is("drift-missing", "identity.checkout_ci"),
            is("drift-stray-access", "identity.reporter"),
            is("drift-stray-access", "identity.reporter"),
            is("drift-stray-access", "identity.reporter"),
            is("drift-stray-credential", "identity.reporter"),
            is("drift-stray-credential", "identity.reporter"),
            is("unowned-mark", &stray),
        ]
    );
    let human =
        stack.run(&["drift"]).expect(2).says(&["AdministratorAccess", "owner jane", "backdoor", "Drift: 8 findings"]);
    assert!(!human.stdout.contains("In sync"), "{human}");
    assert_well_formed(&stack.run(&["drift", "--format", "markdown"]).expect(2).stdout);
    assert_annotations(&stack.run(&["drift", "--format", "github"]).expect(2).stdout, 8);
    sarif::assert_valid(&stack.run(&["drift", "--format", "sarif"]).expect(2).json());
    // Two identities, a scope, and the stray policy.
    let failed = assert_junit(&stack.run(&["drift", "--format", "junit"]).expect(2).stdout, 4);
    assert_eq!(failed.len(), 3, "{failed:?}");
    assert_eq!(writes(&aws), 0);
    stack.apply();
    assert_eq!(
        found(&stack, 2, &[]),
        [is("unowned-mark", &stray)],
        "an apply does not touch what the stack does not own"
    );
}

#[test]
fn removed_object_is_missing_but_unapplied_is_not() {
    let (aws, stack) = applied();
    aws.boto3(
        "
        for policy in iam.list_attached_role_policies(RoleName='checkout_ci')['AttachedPolicies']:
            iam.detach_role_policy(RoleName='checkout_ci', PolicyArn=policy['PolicyArn'])
        iam.delete_role_policy(RoleName='checkout_ci', PolicyName='leasehold')
        iam.delete_role(RoleName='checkout_ci')
        iam.untag_user(UserName='reporter', TagKeys=['leasehold:stack', 'leasehold:address'])
        ",
    );
    stack.append("stack.hcl", "identity \"newcomer\" {\n  kind = \"service\"\n  owner = owner.jane\n}\n");
    stack.append(
        "stack.hcl",
        "scope \"unheld\" {\n  statement {\n    actions = [\"s3:*\"]\n    resources = [\"*\"]\n  }\n}\n",
    );
    let report = stack.run(&["drift", "--format", "json"]).expect(2).json();
    assert_eq!(report["pending"], json!({"identity.newcomer": "joins", "scope.unheld": "joins"}));
    let mut findings = found(&stack, 2, &[]);
    findings.sort();
    assert_eq!(findings, [is("drift-missing", "identity.checkout_ci"), is("mark-removed", "identity.reporter")]);
    // Without its records nobody can tell what belongs to the stack.
    std::fs::remove_dir_all(stack.path(".leasehold")).unwrap();
    stack.run(&["drift"]).expect(3).says(&["has no record of any object"]);
}

#[test]
fn a_configuration_that_was_not_applied_yet_is_no_drift() {
    let (aws, stack) = applied();
    stack.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:GetObject\", \"s3:PutObject\"");
    stack.cut("stack.hcl", "identity \"reporter\"");
    stack.append("stack.hcl", "identity \"newcomer\" {\n  kind = \"service\"\n  owner = owner.jane\n}\n");
    let ran = stack.run(&["drift"]).expect(0).says(&[
        "In sync",
        "Not drift: 3 changes in the configuration not yet applied: identity.newcomer, identity.reporter, scope.orders_read.",
    ]);
    assert!(!ran.stdout.contains("Drift:"), "{ran}");
    // With drift beside it, both are told, and only the drift counts.
    aws.boto3("iam.create_access_key(UserName='reporter')");
    let report = stack.run(&["drift", "--format", "json"]).expect(2).json();
    assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{report:#}");
    assert_eq!(report["pending"].as_object().unwrap().len(), 3);
}

#[test]
fn overdue_expirations_are_reported() {
    let mut stack = Stack::example("quickstart").at(START);
    stack.apply();
    stack.cut("identities.hcl", "identity \"checkout_ci\"");
    stack.apply();
    snapshot!(stack.run(&["drift"]).expect(0), @"
    $ leasehold drift
    exit 0
    ─── stdout
    Leasehold drift  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      . quarantined  identity.checkout_ci  since 2026-11-20T22:00:00Z (removed)

    In sync: 4 identities and 1 scope match the last applied state.
    ");
    stack.pass_days(40);
    snapshot!(stack.run(&["drift"]).expect(2), @"
    $ leasehold drift
    exit 2
    ─── stdout
    Leasehold drift  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-12-30T22:00:00Z

      ! lease expired  identity.triage_agent  owner jane
          its lease expired at 2026-12-20T22:00:00Z, but it is not quarantined
          directory_role triage_agent
          Run `leasehold sweep` on a schedule, or renew the lease.

      ! grace period over  identity.checkout_ci  owner jane
          its grace period is over, but it still exists
          directory_role checkout_ci
          Run `leasehold sweep` on a schedule.

    Drift: 2 findings; checked 4 identities and 1 scope.
    ");
    stack.ok(&["sweep", "--auto-approve"]);
    assert_eq!(found(&stack, 0, &[]), []);
    // A quarantine that somebody opens again, and one that gets something added.
    let wide = leasehold_provider::Document::new(json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }));
    stack.outside().put_inline_policy("triage_agent", "leasehold", &wide).unwrap();
    snapshot!("drift_opened", stack.run(&["drift"]).expect(2));
    stack.apply();
    stack.outside().put_inline_policy("triage_agent", "more", &wide).unwrap();
    stack.run(&["drift"]).expect(2).says(&["changed while in quarantine"]);
}

#[test]
fn the_format_is_pinned() {
    let stack = Stack::example("quickstart").at(START);
    stack.apply();
    stack.outside().add_key("nightly_report", "AKIASTRAY").unwrap();
    let report =
        stack.run(&["drift", "--unmanaged", "--format", "json", "--json-into", "beside.json"]).expect(2).json();
    assert_eq!(report, serde_json::from_str::<Value>(&stack.read("beside.json")).unwrap());
    let mut pinned = shape(&report);
    pinned["format_version"] = report["format_version"].clone();
    insta::assert_json_snapshot!("drift_format", pinned);
}

#[test]
fn unmanaged_report_honors_the_ignore_file() {
    let (aws, stack) = applied();
    let other = Stack::of(
        &super::payments()
            .replace("stack = \"payments\"", "stack = \"billing\"")
            .replace("\"reporter\"", "\"biller\"")
            .replace("\"checkout_ci\"", "\"billing_ci\""),
    )
    .with_env(aws.env());
    other.apply();
    aws.boto3(
        "
        nobody = json.dumps({'Version': '2012-10-17', 'Statement': []})
        iam.create_user(UserName='legacy-backup')
        iam.create_user(UserName='somebody')
        iam.create_role(RoleName='AWSServiceRoleForSupport', Path='/aws-service-role/support.amazonaws.com/', AssumeRolePolicyDocument=nobody)
        iam.create_role(RoleName='AWSReservedSSO_Admin_1', Path='/aws-reserved/sso.amazonaws.com/', AssumeRolePolicyDocument=nobody)
        ",
    );
    assert_eq!(found(&stack, 0, &[]), [], "without being asked, drift is about the stack");
    let (backup, somebody) =
        ("arn:aws:iam::123456789012:user/legacy-backup", "arn:aws:iam::123456789012:user/somebody");
    assert_eq!(found(&stack, 2, &["--unmanaged"]), [is("unmanaged", backup), is("unmanaged", somebody)]);
    stack.write(".leaseholdignore", "# old\narn:aws:iam::*:user/legacy-*\narn:aws:iam::*:role/gone\n");
    assert_eq!(found(&stack, 2, &["--unmanaged"]), [is("unmanaged", somebody)]);
    stack.write("other.ignore", "*\n");
    let report = stack.run(&["drift", "--unmanaged", "--ignore", "other.ignore", "--format", "json"]).expect(0).json();
    let coverage = &report["coverage"];
    assert_eq!(
        (&coverage["managed"], &coverage["other_stacks"], &coverage["ignored"]),
        (&json!(3), &json!({"billing": 3}), &json!(2))
    );
    assert_eq!((&coverage["service_linked"], &coverage["reserved"]), (&json!(1), &json!(1)));
    snapshot!({
        let mut ran = stack.run(&["drift", "--unmanaged"]).expect(2);
        ran.stdout = ran.stdout.split_once("\n").unwrap().1.to_owned();
        ran
    }, @"
    $ leasehold drift --unmanaged
    exit 2
    ─── stdout

      ? unmanaged  arn:aws:iam::123456789012:user/somebody

    Drift: 1 finding; checked 2 identities and 1 scope.
    Coverage: 75 % managed. 3 in this stack, 3 in other stacks, 1 unmanaged, 1 ignored; not counted: 1 service-linked and 1 reserved.
    No object matches the ignore pattern arn:aws:iam::*:role/gone.
    ");
    stack.write(".leaseholdignore", "[\n");
    stack.run(&["drift", "--unmanaged"]).expect(1).says(&["line 1"]);
    stack.run(&["drift", "--unmanaged", "--ignore", "nowhere"]).expect(1).says(&["nowhere"]);
}

#[test]
fn changed_and_removed_groups_are_reported() {
    let (aws, stack) = applied();
    stack.append("stack.hcl", "identity \"ann\" {\n  kind  = \"human\"\n  owner = owner.jane\n}\n\ngroup \"staff\" {\n  members = [identity.ann]\n  scopes  = [scope.orders_read]\n}\n");
    stack.apply();
    assert_eq!(found(&stack, 0, &[]), []);
    aws.boto3(
        "
        for group in iam.list_groups()['Groups']:
            iam.attach_group_policy(GroupName=group['GroupName'], PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')
        ",
    );
    assert_eq!(found(&stack, 2, &[]), [is("drift-stray-access", "group.staff")]);
    stack.run(&["drift"]).expect(2).says(&["AdministratorAccess"]);
    stack.apply();
    stack.edit("stack.hcl", "  members = [identity.ann]\n", "  members = []\n");
    stack.cut("stack.hcl", "group \"staff\"");
    assert_eq!(found(&stack, 0, &[]), []);
}
