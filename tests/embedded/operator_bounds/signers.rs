//! `require { signers }`: a saved plan and the checkpoints of the ledger are verified against the operator's signers.

use std::path::Path;
use std::process::Command;

use leasehold_test_harness::Stack;

use super::{bounded, stack_with};

fn write_key(stack: &Stack, name: &str) -> String {
    let path = stack.path(&format!("../{name}"));
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&path).status();
    assert!(made.unwrap().success());
    let public = std::fs::read_to_string(format!("{}.pub", path.display())).unwrap();
    let key = public.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    format!("{name} {key}\n")
}

#[test]
fn saved_plan_without_a_signature_of_the_operators_signers_is_refused() {
    let stack = stack_with("", "");
    let own = write_key(&stack, "reviewer");
    stack.write("mine", &write_key(&stack, "attacker"));
    stack.write("../signers", &own);
    let stack = bounded(stack, "require {\n  signers = \"signers\"\n}\n");
    stack.ok(&["plan", "--out", "x.plan"]);
    let refused = |arguments: &[&str], why: &str| {
        stack.run(arguments).expect(3).says(&[why]);
        assert!(!Path::new(&stack.path(".leasehold/ledger")).exists(), "nothing was written");
    };
    refused(&["apply", "x.plan", "--auto-approve"], "no valid signature");
    stack.ok(&["plan", "--out", "x.plan", "--signing-key", "../attacker"]);
    refused(&["apply", "x.plan", "--auto-approve"], "no valid signature");
    refused(&["apply", "x.plan", "--auto-approve", "--signers", "mine"], "the operator requires the signers in");
    refused(&["audit", "verify", "--signers", "mine"], "the operator requires the signers in");
    stack.ok(&["plan", "--out", "x.plan", "--signing-key", "../reviewer"]);
    stack.ok(&["apply", "x.plan", "--auto-approve"]);
    stack.ok(&["audit", "verify"]);
    std::fs::remove_file(stack.path("../signers")).unwrap();
    stack.run(&["audit", "verify"]).expect(1).says(&["signers"]);
}
