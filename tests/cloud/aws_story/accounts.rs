//! Three accounts in one stack, two of them by a role.

use leasehold_emulator::{Emulator, Fault};
use serde_json::{Value, json};

use super::{DEADLINE, HEAD, filtered};
use leasehold_test_harness::{Ran, Stack};

const AUDIT: &str = "111111111111";
const PROD: &str = "222222222222";

/// A user in each of two accounts with one scope, and a role in the third that trusts both.
fn three() -> String {
    let account = |alias: &str, number: &str| {
        format!(
            "provider \"aws\" {{\n  alias               = \"{alias}\"\n  allowed_account_ids = [\"{number}\"]\n  assume_role {{\n    role_arn = \"arn:aws:iam::{number}:role/leasehold\"\n  }}\n}}\n"
        )
    };
    format!(
        r#"{HEAD}
{audit}
{prod}
scope "orders_read" {{
  statement {{
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme-orders/*"]
  }}
}}

identity "reporter" {{
  kind       = "service"
  owner      = owner.jane
  scopes     = [scope.orders_read]
  expires_at = "{DEADLINE}"
}}

identity "auditor" {{
  kind       = "service"
  owner      = owner.jane
  name       = "reporter"
  provider   = provider.aws.audit
  scopes     = [scope.orders_read]
  expires_at = "{DEADLINE}"
}}

identity "deployer" {{
  kind       = "workload"
  owner      = owner.jane
  provider   = provider.aws.prod
  expires_at = "{DEADLINE}"
  trust "identity" {{
    identities = [identity.reporter, identity.auditor]
  }}
}}
"#,
        audit = account("audit", AUDIT),
        prod = account("prod", PROD),
    )
}

fn fresh() -> (Emulator, Stack) {
    let aws = Emulator::moto();
    let stack = Stack::of(&three()).with_env(aws.env());
    (aws, stack)
}

/// The names that an account holds: its users, roles, and policies of its own.
fn names(aws: &Emulator, account: &str) -> Value {
    aws.boto3(&format!(
        "
        iam = iam_of('{account}')
        print([
            sorted(u['UserName'] for u in iam.list_users()['Users']),
            sorted(r['RoleName'] for r in iam.list_roles()['Roles']),
            sorted(p['PolicyName'] for p in iam.list_policies(Scope='Local')['Policies']),
        ])
        "
    ))
}

#[test]
fn three_accounts_share_one_lifecycle() {
    let (aws, stack) = fresh();
    filtered!("accounts_plan", stack.plan());
    stack.ok(&["plan", "--out", "three.plan"]);
    stack.ok(&["apply", "three.plan", "--auto-approve"]).says(&["audit:reporter", "prod:deployer"]);
    assert_eq!(names(&aws, Emulator::ACCOUNT), json!([["reporter"], [], ["payments.orders_read"]]));
    assert_eq!(names(&aws, AUDIT), json!([["reporter"], [], ["payments.orders_read"]]));
    assert_eq!(names(&aws, PROD), json!([[], ["deployer"], []]));
    let trusted = aws.boto3(&format!(
        "
        trust = iam_of('{PROD}').get_role(RoleName='deployer')['Role']['AssumeRolePolicyDocument']
        print(trust['Statement'][0]['Principal']['AWS'])
        "
    ));
    assert_eq!(
        trusted,
        json!([
            format!("arn:aws:iam::{AUDIT}:user/reporter"),
            format!("arn:aws:iam::{}:user/reporter", Emulator::ACCOUNT)
        ])
    );
    aws.clear_requests();
    stack.assert_converged();
    stack.ok(&["drift"]).says(&["In sync"]);
    let requests = aws.requests();
    assert!(requests.iter().all(|request| !request.writes()), "{:?}", aws.counts());
    for account in [Emulator::ACCOUNT, AUDIT, PROD] {
        assert!(requests.iter().any(|request| request.account == account), "{account} is read in its own name");
    }
    // What a stranger does in one account is undone there.
    aws.boto3(&format!(
        "iam_of('{AUDIT}').attach_user_policy(UserName='reporter', PolicyArn='arn:aws:iam::aws:policy/ReadOnlyAccess')"
    ));
    stack.run(&["drift"]).expect(2).says(&[&format!("arn:aws:iam::{AUDIT}:user/reporter")]);
    stack.apply();
    stack.assert_converged();
    // Somebody is stopped by the name that the cloud gives them.
    let arn = format!("arn:aws:iam::{AUDIT}:user/reporter");
    stack.ok(&["revoke", &arn, "--reason", "leaked"]);
    stack.ok(&["restore", "identity.auditor", "--auto-approve"]);
    stack.assert_converged();
    // Who moves to another account is another principal, and the role trusts the new one.
    stack.edit("stack.hcl", "provider   = provider.aws.audit", "provider   = provider.aws.prod");
    stack.apply().says(&["replaced by principal prod:reporter"]);
    stack.assert_converged();
    assert_eq!(names(&aws, PROD), json!([["reporter"], ["deployer"], ["payments.orders_read"]]));
    let text = stack.ok(&["list", "--format", "json"]).json().to_string();
    assert!(text.contains("quarantined") && text.contains("\"account\":\"audit\""), "{text}");
}

#[test]
fn denied_read_in_one_account_fails_the_plan() {
    let (aws, stack) = fresh();
    stack.apply();
    aws.order(Fault::deny("ListRoles").in_account(AUDIT));
    for command in [&["plan", "--out", "p"][..], &["apply", "--auto-approve"], &["drift"]] {
        let ran: Ran = stack.run(command).expect(1).says(&["provider.aws.audit", "iam:ListRoles", "access denied"]);
        assert_eq!(ran.stdout, "", "no plan, and nothing that reads like one");
        assert!(!stack.path("p").exists());
    }
    filtered!(stack.run(&["plan"]).expect(1), @"
    $ leasehold plan
    exit 1
    ─── stderr
    error: the cloud could not be read: access denied
      - iam:ListRoles: the caller does not have permission (AccessDenied: User: arn:aws:iam::123456789012:user/moto is not authorized to perform: iam:ListRoles) (in the account of provider.aws.audit)
      - Nothing was changed.
      help: allow iam:ListRoles to the caller; if a policy allows it, look for a permissions boundary or a service control policy that does not
    ");
    aws.clear_faults();
    stack.assert_converged();
}

#[test]
fn cross_account_trust_waits_for_propagation() {
    let (aws, stack) = fresh();
    let unknown =
        Fault::error("CreateRole", 400, "MalformedPolicyDocument").with_message("Invalid principal in policy");
    aws.order(unknown.in_account(PROD).times(2));
    stack.apply();
    assert_eq!(aws.calls("CreateRole"), 3);
    stack.assert_converged();
}

#[test]
fn two_providers_of_one_account_are_refused_before_any_read() {
    let (aws, stack) = fresh();
    stack.write("stack.hcl", &stack.read("stack.hcl").replace(PROD, AUDIT));
    filtered!(stack.run(&["plan"]).expect(1), @"
    $ leasehold plan
    exit 1
    ─── stderr
    error: the credentials belong to an account that the configuration does not allow
      - provider.aws.prod: its account is 111111111111, the same as of provider.aws.audit
      - Nothing was changed.
      help: give each provider block credentials for a different account; objects in the same account use the same provider
    ");
    stack.run(&["apply", "--auto-approve"]).expect(1).says(&["provider.aws.prod", "provider.aws.audit"]);
    let actions: Vec<String> = aws.counts().into_keys().collect();
    assert_eq!(actions, ["AssumeRole", "GetCallerIdentity"]);
}

#[test]
fn an_alias_keeps_to_the_accounts_it_may_work_in() {
    let (aws, stack) = fresh();
    stack.edit("stack.hcl", &format!("allowed_account_ids = [\"{PROD}\"]"), "allowed_account_ids = [\"333333333333\"]");
    stack.run(&["plan"]).expect(1).says(&["provider.aws.prod", "333333333333"]);
    assert!(!aws.counts().contains_key("GetAccountAuthorizationDetails"));
}
