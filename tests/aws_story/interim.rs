//! What holds between the steps of a plan, where that is in neither state: it is told before, and gone afterwards.

use leasehold_emulator::Emulator;
use serde_json::{Value, json};

use super::support::Stack;
use super::{DEADLINE, HEAD};

/// A user with a policy of somebody else's, or of AWS.
fn stack(aws: &Emulator, policy: &str) -> Stack {
    let text = format!(
        r#"{HEAD}
scope "read" {{
  statement {{
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme-orders/*"]
  }}
}}

identity "reporter" {{
  kind                = "service"
  owner               = owner.jane
  scopes              = []
  managed_policy_arns = ["{policy}"]
  expires_at          = "{DEADLINE}"
}}
"#
    );
    Stack::of(&text).with_env(aws.env())
}

/// A policy that is not the stack's gives and denies. Its content is read; while the user goes over to the stack's own scope, the own
/// policy denies the same.
#[test]
fn what_somebody_else_s_policy_denies_is_denied_until_the_change_is_done() {
    let aws = Emulator::moto();
    aws.boto3(
        "iam.create_policy(PolicyName='guard', PolicyDocument=json.dumps({'Version': '2012-10-17', 'Statement': [
            {'Effect': 'Allow', 'Action': 'sqs:SendMessage', 'Resource': '*'},
            {'Effect': 'Deny', 'Action': 's3:DeleteObject', 'Resource': '*'}]}))",
    );
    let stack = stack(&aws, "arn:aws:iam::123456789012:policy/guard");
    stack.apply();
    stack.edit("stack.hcl", "scopes              = []", "scopes              = [scope.read]");
    stack.edit("stack.hcl", "  managed_policy_arns = [\"arn:aws:iam::123456789012:policy/guard\"]\n", "");
    stack
        .plan()
        .says(&["until the change is done, aws_iam_user_policy reporter/leasehold denies what the policies do"]);
    let planned = stack.plan_json();
    let changes = planned["resource_changes"].as_array().unwrap();
    let own = changes.iter().find(|change| change["address"] == "aws_iam_user_policy.reporter/leasehold").unwrap();
    assert_eq!(own["change"]["meanwhile"]["is"], "stands_in");
    assert!(own["change"]["meanwhile"]["attributes"]["policy"].to_string().contains("s3:DeleteObject"), "{own}");
    assert_eq!(own["change"]["before"], own["change"]["after"]);
    stack.apply();
    stack.assert_converged();
    let own = aws.boto3("print(iam.get_user_policy(UserName='reporter', PolicyName='leasehold')['PolicyDocument'])");
    assert_eq!(own["Statement"][0]["Sid"], json!("LeaseholdLease"));
    assert_eq!(own["Statement"].as_array().unwrap().len(), 1);
}

/// Of a policy of AWS the name alone tells that it denies, and not what: nothing is allowed until the change is done.
#[test]
fn what_a_policy_of_aws_denies_is_not_known_and_so_everything_is() {
    let aws = Emulator::moto();
    let stack = stack(&aws, "arn:aws:iam::aws:policy/AWSLakeFormationDataAdmin");
    stack.apply();
    stack.edit("stack.hcl", "scopes              = []", "scopes              = [scope.read]");
    stack.edit("stack.hcl", "  managed_policy_arns = [\"arn:aws:iam::aws:policy/AWSLakeFormationDataAdmin\"]\n", "");
    stack.plan().says(&["until the change is done, aws_iam_user_policy reporter/leasehold denies everything"]);
    stack.run(&["plan", "--format", "markdown"]).says(&["until the change is done", "denies everything"]);
    stack.apply();
    stack.assert_converged();
}

/// A group that others manage denies; it is read like a policy, and what hangs on it goes the same way.
#[test]
fn what_somebody_else_s_group_denies_is_denied_until_the_change_is_done() {
    let aws = Emulator::moto();
    aws.boto3(
        "
        iam.create_group(GroupName='restricted')
        iam.put_group_policy(GroupName='restricted', PolicyName='keep', PolicyDocument=json.dumps({
            'Version': '2012-10-17', 'Statement': [
                {'Effect': 'Allow', 'Action': 'sqs:SendMessage', 'Resource': '*'},
                {'Sid': 'Keep', 'Effect': 'Deny', 'Action': 's3:GetObject', 'Resource': '*'}]}))",
    );
    let stack = stack(&aws, "arn:aws:iam::aws:policy/ReadOnlyAccess");
    stack.edit(
        "stack.hcl",
        "scopes              = []",
        "scopes              = [scope.read]\n  managed_groups      = [\"restricted\"]",
    );
    stack
        .plan()
        .says(&["until the change is done, aws_iam_user_policy reporter/leasehold denies what the policies do"]);
    stack.apply();
    stack.assert_converged();
    stack.edit(
        "stack.hcl",
        "scopes              = [scope.read]\n  managed_groups      = [\"restricted\"]",
        "scopes              = []",
    );
    stack
        .plan()
        .says(&["until the change is done, aws_iam_user_policy reporter/leasehold denies what the policies do"]);
    stack.apply();
    stack.assert_converged();
}

/// What does not fit into a user's inline policy goes into a policy of its own, which must be there before it is attached.
#[test]
fn a_policy_of_its_own_is_made_before_it_is_attached() {
    let aws = Emulator::moto();
    let stack = stack(&aws, "arn:aws:iam::aws:policy/ReadOnlyAccess");
    stack.apply();
    let statement = "  statement {\n    actions   = [\"s3:PutObject\"]\n    resources = [for n in range(80) : \"arn:aws:s3:::acme-releases-${n}/nightly/*\"]\n  }\n}\n";
    let text = stack.read("stack.hcl");
    stack.write("stack.hcl", &format!("{}{statement}", text.trim_end().strip_suffix('}').unwrap()));
    stack.run(&["plan", "--out", "saved.plan"]).expect(0);
    let saved: Value = serde_json::from_str(&stack.read("saved.plan")).unwrap();
    let steps = saved["plan"]["steps"].as_array().unwrap();
    let id_of = |kind: &str| {
        let is = |step: &&Value| step["change"]["after"]["id"]["kind"] == kind;
        steps.iter().find(is).unwrap_or_else(|| panic!("{kind} in {steps:#?}"))
    };
    let (made, attached) = (id_of("aws_iam_policy"), id_of("aws_iam_user_policy_attachment"));
    assert!(attached["needs"].as_array().unwrap().contains(&made["id"]), "{attached:#}");
    stack.apply();
    stack.assert_converged();
}
