//! Principals that were replaced or renamed outside Leasehold.

use leasehold_provider::Principal;
use leasehold_test_harness::snapshot;

use super::{applied, findings, phase, rows};

#[test]
fn replaced_user_is_refused_until_it_is_imported() {
    let stack = applied();
    let outside = stack.outside();
    let marks = outside.principal_tags("robot").unwrap();
    outside.remove_principal("robot").unwrap();
    outside.create_principal(Principal::User, "robot", &marks).unwrap();
    let before = rows(&stack, &["robot"]);
    snapshot!(stack.run(&["drift"]).expect(2), @"
    $ leasehold drift
    exit 2
    ─── stdout
    Leasehold drift  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! replaced  identity.bot  owner jane
          it has the name or the marks of identity.bot, but is not the object that this stack created. It is not changed; to manage it, import it
          local:user/robot
          Find out who replaced it. Import the new object to manage it, or rename or delete it.

    Drift: 1 finding; checked 1 identity and 2 scopes.
    ");
    snapshot!(stack.run(&["apply", "--auto-approve"]).expect(1), @r#"
    $ leasehold apply --auto-approve
    exit 1
    ─── stderr
    plan::name_taken

      × identity.bot cannot be created: directory_user robot already exists and does not belong to
      │ this stack
      │ local:user/robot exists in the cloud, and it belongs to stack own. Leasehold only changes
      │ objects that have the marks of its stack.
       ╭─[bot.hcl:5:12]
     4 │   scopes = [scope.read]
     5 │   name   = "robot"
       ·            ───┬───
       ·               ╰── this name is taken
     6 │ }
       ╰────
      help: Set another `name`, or delete the live object outside Leasehold if it is unused.
    "#);
    assert_ne!(stack.run(&["revoke", "identity.bot", "--reason", "leaked"]).code, 0);
    assert_eq!(rows(&stack, &["robot"]), before);
    stack.append("bot.hcl", "import {\n  to = identity.bot\n  id = \"user/robot\"\n}\n");
    stack.apply();
    stack.edit("bot.hcl", "import {\n  to = identity.bot\n  id = \"user/robot\"\n}\n", "");
    stack.assert_converged();
    stack.ok(&["drift"]);
    assert_eq!(phase(&stack, "identity.bot").as_deref(), Some("active"));
}

#[test]
fn replaced_leaver_is_not_deleted() {
    let mut stack = applied();
    stack.write("bot.hcl", "");
    stack.apply();
    let outside = stack.outside();
    let marks = outside.principal_tags("robot").unwrap();
    outside.remove_principal("robot").unwrap();
    outside.create_principal(Principal::User, "robot", &marks).unwrap();
    let before = rows(&stack, &["robot"]);
    stack.pass_days(8);
    stack.ok(&["sweep", "--auto-approve"]);
    stack.apply();
    assert_eq!(rows(&stack, &["robot"]), before);
    assert_eq!(findings(&stack), [("replaced".to_owned(), "local:user/robot".to_owned())]);
}

#[test]
fn renamed_user_stays_the_same_identity() {
    let stack = applied();
    // Its block has no `name`, so the user keeps the one that it has.
    stack.outside().rename_principal("clerk", "clerk2").unwrap();
    snapshot!(stack.run(&["plan"]), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ~ mover    identity.clerk  service · owner jane · expires 2027-02-18 (90d)
          changed outside Leasehold
          ~ directory_user                  clerk2  marks

    Plan: 0 to add, 1 to change, 0 to destroy.  1 mover, 1 drift.
    ");
    stack.apply();
    assert_eq!(findings(&stack), []);
    assert_eq!(phase(&stack, "identity.clerk").as_deref(), Some("active"));
    stack.write("clerk.hcl", "");
    stack.edit("stack.hcl", "  members = [identity.clerk]\n", "");
    stack.apply();
    assert_eq!(phase(&stack, "identity.clerk").as_deref(), Some("quarantined"));
}

#[test]
fn user_that_took_the_name_of_a_renamed_one_is_a_stranger() {
    let stack = applied();
    let outside = stack.outside();
    let marks = outside.principal_tags("clerk").unwrap();
    outside.rename_principal("clerk", "clerk2").unwrap();
    outside.create_principal(Principal::User, "clerk", &marks).unwrap();
    let before = rows(&stack, &["clerk"]);
    assert_eq!(findings(&stack), [("unowned-mark".to_owned(), "local:user/clerk".to_owned())]);
    stack.apply();
    assert_eq!(rows(&stack, &["clerk"]), before);
}
