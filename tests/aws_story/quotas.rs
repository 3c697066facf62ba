//! A plan that the account has no room for.

use leasehold_emulator::Emulator;

use super::{filtered, fresh, names};

/// Sets numbers of the account's summary.
fn quota(aws: &Emulator, name: &str, limit: usize) {
    aws.boto3(&format!(
        "
        from moto.iam.models import iam_backends
        iam_backends['{}']['aws'].account_summary.{name} = {limit}
        ",
        Emulator::ACCOUNT
    ));
}

#[test]
fn an_account_without_room_is_named_before_anything_is_written() {
    let (aws, stack) = fresh();
    quota(&aws, "_roles_quota", 0);
    quota(&aws, "_policies_quota", 0);
    for command in [&["plan"] as &[&str], &["apply", "--auto-approve"]] {
        let ran = stack.run(command).expect(3);
        if command == ["plan"] {
            filtered("quota_of_the_account", &ran);
        }
    }
    assert_eq!(names(&aws), serde_json::json!([]));
    assert_eq!(aws.requests().iter().filter(|request| request.writes()).count(), 0);
    // A part of it has room.
    quota(&aws, "_policies_quota", 1);
    stack.ok(&["plan", "--target", "identity.reporter"]);
    quota(&aws, "_roles_quota", 1);
    aws.forget_requests();
    stack.apply();
    assert_eq!(aws.calls("GetAccountSummary"), 1, "one call, where something is made");
    aws.forget_requests();
    stack.assert_converged();
    assert_eq!(aws.calls("GetAccountSummary"), 0);
    // What changes and makes nothing is not held back by an account that is full.
    quota(&aws, "_roles_quota", 0);
    stack.edit("stack.hcl", "environment          = \"prod\"", "environment          = \"staging\"");
    stack.apply();
}

#[test]
fn what_one_block_asks_for_too_much_is_told_at_its_line() {
    let (aws, stack) = fresh();
    let arns: Vec<String> = (0..11).map(|n| format!("\"arn:aws:iam::aws:policy/Policy{n:02}\"")).collect();
    stack.append(
        "stack.hcl",
        &format!(
            "identity \"collector\" {{\n  kind                = \"workload\"\n  owner               = owner.jane\n  expires_at          = \
             \"2090-01-01T00:00:00Z\"\n  managed_policy_arns = [\n    {},\n  ]\n  trust \"service\" {{\n    principals = \
             [\"lambda.amazonaws.com\"]\n  }}\n}}\n",
            arns.join(",\n    ")
        ),
    );
    filtered("quota_of_a_role", &stack.run(&["plan"]).expect(1));
    quota(&aws, "_attached_policies_per_role_quota", 11);
    stack.ok(&["plan"]);
}

#[test]
fn a_trust_policy_is_held_against_what_the_account_takes_also_when_it_only_grows() {
    let (aws, stack) = fresh();
    stack.apply();
    let subjects: Vec<String> =
        (0..40).map(|n| format!("\"repo:acme/checkout:environment:stage-of-the-shop-{n:02}\"")).collect();
    stack.edit("stack.hcl", "subjects  = [", &format!("subjects  = [{}, ", subjects.join(", ")));
    filtered("quota_of_a_trust", &stack.run(&["plan"]).expect(1));
    quota(&aws, "_assume_role_policy_size_quota", 4096);
    stack.apply();
    stack.assert_converged();
}
