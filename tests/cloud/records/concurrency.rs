//! Many runs at once: one holds the lock, the others are told who.

use std::time::{Duration, Instant};

use leasehold_emulator::Emulator;
use serde_json::Value;

use crate::records::{entries, on_s3};
use leasehold_test_harness::{START, Stack};

/// Within this time a run is refused and names the holder, on a machine that is busy with 16 of them.
const REFUSED: Duration = Duration::from_secs(30);

/// Rounds, with LEASEHOLD_ROUNDS=20 as many as wanted.
fn rounds() -> usize {
    std::env::var("LEASEHOLD_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(2)
}

/// Starts so many runs at once in the same stack, and counts those that did the work.
fn all_at_once(stack: &Stack, runs: usize) -> usize {
    let threads = (0..runs).map(|_| {
        let mut command = stack.command(&["apply", "--auto-approve"]);
        std::thread::spawn(move || {
            let start = Instant::now();
            let output = command.output().unwrap();
            (output, start.elapsed())
        })
    });
    let threads: Vec<_> = threads.collect();
    let (mut done, mut slowest) = (0, Duration::ZERO);
    for thread in threads {
        let (output, took) = thread.join().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => done += 1,
            Some(3) => {
                assert!(stderr.contains("is locked by another run"), "{stderr}");
                assert!(stderr.contains("held by") && stderr.contains("(process "), "{stderr}");
                slowest = slowest.max(took);
            }
            other => panic!("{other:?}: {stderr}\n{}", String::from_utf8_lossy(&output.stdout)),
        }
    }
    println!("the slowest refusal took {slowest:?}");
    assert!(slowest < REFUSED, "{slowest:?}");
    done
}

/// No two runs wrote in turns: what each wrote stands together.
fn one_after_the_other(entries: &[Value]) {
    let mut runs: Vec<&str> = entries.iter().map(|entry| entry["run"].as_str().unwrap()).collect();
    runs.dedup();
    let mut once = runs.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(runs.len(), once.len(), "{runs:?}");
}

fn next_round(stack: &Stack, round: usize) {
    let identity =
        format!("identity \"more{round}\" {{\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"90d\"\n}}\n");
    stack.append("stack.hcl", &identity);
}

#[test]
fn on_a_folder_one_run_at_a_time_writes() {
    let stack = Stack::of("leasehold {\n  stack = \"many\"\n}\n\nowner \"jane\" {}\n").at(START);
    for round in 0..rounds() {
        next_round(&stack, round);
        assert!(all_at_once(&stack, 16) >= 1);
        stack.assert_converged();
    }
    stack.ok(&["audit", "verify"]).says(&["The ledger is intact"]);
    let folder = stack.path(".leasehold/ledger");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let entries: Vec<Value> =
        files.iter().map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()).collect();
    one_after_the_other(&entries);
}

#[test]
fn on_s3_one_run_at_a_time_writes() {
    let aws = Emulator::moto();
    let stack = on_s3(&aws);
    for round in 0..rounds() {
        next_round(&stack, round);
        assert!(all_at_once(&stack, 16) >= 1);
        stack.assert_converged();
    }
    stack.ok(&["audit", "verify"]).says(&["The ledger is intact"]);
    one_after_the_other(&entries(&aws));
}
