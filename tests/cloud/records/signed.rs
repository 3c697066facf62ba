//! Every request of a joiner, a mover, a leaver, drift and audits has a right signature and a right payload hash. The emulators check each with
//! botocore's signers, which share no code with those of the program.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_emulator::{Emulator, VALID};
use leasehold_fault_proxy::FaultProxy;

use crate::records::{IDENTITIES, head};
use leasehold_test_harness::Stack;

const RETAINED: &str = r#"backend "s3" {
    bucket     = "records"
    prefix     = "iam/signed records"
    kms_key_id = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    retention {
      mode   = "governance"
      period = "1d"
    }
  }"#;

const PLAIN: &str = r#"backend "s3" {
    bucket = "records"
    prefix = "iam/signed records"
  }"#;

/// A stack with its records in a bucket.
fn stack(aws: &Emulator, backend: &str, env: Vec<(String, String)>) -> Stack {
    let object_lock = if backend == RETAINED { "True" } else { "False" };
    aws.boto3(&format!("client('s3').create_bucket(Bucket='records', ObjectLockEnabledForBucket={object_lock})"));
    Stack::of(&format!("{}{IDENTITIES}", head("signed", backend))).with_env(env)
}

/// An environment with the credentials of a session.
fn session(aws: &Emulator, mut env: Vec<(String, String)>) -> Vec<(String, String)> {
    let made = aws.boto3(
        "
        trust = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'sts:AssumeRole'}]}
        role = iam.create_role(RoleName='runner', AssumeRolePolicyDocument=json.dumps(trust))['Role']['Arn']
        made = sts.assume_role(RoleArn=role, RoleSessionName='pipeline')['Credentials']
        print([made['AccessKeyId'], made['SecretAccessKey'], made['SessionToken']])
        ",
    );
    let [key, secret, token] = serde_json::from_value(made).unwrap();
    env.retain(|(name, _)| !["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].contains(&name.as_str()));
    for (name, value) in [("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret), ("AWS_SESSION_TOKEN", token)] {
        env.push((name.to_owned(), value));
    }
    env
}

/// A joiner, a mover, drift and its repair, a leaver, and the audits of all that.
fn live(aws: &Emulator, stack: &Stack) {
    stack.ok(&["plan", "--out", "joiner.plan"]);
    stack.ok(&["apply", "joiner.plan", "--auto-approve"]);
    stack.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:GetObject\", \"s3:GetObjectTagging\"");
    stack.apply();
    aws.boto3("iam.attach_user_policy(UserName='reporter', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')");
    stack.run(&["drift"]).expect(2);
    stack.apply();
    stack.ok(&["drift"]);
    stack.cut("stack.hcl", "identity \"old\"");
    stack.apply();
    stack.ok(&["sweep", "--auto-approve"]);
    stack.assert_converged();
    stack.ok(&["lock", "show"]);
    stack.ok(&["audit", "list"]);
    stack.ok(&["audit", "export"]);
    stack.ok(&["audit", "verify"]);
}

/// The verdicts on the program's requests: all must be valid, however many there were.
#[track_caller]
fn assert_all_valid(aws: &Emulator) {
    let verdicts = aws.signatures();
    let (valid, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        verdicts.iter().partition(|(name, _)| name.as_str() == VALID);
    assert!(valid.values().copied().sum::<usize>() > 100 && others.is_empty(), "{verdicts:?}");
}

#[test]
fn every_request_on_moto_with_retention_is_valid() {
    let aws = Emulator::moto();
    live(&aws, &stack(&aws, RETAINED, aws.env()));
    let requests = aws.requests();
    let wrong: Vec<_> = requests.iter().filter(|request| request.signature != VALID).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let seen: BTreeSet<_> = requests.iter().map(|request| request.action.as_str()).collect();
    for action in ["S3:PUT", "S3:GET", "CreateUser", "PutUserPolicy", "GetCallerIdentity", "DetachUserPolicy"] {
        assert!(seen.contains(action), "{seen:?}");
    }
    assert_all_valid(&aws);
}

#[test]
fn every_request_of_a_session_is_valid() {
    let aws = Emulator::moto();
    let env = session(&aws, aws.env());
    live(&aws, &stack(&aws, RETAINED, env));
    assert_all_valid(&aws);
}

#[test]
fn every_request_on_ministack_through_a_proxy_is_valid() {
    let aws = Emulator::ministack();
    let proxy = FaultProxy::start_for_emulator(&aws);
    live(&aws, &stack(&aws, PLAIN, proxy.env()));
    assert_all_valid(&aws);
}

#[test]
fn every_request_of_a_session_on_ministack_is_valid() {
    let aws = Emulator::ministack_with_auth();
    let env = session(&aws, aws.env());
    let all = "{'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]}";
    aws.boto3(&format!("iam.put_role_policy(RoleName='runner', PolicyName='all', PolicyDocument=json.dumps({all}))"));
    live(&aws, &stack(&aws, RETAINED, env));
    assert_all_valid(&aws);
}

#[test]
fn a_wrong_secret_is_refused_by_s3_and_iam() {
    let aws = Emulator::moto();
    let wrong = ("AWS_SECRET_ACCESS_KEY".to_owned(), "another".to_owned());
    let env = aws.env().into_iter().filter(|(name, _)| *name != wrong.0).chain([wrong.clone()]);
    let stack = stack(&aws, PLAIN, env.collect());
    stack.run(&["audit", "list"]).expect(1).says(&["SignatureDoesNotMatch"]);
    stack.run(&["plan"]).expect(1).says(&["SignatureDoesNotMatch"]);
    assert_eq!(aws.signatures().get(VALID), None);
}
