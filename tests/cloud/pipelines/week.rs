//! A team's week, with git, on AWS: a branch, a merge, somebody's hand in the console, a lease and a grace that end, a leak, a stale plan.
//! What each command prints is a snapshot.

use std::process::Command;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use leasehold_emulator::Emulator;

use super::inert::assert_well_formed;
use leasehold_test_harness::{Stack, sarif};

fn filters() -> insta::Settings {
    let mut settings = leasehold_test_harness::settings();
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[instant]");
    settings.add_filter(r"\d{4}-\d\d-\d\d", "[day]");
    settings.add_filter(r"(&#40;|\()\d+[dhms][0-9dhms]*(&#41;|\))", "$1[span]$2");
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:[port]");
    settings.add_filter(r#"("leaseholdAlert/v1": )"[^"]+""#, "$1\"[fingerprint]\"");
    settings
}

/// As [`leasehold_test_harness::snapshot`], without times and ports.
macro_rules! golden {
    ($($snapshot:tt)*) => {
        filters().bind(|| leasehold_test_harness::snapshot!($($snapshot)*))
    };
}

fn git(stack: &Stack, args: &[&str]) {
    let identity = [("GIT_AUTHOR_NAME", "Jane"), ("GIT_AUTHOR_EMAIL", "jane@example.com")];
    let committer = [("GIT_COMMITTER_NAME", "Jane"), ("GIT_COMMITTER_EMAIL", "jane@example.com")];
    let output = Command::new("git")
        .args(args)
        .current_dir(stack.dir())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(identity)
        .envs(committer)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn commit(stack: &Stack, message: &str) {
    git(stack, &["add", "--all", "--", "*.hcl", ".gitignore"]);
    git(stack, &["commit", "--quiet", "--message", message]);
}

/// What the branch adds: a role, a service account, and a person whose lease ends.
fn three(ends: Timestamp) -> String {
    format!(
        r#"identity "deploy" {{
  kind    = "workload"
  owner   = owner.jane
  purpose = "deploys the checkout service"
  ttl     = "90d"
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

identity "nightly" {{
  kind    = "service"
  owner   = owner.jane
  purpose = "runs at night"
  ttl     = "90d"
  scopes  = [scope.orders_read]
}}

identity "contractor" {{
  kind       = "human"
  owner      = owner.jane
  purpose    = "looks into the outage"
  expires_at = "{ends}"
  scopes     = [scope.orders_read]
}}
"#
    )
}

const BEFORE: &str = r#"leasehold {
  stack = "payments"
  defaults {
    leaver {
      grace = "1s"
    }
  }
}

provider "aws" {
  region              = "us-east-1"
  allowed_account_ids = ["123456789012"]
}

owner "jane" {
  email = "jane@example.com"
}

scope "orders_read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme-orders/*"]
  }
}
"#;

const OLD_BOT: &str = r#"identity "old_bot" {
  kind   = "service"
  owner  = owner.jane
  ttl    = "90d"
  scopes = [scope.orders_read]
}
"#;

#[test]
fn a_teams_week() {
    let aws = Emulator::moto();
    let stack = Stack::of(BEFORE).with_env(aws.env());
    stack.write("identities.hcl", OLD_BOT);
    stack.write(".gitignore", ".leasehold/\n*.plan\n");
    git(&stack, &["init", "--quiet", "--initial-branch", "main"]);
    commit(&stack, "Begin");
    let begun = Timestamp::now();
    stack.apply();
    // Long enough to be planned, merged and applied on this machine as busy as it is, and short enough to be waited for.
    let lease = Timestamp::now().duration_since(begun) * 5 + SignedDuration::from_secs(2);

    // Monday: a branch adds three identities; the pull request shows what that means.
    git(&stack, &["switch", "--quiet", "--create", "three"]);
    let ends = Timestamp::from_second((Timestamp::now() + lease).as_second()).unwrap();
    stack.append("identities.hcl", &three(ends));
    commit(&stack, "Add three identities");
    let comment = stack.ok(&["plan", "--format", "markdown", "--out", "review.plan", "--json-into", "plan.json"]);
    assert_well_formed(&comment.stdout);
    golden!("monday_comment", comment);
    let beside: serde_json::Value = serde_json::from_str(&stack.read("plan.json")).unwrap();
    assert_eq!(beside["summary"]["joiners"], 3);

    // It is merged, and what was reviewed is applied.
    git(&stack, &["switch", "--quiet", "main"]);
    git(&stack, &["merge", "--quiet", "--ff-only", "three"]);
    golden!(stack.ok(&["apply", "review.plan", "--auto-approve"]), @"
    $ leasehold apply review.plan --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [instant]

      + joiner   identity.contractor  human · owner jane · expires [day] ([span]) · read access
          + aws_iam_user                    contractor
          + aws_iam_user_policy             contractor/leasehold    lease deny
          + aws_iam_user_policy_attachment  contractor/orders_read

      + joiner   identity.deploy  workload · owner jane · expires [day] ([span]) · write access
          + aws_iam_role                    deploy
          + aws_iam_role_policy             deploy/leasehold  lease deny

      + joiner   identity.nightly  service · owner jane · expires [day] ([span]) · read access
          + aws_iam_user                    nightly
          + aws_iam_user_policy             nightly/leasehold    lease deny
          + aws_iam_user_policy_attachment  nightly/orders_read

    Plan: 8 to add, 0 to change, 0 to destroy.  3 joiners.

    Apply complete! 8 added, 0 changed, 0 destroyed. Read back and verified.
    ");
    golden!(stack.ok(&["drift"]), @"
    $ leasehold drift
    exit 0
    ─── stdout
    Leasehold drift  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [instant]

    In sync: 4 identities and 1 scope match the last applied state.
    ");

    // Tuesday: somebody attaches AdministratorAccess by hand.
    aws.boto3("iam.attach_user_policy(UserName='nightly', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')");
    let human = stack.run(&["drift"]).expect(2);
    assert!(
        human.stdout.contains("identity.nightly") && human.stdout.contains("policy/AdministratorAccess"),
        "{human}"
    );
    golden!(human, @"
    $ leasehold drift
    exit 2
    ─── stdout
    Leasehold drift  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [instant]

      ! unmanaged access  identity.nightly  owner jane
          has arn:aws:iam::aws:policy/AdministratorAccess, which is not declared
          arn:aws:iam::123456789012:user/nightly
          not decided: Leasehold does not read the content of arn:aws:iam::aws:policy/AdministratorAccess
          + aws_iam_user_policy_attachment  nightly/AdministratorAccess
          Find out who added it. Declare it, or run `leasehold apply` to remove it.

    Drift: 1 finding; checked 4 identities and 1 scope.
    ");
    let issue = stack.run(&["drift", "--format", "markdown"]).expect(2);
    assert_well_formed(&issue.stdout);
    golden!(issue, @"
    $ leasehold drift --format markdown
    exit 2
    ─── stdout
    ### Leasehold drift · stack <code>payments</code>

    **Drift: 1 finding; checked 4 identities and 1 scope.**

    <code>aws</code> <code>123456789012</code> as <code>user/moto</code> · now [instant]

    <details><summary>unmanaged access · <code>identity.nightly</code> · owner <code>jane</code> · <code>has arn:aws:iam::aws:policy/AdministratorAccess, which is not declared</code></summary>

    - <code>arn:aws:iam::123456789012:user/nightly</code>
    - not decided: <code>Leasehold does not read the content of arn:aws:iam::aws:policy/AdministratorAccess</code>
    - Find out who added it. Declare it, or run `leasehold apply` to remove it.

    ```diff
    + aws_iam_user_policy_attachment nightly/AdministratorAccess
    ```

    </details>
    ");
    let log = stack.run(&["drift", "--format", "sarif"]).expect(2);
    sarif::assert_valid(&log.json());
    golden!("tuesday_sarif", log);
    golden!(stack.apply(), @"
    $ leasehold apply --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [instant]

      ! drift    identity.nightly  changed outside Leasehold
          - aws_iam_user_policy_attachment  nightly/AdministratorAccess

    Plan: 0 to add, 0 to change, 1 to destroy.  1 drift.

    Apply complete! 0 added, 0 changed, 1 destroyed. Read back and verified.
    ");

    // Wednesday: the contractor's lease ends. Nobody changes the configuration; the scheduled job shuts it.
    let left = ends.duration_since(Timestamp::now()) + SignedDuration::from_millis(100);
    std::thread::sleep(Duration::try_from(left).unwrap_or_default());
    golden!(stack.run(&["drift"]).expect(2), @"
    $ leasehold drift
    exit 2
    ─── stdout
    Leasehold drift  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [instant]

      ! lease expired  identity.contractor  owner jane
          its lease expired at [instant], but it is not quarantined
          arn:aws:iam::123456789012:user/contractor
          Run `leasehold sweep` on a schedule, or renew the lease.

    Drift: 1 finding; checked 4 identities and 1 scope.
    ");
    golden!(stack.ok(&["sweep", "--auto-approve"]), @"
    $ leasehold sweep --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [instant]

      - leaver   identity.contractor  lease expired [instant] → quarantine now, delete after its block is removed
          ~ aws_iam_user_policy             contractor/leasehold  deny everything

    Plan: 0 to add, 1 to change, 0 to destroy.  1 leaver.

    Apply complete! 0 added, 1 changed, 0 destroyed. Read back and verified.
    ");
    stack.run(&["drift"]).expect(0);

    // Thursday: the old bot's block goes; its grace ends, and the scheduled job deletes it.
    stack.cut("identities.hcl", "identity \"old_bot\"");
    commit(&stack, "Let the old bot go");
    golden!(stack.apply(), @"
    $ leasehold apply --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [instant]

      - leaver   identity.old_bot  no longer in configuration → quarantine now, delete after [day]
          ~ aws_iam_user_policy             old_bot/leasehold  deny everything

      . quarantined  identity.contractor  since [day] (lease-ended) · delete after its block is removed

    Plan: 0 to add, 1 to change, 0 to destroy.  1 leaver.

    Apply complete! 0 added, 1 changed, 0 destroyed. Read back and verified.
    ");
    std::thread::sleep(Duration::from_millis(2_100));
    golden!(stack.ok(&["sweep", "--auto-approve"]), @"
    $ leasehold sweep --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [instant]

      - leaver   identity.old_bot  no longer in configuration → delete now
          - aws_iam_user                    old_bot
          - aws_iam_user_policy             old_bot/leasehold
          - aws_iam_user_policy_attachment  old_bot/orders_read

      . quarantined  identity.contractor  since [day] (lease-ended) · delete after its block is removed

    Plan: 0 to add, 0 to change, 3 to destroy.  1 leaver.

    Apply complete! 0 added, 0 changed, 3 destroyed. Read back and verified.
    ");
    let users = aws.boto3("print(sorted(u['UserName'] for u in iam.list_users()['Users']))");
    assert_eq!(users, serde_json::json!(["contractor", "nightly"]));

    // Friday: calls that nobody can explain. One command.
    aws.clear_requests();
    let reason = "strange calls, see the incident";
    golden!(stack.ok(&["revoke", "identity.deploy", "--reason", reason]), @"
    $ leasehold revoke identity.deploy --reason strange calls, see the incident
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [instant]

      - leaver   identity.deploy  revoked: strange calls see the incident → quarantine now, until `leasehold restore identity.deploy`
          ~ aws_iam_role                    deploy            trust policy replaced by Deny
          ~ aws_iam_role_policy             deploy/leasehold  deny everything

    Plan: 0 to add, 2 to change, 0 to destroy.  1 leaver.

    Apply complete! 0 added, 2 changed, 0 destroyed. Read back and verified.
    ");
    assert_eq!(super::writes(&aws), 3, "{:?}", aws.counts());
    golden!(stack.run(&["plan", "--detailed-exitcode"]).expect(0), @"
    $ leasehold plan --detailed-exitcode
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [instant]

    No changes. Your identities match the configuration.
      . quarantined  identity.contractor  since [day] (lease-ended) · delete after its block is removed
      . quarantined  identity.deploy  since [day] (revoked: strange calls see the incident) · until `leasehold restore identity.deploy`
    ");

    // A plan that was saved before is stale by now.
    stack.edit("stack.hcl", "[\"s3:GetObject\"]", "[\"s3:GetObject\", \"s3:ListBucket\"]");
    stack.ok(&["plan", "--out", "review.plan"]);
    aws.boto3(
        "
        other = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]})
        arn = 'arn:aws:iam::123456789012:policy/leasehold/payments/payments.orders_read'
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=other, SetAsDefault=True)
        ",
    );
    aws.clear_requests();
    golden!(stack.run(&["apply", "review.plan", "--auto-approve"]).expect(3), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: the saved plan is stale; nothing was changed
      - aws_iam_policy payments/orders_read has changed in the cloud
      help: Make a new plan, review it, and apply that.
    ");
    assert_eq!(super::writes(&aws), 0);
}
