//! A plan that the account has no room for.

use leasehold_emulator::Emulator;

use super::{DEADLINE, HEAD, filtered, fresh, names};
use leasehold_test_harness::Stack;

/// Sets numbers of the account's summary.
fn quota(aws: &Emulator, name: &str, limit: usize) {
    aws.boto3(&format!(
        "
        from moto.iam.models import iam_backends
        iam_backends['{}']['aws'].account_summary.{name} = {limit}
        ",
        Emulator::ACCOUNT
    ));
}

#[test]
fn exceeded_account_quota_is_reported_before_any_write() {
    let (aws, stack) = fresh();
    quota(&aws, "_roles_quota", 0);
    quota(&aws, "_policies_quota", 0);
    for command in [&["plan"] as &[&str], &["apply", "--auto-approve"]] {
        let ran = stack.run(command).expect(3);
        if command == ["plan"] {
            filtered!(ran, @"
            $ leasehold plan
            exit 3
            ─── stderr
            error: the plan exceeds an AWS quota of the account; nothing was changed: 0 of 0 roles are used, and the plan creates 1, which makes 1 (RolesQuota); 0 of 0 customer-managed policies are used, and the plan creates 1, which makes 1 (PoliciesQuota)
              help: Request a higher quota (Service Quotas, IAM), or remove unused objects. If this plan deletes some, run `leasehold sweep` first to delete them, or apply a part of the plan with --target.
            ");
        }
    }
    assert_eq!(names(&aws), serde_json::json!([]));
    assert_eq!(aws.requests().iter().filter(|request| request.writes()).count(), 0);
    // A part of it has room.
    quota(&aws, "_policies_quota", 1);
    stack.ok(&["plan", "--target", "identity.reporter"]);
    quota(&aws, "_roles_quota", 1);
    aws.clear_requests();
    stack.apply();
    assert_eq!(aws.calls("GetAccountSummary"), 1, "one call, where something is made");
    aws.clear_requests();
    stack.assert_converged();
    assert_eq!(aws.calls("GetAccountSummary"), 0);
    // What changes and makes nothing is not held back by an account that is full.
    quota(&aws, "_roles_quota", 0);
    stack.edit("stack.hcl", "environment          = \"prod\"", "environment          = \"staging\"");
    stack.apply();
}

#[test]
fn exceeded_quota_of_one_block_is_reported_at_its_line() {
    let (aws, stack) = fresh();
    let arns: Vec<String> = (0..11).map(|n| format!("\"arn:aws:iam::aws:policy/Policy{n:02}\"")).collect();
    stack.append(
        "stack.hcl",
        &format!(
            "identity \"collector\" {{\n  kind                = \"workload\"\n  owner               = owner.jane\n  expires_at          = \
             \"2090-01-01T00:00:00Z\"\n  managed_policy_arns = [\n    {},\n  ]\n  trust \"service\" {{\n    principals = \
             [\"lambda.amazonaws.com\"]\n  }}\n}}\n",
            arns.join(",\n    ")
        ),
    );
    filtered!("quota_of_a_role", stack.run(&["plan"]).expect(1));
    quota(&aws, "_attached_policies_per_role_quota", 11);
    stack.ok(&["plan"]);
}

#[test]
fn grown_trust_policy_is_checked_against_the_quota() {
    let (aws, stack) = fresh();
    stack.apply();
    let subjects: Vec<String> =
        (0..40).map(|n| format!("\"repo:acme/checkout:environment:stage-of-the-shop-{n:02}\"")).collect();
    stack.edit("stack.hcl", "subjects  = [", &format!("subjects  = [{}, ", subjects.join(", ")));
    filtered!(stack.run(&["plan"]).expect(1), @r#"
    $ leasehold plan
    exit 1
    ─── stderr
    limits::quota

      × identity.checkout_ci would have 2598 characters in the trust policy; the quota of this account
      │ is 2048 (AssumeRolePolicySizeQuota)
        ╭─[stack.hcl:54:3]
     53 │ 
     54 │   trust "oidc" {
        ·   ──────┬─────
        ·         ╰── exceeds an AWS quota of this account
     55 │     issuer    = "https://token.actions.githubusercontent.com"
        ╰────
      help: trust fewer principals, use patterns in `subjects`, or request a higher quota (Service
            Quotas, IAM)
    "#);
    quota(&aws, "_assume_role_policy_size_quota", 4096);
    stack.apply();
    stack.assert_converged();
}

/// What it has said so far goes only once its own policy says the same. The two have no room beside each other in a user.
#[test]
fn inline_policies_over_the_limit_together_are_reported_first() {
    let aws = Emulator::moto();
    let buckets: Vec<String> = (0..30).map(|n| format!("\"arn:aws:s3:::acme-{n:02}-{}/*\"", "x".repeat(20))).collect();
    aws.boto3(&format!(
        "
        iam.create_user(UserName='reporter')
        iam.put_user_policy(UserName='reporter', PolicyName='old', PolicyDocument=json.dumps({{'Version': '2012-10-17', 'Statement': [
            {{'Effect': 'Allow', 'Action': 's3:GetObject', 'Resource': [{}]}}]}}))
        ",
        buckets.join(", ")
    ));
    let statement =
        format!("statement {{\n    actions   = [\"s3:GetObject\"]\n    resources = [{}]\n  }}\n", buckets.join(", "));
    let text = |scope: &str, own: &str| {
        format!(
            "{HEAD}\n{scope}\nidentity \"reporter\" {{\n  kind       = \"service\"\n  owner      = owner.jane\n  expires_at = \"{DEADLINE}\"\n  {own}\n}}\n\nimport {{\n  to = identity.reporter\n  id = \"user/reporter\"\n}}\n"
        )
    };
    let stack = Stack::of(&text("", &statement)).with_env(aws.env());
    filtered!(stack.run(&["plan"]).expect(1), @r#"
    $ leasehold plan
    exit 1
    ─── stderr
    limits::quota

      × identity.reporter would have 3098 characters in its inline policies at the same time; the
      │ quota of this account is 2048 (UserPolicySizeQuota)
        ╭─[stack.hcl:16:3]
     15 │   expires_at = "2090-01-01T00:00:00Z"
     16 │   statement {
        ·   ────┬────
        ·       ╰── exceeds an AWS quota of this account
     17 │     actions   = ["s3:GetObject"]
        ╰────
      help: move statements to a scope: a scope is a separate policy of up to 6144 characters.
            Existing inline policies count too: they are deleted only after the new ones are attached
    "#);
    stack.run(&["apply", "--auto-approve"]).expect(1);
    assert_eq!(aws.requests().iter().filter(|request| request.writes()).count(), 0);
    // A scope is a policy of its own.
    stack.write("stack.hcl", &text(&format!("scope \"read\" {{\n  {statement}}}\n"), "scopes = [scope.read]"));
    stack.apply();
    stack.assert_converged();
}
