//! Runs Leasehold as a separate user, on an emulator that enforces policies.

use std::collections::BTreeSet;

use leasehold_emulator::Emulator;
use leasehold_fault_proxy::FaultProxy;
use serde_json::{Value, json};

use crate::faults::declared::{CI, HEAD, REPORTER};
use leasehold_test_harness::Stack;

/// Creates a user with this name, this policy and a key. Returns the environment with which a program runs as that user, through the proxy.
pub fn operator(aws: &Emulator, proxy: &FaultProxy, name: &str, policy: &Value) -> Vec<(String, String)> {
    let key = aws.boto3(&format!(
        "
        iam.create_user(UserName='{name}')
        iam.put_user_policy(UserName='{name}', PolicyName='operator', PolicyDocument=json.dumps({policy}))
        key = iam.create_access_key(UserName='{name}')['AccessKey']
        print([key['AccessKeyId'], key['SecretAccessKey']])
        "
    ));
    let own = |name: String, value: String| match name.as_str() {
        "AWS_ACCESS_KEY_ID" => (name, key[0].as_str().unwrap().to_owned()),
        "AWS_SECRET_ACCESS_KEY" => (name, key[1].as_str().unwrap().to_owned()),
        _ => (name, value),
    };
    proxy.env().into_iter().map(|(name, value)| own(name, value)).collect()
}

/// A policy with one statement that allows these actions on all resources.
pub fn allowing(actions: &[&str]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }] })
}

/// A user and a role join, move, leave, and are deleted after the grace period.
pub fn run_lifecycle(aws: &Emulator, stack: &Stack) {
    stack.append("stack.hcl", CI);
    stack.append("stack.hcl", REPORTER);
    stack.apply();
    stack.assert_converged();
    stack.edit("stack.hcl", r#"["s3:PutObject", "s3:DeleteObject"]"#, r#"["s3:PutObject"]"#);
    stack.edit("stack.hcl", r#"["s3:GetObject", "s3:ListBucket"]"#, r#"["s3:GetObject"]"#);
    stack.edit("stack.hcl", "\"prod\"", "\"staging\"");
    stack.apply();
    stack.assert_converged();
    aws.boto3(
        "
        iam.create_access_key(UserName='reporter')
        iam.create_login_profile(UserName='reporter', Password='Correct-Horse-7-Battery')
        ",
    );
    stack.cut("stack.hcl", "identity \"ci\"");
    stack.cut("stack.hcl", "identity \"reporter\"");
    stack.apply();
    stack.assert_converged();
    stack.end_grace_periods();
    stack.apply();
    stack.assert_converged();
}

#[test]
fn iam_permissions_allow_the_whole_lifecycle() {
    let aws = Emulator::ministack_with_auth();
    let proxy = FaultProxy::start_for_emulator(&aws);
    let env = operator(&aws, &proxy, "operator", &allowing(&["iam:*", "sts:GetCallerIdentity"]));
    let stack = Stack::of(HEAD).with_env(env);
    run_lifecycle(&aws, &stack);
    let refused: Vec<_> = proxy.requests().into_iter().filter(|request| request.client_status == Some(403)).collect();
    assert_eq!(refused, []);
    assert_eq!(aws.boto3("print([user['UserName'] for user in iam.list_users()['Users']])"), json!(["operator"]));
    assert_eq!(aws.boto3("print([role['RoleName'] for role in iam.list_roles()['Roles']])"), json!([]));
}

#[test]
fn read_only_user_fails_at_the_first_write() {
    let aws = Emulator::ministack_with_auth();
    let proxy = FaultProxy::start_for_emulator(&aws);
    let env = operator(&aws, &proxy, "operator", &allowing(&["iam:Get*", "iam:List*", "sts:GetCallerIdentity"]));
    let stack = Stack::of(HEAD).with_env(env);
    stack.append("stack.hcl", CI);
    stack.run(&["apply", "--auto-approve"]).expect(1).says(&["iam:CreateRole"]);
    assert_eq!(proxy.committed_writes(), []);
    assert_eq!(aws.boto3("print([role['RoleName'] for role in iam.list_roles()['Roles']])"), json!([]));
}

/// The policy that leasehold prints for a stack.
pub fn printed(stack: &Stack, purpose: &str) -> Value {
    stack.ok(&["provider", "aws-policy", "--for", purpose]).json()
}

/// The same policy without one action.
pub fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        statement["Action"].as_array_mut().unwrap().retain(|other| other != action);
    }
    policy["Statement"].as_array_mut().unwrap().retain(|statement| statement["Action"] != json!([]));
    policy
}

pub fn actions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let named = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    named.map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn printed_policy_allows_the_whole_lifecycle() {
    let described = Stack::of(HEAD);
    described.append("stack.hcl", CI);
    described.append("stack.hcl", REPORTER);
    let policy = printed(&described, "apply");
    let aws = Emulator::ministack_with_auth();
    let proxy = FaultProxy::start_for_emulator(&aws);
    let stack = Stack::of(HEAD).with_env(operator(&aws, &proxy, "operator", &policy));
    run_lifecycle(&aws, &stack);
    let refused: Vec<_> = proxy.requests().into_iter().filter(|request| request.client_status == Some(403)).collect();
    assert_eq!(refused, []);
}

#[test]
fn the_policy_for_planning_plans_and_writes_nothing() {
    let aws = Emulator::ministack_with_auth();
    let proxy = FaultProxy::start_for_emulator(&aws);
    let described = Stack::of(HEAD);
    described.append("stack.hcl", CI);
    described.append("stack.hcl", REPORTER);
    let policy = printed(&described, "plan");
    let stack = Stack::of(HEAD).with_env(operator(&aws, &proxy, "operator", &policy));
    stack.append("stack.hcl", CI);
    stack.append("stack.hcl", REPORTER);
    stack.ok(&["plan"]).says(&["2 joiners"]);
    stack.run(&["apply", "--auto-approve"]).expect(1);
    assert_eq!(proxy.committed_writes(), []);
}
