//! Throttling is reported while it lasts, on a terminal and in a log, and again at the end.

use std::process::Command;

use leasehold_emulator::Emulator;
use leasehold_fault_proxy::{FaultProxy, ProxyFault};

use crate::faults::declared::{CI, HEAD};
use leasehold_test_harness::{Ran, Stack};

/// A stack with a new role, and an account that throttles some reads and some writes for a while.
fn throttled() -> (Emulator, FaultProxy, Stack) {
    let aws = Emulator::moto();
    let proxy = FaultProxy::start_for_emulator(&aws);
    let stack = Stack::of(HEAD).with_env(proxy.env());
    stack.append("stack.hcl", CI);
    for (action, times) in [("ListRoles", 4), ("CreateRole", 2), ("PutRolePolicy", 1)] {
        proxy.inject_fault(ProxyFault::throttle_requests(action).limit_times(times));
    }
    (aws, proxy, stack)
}

/// The lines that report throttling while it lasts.
fn lines(ran: &Ran) -> Vec<&str> {
    ran.stderr.lines().filter(|line| line.starts_with("AWS throttles")).collect()
}

#[test]
fn a_log_has_a_line_now_and_then_and_a_summary() {
    let (_aws, proxy, stack) = throttled();
    let ran = stack.apply().says(&["Apply complete!"]);
    let seen = lines(&ran);
    assert_eq!(seen.len(), 1, "seven waits, and one line in ten seconds: {ran}");
    assert!(seen[0].starts_with("AWS throttles iam:ListRoles: 1 wait so far, now "), "{ran}");
    assert!(seen[0].ends_with(" calls a second"), "{ran}");
    let end = ran.stderr.lines().last().unwrap_or_default();
    assert!(end.starts_with("AWS throttled 7 calls; the run waited ") && end.ends_with('.'), "{ran}");
    assert!(!ran.stdout.contains("throttle"), "{ran}");

    // A run that only reads reports it too. A run that is not throttled does not mention it.
    proxy.inject_fault(ProxyFault::throttle_requests("ListRoles").limit_times(1));
    let ran = stack.plan();
    assert_eq!(lines(&ran).len(), 1, "{ran}");
    assert!(ran.stderr.contains("AWS throttled 1 call; the run waited less than a second"), "{ran}");
    stack.plan().does_not_say(&["throttle"]);
}

#[test]
fn a_terminal_has_a_line_that_changes_and_goes() {
    let (_aws, _proxy, stack) = throttled();
    let shown = at_a_terminal(&stack, &["apply", "--auto-approve"]);
    for seen in [
        "AWS throttles iam:ListRoles: 1 wait so far, now ",
        "AWS throttles iam:CreateRole: 5 waits so far, now ",
        "AWS throttles iam:PutRolePolicy: 7 waits so far, now ",
    ] {
        assert!(shown.contains(seen), "{seen:?} is not in {shown:?}");
    }
    // Normal output has separate lines, and at the end the line that was redrawn is gone.
    let lines: Vec<&str> = shown.split("\r\n").collect();
    let clean = |start: &str| lines.iter().any(|line| line.rsplit("\u{1b}[2K").next().unwrap().starts_with(start));
    for written in ["Leasehold plan", "Apply complete!", "AWS throttled 7 calls; "] {
        assert!(clean(written), "{written:?} has no line of its own in {shown:?}");
    }
    assert!(
        lines.iter().rev().nth(1).unwrap().contains("; the run waited "),
        "the summary is the last line: {shown:?}"
    );
}

/// Runs the program in a pseudo-terminal, and returns everything that it printed.
fn at_a_terminal(stack: &Stack, args: &[&str]) -> String {
    const SPAWN: &str = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let program = stack.command(args);
    let set = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let output = Command::new("python3")
        .args(["-c", SPAWN])
        .arg(program.get_program())
        .args(program.get_args())
        .envs(set)
        .envs([("TERM", "xterm"), ("COLUMNS", "120")])
        .current_dir(stack.dir())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
