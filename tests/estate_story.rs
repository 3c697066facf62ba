//! Identities that live already: moved to another address, let go of, taken in. Told by the real program on the embedded directory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::{START, Stack};

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
    (stack.outside().tags(name).unwrap(), format!("{rows:?}"))
}

fn moved(from: &str, to: &str) -> String {
    format!("moved {{\n  from = {from}\n  to   = {to}\n}}\n")
}

// Moved.

#[test]
fn a_label_moves_without_leaving_and_joining_and_the_lease_goes_on() {
    let mut stack = stack(&service("old", ""));
    stack.apply();
    let lease = stack.ok(&["show", "identity.old", "--format", "json"]).json()["identity"]["deadline"].clone();
    assert!(lease.is_string(), "{lease}");
    stack.pass_days(3);
    stack.write("identities.hcl", &format!("{}{}", service("new", ""), moved("identity.old", "identity.new")));
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.new", "mover"));
    snapshot!("moved_label", stack.plan());
    stack.apply().says(&["Read back and verified."]);
    stack.assert_converged();
    let shown = stack.ok(&["show", "identity.new", "--format", "json"]).json();
    assert_eq!(shown["identity"]["deadline"], lease);
    assert_eq!(shown["identity"]["name"], "old");

    // The block has done its work: without it nothing changes.
    stack.write("identities.hcl", &service("new", ""));
    stack.assert_converged();
}

#[test]
fn a_single_identity_becomes_an_instance_and_back() {
    let stack = stack(&service("bot", ""));
    stack.apply();
    let keyed = service("bot", "  for_each = toset([\"a\", \"b\"])\n");
    stack.write("identities.hcl", &format!("{keyed}{}", moved("identity.bot", "identity.bot[\"a\"]")));
    let plan = lifecycles(&stack.plan_json());
    assert_eq!(plan["identity.bot[\"a\"]"], "mover");
    assert_eq!(plan["identity.bot[\"b\"]"], "joiner");
    assert_eq!(plan.len(), 2);
    stack.apply();
    stack.assert_converged();

    // All instances under another label, then one of them alone.
    let crew = service("crew", "  for_each = toset([\"a\", \"b\"])\n");
    stack.write("identities.hcl", &format!("{crew}{}", moved("identity.bot", "identity.crew")));
    let plan = lifecycles(&stack.plan_json());
    assert_eq!(plan.values().collect::<Vec<_>>(), ["mover", "mover"]);
    stack.apply();
    stack.assert_converged();
    let blocks = [service("crew", ""), service("other", ""), moved("identity.crew[\"a\"]", "identity.crew")].concat();
    stack.write("identities.hcl", &format!("{blocks}{}", moved("identity.crew[\"b\"]", "identity.other")));
    assert_eq!(lifecycles(&stack.plan_json()).values().collect::<Vec<_>>(), ["mover", "mover"]);
    stack.apply();
    stack.assert_converged();
}

#[test]
fn moves_in_a_row_end_where_the_last_one_ends() {
    let stack = stack(&service("a", ""));
    stack.apply();
    let moves = [moved("identity.b", "identity.c"), moved("identity.a", "identity.b")].concat();
    stack.write("identities.hcl", &format!("{}{moves}", service("c", "")));
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.c", "mover"));
    stack.apply();
    stack.assert_converged();
}

#[test]
fn a_move_that_would_rename_the_principal_is_refused() {
    let stack = stack(&service("a", ""));
    stack.apply();
    let renamed = service("b", "  name   = \"robot\"\n");
    stack.write("identities.hcl", &format!("{renamed}{}", moved("identity.a", "identity.b")));
    snapshot!("moved_and_renamed", stack.run(&["plan"]).expect(1));
    // Without the move it is another principal, and the old one leaves.
    stack.write("identities.hcl", &renamed);
    assert_eq!(lifecycles(&stack.plan_json()).values().collect::<Vec<_>>(), ["leaver", "joiner"]);
}

#[test]
fn moves_that_lead_nowhere_are_told() {
    let broken = stack(
        &[
            service("a", ""),
            service("c", ""),
            moved("identity.a", "identity.c"),
            moved("identity.x", "identity.nowhere"),
        ]
        .concat(),
    );
    snapshot!("moves_against_declarations", broken.run(&["validate"]).expect(1));
    broken.write(
        "identities.hcl",
        &[
            service("a", ""),
            moved("identity.p", "identity.q"),
            moved("identity.q", "identity.p"),
            moved("identity.x", "identity.a"),
            moved("identity.y", "identity.a"),
            moved("identity.z", "identity.z"),
            moved("scope.old", "scope.read"),
            moved("\"identity.k\"", "identity.a"),
            moved("identity.m", "module.m"),
        ]
        .concat(),
    );
    snapshot!("moves_against_moves", broken.run(&["validate"]).expect(1));
}

#[test]
fn a_name_that_an_expression_reads_must_be_the_one_it_lives_under() {
    let reads = "locals { who = identity.new.name }\n";
    let stack = stack(&service("old", ""));
    stack.apply();
    let moved = format!("{}{reads}{}", service("new", ""), moved("identity.old", "identity.new"));
    stack.write("identities.hcl", &moved);
    snapshot!("moved_name_read", stack.run(&["plan"]).expect(1));
    stack.write("identities.hcl", &moved.replace("scopes =", "name   = \"old\"\n  scopes ="));
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.new", "mover"));
}

// Removed.

#[test]
fn what_is_removed_and_kept_lives_on_without_marks_and_keeps_all_else() {
    let stack = stack(&[service("kept", ""), service("stays", "")].concat());
    stack.apply();
    let before = live(&stack, "kept");
    stack.write(
        "identities.hcl",
        &format!("{}removed {{\n  from = identity.kept\n  keep = true\n}}\n", service("stays", "")),
    );
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.kept", "released"));
    snapshot!("removed_kept", stack.plan());
    stack.apply().says(&["Read back and verified."]);
    stack.assert_converged();
    let after = live(&stack, "kept");
    assert!(!before.0.is_empty());
    assert!(after.0.is_empty());
    assert_eq!(after.1, before.1, "the fence and the scope stay");

    // The block has done its work. The scope it still holds cannot go, and the plan says why.
    stack.write("identities.hcl", "");
    let scope = stack.cut("stack.hcl", "scope \"read\"");
    assert!(scope.contains("s3:GetObject"));
    snapshot!("scope_kept_for_others", stack.plan());
    stack.apply().says(&["1 leaver"]);
    assert_eq!(live(&stack, "kept"), after);
}

#[test]
fn terraforms_way_to_keep_is_understood_and_without_it_removed_is_a_leaver() {
    let stack = stack(&service("a", ""));
    stack.apply();
    stack.write("identities.hcl", "removed {\n  from = identity.a\n  lifecycle { destroy = false }\n}\n");
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.a", "released"));
    stack.write("identities.hcl", "removed {\n  from = identity.a\n}\n");
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.a", "leaver"));
    stack.write("identities.hcl", &format!("{}removed {{\n  from = identity.a\n  keep = true\n}}\n", service("a", "")));
    snapshot!("removed_and_declared", stack.run(&["plan"]).expect(1));
}

#[test]
fn nobody_stops_watching_a_break_glass_account_without_an_approval() {
    let glass = service("glass", "").replace("\"service\"", "\"break_glass\"");
    let stack = stack(&glass);
    stack.apply();
    stack.write("identities.hcl", "removed {\n  from = identity.glass\n  keep = true\n}\n");
    stack.run(&["apply", "--auto-approve"]).expect(3).says(&["would be let go of"]);
    stack.ok(&["apply", "--auto-approve", "--approve", "identity.glass"]);
    stack.assert_converged();
}
