//! The emergency stop of one identity, and the way back.

use leasehold_emulator::Emulator;
use serde_json::json;

use super::{applied, writes};
use leasehold_test_harness::Stack;

fn arn(of: &str) -> String {
    format!("arn:aws:iam::{}:{of}", Emulator::ACCOUNT)
}

#[test]
fn revoke_quarantines_a_user_in_five_calls() {
    let (aws, stack) = applied();
    aws.boto3(
        "
        iam.create_access_key(UserName='reporter')
        iam.create_access_key(UserName='reporter')
        iam.create_login_profile(UserName='reporter', Password='Secret-123456')
        ",
    );
    aws.clear_requests();
    let ran = stack.ok(&["revoke", "identity.reporter", "--reason", "key leaked, see ticket #42"]);
    ran.says(&["revoked: key leaked see ticket 42", "Apply complete!"]);
    assert_eq!(writes(&aws), 5, "{:?}", aws.counts());
    let live = aws.boto3(
        "
        tags = {t['Key']: t['Value'] for t in iam.list_user_tags(UserName='reporter')['Tags']}
        policy = iam.get_user_policy(UserName='reporter', PolicyName='leasehold')['PolicyDocument']
        print({
            'reason': tags['leasehold:reason'],
            'keys': [k['Status'] for k in iam.list_access_keys(UserName='reporter')['AccessKeyMetadata']],
            'effects': [[s['Effect'], s['Action'], s.get('Condition')] for s in policy['Statement']],
        })
        ",
    );
    assert_eq!(live["reason"], "revoked: key leaked see ticket 42");
    assert_eq!(live["keys"], json!(["Inactive", "Inactive"]));
    assert_eq!(live["effects"].as_array().unwrap().len(), 1);
    assert_eq!(live["effects"][0][0], "Deny");
    assert_eq!(live["effects"][0][2], json!(null));

    // No plan undoes it, and each says why.
    let shut = ["revoked: key leaked see ticket 42", "leasehold restore identity.reporter", "No changes."];
    stack.run(&["plan", "--detailed-exitcode"]).expect(0).says(&shut);
    stack.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:GetObject\", \"s3:ListBucket\"");
    stack.apply();
    stack.ok(&["sweep", "--auto-approve"]);
    stack.plan().says(&shut);
    stack.ok(&["audit", "list"]).says(&["key leaked, see ticket #42"]);

    stack.run(&["restore", "identity.reporter"]).expect(3).says(&["stdin or stderr is not a terminal"]);
    stack.ok(&["restore", &arn("user/reporter"), "--auto-approve"]).says(&["restored from quarantine"]);
    stack.plan().does_not_say(&["revoked"]);
    stack.run(&["restore", "identity.reporter", "--auto-approve"]).expect(3).says(&["is not revoked"]);
}

#[test]
fn a_role_is_found_by_its_session_and_a_user_by_its_key() {
    let (aws, stack) = applied();
    let session = format!("arn:aws:sts::{}:assumed-role/checkout_ci/i-0123", Emulator::ACCOUNT);
    stack
        .ok(&["revoke", &session, "--reason", "strange calls"])
        .says(&["identity.checkout_ci", "trust policy replaced by Deny"]);
    assert_eq!(writes(&aws), 3, "{:?}", aws.counts());
    let key = aws.boto3("print(iam.create_access_key(UserName='reporter')['AccessKey']['AccessKeyId'])");
    stack.ok(&["revoke", key.as_str().unwrap(), "--reason", "found on the net"]).says(&["identity.reporter"]);
    stack.ok(&["revoke", "reporter", "--reason", "found on the net"]).says(&["is already revoked"]);
    // Its lease may end meanwhile: it then stays shut for that.
    stack.plan().says(&["No changes."]);
}

#[test]
fn revoke_works_with_unrelated_configuration_errors() {
    let (aws, stack) = applied();
    stack.append("stack.hcl", "identity \"broken\" {\n  kind = \"nonsense\"\n  owner = owner.nobody\n}\n");
    stack.write("worse.hcl", "identity \"never_closed\" {\n");
    aws.boto3(
        "iam.attach_role_policy(RoleName='checkout_ci', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')",
    );
    stack.run(&["plan"]).expect(1);
    stack
        .ok(&["revoke", "identity.checkout_ci", "--reason", "now"])
        .says(&["only the stack's name and provider are read from it", "Apply complete!"]);
    // But where the provider itself does not read, nothing is guessed.
    stack.edit("stack.hcl", "allowed_account_ids", "allowed_account_idz");
    aws.clear_requests();
    stack.run(&["revoke", "identity.reporter", "--reason", "now"]).expect(1).says(&["allowed_account_idz"]);
    assert_eq!(aws.requests(), []);
}

#[test]
fn revoke_refuses_unmanaged_objects() {
    let (aws, stack) = applied();
    aws.boto3("iam.create_user(UserName='stranger')");
    let other =
        Stack::of(&super::payments().replace("stack = \"payments\"", "stack = \"billing\"")).with_env(aws.env());
    aws.clear_requests();
    let unmanaged_object = arn("user/stranger");
    stack.run(&["revoke", &unmanaged_object, "--reason", "x"]).expect(3).says(&["has no Leasehold marks"]);
    stack.run(&["revoke", "stranger", "--reason", "x"]).expect(3);
    other.run(&["revoke", &arn("role/checkout_ci"), "--reason", "x"]).expect(3).says(&["belongs to stack payments"]);
    stack.run(&["revoke", "identity.reportr", "--reason", "x"]).expect(1).says(&["did you mean identity.reporter?"]);
    stack.run(&["revoke", "identity.reporter", "--reason", "!!!"]).expect(3).says(&["--reason"]);
    stack.run(&["revoke", "identity.reporter"]).expect(2).says(&["--reason"]);
    assert_eq!(writes(&aws), 0, "{:?}", aws.counts());
}

#[test]
fn restore_gives_exactly_the_declared_access() {
    let stack = Stack::example("quickstart").at(leasehold_test_harness::START);
    stack.apply();
    stack.ok(&["revoke", "identity.triage_agent", "--reason", "odd"]);
    let mut later = stack;
    later.pass_days(40);
    later.run(&["restore", "identity.triage_agent", "--auto-approve"]).expect(3).says(&["its lease has expired"]);
    later.set_now(leasehold_test_harness::START);
    let block = later.cut("identities.hcl", "identity \"triage_agent\"");
    later.run(&["restore", "identity.triage_agent", "--auto-approve"]).expect(3).says(&["is no longer declared"]);
    later.append("identities.hcl", &block);
    later.ok(&["restore", "identity.triage_agent", "--auto-approve"]);
    later.assert_converged();
}

#[test]
fn revoke_of_break_glass_account_records_the_reason() {
    let stack = Stack::of(
        r#"leasehold { stack = "glass" }
owner "jane" { email = "jane@example.com" }
identity "glass" {
  kind    = "break_glass"
  owner   = owner.jane
  purpose = "for the night when nothing else works"
}
"#,
    )
    .at(leasehold_test_harness::START);
    stack.apply();
    stack.ok(&["revoke", "glass", "--reason", "the seal was broken"]).says(&["Apply complete!"]);
    let shown = stack.ok(&["show", "identity.glass", "--format", "json"]).json();
    let marks =
        shown["resources"].as_array().unwrap().iter().find_map(|resource| resource["marks"].as_object()).unwrap();
    assert_eq!(marks["leasehold:reason"], "revoked: the seal was broken");
    stack.plan().says(&["No changes.", "revoked: the seal was broken"]);
}
