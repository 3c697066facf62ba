//! Records name their stack and lineage: what belongs to another stack, or to another history, is refused and left as it is.

use leasehold_emulator::{Emulator, Request};
use serde_json::Value;

use crate::records::{IDENTITIES, entries, head, objects, on_s3};
use leasehold_test_harness::{START, Stack};

/// A stack with one service account in the embedded directory, whose records are in `path`.
fn local(name: &str, path: &str) -> String {
    format!(
        "leasehold {{\n  stack = \"{name}\"\n  backend \"local\" {{\n    path = \"{path}\"\n  }}\n}}\n\nowner \"jane\" {{}}\n\n\
         identity \"{name}_bot\" {{\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"9d\"\n}}\n"
    )
}

/// Every command that reads or writes records.
const COMMANDS: [&[&str]; 9] = [
    &["plan"],
    &["apply", "--auto-approve"],
    &["sweep", "--auto-approve"],
    &["drift"],
    &["lock", "show"],
    &["lock", "break", "--reason", "x"],
    &["audit", "list"],
    &["audit", "verify"],
    &["audit", "checkpoint"],
];

#[test]
fn two_stacks_in_one_folder_are_refused() {
    let stack = Stack::empty().at(START);
    // A relative place is in the repository.
    stack.write(".git/HEAD", "");
    stack.write("alpha/stack.hcl", &local("alpha", "../records"));
    stack.write("beta/stack.hcl", &local("beta", "../records"));
    stack.ok(&["-C", "alpha", "apply", "--auto-approve", "--now", START]);
    let before = stack.files();
    for command in COMMANDS {
        let mut command = [&["-C", "beta"][..], command].concat();
        if ["plan", "apply", "sweep", "drift"].contains(&command[2]) {
            command.extend(["--now", START]);
        }
        let words = [
            "contains the records of stack alpha, but this is stack beta",
            "Give each stack its own place for records",
        ];
        stack.run(&command).expect(3).says(&words);
    }
    assert_eq!(stack.files(), before);
    stack.ok(&["-C", "alpha", "audit", "verify"]).says(&["The ledger is intact"]);
    stack.ok(&["-C", "alpha", "lock", "show"]).says(&["The lock is not held"]);
}

#[test]
fn two_stacks_under_one_prefix_are_refused_and_resolve_no_step_of_each_other() {
    let aws = Emulator::moto();
    let crash = on_s3(&aws);
    crash.apply();
    let other = Stack::of(&format!("{}{IDENTITIES}", head("other", crate::records::BUCKET))).with_env(aws.env());
    let before = objects(&aws);
    aws.clear_requests();
    for command in COMMANDS {
        other.run(command).expect(3).says(&["contains the records of stack crash, but this is stack other"]);
    }
    assert_eq!(objects(&aws), before);
    assert!(aws.requests().iter().all(|request| !Request::writes(request)));
}

#[test]
fn all_records_have_one_lineage() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    stack.apply();
    stack.cut("stack.hcl", "identity \"old\"");
    stack.apply();
    let objects = objects(&aws);
    let lineages: Vec<(&String, Value)> = objects
        .iter()
        .map(|(key, text)| (key, serde_json::from_str::<Value>(text).unwrap()["lineage"].clone()))
        .collect();
    let first = &lineages[0].1;
    assert_eq!(first.as_str().map(str::len), Some(32), "{lineages:?}");
    assert!(lineages.iter().all(|(_, lineage)| lineage == first), "{lineages:?}");
    for part in ["lock.json", "accounts.json", "/ledger/", "/evidence/"] {
        assert!(lineages.iter().any(|(key, _)| key.contains(part)), "{part}: {lineages:?}");
    }
}

/// Puts an object's text in place of what is there.
fn put(aws: &Emulator, key: &str, text: &str) {
    aws.boto3(&format!("client('s3').put_object(Bucket='records', Key='{key}', Body={})", Value::from(text)));
}

#[test]
fn records_of_another_history_are_refused() {
    let (aws, elsewhere) = (Emulator::moto(), Emulator::moto());
    let stack = on_s3(&aws);
    stack.apply();
    on_s3(&elsewhere).apply();
    let (own, theirs) = (objects(&aws), objects(&elsewhere));
    let lineage = |objects: &std::collections::BTreeMap<String, String>| -> String {
        let lock: Value = serde_json::from_str(&objects["iam/crash/lock.json"]).unwrap();
        lock["lineage"].as_str().unwrap().to_owned()
    };
    for key in ["iam/crash/accounts.json", "iam/crash/lock.json"] {
        put(&aws, key, &theirs[key]);
        aws.clear_requests();
        let words = [lineage(&own), lineage(&theirs)];
        stack.run(&["apply", "--auto-approve"]).expect(3).says(&[&words[0], &words[1], "was replaced"]);
        assert!(aws.requests().iter().all(|request| !Request::writes(request)), "{key}");
        put(&aws, key, &own[key]);
    }
    // The ledger itself, entry by entry.
    for (key, text) in theirs.iter().filter(|(key, _)| key.contains("/ledger/")) {
        put(&aws, key, text);
    }
    stack.run(&["apply", "--auto-approve"]).expect(3).says(&["was replaced"]);
}

#[test]
fn an_entry_of_another_lineage_is_found_by_verification() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    stack.apply();
    let last = entries(&aws).len();
    let key = format!("iam/crash/ledger/{last:020}.json");
    let text = objects(&aws)[&key].clone();
    let own = serde_json::from_str::<Value>(&text).unwrap()["lineage"].as_str().unwrap().to_owned();
    put(&aws, &key, &text.replace(&own, &"0".repeat(32)));
    stack.run(&["audit", "verify"]).expect(1).says(&[&format!("lineage {}", "0".repeat(32))]);
}

#[test]
fn records_of_the_first_format_are_continued() {
    let stack = Stack::of(&local("alpha", ".leasehold")).at(START);
    stack.apply();
    // What the format before this one had: no lineage anywhere, and no stack in the lock.
    let lock = stack.read(".leasehold/lock.json");
    let mut old: Value = serde_json::from_str(&lock).unwrap();
    let fields = old.as_object_mut().unwrap();
    fields.remove("lineage");
    fields.remove("stack");
    fields["head"] = Value::Null;
    fields["schema"] = 1.into();
    stack.write(".leasehold/lock.json", &old.to_string());
    std::fs::remove_file(stack.path(".leasehold/accounts.json")).unwrap();
    std::fs::remove_file(stack.path(".leasehold/inventory.json")).unwrap();
    let mut previous = leasehold_provider::Digest::from_bytes(b"").to_string();
    for number in 1.. {
        let name = format!(".leasehold/ledger/{number:020}.json");
        if !stack.path(&name).exists() {
            break;
        }
        let mut entry: Value = serde_json::from_str(&stack.read(&name)).unwrap();
        entry.as_object_mut().unwrap().remove("lineage");
        entry["schema"] = 1.into();
        for record in entry["records"].as_array_mut().unwrap() {
            for later in ["marks", "at", "unique_id", "uncertain", "inventory", "settings"] {
                record.as_object_mut().unwrap().remove(later);
            }
        }
        entry["previous"] = previous.into();
        let text = entry.to_string();
        stack.write(&name, &text);
        previous = leasehold_provider::Digest::from_bytes(text.as_bytes()).to_string();
    }
    stack.ok(&["audit", "verify"]).says(&["The ledger is intact"]);
    stack.edit("stack.hcl", "\"9d\"", "\"8d\"");
    stack.apply();
    stack.ok(&["audit", "verify"]).says(&["The ledger is intact"]);
    let lock: Value = serde_json::from_str(&stack.read(".leasehold/lock.json")).unwrap();
    assert_eq!((lock["schema"].as_u64(), lock["lineage"].as_str().map(str::len)), (Some(2), Some(32)), "{lock}");
}
