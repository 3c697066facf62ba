//! Keys in an AWS account, as an emulator has it.

use std::os::unix::fs::PermissionsExt as _;

use leasehold_emulator::Fault;

use crate::keys::{assert_one_key, bot, delivered, entry, held, keys, on_aws};
use leasehold_test_harness::{Stack, wait_until};

/// So many days and a minute pass for every key that there is: in the account, and in the store's books.
fn age(aws: &leasehold_emulator::Emulator, stack: &Stack, days: i64) {
    aws.boto3(&format!(
        "
        import datetime
        from moto.iam import iam_backends
        for key in iam_backends['123456789012']['aws'].users['bot'].access_keys:
            key.create_date -= datetime.timedelta(days={days}, minutes=1)
        "
    ));
    let mut entry = entry(stack);
    for kept in entry["Leasehold"]["keys"].as_object_mut().unwrap().values_mut() {
        let at: jiff::Timestamp = kept["delivered_at"].as_str().unwrap().parse().unwrap();
        kept["delivered_at"] = (at - jiff::SignedDuration::from_mins(24 * 60 * days + 1)).to_string().into();
    }
    stack.write("secrets/bot.json", &entry.to_string());
}

#[test]
fn a_joiner_is_issued_a_key_as_the_last_thing_and_the_store_has_its_secret() {
    let (aws, stack) = on_aws();
    stack.plan().says(&["aws_iam_access_key", "bot/(new)", "secret → store.vault", "3 to add"]);
    assert!(!stack.path("secrets").exists(), "a plan makes nothing");
    let ran = stack.apply();
    assert_one_key(&aws, &stack, "joiner");
    let (id, secret) = held(&stack);
    let said = format!("created aws_iam_access_key bot/{id}, secret delivered to store.vault");
    ran.says(&[&said]).does_not_say(&[&secret]);
    let writes: Vec<String> =
        aws.requests().into_iter().filter(leasehold_emulator::Request::writes).map(|r| r.action).collect();
    assert_eq!(writes, ["CreateUser", "PutUserPolicy", "CreateAccessKey"]);
    let mode = |path: &str| stack.path(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("secrets"), mode("secrets/bot.json")), (0o700, 0o600));
    assert_eq!(stack.read("secrets/.gitignore"), "*\n");
    stack.assert_converged();
    stack.run(&["drift"]).expect(0);
    // A credential process prints this, and the AWS tools take what they know of it.
    let printed = entry(&stack);
    assert_eq!((&printed["Version"], &printed["AccessKeyId"]), (&1.into(), &id.into()));
}

#[test]
fn key_is_replaced_disabled_and_deleted() {
    let (aws, stack) = on_aws();
    stack.apply();
    let (first, _) = held(&stack);
    let status = |id: &str| keys(&aws).get(id).map(|(status, _)| status.clone());

    age(&aws, &stack, 88);
    stack.assert_converged();
    age(&aws, &stack, 3);
    stack.ok(&["drift"]).says(&["1 change in the configuration not yet applied: identity.bot"]);
    stack.plan().says(&[
        "new access key",
        &first,
        "rotation every 90d",
        "bot/(new)",
        "1 to add, 0 to change, 0 to destroy",
    ]);
    stack.apply();
    let (second, secret) = held(&stack);
    assert_ne!(first, second);
    assert_eq!(keys(&aws)[&second], ("Active".to_owned(), secret));
    assert_eq!(status(&first).as_deref(), Some("Active"));
    assert_eq!(delivered(&stack).len(), 2);
    stack.assert_converged();

    age(&aws, &stack, 1);
    stack.plan().says(&["is disabled: replaced", "never used", "→ Inactive"]);
    stack.ok(&["sweep", "--auto-approve"]);
    assert_eq!((status(&first).as_deref(), status(&second).as_deref()), (Some("Inactive"), Some("Active")));
    stack.assert_converged();

    age(&aws, &stack, 1);
    stack.plan().says(&["is deleted: replaced", "0 to add, 0 to change, 1 to destroy"]);
    stack.ok(&["sweep", "--auto-approve"]);
    assert_one_key(&aws, &stack, "at its end");
    stack.assert_converged();
}

#[test]
fn unmanaged_keys_are_deleted_and_disabled_key_is_enabled() {
    let (aws, stack) = on_aws();
    stack.apply();
    let (ours, _) = held(&stack);
    aws.boto3(&format!(
        "
        iam.create_access_key(UserName='bot')
        iam.update_access_key(UserName='bot', AccessKeyId='{ours}', Status='Inactive')
        "
    ));
    stack.run(&["drift"]).expect(2).says(&["unmanaged credential", "differs from the applied state"]);
    stack.plan().says(&["drift", "in no secret store", "→ Active"]);
    stack.apply();
    assert_one_key(&aws, &stack, "stray");
    assert_eq!(held(&stack).0, ours);
    stack.assert_converged();
    // Two of them leave no room for a new one: they go first. The one that is gone was delivered long enough ago not to be waited for.
    age(&aws, &stack, 1);
    aws.boto3(&format!("iam.delete_access_key(UserName='bot', AccessKeyId='{ours}')"));
    aws.boto3("iam.create_access_key(UserName='bot'); iam.create_access_key(UserName='bot')");
    stack.apply();
    let (id, secret) = held(&stack);
    assert_eq!(Vec::from_iter(keys(&aws)), [(id, ("Active".to_owned(), secret))]);
    stack.assert_converged();
}

#[test]
fn another_owner_is_issued_another_key() {
    let (aws, stack) = on_aws();
    stack.apply();
    let (first, _) = held(&stack);
    stack.edit("stack.hcl", "owner = owner.jane", "owner = owner.tom");
    stack.plan().says(&["owner jane → tom", "new access key: the current key was issued for owner jane"]);
    stack.apply();
    assert_ne!(held(&stack).0, first);
    assert_eq!(keys(&aws).len(), 2);
    stack.assert_converged();
    // Back at once: the first is promised for its overlap, and there is no room for a third.
    stack.edit("stack.hcl", "owner = owner.tom", "owner = owner.jane");
    stack.apply();
    assert_eq!(keys(&aws).len(), 2);
    stack.assert_converged();
    age(&aws, &stack, 1);
    stack.plan().says(&["a user can have only two keys"]);
    stack.apply();
    let all = keys(&aws);
    assert!(all.len() == 2 && !all.contains_key(&first) && all.contains_key(&held(&stack).0), "{all:?}");
    stack.assert_converged();
}

#[test]
fn leaver_key_is_disabled_restored_and_removed_from_the_store() {
    let (aws, stack) = on_aws();
    stack.apply();
    let (id, secret) = held(&stack);
    let block = stack.cut("stack.hcl", "identity \"bot\"");
    stack.apply();
    assert_eq!(keys(&aws)[&id].0, "Inactive");
    stack.assert_converged();
    aws.boto3(&format!("iam.update_access_key(UserName='bot', AccessKeyId='{id}', Status='Active')"));
    stack.run(&["drift"]).expect(2).says(&["its quarantine was removed or weakened"]);
    stack.apply();
    assert_eq!(keys(&aws)[&id].0, "Inactive");
    stack.append("stack.hcl", &block);
    stack.apply();
    assert_eq!(held(&stack), (id, secret));
    assert_one_key(&aws, &stack, "restored");
    stack.assert_converged();
    stack.ok(&["revoke", "identity.bot", "--reason", "lost"]);
    stack.assert_converged();
    stack.ok(&["restore", "identity.bot", "--auto-approve"]);
    assert_one_key(&aws, &stack, "revoked and restored");
    stack.assert_converged();
    stack.cut("stack.hcl", "identity \"bot\"");
    stack.apply();
    stack.end_grace_periods();
    stack.apply();
    assert_eq!((keys(&aws).len(), stack.path("secrets/bot.json").exists()), (0, false));
    stack.assert_converged();
}

#[test]
fn removed_block_deletes_keys_and_store_entries() {
    let (aws, stack) = on_aws();
    stack.apply();
    let text = stack.read("stack.hcl");
    let start = text.find("\n  credential").unwrap();
    stack.write("stack.hcl", &format!("{}}}\n", &text[..start]));
    stack.plan().says(&["mover", "is deleted: no longer declared"]);
    stack.apply();
    assert_eq!((keys(&aws).len(), stack.path("secrets/bot.json").exists()), (0, false));
    stack.assert_converged();
}

#[test]
fn lost_response_leaves_no_undelivered_key() {
    assert_no_undelivered_key(&Fault::drop_response("CreateAccessKey"));
}

/// A response that is cut off has the key's id, or not even that. It counts as lost.
#[test]
fn incomplete_response_leaves_no_undelivered_key() {
    assert_no_undelivered_key(&Fault::cut_response("CreateAccessKey", 0.5));
}

fn assert_no_undelivered_key(lost: &Fault) {
    let (aws, stack) = on_aws();
    aws.order(lost.clone().times(1));
    stack.apply();
    assert_one_key(&aws, &stack, "dropped once");
    assert_eq!((aws.calls("CreateAccessKey"), aws.calls("DeleteAccessKey")), (2, 1));
    stack.assert_converged();
    // Lost to the end: the run says so, and leaves none either.
    age(&aws, &stack, 90);
    aws.order(lost.clone());
    let (before, _) = held(&stack);
    let ran = stack.run(&["apply", "--auto-approve"]).expect(1).says(&["the key from this call was deleted"]);
    assert_eq!(held(&stack).0, before, "{ran}");
    assert_eq!((keys(&aws).len(), keys(&aws)[&before].0.as_str()), (1, "Active"), "{ran}");
    // Lost, and what it left cannot be deleted: the next run removes it.
    aws.order(Fault::deny("DeleteAccessKey"));
    let ran = stack.run(&["apply", "--auto-approve"]).expect(1).says(&["could not be deleted", "apply again"]);
    assert_eq!((keys(&aws).len(), held(&stack).0), (2, before.clone()), "{ran}");
    aws.clear_faults();
    stack.apply();
    assert_ne!(held(&stack).0, before);
    let found: Vec<String> = keys(&aws).into_keys().collect();
    assert_eq!(found, delivered(&stack));
    stack.assert_converged();
}

#[test]
fn throttled_or_refused_a_creation_makes_no_second_key() {
    let (aws, stack) = on_aws();
    aws.order(Fault::throttle("CreateAccessKey").times(2));
    stack.apply();
    assert_one_key(&aws, &stack, "throttled");
    let (other, fresh) = on_aws();
    other.order(Fault::deny("CreateAccessKey"));
    fresh.run(&["apply", "--auto-approve"]).expect(1).says(&["iam:CreateAccessKey", "not authorized"]);
    assert_eq!((keys(&other).len(), entry(&fresh)), (0, serde_json::Value::Null));
    other.clear_faults();
    fresh.apply();
    assert_one_key(&other, &fresh, "allowed again");
}

#[test]
fn a_store_that_cannot_be_used_keeps_everything_from_being_written() {
    let (aws, stack) = on_aws();
    stack.write("secrets", "a file where the store should be");
    for args in [&["plan"][..], &["apply", "--auto-approve"]] {
        stack.run(args).expect(1).says(&["the path \"secrets\" is not a folder but a file", "stack.hcl:"]);
    }
    std::fs::remove_file(stack.path("secrets")).unwrap();
    stack.write("secrets/bot.json", "{\"SecretAccessKey\": \"hush\"}");
    stack.run(&["plan"]).expect(1).says(&["bot.json", "not an entry of a secret store"]).does_not_say(&["hush"]);
    std::fs::remove_file(stack.path("secrets/bot.json")).unwrap();
    std::fs::set_permissions(stack.path("secrets"), std::fs::Permissions::from_mode(0o777)).unwrap();
    stack.run(&["apply", "--auto-approve"]).expect(1).says(&["can be written by other users", "chmod go-w"]);
    assert_eq!(aws.requests().iter().filter(|request| request.writes()).count(), 0);
    std::fs::set_permissions(stack.path("secrets"), std::fs::Permissions::from_mode(0o700)).unwrap();
    stack.apply();
    assert_one_key(&aws, &stack, "mended");
}

#[test]
fn key_without_stored_secret_is_deleted() {
    let (aws, stack) = on_aws();
    aws.order(Fault::hold_response("CreateAccessKey").times(1));
    let run = stack.start(&["apply", "--auto-approve"]);
    wait_until("the creation", || aws.held() > 0);
    std::fs::remove_dir_all(stack.path("secrets")).unwrap();
    stack.write("secrets", "somebody put a file here");
    aws.release_held();
    run.wait().expect(1).says(&[
        "was created but its secret could not be stored",
        "the key was deleted",
        "fix the secret store",
    ]);
    assert_eq!(keys(&aws).len(), 0);
    std::fs::remove_file(stack.path("secrets")).unwrap();
    stack.apply();
    assert_one_key(&aws, &stack, "mended");
    stack.assert_converged();
}

#[test]
fn an_entry_of_another_stack_is_never_written_over() {
    let (aws, stack) = on_aws();
    stack.apply();
    let before = stack.read("secrets/bot.json");
    let other = Stack::of(
        &bot("")
            .replace("\"robots\"", "\"others\"")
            .replace("path = \"secrets\"", &format!("path = \"{}\"", stack.path("secrets").display())),
    );
    other.plan().says(&["1 joiner"]);
    other
        .run(&["apply", "--auto-approve"])
        .expect(1)
        .says(&["contains the keys of identity.bot of stack robots in aws 123456789012", "another `path`"]);
    assert_eq!(stack.read("secrets/bot.json"), before);
    assert_one_key(&aws, &stack, "untouched");
}

#[test]
fn a_saved_plan_issues_its_key_once() {
    let (aws, stack) = on_aws();
    stack.ok(&["plan", "--out", "joiner.plan"]);
    stack.ok(&["apply", "joiner.plan", "--auto-approve"]);
    assert_one_key(&aws, &stack, "saved");
    stack.assert_converged();
    age(&aws, &stack, 90);
    stack.ok(&["plan", "--out", "rotation.plan"]);
    stack.ok(&["apply", "rotation.plan", "--auto-approve"]);
    assert_eq!(delivered(&stack).len(), 2);
    stack.assert_converged();
    // Nothing else that the plan touches tells that it was carried out: the keys do.
    stack.run(&["apply", "rotation.plan", "--auto-approve"]).expect(3).says(&["the saved plan is stale"]);
    assert_eq!(keys(&aws).len(), 2);
}

#[test]
fn a_killed_run_that_deleted_a_key_leaves_an_entry_that_the_next_one_tidies() {
    let (aws, stack) = on_aws();
    stack.apply();
    let (first, _) = held(&stack);
    age(&aws, &stack, 2);
    aws.boto3(&format!("iam.delete_access_key(UserName='bot', AccessKeyId='{first}')"));
    stack.apply().says(&["Removed from the secret stores because these keys no longer exist", &first]);
    assert_one_key(&aws, &stack, "tidied");
    stack.assert_converged();
}
