//! A stack that an earlier version applied: its ledger has no unique ids, and there is no inventory.

use leasehold_provider::{Digest, Document};
use leasehold_test_harness::{START, Stack};
use serde_json::{Value, json};

/// Rewrites the records of a stack as version 2 of the ledger's format wrote them.
fn downgrade_records(stack: &Stack) {
    std::fs::remove_file(stack.path(".leasehold/inventory.json")).unwrap();
    let mut previous = Digest::from_bytes(b"");
    for number in 1.. {
        let path = stack.path(&format!(".leasehold/ledger/{number:020}.json"));
        let Ok(text) = std::fs::read_to_string(&path) else { break };
        let mut entry: Value = serde_json::from_str(&text).unwrap();
        entry["schema"] = json!(2);
        entry["previous"] = json!(previous);
        let records = entry["records"].as_array_mut().unwrap();
        records.retain(|record| record["kind"] != "ownership");
        for record in records {
            for added in ["marks", "at", "unique_id", "uncertain", "inventory", "settings"] {
                record.as_object_mut().unwrap().remove(added);
            }
        }
        let bytes = Document::new(entry).canonical_text().as_bytes().to_vec();
        previous = Digest::from_bytes(&bytes);
        std::fs::write(&path, bytes).unwrap();
    }
    let mut lock: Value = serde_json::from_str(&stack.read(".leasehold/lock.json")).unwrap();
    lock["head"]["digest"] = json!(previous);
    std::fs::write(stack.path(".leasehold/lock.json"), lock.to_string()).unwrap();
}

fn applied_by_earlier_version() -> Stack {
    let stack = Stack::example("quickstart").at(START);
    stack.apply();
    downgrade_records(&stack);
    stack
}

#[test]
fn apply_takes_over_what_the_ledger_says_was_created() {
    let stack = applied_by_earlier_version();
    let forged = stack.outside().principal_tags("nightly_report").unwrap();
    stack.outside().create_principal(leasehold_provider::Principal::User, "eve", &forged).unwrap();
    stack.run(&["sweep", "--auto-approve"]).expect(3).says(&["earlier version", "leasehold apply"]);
    let plan = stack.plan();
    let listed = ["An earlier version", "identity.nightly_report", "scope.orders_read"];
    for text in listed {
        assert!(plan.stdout.contains(text), "{text}: {plan}");
    }
    assert!(plan.stdout.contains("unowned-mark") && plan.stdout.contains("eve"), "{plan}");
    stack.run(&["apply"]).expect(3).says(&["cannot prompt"]);
    stack.apply();
    stack.assert_converged();
    stack.ok(&["sweep", "--auto-approve"]);
    stack.ok(&["audit", "verify"]);
    assert_eq!(stack.outside().principal_tags("eve").unwrap(), forged);
}

#[test]
fn instants_in_marks_do_not_count_when_they_are_taken_over() {
    let stack = applied_by_earlier_version();
    let outside = stack.outside();
    let mut tags = outside.principal_tags("nightly_report").unwrap();
    tags.insert("leasehold:created-at".to_owned(), "2036-01-01T00:00:00Z".to_owned());
    tags.insert("leasehold:quarantined-at".to_owned(), "2026-01-01T00:00:00Z".to_owned());
    tags.insert("leasehold:reason".to_owned(), "removed".to_owned());
    outside.set_tags("nightly_report", &tags).unwrap();
    stack.apply();
    stack.assert_converged();
    let tags = stack.outside().principal_tags("nightly_report").unwrap();
    assert_eq!(tags["leasehold:created-at"], START);
    assert!(!tags.contains_key("leasehold:quarantined-at"), "{tags:?}");
    stack.cut("identities.hcl", "identity \"nightly_report\"");
    stack.apply();
    stack.ok(&["sweep", "--auto-approve"]);
    assert!(stack.outside().principal_tags("nightly_report").is_ok(), "deleted without its grace period");
}

#[test]
fn a_revocation_of_an_earlier_version_holds() {
    let stack = Stack::example("quickstart").at(START);
    stack.apply();
    stack.ok(&["revoke", "identity.nightly_report", "--reason", "leaked"]);
    downgrade_records(&stack);
    stack.apply();
    let list = stack.ok(&["list"]);
    let line = list.stdout.lines().find(|line| line.contains("nightly_report")).unwrap_or_default();
    assert!(line.contains("quarantined"), "{list}");
    stack.assert_converged();
}
