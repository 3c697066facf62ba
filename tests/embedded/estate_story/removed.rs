//! Identities that are let go of.

use crate::estate_story::*;

#[test]
fn released_identity_loses_only_its_marks() {
    let stack = stack(&[service("kept", ""), service("stays", "")].concat());
    stack.apply();
    let before = live(&stack, "kept");
    stack.write(
        "identities.hcl",
        &format!("{}removed {{\n  from = identity.kept\n  keep = true\n}}\n", service("stays", "")),
    );
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.kept", "released"));
    snapshot!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack estate  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      . release  identity.kept  no longer managed → remove its marks, keep everything else, including the lease deny: no access from 2027-02-18T22:00:00Z
          ~ directory_user                  kept  marks are removed

    Plan: 0 to add, 1 to change, 0 to destroy.  1 released.
    ");
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
    snapshot!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack estate  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      - leaver   identity.stays  no longer in configuration → quarantine now, delete after 2026-11-27
          ~ directory_inline_policy         stays/leasehold  deny everything

      . kept         scope.read  not declared; still attached to user/kept, not in this stack

    Plan: 0 to add, 1 to change, 0 to destroy.  1 leaver.
    ");
    stack.apply().says(&["1 leaver"]);
    assert_eq!(live(&stack, "kept"), after);
}

#[test]
fn lifecycle_destroy_false_keeps_and_default_leaves() {
    let stack = stack(&service("a", ""));
    stack.apply();
    stack.write("identities.hcl", "removed {\n  from = identity.a\n  lifecycle { destroy = false }\n}\n");
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.a", "released"));
    stack.write("identities.hcl", "removed {\n  from = identity.a\n}\n");
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.a", "leaver"));
    stack.write("identities.hcl", &format!("{}removed {{\n  from = identity.a\n  keep = true\n}}\n", service("a", "")));
    snapshot!(stack.run(&["plan"]).expect(1), @r#"
    $ leasehold plan
    exit 1
    ─── stderr
    config::removed

      × identity.a is removed but still declared
       ╭─[identities.hcl:1:1]
     1 │ identity "a" {
       · ──────┬─────
       ·       ╰── declared here
     2 │   kind   = "service"
       ╰────
       ╭─[identities.hcl:7:10]
     6 │ removed {
     7 │   from = identity.a
       ·          ─────┬────
       ·               ╰── declared as no longer managed here
     8 │   keep = true
       ╰────
      help: remove its block, or remove the `removed` block
    "#);
}

#[test]
fn releasing_a_break_glass_account_needs_approval() {
    let glass = service("glass", "").replace("\"service\"", "\"break_glass\"");
    let stack = stack(&glass);
    stack.apply();
    stack.write("identities.hcl", "removed {\n  from = identity.glass\n  keep = true\n}\n");
    stack.run(&["apply", "--auto-approve"]).expect(3).says(&["would be released"]);
    stack.ok(&["apply", "--auto-approve", "--approve", "identity.glass"]);
    stack.assert_converged();
}
