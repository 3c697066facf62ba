//! The operator's bounds and the rule for endpoints: what goes beyond them is refused before anything is sent or written.

mod endpoints;
mod file;
mod limits;
mod signers;

use leasehold_test_harness::Stack;

/// The credentials of a caller, so that a run would send requests.
const CREDENTIALS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_SESSION_TOKEN", "token")];

const IDENTITY: &str = r#"
owner "jane" { email = "jane@example.com" }
identity "ci" {
  kind  = "service"
  owner = owner.jane
  ttl   = "90d"
}
"#;

/// A stack with these settings in its `leasehold` block and these blocks, on the embedded directory.
fn stack_with(settings: &str, blocks: &str) -> Stack {
    let stack = Stack::of(&format!("leasehold {{\n  stack = \"payments\"\n{settings}\n}}\n{blocks}\n{IDENTITY}"));
    stack.with_env(CREDENTIALS.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// The same stack with this operator's file in effect, beside its directory.
fn bounded(stack: Stack, operator: &str) -> Stack {
    stack.write("../operator.hcl", operator);
    stack.with_env([("LEASEHOLD_OPERATOR".to_owned(), "../operator.hcl".to_owned())])
}

/// Commands that read or write what the stack names.
const COMMANDS: [&[&str]; 7] = [
    &["plan"],
    &["apply", "--auto-approve"],
    &["sweep", "--auto-approve"],
    &["drift"],
    &["revoke", "ci", "--reason", "x"],
    &["audit", "verify"],
    &["lock", "show"],
];
