//! Access keys from their declaration to their end, by the real program: on the embedded directory through time, and on an emulator of
//! AWS with killed runs, lost answers and stores that cannot be written.

mod aws;
mod crash;
mod embedded;
mod secret;
mod stale_key_list;

use std::collections::BTreeMap;

use leasehold_emulator::Emulator;
use leasehold_test_harness::Stack;
use serde_json::Value;

/// A stack with a user that is issued keys.
fn bot(provider: &str) -> String {
    format!(
        r#"leasehold {{
  stack = "robots"
  backend "local" {{
    lock_lease = "2s"
  }}
  defaults {{
    ttl = "900d"
    leaver {{
      grace = "7d"
    }}
  }}
}}

{provider}
owner "jane" {{
  email = "jane@example.com"
}}

owner "tom" {{
  email = "tom@example.com"
}}

store "file" "vault" {{
  path = "secrets"
}}

identity "bot" {{
  kind  = "service"
  owner = owner.jane

  statement {{
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme/*"]
  }}

  credential "access_key" {{
    store        = store.vault
    rotate_every = "90d"
    overlap      = "1d"
  }}
}}
"#
    )
}

const ON_AWS: &str = "provider \"aws\" {\n  region = \"us-east-1\"\n}\n";

/// The stack on an emulator, not applied.
fn on_aws() -> (Emulator, Stack) {
    let aws = Emulator::moto();
    let stack = Stack::of(&bot(ON_AWS)).with_env(aws.env());
    (aws, stack)
}

/// What the store holds of the bot; null where it holds nothing.
fn entry(stack: &Stack) -> Value {
    match std::fs::read_to_string(stack.path("secrets/bot.json")) {
        Ok(text) => serde_json::from_str(&text).unwrap(),
        Err(_) => Value::Null,
    }
}

/// The key that a consumer finds in the store: its id and its secret.
fn held(stack: &Stack) -> (String, String) {
    let entry = entry(stack);
    let text = |name: &str| entry[name].as_str().unwrap_or_else(|| panic!("{name}: {entry}")).to_owned();
    (text("AccessKeyId"), text("SecretAccessKey"))
}

/// The ids of the keys that the store says were delivered.
fn delivered(stack: &Stack) -> Vec<String> {
    let entry = entry(stack);
    entry["Leasehold"]["keys"].as_object().map(|keys| keys.keys().cloned().collect()).unwrap_or_default()
}

/// The bot's keys as the account has them: id, status and secret.
fn keys(aws: &Emulator) -> BTreeMap<String, (String, String)> {
    let found = aws.boto3(
        "
        from moto.iam import iam_backends
        user = iam_backends['123456789012']['aws'].users.get('bot')
        print([[key.access_key_id, key.status, key.secret_access_key] for key in (user.access_keys if user else [])])
        ",
    );
    let found: Vec<(String, String, String)> = serde_json::from_value(found).unwrap();
    found.into_iter().map(|(id, status, secret)| (id, (status, secret))).collect()
}

/// Asserts that the account has one key, that it works, and that it is the one in the store.
#[track_caller]
fn assert_one_key(aws: &Emulator, stack: &Stack, name: &str) {
    let (id, secret) = held(stack);
    assert_eq!(keys(aws), BTreeMap::from([(id.clone(), ("Active".to_owned(), secret))]), "{name}");
    assert_eq!(delivered(stack), [id], "{name}");
}
