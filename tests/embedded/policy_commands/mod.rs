//! What the real program says of policies: the files in `policy_commands/files/`, and the stacks made here.

mod aws_policy;
mod compare;
mod documents;
mod lint;
mod stacks;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// How a run of the program ended.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }
}

/// Runs the program in a directory, in an environment that says nothing.
fn run_in(directory: &Path, args: &[&str]) -> Ran {
    let output = Command::new(leasehold_test_harness::program())
        .args(["-C", directory.to_str().unwrap(), "--color", "never"])
        .args(args)
        .env_clear()
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// One of the example files; their directory, where no name is given.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/embedded/policy_commands/files").join(name)
}

/// Runs `policy` where the example files are.
fn policy(args: &[&str]) -> Ran {
    run_in(&file(""), &[&["policy"], args].concat())
}

/// What a run printed that ended well.
fn reported(args: &[&str]) -> String {
    let ran = policy(args);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    ran.stdout
}
