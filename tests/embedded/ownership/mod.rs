//! Whoever may tag, and whoever has the stack's files, against the real program on the embedded directory.

mod marks;
mod replaced;
mod stores;
mod tampering;

use std::collections::BTreeMap;

use leasehold_provider::Principal;
use leasehold_test_harness::{START, Stack};
use serde_json::Value;

/// A stack with a user `robot`, which is `identity.bot`, and a user `clerk`. Applied.
fn applied() -> Stack {
    let stack = Stack::of(
        r#"leasehold {
  stack = "own"
  defaults { ttl = "90d" }
}
owner "jane" {}
scope "read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
}
group "team" {
  members = [identity.clerk]
}
"#,
    )
    .at(START);
    stack.write("bot.hcl", &service("bot", "  name   = \"robot\"\n"));
    stack.write("clerk.hcl", &service("clerk", ""));
    stack.apply();
    stack
}

fn service(label: &str, more: &str) -> String {
    format!(
        "identity \"{label}\" {{\n  kind   = \"service\"\n  owner  = owner.jane\n  scopes = [scope.read]\n{more}}}\n"
    )
}

/// The tags of a principal after these were set or, with an empty value, removed.
fn edit_tags(stack: &Stack, principal: &str, edits: &[(&str, &str)]) {
    let mut tags = stack.outside().principal_tags(principal).unwrap();
    for (key, value) in edits {
        let key = format!("leasehold:{key}");
        if value.is_empty() { drop(tags.remove(&key)) } else { drop(tags.insert(key, (*value).to_owned())) }
    }
    stack.outside().set_tags(principal, &tags).unwrap();
}

/// A user of somebody else, with marks that say that the stack quarantined it long ago.
fn forge_user(stack: &Stack, name: &str) {
    let mut tags = stack.outside().principal_tags("robot").unwrap();
    for (key, value) in
        [("address", "identity.gone"), ("quarantined-at", "2026-01-01T00:00:00Z"), ("reason", "removed")]
    {
        tags.insert(format!("leasehold:{key}"), value.to_owned());
    }
    stack.outside().create_principal(Principal::User, name, &tags).unwrap();
}

/// All rows of these objects.
fn rows(stack: &Stack, names: &[&str]) -> BTreeMap<String, Value> {
    stack.outside().rows_of(names).unwrap()
}

/// What `list` says of the phase of an identity. `None`: it does not list it.
fn phase(stack: &Stack, address: &str) -> Option<String> {
    let list = stack.ok(&["list", "--format", "json"]).json();
    let row = list["identities"].as_array().unwrap().iter().find(|row| row["address"] == address)?.clone();
    Some(row["phase"].as_str().unwrap().to_owned())
}

/// The kind and the object of each finding about marks in the plan.
fn findings(stack: &Stack) -> Vec<(String, String)> {
    let plan = stack.plan_json();
    let findings = plan["ownership"]["findings"].as_array().unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    findings.iter().map(|finding| (text(finding, "kind"), text(finding, "object"))).collect()
}
