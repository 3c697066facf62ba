//! The whole story on the embedded directory, told by the real program: joiners, movers, leavers, drift, saved plans, refusals,
//! and runs that break off.

mod accounts;
mod commands;
mod drift;
mod edited_plans;
mod follow_ups;
mod interruption;
mod joiners;
mod leavers;
mod movers;
mod saved_plans;
mod settings;

use std::collections::BTreeMap;

use leasehold_test_harness::{START, Stack};
use serde_json::Value;

/// The quickstart as it stands, at the start of the story.
fn quickstart() -> Stack {
    Stack::example("quickstart").at(START)
}

/// The quickstart, applied.
fn applied() -> Stack {
    let stack = quickstart();
    stack.apply();
    stack
}

fn lifecycles(plan: &Value) -> BTreeMap<String, String> {
    let changes = plan["identity_changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| {
            (change["address"].as_str().unwrap().to_owned(), change["lifecycle"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn only(address: &str, lifecycle: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(address.to_owned(), lifecycle.to_owned())])
}

/// What `list` says of the phase of an identity; `None`: it does not list it.
fn phase(stack: &Stack, address: &str) -> Option<String> {
    let list = stack.ok(&["list", "--format", "json"]).json();
    let row = list["identities"].as_array().unwrap().iter().find(|row| row["address"] == address)?.clone();
    Some(row["phase"].as_str().unwrap().to_owned())
}

/// A stack of so many roles that share a scope.
fn crowd(size: usize) -> String {
    format!(
        r#"leasehold {{
  stack = "crowd"
  defaults {{
    ttl = "90d"
  }}
}}

owner "jane" {{
  email = "jane@example.com"
}}

scope "read" {{
  statement {{
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:aws:s3:::orders", "arn:aws:s3:::orders/*"]
  }}
}}

identity "bot" {{
  for_each = toset([for n in range({size}) : format("%03d", n)])
  kind     = "workload"
  owner    = owner.jane
  purpose  = "one of many"
  scopes   = [scope.read]
  trust "service" {{
    principals = ["lambda.amazonaws.com"]
  }}
}}
"#
    )
}
