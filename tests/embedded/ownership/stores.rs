//! Records that are lost, moved, or another stack's.

use leasehold_test_harness::{START, Stack, snapshot};

use super::applied;

/// A second directory with the configuration and the cloud of the first, and no records.
fn second_directory(first: &Stack) -> Stack {
    let second = Stack::empty().at(START);
    for file in ["stack.hcl", "bot.hcl", "clerk.hcl"] {
        second.write(file, &first.read(file));
    }
    second.write(".leasehold/marker", "");
    std::fs::copy(first.path(".leasehold/directory.db"), second.path(".leasehold/directory.db")).unwrap();
    second
}

fn lineage(stack: &Stack) -> String {
    stack.outside().principal_tags("robot").unwrap()["leasehold:lineage"].clone()
}

#[test]
fn second_directory_with_the_name_of_a_stack_is_refused() {
    let first = applied();
    let second = second_directory(&first);
    let filters = [(lineage(&first), "[lineage]")];
    let mut settings = leasehold_test_harness::settings();
    for (from, to) in &filters {
        settings.add_filter(from, *to);
    }
    let _bound = settings.bind_to_scope();
    snapshot!(second.run(&["apply", "--auto-approve"]).expect(3), @"
    $ leasehold apply --auto-approve
    exit 3
    ─── stderr
    error: the store of stack own has no record of any object, but 4 objects in the account carry marks of stack own: local:group/team (lineage [lineage]), local:policy/read (lineage [lineage]), local:user/clerk (lineage [lineage]), local:user/robot (lineage [lineage])
      help: If this is another stack, choose another name. If the store was moved, point the `backend` block to it; a pipeline needs a bucket, because a folder does not outlive a job. If the store was lost, `leasehold recover` shows these objects and begins a new record. Nothing was changed.
    ");
    for command in
        [&["plan"][..], &["drift"], &["sweep", "--auto-approve"], &["revoke", "identity.bot", "--reason", "x"]]
    {
        second.run(command).expect(3).says(&["has no record of any object"]);
    }
    // Another directory with no identities, either.
    second.write("bot.hcl", "");
    second.write("clerk.hcl", "");
    second.edit("stack.hcl", "  members = [identity.clerk]\n", "");
    second.run(&["apply", "--auto-approve"]).expect(3);
    assert_eq!(second.outside().rows_by_unique_id().unwrap(), first.outside().rows_by_unique_id().unwrap());
}

#[test]
fn records_in_another_folder_are_refused() {
    let stack = applied();
    stack.edit(
        "stack.hcl",
        "  stack = \"own\"\n",
        "  stack = \"own\"\n  backend \"local\" {\n    path = \"elsewhere\"\n  }\n",
    );
    let before = stack.outside().rows_by_unique_id().unwrap();
    for command in [&["apply", "--auto-approve"][..], &["sweep", "--auto-approve"], &["drift"], &["plan"]] {
        stack.run(command).expect(3).says(&["has no record of any object"]);
    }
    assert_eq!(stack.outside().rows_by_unique_id().unwrap(), before);
}

#[test]
fn lost_records_are_refused() {
    let stack = applied();
    for entry in std::fs::read_dir(stack.path(".leasehold")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else if path.file_name().unwrap() != "directory.db" {
            std::fs::remove_file(path).unwrap();
        }
    }
    for command in [&["apply", "--auto-approve"][..], &["sweep", "--auto-approve"], &["drift"], &["plan"]] {
        stack.run(command).expect(3).says(&["has no record of any object", "leasehold recover"]);
    }
}

#[test]
fn lost_inventory_is_built_again_from_the_ledger() {
    let stack = applied();
    let before = stack.plan_json();
    std::fs::remove_file(stack.path(".leasehold/inventory.json")).unwrap();
    assert_eq!(stack.plan_json(), before);
    stack.outside().set_tags("robot", &std::collections::BTreeMap::new()).unwrap();
    stack.apply();
    stack.assert_converged();
}
