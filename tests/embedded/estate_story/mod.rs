//! Identities that live already: moved to another address, let go of, taken in. Told by the real program on the embedded directory.

mod groups;
mod imports;
mod moved;
mod removed;
mod whole_estate;

use std::collections::BTreeMap;

use leasehold_test_harness::{START, Stack, snapshot};
use serde_json::Value;

/// A stack with an owner, a scope and these blocks.
fn stack(blocks: &str) -> Stack {
    let stack = Stack::of(
        r#"leasehold {
  stack = "estate"
  defaults { ttl = "90d" }
}
owner "jane" { email = "jane@example.com" }
scope "read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
}
"#,
    )
    .at(START);
    stack.write("identities.hcl", blocks);
    stack
}

fn service(label: &str, more: &str) -> String {
    format!(
        "identity \"{label}\" {{\n  kind   = \"service\"\n  owner  = owner.jane\n  scopes = [scope.read]\n{more}}}\n"
    )
}

fn lifecycles(plan: &Value) -> BTreeMap<String, String> {
    let changes = plan["identity_changes"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    changes.iter().map(|change| (text(&change["address"]), text(&change["lifecycle"]))).collect()
}

fn only(address: &str, lifecycle: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(address.to_owned(), lifecycle.to_owned())])
}

/// The tags of a principal, and everything else of it.
fn live(stack: &Stack, name: &str) -> (BTreeMap<String, String>, String) {
    let mut rows = stack.outside().rows_of(&[name]).unwrap();
    // The tags are the eighth column.
    rows.get_mut(&format!("principal {name}")).unwrap()[0][7] = Value::Null;
    (stack.outside().principal_tags(name).unwrap(), format!("{rows:?}"))
}

fn moved(from: &str, to: &str) -> String {
    format!("moved {{\n  from = {from}\n  to   = {to}\n}}\n")
}
