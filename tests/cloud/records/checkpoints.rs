//! Checkpoints, as OpenSSH sees them, and what they show.

use std::process::{Command, Stdio};

use leasehold_test_harness::{START, Stack};

/// The tools of OpenSSH; where they are not, what they would show cannot be shown.
fn ssh_keygen() -> Option<Command> {
    let known = Command::new("ssh-keygen").arg("-?").output().is_ok();
    known.then(|| Command::new("ssh-keygen"))
}

fn stack_with_key() -> Stack {
    let stack = Stack::of(
        "leasehold {\n  stack = \"signed\"\n  defaults {\n    ttl = \"90d\"\n  }\n}\n\nowner \"jane\" {}\n\n\
         identity \"a\" {\n  kind  = \"service\"\n  owner = owner.jane\n}\n",
    )
    .at(START);
    let key = ssh_key::PrivateKey::from(ssh_key::private::Ed25519Keypair::from_seed(&[42; 32]));
    stack.write("key", &key.to_openssh(ssh_key::LineEnding::LF).unwrap());
    stack.write("key.pub", &key.public_key().to_openssh().unwrap());
    stack.write("signers", &format!("ops@example.com {}\n", key.public_key().to_openssh().unwrap()));
    stack
}

fn verifies(stack: &Stack, checkpoint: &str) -> Option<bool> {
    let mut command = ssh_keygen()?;
    let output = command
        .current_dir(stack.dir())
        .args(["-Y", "verify", "-f", "signers", "-I", "ops@example.com", "-n", "leasehold", "-s", "checkpoint.sig"])
        .stdin(std::fs::File::open(stack.path(checkpoint)).unwrap())
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    Some(output.status.success())
}

#[test]
fn openssh_accepts_a_checkpoint_and_refuses_a_changed_one() {
    let stack = stack_with_key();
    stack.ok(&["apply", "--auto-approve", "--checkpoint-out", "checkpoint", "--signing-key", "key"]);
    let text = stack.read("checkpoint");
    assert!(text.starts_with("leasehold/signed\n2\n"), "{text}");
    stack.write("changed", &text.replacen("\n2\n", "\n3\n", 1));
    assert_ne!(verifies(&stack, "checkpoint"), Some(false));
    assert_ne!(verifies(&stack, "changed"), Some(true));
}

#[test]
fn a_chain_cut_to_a_shorter_valid_one_is_found_with_a_checkpoint() {
    let stack = stack_with_key();
    stack.apply();
    stack.append("stack.hcl", "identity \"b\" {\n  kind  = \"service\"\n  owner = owner.jane\n}\n");
    stack.ok(&["apply", "--auto-approve", "--checkpoint-out", "checkpoint", "--signing-key", "key"]);
    let verify = ["audit", "verify", "--since", "checkpoint", "--signers", "signers"];
    stack.ok(&verify).says(&["1 by known signers"]);
    // Whoever cuts the chain can also make the lock and the inventory forget where it ended.
    for number in 3..=5 {
        std::fs::remove_file(stack.path(&format!(".leasehold/ledger/{number:020}.json"))).unwrap();
    }
    stack.run(&["audit", "verify"]).expect(1);
    std::fs::remove_file(stack.path(".leasehold/lock.json")).unwrap();
    stack.run(&["audit", "verify"]).expect(1).says(&["the inventory cannot be used"]);
    std::fs::remove_file(stack.path(".leasehold/inventory.json")).unwrap();
    stack.ok(&["audit", "verify"]).says(&["The ledger is intact: 2 entries"]);
    stack.run(&verify).expect(1).says(&["entries after it are missing: the ledger had entry 4"]);
    // A changed checkpoint, or one of another signer, is no proof of anything.
    stack.write("checkpoint", &stack.read("checkpoint").replacen("\n4\n", "\n2\n", 1));
    stack.run(&verify).expect(1).says(&["cannot be trusted", "not a valid signature of this text"]);
    stack.write("signers", "");
    stack.run(&verify).expect(1).says(&["cannot be trusted"]);
}

#[test]
fn lock_records_the_ledger_head() {
    let stack = stack_with_key();
    stack.apply();
    std::fs::remove_file(stack.path(".leasehold/ledger/00000000000000000002.json")).unwrap();
    stack.run(&["audit", "verify"]).expect(1).says(&["the ledger had entry 2"]);
    // History is lost. A person decides what the stack owns, and the ledger says so.
    stack.append("stack.hcl", "identity \"b\" {\n  kind  = \"service\"\n  owner = owner.jane\n}\n");
    stack.run(&["apply", "--auto-approve"]).expect(3).says(&["inventory.json", "leasehold recover"]);
    stack.ok(&["recover", "--auto-approve"]).says(&["identity.a"]);
    stack.apply();
    stack.assert_converged();
    stack.ok(&["audit", "list"]).says(&["the ledger ended at entry 2 before and has lost entries"]);
}

#[test]
fn a_saved_plan_is_applied_only_as_it_was_signed() {
    let stack = stack_with_key();
    let apply = ["apply", "saved.plan", "--auto-approve", "--signers", "signers"];
    stack.ok(&["plan", "--out", "saved.plan"]);
    stack.run(&apply).expect(3).says(&["has no valid signature: the signature file is missing"]);
    stack.ok(&["plan", "--out", "saved.plan", "--signing-key", "key"]);
    let signed = stack.read("saved.plan");
    stack.write("saved.plan", &signed.replacen("identity.a", "identity.b", 1));
    stack.run(&apply).expect(3).says(&["it is not a valid signature of this text"]);
    stack.write("saved.plan", &signed);
    stack.ok(&apply).says(&["1 joiner"]);
}

#[test]
fn an_agent_signs_too() {
    let (Some(_), Ok(_)) = (ssh_keygen(), Command::new("ssh-agent").arg("-h").output()) else { return };
    let stack = stack_with_key();
    let socket = stack.path("agent");
    let mut agent = Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn().unwrap();
    leasehold_test_harness::wait_until("the agent", || socket.exists());
    let set = |path: &str, mode| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(stack.path(path), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set("key", 0o600);
    let added = Command::new("ssh-add").arg(stack.path("key")).env("SSH_AUTH_SOCK", &socket).output().unwrap();
    std::fs::remove_file(stack.path("key")).unwrap();
    let with_agent = |args: &[&str]| stack.command(args).env("SSH_AUTH_SOCK", &socket).output().unwrap();
    let ran = with_agent(&["apply", "--auto-approve", "--checkpoint-out", "checkpoint", "--signing-key", "key.pub"]);
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(added.status.success(), "{added:?}");
    assert!(ran.status.success(), "{ran:?}");
    assert_ne!(verifies(&stack, "checkpoint"), Some(false));
    stack.ok(&["audit", "verify", "--since", "checkpoint", "--signers", "signers"]);
}
