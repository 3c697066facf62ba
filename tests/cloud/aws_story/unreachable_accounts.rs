//! An account that a stack has something in is not left to itself by taking a block out.

use leasehold_emulator::Emulator;
use serde_json::{Value, json};

use super::{DEADLINE, filtered};
use leasehold_test_harness::Stack;

const AUDIT: &str = "111111111111";

const AUDIT_BLOCK: &str = r#"provider "aws" {
  alias = "audit"
  assume_role {
    role_arn = "arn:aws:iam::111111111111:role/leasehold"
  }
}
"#;

/// A user in the first account and one in another. Who leaves is deleted by the next run.
fn two() -> (Emulator, Stack) {
    let aws = Emulator::moto();
    let identity = |name: &str, provider: &str| {
        format!(
            "identity \"{name}\" {{\n  kind = \"service\"\n  owner = owner.jane\n  expires_at = \"{DEADLINE}\"\n{provider}}}\n"
        )
    };
    let text = format!(
        "leasehold {{\n  stack = \"payments\"\n  defaults {{\n    leaver {{\n      grace = \"0s\"\n    }}\n  }}\n}}\nprovider \"aws\" {{\n  region = \"us-east-1\"\n}}\n{AUDIT_BLOCK}owner \"jane\" {{}}\n{}{}",
        identity("reporter", ""),
        identity("auditor", "  provider = provider.aws.audit\n"),
    );
    let stack = Stack::of(&text).with_env(aws.env());
    (aws, stack)
}

fn users(aws: &Emulator, account: &str) -> Value {
    aws.boto3(&format!("print([user['UserName'] for user in iam_of('{account}').list_users()['Users']])"))
}

fn known(stack: &Stack) -> Value {
    let text = std::fs::read_to_string(stack.path(".leasehold/accounts.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["accounts"].clone()
}

#[test]
fn removed_provider_block_with_objects_stops_plan_apply_and_drift() {
    let (aws, stack) = two();
    stack.apply();
    assert_eq!(known(&stack), json!({ "aws 123456789012": null, "aws 111111111111": "audit" }));
    let text = stack.read("stack.hcl");
    stack.cut("stack.hcl", "identity \"auditor\"");
    stack.edit("stack.hcl", AUDIT_BLOCK, "");
    filtered!(stack.run(&["plan", "--detailed-exitcode"]).expect(2), @r#"
    $ leasehold plan --detailed-exitcode
    exit 2
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      - setting  provider.aws.audit: "declared"
      - setting  provider.aws.audit.assume_role.role_arn: "arn:aws:iam::111111111111:role/leasehold"

      . release      account aws 111111111111: its objects stay unchanged and are no longer read

      refused by out-of-sight:  this stack has identities or scopes in account aws 111111111111 (provider.aws.audit), but no provider block for it any more: they would keep all their access, and no run would read them
        Restore the provider block, remove everything in that account, and apply until it is deleted; then remove the block. To release the account and keep its objects unchanged, approve it: --approve 'aws 111111111111'.

    Plan: 0 to add, 0 to change, 0 to destroy.  2 settings.
    "#);
    filtered!(stack.run(&["apply", "--auto-approve"]).expect(3), @r#"
    $ leasehold apply --auto-approve
    exit 3
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      - setting  provider.aws.audit: "declared"
      - setting  provider.aws.audit.assume_role.role_arn: "arn:aws:iam::111111111111:role/leasehold"

      . release      account aws 111111111111: its objects stay unchanged and are no longer read

      refused by out-of-sight:  this stack has identities or scopes in account aws 111111111111 (provider.aws.audit), but no provider block for it any more: they would keep all their access, and no run would read them
        Restore the provider block, remove everything in that account, and apply until it is deleted; then remove the block. To release the account and keep its objects unchanged, approve it: --approve 'aws 111111111111'.

    Plan: 0 to add, 0 to change, 0 to destroy.  2 settings.
    ─── stderr
    error: the plan is refused; nothing was changed
      - out-of-sight: this stack has identities or scopes in account aws 111111111111 (provider.aws.audit), but no provider block for it any more: they would keep all their access, and no run would read them
        help: Restore the provider block, remove everything in that account, and apply until it is deleted; then remove the block. To release the account and keep its objects unchanged, approve it: --approve 'aws 111111111111'.
    "#);
    filtered!(stack.run(&["drift"]).expect(3), @"
    $ leasehold drift
    exit 3
    ─── stderr
    error: this stack has objects in aws 111111111111, but no provider block for it: their state cannot be read
      help: Restore the provider block, or run `leasehold plan` to see how to release the account.
    ");
    // What time brings elsewhere is not held up.
    stack.ok(&["sweep", "--auto-approve"]).says(&["No changes."]);
    // Back in sight, he leaves, and then the account may go.
    stack.write("stack.hcl", &text);
    stack.assert_converged();
    stack.cut("stack.hcl", "identity \"auditor\"");
    stack.apply();
    stack.apply();
    assert_eq!(users(&aws, AUDIT), json!([]));
    assert_eq!(known(&stack), json!({ "aws 123456789012": null }));
    stack.edit("stack.hcl", AUDIT_BLOCK, "");
    // The account goes, which is a change of the stack's settings.
    stack.run(&["plan", "--detailed-exitcode"]).expect(2).says(&["- setting  provider.aws.audit.assume_role.role_arn"]);
    stack.apply();
    stack.assert_converged();
    stack.ok(&["drift"]).says(&["In sync"]);
}

#[test]
fn account_is_released_by_name_and_recorded_in_the_ledger() {
    let (aws, stack) = two();
    stack.apply();
    stack.cut("stack.hcl", "identity \"auditor\"");
    stack.edit("stack.hcl", AUDIT_BLOCK, "");
    stack.run(&["plan", "--out", "p"]).expect(3).says(&["out-of-sight"]);
    let approved = ["apply", "p", "--auto-approve", "--approve", "aws 111111111111"];
    filtered!(stack.ok(&approved), @r#"
    $ leasehold apply p --auto-approve --approve aws 111111111111
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      - setting  provider.aws.audit: "declared"
      - setting  provider.aws.audit.assume_role.role_arn: "arn:aws:iam::111111111111:role/leasehold"

      . release      account aws 111111111111: its objects stay unchanged and are no longer read

    Plan: 0 to add, 0 to change, 0 to destroy.  2 settings.

    Apply complete! 0 added, 0 changed, 0 destroyed. Read back and verified. 2 settings recorded.
    "#);
    stack.ok(&["audit", "list"]).says(&["aws 111111111111", "--approve"]);
    assert_eq!(users(&aws, AUDIT), json!(["auditor"]), "nothing is done to what lives there");
    stack.assert_converged();
    stack.ok(&["drift"]).says(&["In sync"]);
}

#[test]
fn changed_account_of_a_block_is_detected() {
    let (_aws, stack) = two();
    stack.apply();
    stack.edit("stack.hcl", "iam::111111111111:role", "iam::222222222222:role");
    let ran = stack.run(&["apply", "--auto-approve"]).expect(3);
    ran.says(&["account aws 111111111111 (provider.aws.audit)", "out-of-sight"]);
    // Where all of it was let go of one by one, nothing is left to look at.
    stack.edit("stack.hcl", "iam::222222222222:role", "iam::111111111111:role");
    stack.cut("stack.hcl", "identity \"auditor\"");
    stack.append("stack.hcl", "removed {\n  from = identity.auditor\n  keep = true\n}\n");
    stack.apply();
    assert_eq!(known(&stack), json!({ "aws 123456789012": null }));
}
