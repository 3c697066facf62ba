//! Identities that move to another address.

use crate::estate_story::*;

#[test]
fn a_label_moves_without_leaving_and_joining_and_the_lease_goes_on() {
    let mut stack = stack(&service("old", ""));
    stack.apply();
    let lease = stack.ok(&["show", "identity.old", "--format", "json"]).json()["identity"]["deadline"].clone();
    assert!(lease.is_string(), "{lease}");
    stack.pass_days(3);
    stack.write("identities.hcl", &format!("{}{}", service("new", ""), moved("identity.old", "identity.new")));
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.new", "mover"));
    snapshot!(stack.plan(), @r#"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack estate  ·  local embedded as tester  ·  now 2026-11-23T22:00:00Z

      ~ mover    identity.new  service · owner jane · expires 2027-02-18 (87d)
          moved from identity.old
          ~ directory_user                  old  marks
              leasehold:address: "identity.old" → "identity.new"

    Plan: 0 to add, 1 to change, 0 to destroy.  1 mover.
    "#);
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
fn move_chain_ends_at_the_last_address() {
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
    snapshot!(stack.run(&["plan"]).expect(1), @r#"
    $ leasehold plan
    exit 1
    ─── stderr
    lifecycle::moved

      × identity.a cannot move to identity.b: that is another principal
      │ The live principal is directory_user a. A principal cannot be renamed: trust policies and
      │ credentials would still refer to the old one.
       ╭─[identities.hcl:5:12]
     4 │   scopes = [scope.read]
     5 │   name   = "robot"
       ·            ───┬───
       ·               ╰── this would be directory_user robot
     6 │ }
       ╰────
      help: write name = "a" or omit `name` to keep the name; or remove the `moved` block to replace
            the identity
    "#);
    // Without the move it is another principal, and the old one leaves.
    stack.write("identities.hcl", &renamed);
    assert_eq!(lifecycles(&stack.plan_json()).values().collect::<Vec<_>>(), ["leaver", "joiner"]);
}

#[test]
fn invalid_moves_are_reported() {
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
fn referenced_default_name_must_match_the_live_name() {
    let reads = "locals { who = identity.new.name }\n";
    let stack = stack(&service("old", ""));
    stack.apply();
    let moved = format!("{}{reads}{}", service("new", ""), moved("identity.old", "identity.new"));
    stack.write("identities.hcl", &moved);
    snapshot!(stack.run(&["plan"]).expect(1), @r#"
    $ leasehold plan
    exit 1
    ─── stderr
    lifecycle::name_read

      × identity.new.name cannot be determined from the configuration
      │ An expression reads identity.new.name and gets the default name, "new".
       ╭─[identities.hcl:1:1]
     1 │ identity "new" {
       · ───────┬──────
       ·        ╰── has no `name`; the live name is "old"
     2 │   kind   = "service"
       ╰────
      help: write name = "old" in the block
    "#);
    stack.write("identities.hcl", &moved.replace("scopes =", "name   = \"old\"\n  scopes ="));
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.new", "mover"));
}

/// As a module's author renames things for all who call it: the addresses are the module's own.
#[test]
fn moved_and_removed_apply_to_each_module_instance() {
    let call = "module \"team\" {\n  for_each = toset([\"red\", \"blue\"])\n  source   = \"./team\"\n  lead     = owner.jane\n}\n";
    let bot = |label: &str| {
        format!("variable \"lead\" {{}}\nidentity \"{label}\" {{\n  kind  = \"service\"\n  owner = var.lead\n}}\n")
    };
    let legacy = "identity \"legacy\" {\n  kind  = \"service\"\n  owner = var.lead\n}\n";
    let stack = stack(call);
    std::fs::create_dir(stack.path("team")).unwrap();
    stack.write("team/main.hcl", &format!("{}{legacy}", bot("old")));
    stack.apply();

    let removed = "removed {\n  from = identity.legacy\n  keep = true\n}\n";
    stack.write("team/main.hcl", &format!("{}{}{removed}", bot("new"), moved("identity.old", "identity.new")));
    let plan = lifecycles(&stack.plan_json());
    let of = |team: &str, label: &str| plan[&format!("module.team[\"{team}\"].identity.{label}")].clone();
    for team in ["red", "blue"] {
        assert_eq!((of(team, "new").as_str(), of(team, "legacy").as_str()), ("mover", "released"));
    }
    assert_eq!(plan.len(), 4);
    stack.apply();
    stack.assert_converged();

    // A slip in a module is told with the address that each of its instances gives it.
    stack.write("team/main.hcl", &format!("{}{}", bot("new"), moved("identity.old", "identity.noo")));
    snapshot!("moved_in_a_module", stack.run(&["plan"]).expect(1));
}
