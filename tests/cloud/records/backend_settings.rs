//! What a `backend "s3"` block says beside the bucket's name takes effect: encryption, a profile and a role of its own.

use leasehold_emulator::Emulator;

use crate::records::{IDENTITIES, head, on_s3};
use leasehold_test_harness::Stack;

const BACKEND_ACCOUNT: &str = "444455556666";

/// The accounts in whose names S3 and IAM were called.
fn accounts(aws: &Emulator) -> (Vec<String>, Vec<String>) {
    let distinct = |of_s3: bool| {
        let requests = aws.requests().into_iter().filter(|request| request.action != "AssumeRole");
        let chosen = requests.filter(|request| request.action.starts_with("S3:") == of_s3);
        let mut accounts: Vec<String> = chosen.map(|request| request.account).collect();
        accounts.sort();
        accounts.dedup();
        accounts
    };
    (distinct(true), distinct(false))
}

#[test]
fn every_object_is_encrypted_with_the_key() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    let key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    stack.edit("stack.hcl", "lock_lease = \"2s\"", &format!("lock_lease = \"2s\"\n    kms_key_id = \"{key}\""));
    stack.apply();
    stack.cut("stack.hcl", "identity \"old\"");
    stack.apply();
    let keys = aws.boto3(
        "
        s3 = client('s3')
        heads = [s3.head_object(Bucket='records', Key=o['Key']) for o in s3.list_objects_v2(Bucket='records')['Contents']]
        print(sorted({(head.get('ServerSideEncryption'), head.get('SSEKMSKeyId')) for head in heads}))
        ",
    );
    assert_eq!(keys, serde_json::json!([["aws:kms", key]]));
}

#[test]
fn a_role_of_the_backend_reaches_the_bucket_and_not_iam() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    let role = format!("assume_role {{\n      role_arn = \"arn:aws:iam::{BACKEND_ACCOUNT}:role/records\"\n    }}");
    stack.edit("stack.hcl", "lock_lease = \"2s\"", &format!("lock_lease = \"2s\"\n    {role}"));
    aws.clear_requests();
    stack.apply();
    assert_eq!(accounts(&aws), (vec![BACKEND_ACCOUNT.to_owned()], vec![Emulator::ACCOUNT.to_owned()]));
    stack.ok(&["audit", "verify"]).says(&["The ledger is intact"]);
}

#[test]
fn a_profile_of_the_backend_reaches_the_bucket_and_not_iam() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    stack.edit("stack.hcl", "lock_lease = \"2s\"", "lock_lease = \"2s\"\n    profile    = \"records\"");
    stack.write(
        "aws-config",
        &format!(
            "[profile records]\nrole_arn = arn:aws:iam::{BACKEND_ACCOUNT}:role/records\ncredential_source = Environment\n"
        ),
    );
    let file = stack.path("aws-config").display().to_string();
    let stack = stack.with_env([("AWS_CONFIG_FILE".to_owned(), file)]);
    aws.clear_requests();
    stack.apply();
    assert_eq!(accounts(&aws), (vec![BACKEND_ACCOUNT.to_owned()], vec![Emulator::ACCOUNT.to_owned()]));
}

#[test]
fn without_them_the_provider_reaches_the_bucket() {
    let aws = Emulator::moto();
    aws.boto3("client('s3').create_bucket(Bucket='records')");
    let text = format!("{}{IDENTITIES}", head("crash", crate::records::BUCKET));
    let role = format!("assume_role {{\n    role_arn = \"arn:aws:iam::{BACKEND_ACCOUNT}:role/leasehold\"\n  }}");
    let stack = Stack::of(&text.replace("region = \"us-east-1\"", &format!("region = \"us-east-1\"\n  {role}")));
    let stack = stack.with_env(aws.env());
    aws.clear_requests();
    stack.apply();
    assert_eq!(accounts(&aws), (vec![BACKEND_ACCOUNT.to_owned()], vec![BACKEND_ACCOUNT.to_owned()]));
}
