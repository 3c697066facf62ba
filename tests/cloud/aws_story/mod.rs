//! The whole story on AWS IAM, told by the real program against an emulator and asserted by a client of its own, boto3.

mod accounts;
mod credential_sources;
mod credentials;
mod drift;
mod environment;
mod error_messages;
mod faults;
mod federations;
mod interim;
mod lifecycle;
mod ownership;
mod quotas;
mod refusals;
mod remedies;
mod trust;
mod unreachable_accounts;

use leasehold_emulator::Emulator;
use leasehold_test_harness::Stack;
use serde_json::{Value, json};

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

/// What a small stack begins with.
const HEAD: &str = r#"leasehold {
  stack = "payments"
}

provider "aws" {
  region = "us-east-1"
}

owner "jane" {}
"#;

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

/// As [`leasehold_test_harness::snapshot`], without the values that differ from run to run on the emulator.
macro_rules! filtered {
    ($($snapshot:tt)*) => {
        $crate::aws_story::filters().bind(|| leasehold_test_harness::snapshot!($($snapshot)*))
    };
}
use filtered;

/// The filters of [`filtered`].
fn filters() -> insta::Settings {
    let mut settings = leasehold_test_harness::settings();
    settings.add_filter(r"now \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "now [now]");
    settings.add_filter(r"delete after \d{4}-\d\d-\d\d", "delete after [day]");
    settings.add_filter(r"expires 2090-01-01 \([0-9a-z]+\)", "expires 2090-01-01 ([days])");
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:[port]");
    settings.add_filter(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "since [then]");
    settings.add_filter(r"(AKIA|LKIA)…[A-Z0-9]{4}", "[short key]");
    settings.add_filter(r"(AKIA|LKIA)[A-Z0-9]{12,16}", "[key]");
    settings.add_filter(r"(APKA|ACCA)…[A-Z0-9]{4}", "$1…[id]");
    settings.add_filter(r"(APKA|ACCA)[A-Z0-9]{16}", "$1[id]");
    settings.add_filter(r"\b[a-z0-9]{4}…[a-z0-9]{4}", "[certificate]");
    settings.add_filter(r"\b[a-z0-9]{32}\b", "[certificate id]");
    settings
}
