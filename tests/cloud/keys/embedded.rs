//! A year of keys on the embedded directory, where time can be rehearsed.

use crate::keys::{bot, delivered, held};
use leasehold_test_harness::snapshot;
use leasehold_test_harness::{START, Stack};

#[test]
fn through_a_year_a_scheduled_sweep_keeps_the_keys_young_and_readers_supplied() {
    let mut stack = Stack::of(&bot("")).at(START);
    let plan = stack.plan();
    snapshot!(plan, @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack robots  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      + joiner   identity.bot  service · owner jane · expires 2029-05-08 (900d) · read access
          + directory_user                  bot
          + directory_inline_policy         bot/leasehold  lease deny
          + directory_access_key            bot/(new)      secret → store.vault

    Plan: 3 to add, 0 to change, 0 to destroy.  1 joiner.
    ");
    stack.apply();
    let mut seen = vec![held(&stack).0];
    let mut statuses = Vec::new();
    for day in 1..=365 {
        stack.pass_days(1);
        stack.ok(&["sweep", "--auto-approve"]);
        let now = held(&stack).0;
        if seen.last() != Some(&now) {
            seen.push(now);
            statuses.push(day);
        }
        assert!(delivered(&stack).len() <= 2);
    }
    stack.assert_converged();
    assert_eq!(statuses, [90, 180, 270, 360]);
    assert_eq!(delivered(&stack).len(), 1, "the one before is gone after twice its overlap");
    stack.ok(&["drift"]);
}

#[test]
fn rotation_steps_are_shown_in_the_plan() {
    let mut stack = Stack::of(&bot("")).at(START);
    stack.apply();
    let (first, _) = held(&stack);
    let mut reported = String::new();
    for days in [90, 1, 1] {
        stack.pass_days(days);
        let plan = stack.plan();
        let shown = |key: &str, text: String| text.replace(key, "[first key]");
        reported.push_str(&shown(&first, plan.stdout));
        stack.apply();
        stack.assert_converged();
    }
    snapshot!(reported, @r#"
    Leasehold plan  ·  stack robots  ·  local embedded as tester  ·  now 2027-02-18T22:00:00Z

      ~ mover    identity.bot  service · owner jane · expires 2029-05-08 (810d)
          new access key: [first key] was created 2026-11-20T22:00:00Z, rotation every 90d
          + directory_access_key            bot/(new)  secret → store.vault

    Plan: 1 to add, 0 to change, 0 to destroy.  1 mover.
    Leasehold plan  ·  stack robots  ·  local embedded as tester  ·  now 2027-02-19T22:00:00Z

      ~ mover    identity.bot  service · owner jane · expires 2029-05-08 (809d)
          [first key] is disabled: replaced 2027-02-18T22:00:00Z, never used
          ~ directory_access_key            bot/[first key]  key disabled
              status: "Active" → "Inactive"

    Plan: 0 to add, 1 to change, 0 to destroy.  1 mover.
    Leasehold plan  ·  stack robots  ·  local embedded as tester  ·  now 2027-02-20T22:00:00Z

      ~ mover    identity.bot  service · owner jane · expires 2029-05-08 (808d)
          [first key] is deleted: replaced 2027-02-18T22:00:00Z, never used
          - directory_access_key            bot/[first key]

    Plan: 0 to add, 0 to change, 1 to destroy.  1 mover.
    "#);
}

#[test]
fn keys_that_others_made_or_used_are_seen() {
    let mut stack = Stack::of(&bot("")).at(START);
    stack.apply();
    stack.outside().add_key("bot", "LKIASTRAY").unwrap();
    stack.run(&["drift"]).expect(2).says(&["LKIASTRAY"]);
    stack.apply();
    stack.assert_converged();
    // The old key is used until the last moment, and a day longer than it should: it stays off for longer.
    let (first, _) = held(&stack);
    stack.pass_days(90);
    stack.apply();
    stack.pass_days(2);
    let late: jiff::Timestamp = "2027-02-20T20:00:00Z".parse().unwrap();
    stack.outside().record_key_use("bot", &first, late).unwrap();
    stack.plan().says(&[&format!("{first} is disabled"), "last used 2027-02-20T20:00:00Z"]);
    stack.apply();
    stack.assert_converged();
    stack.pass_days(1);
    stack.plan().says(&[&format!("{first} is deleted")]);
    stack.apply();
    stack.assert_converged();
}

#[test]
fn an_identity_that_exists_already_is_issued_its_first_key() {
    let text = bot("");
    let start = text.find("\n  credential").unwrap();
    let stack = Stack::of(&format!("{}}}\n", &text[..start])).at(START);
    stack.apply();
    stack.write("stack.hcl", &text);
    stack.plan().says(&["mover", "new access key: the secret store has no valid key"]);
    // It is no matter of time: a sweep leaves it to an apply.
    stack.ok(&["sweep", "--auto-approve"]).says(&["No changes."]);
    stack.apply();
    assert_eq!(delivered(&stack), [held(&stack).0]);
    stack.assert_converged();
    // Whoever removes the file has the key replaced.
    let before = held(&stack).0;
    std::fs::remove_file(stack.path("secrets/bot.json")).unwrap();
    stack.apply();
    assert_ne!(held(&stack).0, before);
    stack.assert_converged();
}

#[test]
fn a_store_of_another_name_gets_a_key_of_its_own() {
    let mut stack = Stack::of(&bot("")).at(START);
    stack.apply();
    let (first, _) = held(&stack);
    stack.append("stack.hcl", "store \"file\" \"safe\" {}\n");
    stack.edit("stack.hcl", "= store.vault", "= store.safe");
    stack.plan().says(&["new access key: the current key is in store.vault", "secret → store.safe"]);
    stack.apply();
    stack.assert_converged();
    assert_eq!(held(&stack).0, first, "who reads the old store has an overlap to change over");
    assert!(stack.path(".leasehold/secrets/safe/bot.json").is_file());
    for _ in 0..3 {
        stack.pass_days(1);
        stack.apply();
    }
    stack.assert_converged();
    assert!(!stack.path("secrets/bot.json").exists());
}
