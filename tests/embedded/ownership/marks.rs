//! Marks that somebody else edits.

use std::collections::BTreeMap;

use leasehold_provider::{Document, Principal};
use leasehold_test_harness::{Stack, snapshot};
use serde_json::json;

use super::{applied, edit_tags, findings, forge_user, phase, rows};

#[test]
fn forged_user_that_is_due_for_deletion_is_never_written() {
    let stack = applied();
    forge_user(&stack, "victim");
    let before = rows(&stack, &["victim"]);
    snapshot!(stack.run(&["drift"]).expect(2), @"
    $ leasehold drift
    exit 2
    ─── stdout
    Leasehold drift  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! unowned mark  identity.gone
          it carries the marks of identity.gone, but this stack did not create or import it. It is not changed
          local:user/victim
          Find out who wrote the marks, and remove them. To manage the object, import it; to release it, remove the tags whose keys begin with leasehold:.

    Drift: 1 finding; checked 2 identities and 2 scopes.
    ");
    snapshot!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

    No changes. Your identities match the configuration.

      ! unowned-mark  local:user/victim: it carries the marks of identity.gone, but this stack did not create or import it. It is not changed
    ");
    for command in [&["sweep", "--auto-approve"][..], &["apply", "--auto-approve"]] {
        stack.ok(command);
        assert_eq!(rows(&stack, &["victim"]), before);
    }
}

#[test]
fn two_hundred_forged_users_do_not_stop_a_leaver() {
    let stack = applied();
    for number in 0..200 {
        forge_user(&stack, &format!("victim{number}"));
    }
    stack.write("clerk.hcl", "");
    stack.edit("stack.hcl", "  members = [identity.clerk]\n", "");
    let plan = stack.plan_json();
    assert_eq!(plan["ownership"]["findings"].as_array().unwrap().len(), 200);
    stack.apply();
    assert_eq!(phase(&stack, "identity.clerk").as_deref(), Some("quarantined"));
    assert_eq!(phase(&stack, "identity.bot").as_deref(), Some("active"));
}

#[test]
fn marks_that_moved_to_another_user_give_it_nothing() {
    let stack = applied();
    let outside = stack.outside();
    outside.create_principal(Principal::User, "aaa", &outside.principal_tags("robot").unwrap()).unwrap();
    outside.set_tags("robot", &BTreeMap::new()).unwrap();
    let before = rows(&stack, &["aaa"]);
    snapshot!(stack.run(&["drift"]).expect(2), @"
    $ leasehold drift
    exit 2
    ─── stdout
    Leasehold drift  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! replaced  identity.bot  owner jane
          it has the name or the marks of identity.bot, but is not the object that this stack created. It is not changed; to manage it, import it
          local:user/aaa
          Find out who replaced it. Import the new object to manage it, or rename or delete it.

      ! mark removed  identity.bot  owner jane
          its marks were removed outside Leasehold, or cannot be read. The next apply writes them again
          directory_user robot
          Find out who may write tags whose keys begin with leasehold:. Run `leasehold apply` to write the marks again.

    Drift: 2 findings; checked 2 identities and 2 scopes.
    ");
    snapshot!(stack.apply(), @r#"
    $ leasehold apply --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! drift    identity.bot  changed outside Leasehold
          ~ directory_user                  robot  marks
              + leasehold:address: "identity.bot"
              + leasehold:created-at: "2026-11-20T22:00:00Z"
              + leasehold:expires-at: "2027-02-18T22:00:00Z"
              + leasehold:kind: "service"
              + leasehold:lineage: "[lineage]"
              + leasehold:owner: "jane"
              + leasehold:stack: "own"

      ! replaced  local:user/aaa: it has the name or the marks of identity.bot, but is not the object that this stack created. It is not changed; to manage it, import it
      ! mark-removed  identity.bot (directory_user robot): its marks were removed outside Leasehold, or cannot be read. The next apply writes them again

    Plan: 0 to add, 1 to change, 0 to destroy.  1 drift.

    Apply complete! 0 added, 1 changed, 0 destroyed. Read back and verified.
    "#);
    assert_eq!(rows(&stack, &["aaa"]), before);
    assert_eq!(phase(&stack, "identity.bot").as_deref(), Some("active"));
    assert_eq!(findings(&stack), [("unowned-mark".to_owned(), "local:user/aaa".to_owned())]);
}

#[test]
fn revoked_identity_stays_quarantined_without_its_tags() {
    let stack = applied();
    stack.ok(&["revoke", "identity.bot", "--reason", "leaked"]);
    edit_tags(&stack, "robot", &[("quarantined-at", ""), ("reason", "")]);
    snapshot!(stack.run(&["drift"]).expect(2), @"
    $ leasehold drift
    exit 2
    ─── stdout
    Leasehold drift  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! changed  identity.bot  owner jane
          changed while in quarantine; the Deny on all actions is still in effect
          directory_user robot
          Find out who changed it. Declare the change, or run `leasehold apply` to revert it.

      ! mark changed  identity.bot  owner jane
          its marks were changed outside Leasehold (quarantined-at, reason). They have no effect, and the next apply writes them again
          directory_user robot
          Find out who may write tags whose keys begin with leasehold:. Run `leasehold apply` to write the marks again.

    Drift: 2 findings; checked 2 identities and 2 scopes.
    ");
    stack.apply();
    assert_eq!(phase(&stack, "identity.bot").as_deref(), Some("quarantined"));
    edit_tags(&stack, "robot", &[("reason", "restored")]);
    stack.apply();
    assert_eq!(phase(&stack, "identity.bot").as_deref(), Some("quarantined"));
    let tags = stack.outside().principal_tags("robot").unwrap();
    assert_eq!(tags["leasehold:reason"], "revoked: leaked");
    stack.ok(&["restore", "identity.bot", "--auto-approve"]);
    assert_eq!(phase(&stack, "identity.bot").as_deref(), Some("active"));
}

#[test]
fn creation_in_2036_lengthens_no_lease() {
    let mut stack = applied();
    let deadline =
        |stack: &Stack| stack.ok(&["show", "identity.bot", "--format", "json"]).json()["identity"]["deadline"].clone();
    let before = deadline(&stack);
    edit_tags(&stack, "robot", &[("created-at", "2036-01-01T00:00:00Z"), ("expires-at", "2036-04-01T00:00:00Z")]);
    assert_eq!(deadline(&stack), before);
    snapshot!(stack.run(&["drift"]).expect(2), @"
    $ leasehold drift
    exit 2
    ─── stdout
    Leasehold drift  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! mark changed  identity.bot  owner jane
          its marks were changed outside Leasehold (created-at, expires-at). They have no effect, and the next apply writes them again
          directory_user robot
          Find out who may write tags whose keys begin with leasehold:. Run `leasehold apply` to write the marks again.

    Drift: 1 finding; checked 2 identities and 2 scopes.
    ");
    snapshot!(stack.apply(), @r#"
    $ leasehold apply --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! drift    identity.bot  changed outside Leasehold
          ~ directory_user                  robot  marks
              leasehold:created-at: "2036-01-01T00:00:00Z" → "2026-11-20T22:00:00Z"
              leasehold:expires-at: "2036-04-01T00:00:00Z" → "2027-02-18T22:00:00Z"

      ! mark-changed  identity.bot (directory_user robot): its marks were changed outside Leasehold (created-at, expires-at). They have no effect, and the next apply writes them again

    Plan: 0 to add, 1 to change, 0 to destroy.  1 drift.

    Apply complete! 0 added, 1 changed, 0 destroyed. Read back and verified.
    "#);
    stack.ok(&["drift"]);
    edit_tags(&stack, "robot", &[("created-at", "2036-01-01T00:00:00Z")]);
    stack.pass_days(91);
    stack.ok(&["sweep", "--auto-approve"]);
    assert_eq!(phase(&stack, "identity.bot").as_deref(), Some("quarantined"));
}

#[test]
fn quarantine_of_2020_deletes_nobody() {
    let stack = applied();
    edit_tags(&stack, "robot", &[("quarantined-at", "2020-01-01T00:00:00Z"), ("reason", "removed"), ("grace", "1h")]);
    stack.ok(&["sweep", "--auto-approve"]);
    assert_eq!(phase(&stack, "identity.bot").as_deref(), Some("active"));
    // As a leaver, it is quarantined from today on.
    stack.write("bot.hcl", "");
    stack.apply();
    edit_tags(&stack, "robot", &[("quarantined-at", "2020-01-01T00:00:00Z"), ("grace", "1h")]);
    stack.ok(&["sweep", "--auto-approve"]);
    stack.apply();
    assert_eq!(phase(&stack, "identity.bot").as_deref(), Some("quarantined"));
}

#[test]
fn user_without_marks_is_still_managed_and_leaves() {
    let mut stack = applied();
    stack.outside().set_tags("robot", &BTreeMap::new()).unwrap();
    snapshot!(stack.run(&["drift"]).expect(2), @"
    $ leasehold drift
    exit 2
    ─── stdout
    Leasehold drift  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! mark removed  identity.bot  owner jane
          its marks were removed outside Leasehold, or cannot be read. The next apply writes them again
          directory_user robot
          Find out who may write tags whose keys begin with leasehold:. Run `leasehold apply` to write the marks again.

    Drift: 1 finding; checked 2 identities and 2 scopes.
    ");
    stack.write("bot.hcl", "");
    snapshot!(stack.apply(), @"
    $ leasehold apply --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      - leaver   identity.bot  no longer in configuration → quarantine now, delete after 2026-11-27
          ~ directory_user                  robot            marks
          ~ directory_inline_policy         robot/leasehold  deny everything

      ! mark-removed  identity.bot (directory_user robot): its marks were removed outside Leasehold, or cannot be read. The next apply writes them again

    Plan: 0 to add, 2 to change, 0 to destroy.  1 leaver.

    Apply complete! 0 added, 2 changed, 0 destroyed. Read back and verified.
    ");
    stack.outside().set_tags("robot", &BTreeMap::new()).unwrap();
    stack.pass_days(8);
    stack.ok(&["sweep", "--auto-approve"]);
    assert_eq!(rows(&stack, &["robot"])["principal robot"], json!([]));
}

#[test]
fn sensitive_mark_hides_no_policy() {
    let stack = applied();
    let everything =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": ["*"], "Resource": ["*"] }] });
    stack.outside().put_inline_policy("robot", "backdoor", &Document::new(everything)).unwrap();
    edit_tags(&stack, "robot", &[("sensitive", "policy trust tags")]);
    stack.run(&["drift"]).expect(2).says(&["backdoor"]);
    snapshot!(stack.plan(), @r#"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! drift    identity.bot  changed outside Leasehold
          ~ directory_user                  robot           marks
              - leasehold:sensitive: "policy trust tags"
          - directory_inline_policy         robot/backdoor

      ! mark-changed  identity.bot (directory_user robot): its marks were changed outside Leasehold (sensitive). They have no effect, and the next apply writes them again

    Plan: 0 to add, 1 to change, 1 to destroy.  1 drift.
    "#);
    stack.apply();
    stack.ok(&["drift"]);
}

#[test]
fn mark_without_effect_is_reported_and_removed() {
    let stack = applied();
    for edit in [
        ("reason", "removed"),
        ("created-at", "soon"),
        ("color", "red"),
        ("lineage", ""),
        ("digest", ""),
        ("stack", "other"),
    ] {
        edit_tags(&stack, "robot", &[edit]);
        assert_eq!(findings(&stack), [("mark-changed".to_owned(), "directory_user robot".to_owned())], "{edit:?}");
        stack.apply();
        assert_eq!(findings(&stack), [], "{edit:?}");
        stack.ok(&["drift"]);
    }
    edit_tags(&stack, "robot", &[("address", "")]);
    assert_eq!(findings(&stack), [("mark-removed".to_owned(), "directory_user robot".to_owned())]);
}

#[test]
fn marks_of_a_group_and_a_policy_are_repaired_and_forged_ones_are_left_alone() {
    let stack = applied();
    let outside = stack.outside();
    let marks = outside.principal_tags("robot").unwrap();
    let nothing = Document::new(json!({ "Version": "2012-10-17", "Statement": [] }));
    outside.create_group("theirs", &nothing, &marks).unwrap();
    outside.create_policy("theirs", &nothing, &marks).unwrap();
    outside.set_group_tags("team", &BTreeMap::new()).unwrap();
    outside.set_policy_tags("read", &BTreeMap::from([("leasehold:stack".to_owned(), "other".to_owned())])).unwrap();
    let before = rows(&stack, &["theirs"]);
    snapshot!(stack.run(&["drift"]).expect(2), @"
    $ leasehold drift
    exit 2
    ─── stdout
    Leasehold drift  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! unowned mark  identity.bot  owner jane
          it carries the marks of identity.bot, but this stack did not create or import it. It is not changed
          local:group/theirs
          Find out who wrote the marks, and remove them. To manage the object, import it; to release it, remove the tags whose keys begin with leasehold:.

      ! unowned mark  identity.bot  owner jane
          it carries the marks of identity.bot, but this stack did not create or import it. It is not changed
          local:policy/theirs
          Find out who wrote the marks, and remove them. To manage the object, import it; to release it, remove the tags whose keys begin with leasehold:.

      ! mark removed  group.team
          its marks were removed outside Leasehold, or cannot be read. The next apply writes them again
          directory_group team
          Find out who may write tags whose keys begin with leasehold:. Run `leasehold apply` to write the marks again.

      ! mark removed  scope.read
          its marks were removed outside Leasehold, or cannot be read. The next apply writes them again
          directory_policy read
          Find out who may write tags whose keys begin with leasehold:. Run `leasehold apply` to write the marks again.

    Drift: 4 findings; checked 2 identities and 2 scopes.
    ");
    snapshot!(stack.apply(), @r#"
    $ leasehold apply --auto-approve
    exit 0
    ─── stdout
    Leasehold plan  ·  stack own  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! group   group.team  attached to 1 identity · changed outside Leasehold
          ~ directory_group                 team  marks
              + leasehold:lineage: "[lineage]"

      ! scope   scope.read  attached to 2 identities · changed outside Leasehold
          ~ directory_policy                read  marks
              + leasehold:lineage: "[lineage]"

      ! unowned-mark  local:group/theirs: it carries the marks of identity.bot, but this stack did not create or import it. It is not changed
      ! unowned-mark  local:policy/theirs: it carries the marks of identity.bot, but this stack did not create or import it. It is not changed
      ! mark-removed  group.team (directory_group team): its marks were removed outside Leasehold, or cannot be read. The next apply writes them again
      ! mark-removed  scope.read (directory_policy read): its marks were removed outside Leasehold, or cannot be read. The next apply writes them again

    Plan: 0 to add, 2 to change, 0 to destroy.  1 shared scope, 1 group.

    Apply complete! 0 added, 2 changed, 0 destroyed. Read back and verified.
    "#);
    assert_eq!(rows(&stack, &["theirs"]), before);
    let left: Vec<String> = findings(&stack).into_iter().map(|(kind, object)| format!("{kind} {object}")).collect();
    assert_eq!(left, ["unowned-mark local:group/theirs", "unowned-mark local:policy/theirs"]);
}
