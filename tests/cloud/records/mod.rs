//! Lock, ledger, evidence and checkpoints, held to their promises by the real program: on a folder, and on S3 beside IAM.

mod backend_settings;
mod broken_locks;
mod checkpoints;
mod concurrency;
mod crash;
mod incomplete;
mod lost_lock;
mod origin;
mod refusals;
mod retention;
mod second_s3;
mod secrets;
mod shared_place;
mod signals;
mod signed;
mod stopped;
mod tampering;
mod transport;

use std::collections::BTreeMap;

use leasehold_emulator::Emulator;
use leasehold_test_harness::Stack;
use serde_json::Value;

/// The head of a stack on AWS whose records lie in S3.
fn head(stack: &str, backend: &str) -> String {
    format!(
        r#"leasehold {{
  stack = "{stack}"
  {backend}
  defaults {{
    ttl = "90d"
    leaver {{
      grace = "7d"
    }}
  }}
}}

provider "aws" {{
  region = "us-east-1"
}}

owner "jane" {{
  email = "jane@example.com"
}}

"#
    )
}

const BUCKET: &str = r#"backend "s3" {
    bucket     = "records"
    prefix     = "iam/crash"
    lock_lease = "2s"
  }"#;

/// Two scopes, two roles and a user.
const IDENTITIES: &str = r#"scope "read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme/*"]
  }
}

identity "ci" {
  kind   = "workload"
  owner  = owner.jane
  scopes = [scope.read]
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}

identity "reporter" {
  kind   = "service"
  owner  = owner.jane
  scopes = [scope.read]
}

identity "old" {
  kind  = "service"
  owner = owner.jane
}
"#;

fn on_s3(aws: &Emulator) -> Stack {
    on_s3_with_lease(aws, "2s")
}

/// Without a renewal of the lock, where the lease is longer than the test.
fn on_s3_with_lease(aws: &Emulator, lease: &str) -> Stack {
    aws.boto3("client('s3').create_bucket(Bucket='records')");
    let backend = BUCKET.replace("2s", lease);
    Stack::of(&format!("{}{IDENTITIES}", head("crash", &backend))).with_env(aws.env())
}

/// What lives in IAM, without what differs from run to run: instants and what is made of them.
fn iam(aws: &Emulator) -> Value {
    aws.boto3(
        r#"
        def plain(thing):
            if isinstance(thing, dict):
                if "Key" in thing and "Value" in thing:
                    changing = ("created-at", "expires-at", "digest", "quarantined-at", "lineage")
                    return None if thing["Key"].removeprefix("leasehold:") in changing else thing
                dropped = ("CreateDate", "RoleId", "UserId", "PolicyId", "RoleLastUsed", "UpdateDate", "PasswordLastUsed")
                return {key: plain(value) for key, value in thing.items() if key not in dropped}
            if isinstance(thing, list):
                return sorted((plain(item) for item in thing), key=lambda item: json.dumps(item, default=str))
            if isinstance(thing, str) and thing[:2] == "20" and thing[-1:] == "Z":
                return "instant"
            return thing
        details = iam.get_account_authorization_details(Filter=["User", "Role", "LocalManagedPolicy"])
        kept = ("UserDetailList", "RoleDetailList", "Policies")
        print(plain({key: details[key] for key in kept}))
        "#,
    )
}

/// The objects of the store, by key below the prefix.
fn objects(aws: &Emulator) -> BTreeMap<String, String> {
    let listed = aws.boto3(
        r#"
        s3 = client('s3')
        keys = [o['Key'] for o in s3.list_objects_v2(Bucket='records').get('Contents', [])]
        print({key: s3.get_object(Bucket='records', Key=key)['Body'].read().decode('utf-8', 'replace') for key in keys})
        "#,
    );
    serde_json::from_value(listed).unwrap()
}

/// The records of a ledger's entries, in order, each with its run.
fn records(entries: &[Value]) -> Vec<(String, Value)> {
    let of = |entry: &Value| {
        let run = entry["run"].as_str().unwrap().to_owned();
        entry["records"].as_array().unwrap().iter().map(|record| (run.clone(), record.clone())).collect::<Vec<_>>()
    };
    entries.iter().flat_map(of).collect()
}

/// The entries of the ledger of a stack whose records lie in S3.
fn entries(aws: &Emulator) -> Vec<Value> {
    let objects = objects(aws);
    let entries = objects.iter().filter(|(key, _)| key.contains("/ledger/"));
    entries.map(|(_, text)| serde_json::from_str(text).unwrap()).collect()
}
