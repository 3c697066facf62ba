//! Signals to commands that have not written anything: only reading, computing, or waiting for a person.

use std::process::{Command, Stdio};

use leasehold_emulator::{Emulator, Fault};

use crate::records::on_s3_with_lease;
use crate::records::stopped::{LEASE, assert_free, held, logging};
use leasehold_test_harness::{RunningCommand, Stack, wait_until};

const NOTHING_CHANGED: &str = ": nothing was changed";

/// The bits of SIGHUP, SIGINT and SIGTERM in a mask of signals.
const HANDLED: u64 = 1 | 1 << 1 | 1 << 14;

/// Waits until a process handles these signals: before that, a signal ends it as the system does.
fn wait_for_handlers(run: &mut RunningCommand, process: u32) {
    let handles = |process| {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).map(str::trim);
        mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_some_and(|mask| mask & HANDLED == HANDLED)
    };
    wait_until("the handlers", || run.has_exited() || handles(process));
}

/// The same command, started by another program.
fn wrapped(by: &[&str], command: &Command) -> Command {
    let mut wrapped = Command::new(by[0]);
    wrapped
        .args(&by[1..])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().unwrap())
        .env_clear()
        .envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))))
        .stdin(Stdio::null());
    wrapped
}

fn with_piped_stdin(mut command: Command) -> Command {
    command.stdin(Stdio::piped());
    command
}

fn kill(name: &str, process: u32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap().success());
}

#[test]
fn commands_that_read_end_while_their_request_hangs() {
    let aws = Emulator::moto();
    let stack = on_s3_with_lease(&aws, LEASE);
    stack.apply();
    let commands: [(&[&str], &str, &str); 6] = [
        (&["plan"], "*", "TERM"),
        (&["drift"], "*", "HUP"),
        (&["list"], "*", "INT"),
        (&["audit", "verify"], "S3:GET", "TERM"),
        (&["lock", "show"], "S3:GET", "HUP"),
        (&["plan", "--out", "saved.plan"], "*", "INT"),
    ];
    for (args, action, name) in commands {
        let run = held(&stack, &aws, args, Fault::hold(action));
        run.signal(name);
        // Nobody lets the request go.
        run.wait().expect(1).says(&[&format!("stopped by SIG{name}{NOTHING_CHANGED}")]);
        aws.release_held();
        aws.clear_faults();
    }
    assert!(!stack.path("saved.plan").exists());
}

#[test]
fn commands_that_wait_for_a_file_end_too() {
    let stack = Stack::of("leasehold {\n  stack = \"one\"\n}\n");
    let mut run = stack.start_with(&["fmt", "-"], with_piped_stdin);
    let process = run.id();
    wait_for_handlers(&mut run, process);
    run.signal("TERM");
    run.wait().expect(1).says(&["stopped by SIGTERM: nothing was changed"]);
    for (args, name) in
        [(["validate", "--var-file", "/dev/stdin"], "HUP"), (["graph", "--var-file", "/dev/stdin"], "INT")]
    {
        let mut run = stack.start_with(&args, with_piped_stdin);
        let process = run.id();
        wait_for_handlers(&mut run, process);
        run.signal(name);
        run.wait().expect(1).says(&[&format!("stopped by SIG{name}{NOTHING_CHANGED}")]);
    }
}

/// A namespace of its own, where the program is process 1. Linux drops a signal for it unless it is handled, from outside too.
const AS_PROCESS_1: [&str; 6] = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"];

/// The process that another one started.
fn child_of(run: &mut RunningCommand) -> u32 {
    let parent = run.id();
    let mut child = None;
    wait_until("the child", || {
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        child = children.split_whitespace().next().and_then(|child| child.parse().ok());
        child.is_some() || run.has_exited()
    });
    child.unwrap_or_else(|| panic!("it ended: {}", run.said()))
}

#[test]
fn process_1_exits_on_signals() {
    if !Command::new(AS_PROCESS_1[0]).args(&AS_PROCESS_1[1..]).arg("true").status().is_ok_and(|ended| ended.success()) {
        println!("NOT TESTED: this machine makes no namespaces for users");
        return;
    }
    let aws = Emulator::moto();
    let stack = logging(on_s3_with_lease(&aws, LEASE));
    for (args, action) in [(&["plan"][..], "*"), (&["apply", "--auto-approve"][..], "CreateRole")] {
        aws.order(Fault::hold(action).times(1));
        let mut run = stack.start_with(args, |command| wrapped(&AS_PROCESS_1, &command));
        let process = child_of(&mut run);
        wait_until("the request", || run.has_exited() || aws.held() > 0);
        kill("TERM", process);
        wait_until("the signal", || run.has_exited() || run.said().contains("signal=SIGTERM"));
        aws.release_held();
        run.wait().expect(1).says(&["by SIGTERM"]);
        assert_free(&aws, "process 1");
    }
    let validate = ["validate", "--var-file", "/dev/stdin"];
    let mut run = stack.start_with(&validate, |command| with_piped_stdin(wrapped(&AS_PROCESS_1, &command)));
    let process = child_of(&mut run);
    wait_for_handlers(&mut run, process);
    kill("TERM", process);
    run.wait().expect(1).says(&["stopped by SIGTERM: nothing was changed"]);
}

#[test]
fn nohup_keeps_a_run_going_without_its_terminal() {
    let aws = Emulator::moto();
    let stack = on_s3_with_lease(&aws, LEASE);
    aws.order(Fault::hold("CreateRole").times(1));
    let by = ["sh", "-c", r#"trap "" HUP; exec "$0" "$@""#];
    let mut run = stack.start_with(&["apply", "--auto-approve"], |command| wrapped(&by, &command));
    wait_until("the request", || run.has_exited() || aws.held() > 0);
    run.signal("HUP");
    aws.release_held();
    run.wait().expect(0).says(&["Apply complete!"]);
}

/// Runs an apply at a terminal of its own until it asks. `script` makes the terminal, and gives the exit code on.
fn asking(stack: &Stack) -> RunningCommand {
    let mut run = stack.start_with(&[], |command| {
        let apply = format!("exec {} apply", command.get_program().display());
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--flush", "--command", &apply, "/dev/null"]).current_dir(stack.dir());
        script.env_clear().envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
        with_piped_stdin(script)
    });
    wait_until("the prompt", || run.has_exited() || run.said().contains("Only 'yes' approves"));
    run
}

#[test]
fn signal_at_the_prompt_releases_the_lock() {
    let aws = Emulator::moto();
    let stack = on_s3_with_lease(&aws, LEASE);
    let mut run = asking(&stack);
    run.write_stdin("\u{3}");
    run.wait().expect(1).says(&["stopped by SIGINT: nothing was changed"]);
    assert_free(&aws, "Ctrl-C");
    let mut run = asking(&stack);
    let process = child_of(&mut run);
    kill("TERM", process);
    run.wait().expect(1).says(&["stopped by SIGTERM: nothing was changed"]);
    assert_free(&aws, "SIGTERM");
    // The prompt still works.
    let mut run = asking(&stack);
    run.write_stdin("yes\n");
    run.wait().expect(0).says(&["Apply complete!"]);
}
