//! What holds between the steps of a plan, where that is in neither state: it is told before, and gone afterwards.

use leasehold_emulator::{Emulator, Request};
use serde_json::{Value, json};

use super::trust::{steps, waits_for};
use super::{DEADLINE, HEAD};
use leasehold_test_harness::Stack;

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
fn deny_of_foreign_policy_applies_during_the_change() {
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
        .says(&["during the change, aws_iam_user_policy reporter/leasehold also denies what the attached and detached policies deny"]);
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
fn unknown_deny_of_aws_policy_denies_everything() {
    let aws = Emulator::moto();
    let stack = stack(&aws, "arn:aws:iam::aws:policy/AWSLakeFormationDataAdmin");
    stack.apply();
    stack.edit("stack.hcl", "scopes              = []", "scopes              = [scope.read]");
    stack.edit("stack.hcl", "  managed_policy_arns = [\"arn:aws:iam::aws:policy/AWSLakeFormationDataAdmin\"]\n", "");
    stack.plan().says(&["during the change, aws_iam_user_policy reporter/leasehold denies everything"]);
    stack.run(&["plan", "--format", "markdown"]).says(&["during the change", "denies everything"]);
    stack.apply();
    stack.assert_converged();
}

/// A group that others manage denies; it is read like a policy, and what hangs on it goes the same way.
#[test]
fn deny_of_foreign_group_applies_during_the_change() {
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
        .says(&["during the change, aws_iam_user_policy reporter/leasehold also denies what the attached and detached policies deny"]);
    stack.apply();
    stack.assert_converged();
    stack.edit(
        "stack.hcl",
        "scopes              = [scope.read]\n  managed_groups      = [\"restricted\"]",
        "scopes              = []",
    );
    stack
        .plan()
        .says(&["during the change, aws_iam_user_policy reporter/leasehold also denies what the attached and detached policies deny"]);
    stack.apply();
    stack.assert_converged();
}

/// A policy that reads the tags of its holder says something else in between, whatever stands in it: nothing is allowed until it is done.
#[test]
fn tag_conditions_deny_everything_while_tags_change() {
    const SHUT: &str = "during the change, aws_iam_user_policy reporter/leasehold denies everything";
    let aws = Emulator::moto();
    let scope = |action: &str, team: &str| {
        format!(
            "statement {{\n    actions   = [\"{action}\"]\n    resources = [\"*\"]\n    condition {{\n      test     = \"StringEquals\"\n      variable = \"aws:PrincipalTag/Team\"\n      values   = [\"{team}\"]\n    }}\n  }}"
        )
    };
    let text = |team: &str, action: &str| {
        format!(
            "{HEAD}\nscope \"read\" {{\n  {}\n}}\n\nidentity \"reporter\" {{\n  kind       = \"service\"\n  owner      = owner.jane\n  scopes     = [scope.read]\n  expires_at = \"{DEADLINE}\"\n  tags       = {{ {team} }}\n}}\n",
            scope(action, "red")
        )
    };
    let stack = Stack::of(&text("team = \"blue\"", "s3:GetObject")).with_env(aws.env());
    stack.apply();
    stack.write("stack.hcl", &text("team = \"red\"", "s3:PutObject"));
    stack.plan().says(&[SHUT]);
    stack.apply();
    stack.assert_converged();
    // Tags that nobody heeds, and one write that changes nothing else, need no care.
    for tags in ["team = \"blue\"", "team = \"blue\", cost = \"7\"", "team = \"blue\", size = \"7\""] {
        stack.write("stack.hcl", &text(tags, "s3:PutObject"));
        stack.plan().does_not_say(&[SHUT]);
        stack.apply();
    }
    // One goes and one comes: that is two writes.
    stack.write("stack.hcl", &text("size = \"7\", cost = \"8\"", "s3:PutObject"));
    stack.plan().says(&[SHUT]);
    stack.apply();
    stack.assert_converged();
}

/// The group of others holds a policy of the stack. What that denies counts like what the group says itself.
#[test]
fn scope_deny_through_foreign_group_counts() {
    let aws = Emulator::moto();
    let guard = "\nscope \"guard\" {\n  statement {\n    effect    = \"deny\"\n    actions   = [\"s3:GetObject\"]\n    resources = [\"*\"]\n  }\n}\n\nidentity \"guarded\" {\n  kind       = \"service\"\n  owner      = owner.jane\n  scopes     = [scope.guard]\n  expires_at = \"2090-01-01T00:00:00Z\"\n}\n";
    let stack = stack(&aws, "arn:aws:iam::aws:policy/ReadOnlyAccess");
    stack.append("stack.hcl", guard);
    stack.apply();
    aws.boto3(
        "
        iam.create_group(GroupName='ops')
        iam.attach_group_policy(GroupName='ops', PolicyArn='arn:aws:iam::123456789012:policy/leasehold/payments/payments.guard')
        iam.put_group_policy(GroupName='ops', PolicyName='more', PolicyDocument=json.dumps({
            'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sqs:SendMessage', 'Resource': '*'}]}))",
    );
    let member = "scopes              = [scope.read]\n  managed_groups      = [\"ops\"]";
    stack.edit("stack.hcl", "scopes              = []", member);
    stack.apply();
    stack.edit("stack.hcl", member, "scopes              = []");
    stack
        .plan()
        .says(&["during the change, aws_iam_user_policy reporter/leasehold also denies what the attached and detached policies deny"]);
    stack.apply();
    stack.assert_converged();
}

/// She stays in the group of others, and what it holds of the stack is rewritten together with her own policy.
#[test]
fn scope_through_foreign_group_is_rewritten_with_its_member() {
    let aws = Emulator::moto();
    let text = |own: &str, denied: &str| {
        format!(
            "{HEAD}\nscope \"guard\" {{\n  statement {{\n    effect    = \"deny\"\n    actions   = [\"s3:{denied}\"]\n    resources = [\"*\"]\n  }}\n}}\n\nidentity \"guarded\" {{\n  kind       = \"service\"\n  owner      = owner.jane\n  scopes     = [scope.guard]\n  expires_at = \"{DEADLINE}\"\n}}\n\nidentity \"reporter\" {{\n  kind           = \"service\"\n  owner          = owner.jane\n  managed_groups = [\"ops\"]\n  expires_at     = \"{DEADLINE}\"\n\n  statement {{\n    actions   = [\"s3:{own}\"]\n    resources = [\"*\"]\n  }}\n}}\n"
        )
    };
    let stack = Stack::of(&text("GetObject", "PutObject")).with_env(aws.env());
    aws.boto3("iam.create_group(GroupName='ops')");
    stack.apply();
    aws.boto3("iam.attach_group_policy(GroupName='ops', PolicyArn='arn:aws:iam::123456789012:policy/leasehold/payments/payments.guard')");
    stack.write("stack.hcl", &text("PutObject", "GetObject"));
    let (guard, own) =
        (steps(&stack, "aws_iam_policy", "payments/guard"), steps(&stack, "aws_iam_user_policy", "reporter/leasehold"));
    assert_eq!((guard.len(), own.len()), (2, 1), "{guard:#?} {own:#?}");
    assert!(waits_for(&own[0], &guard[0]) && waits_for(&guard[1], &own[0]), "{guard:#?} {own:#?}");
    stack.apply();
    stack.assert_converged();
    // Who leaves the group while what it holds is rewritten is denied everything for the moment.
    stack.write("stack.hcl", &text("GetObject", "PutObject").replace("  managed_groups = [\"ops\"]\n", ""));
    stack.plan().says(&["during the change, aws_iam_user_policy reporter/leasehold denies everything"]);
    stack.apply();
    stack.assert_converged();
}

/// Somebody undid a quarantine by hand, in part or whole. It is shut before what denies it a part goes, and until all is gone.
#[test]
fn deleted_identity_is_quarantined_before_its_deny_is_detached() {
    let statement = |effect: &str, action: &str| {
        format!(
            "iam.put_user_policy(UserName='reporter', PolicyName='leasehold', PolicyDocument=json.dumps({{'Version': '2012-10-17', 'Statement': [{{'Effect': '{effect}', 'Action': '{action}', 'Resource': '*'}}]}}))"
        )
    };
    let gone = "iam.delete_user_policy(UserName='reporter', PolicyName='leasehold')".to_owned();
    let nothing = "iam.get_user(UserName='reporter')".to_owned();
    for undone in [statement("Allow", "s3:*"), statement("Deny", "s3:DeleteObject"), gone, nothing.clone()] {
        let aws = Emulator::moto();
        let stack = stack(&aws, "arn:aws:iam::aws:policy/AWSDenyAll");
        stack.apply();
        stack.cut("stack.hcl", "identity \"reporter\"");
        stack.apply();
        aws.boto3(&undone);
        stack.end_grace_periods();
        let planned = stack.plan_json();
        let changes = planned["resource_changes"].as_array().unwrap();
        let own = changes.iter().find(|change| change["address"] == "aws_iam_user_policy.reporter/leasehold").unwrap();
        assert_eq!(own["change"]["actions"].as_array().unwrap().last().unwrap(), "delete");
        assert_eq!(own["change"]["after"], Value::Null);
        aws.clear_requests();
        // What `sweep` removes, it removes in that order.
        stack.ok(&["sweep", "--auto-approve"]);
        let writes: Vec<String> =
            aws.requests().into_iter().filter(Request::writes).map(|request| request.action).collect();
        let all = ["PutUserPolicy", "DetachUserPolicy", "DeleteUserPolicy", "DeleteUser"];
        assert_eq!(writes, if undone == nothing { &all[1..] } else { &all[..] });
        stack.assert_converged();
    }
}

/// A policy of somebody else's reads the tags of who holds it, whether it denies or allows, itself or through a group.
#[test]
fn foreign_tag_conditions_count_while_tags_change() {
    check_tag_condition("Deny", "StringNotEquals", false);
    check_tag_condition("Allow", "StringEquals", false);
    check_tag_condition("Allow", "StringEquals", true);
}

fn check_tag_condition(effect: &str, test: &str, through_a_group: bool) {
    let aws = Emulator::moto();
    aws.boto3(&format!(
        "iam.create_policy(PolicyName='guard', PolicyDocument=json.dumps({{'Version': '2012-10-17', 'Statement': [
            {{'Effect': '{effect}', 'Action': 's3:*', 'Resource': '*', 'Condition': {{'{test}': {{'aws:PrincipalTag/team': 'red'}}}}}}]}}))"
    ));
    let stack = stack(&aws, "arn:aws:iam::123456789012:policy/guard");
    if through_a_group {
        let held = "managed_policy_arns = [\"arn:aws:iam::123456789012:policy/guard\"]";
        stack.edit("stack.hcl", held, "");
        stack.append("stack.hcl", &format!("\ngroup \"team\" {{\n  members = [identity.reporter]\n  {held}\n}}\n"));
    }
    let tagged =
        |team: &str, scopes: &str| format!("scopes              = [{scopes}]\n  tags = {{ team = \"{team}\" }}");
    stack.edit("stack.hcl", "scopes              = []", &tagged("blue", "scope.read"));
    stack.apply();
    stack.edit("stack.hcl", &tagged("blue", "scope.read"), &tagged("red", ""));
    stack.plan().says(&["during the change, aws_iam_user_policy reporter/leasehold denies everything"]);
    stack.apply();
    stack.assert_converged();
}

/// What does not fit into a user's inline policy goes into a policy of its own, which must be there before it is attached.
#[test]
fn own_managed_policy_is_created_before_attachment() {
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
    assert!(attached["needs"].get(made["id"].to_string()).is_some(), "{attached:#}");
    stack.apply();
    stack.assert_converged();
}
