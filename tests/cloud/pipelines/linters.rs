//! The ready pieces in the eyes of linters.

use std::path::{Path, PathBuf};
use std::process::Command;

use leasehold_emulator::linter;

const CHECKOUT: &str = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn workflows() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("examples/pipelines/github")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 4, "{files:?}");
    files
}

#[track_caller]
fn passes(command: &mut Command) {
    let output = command.current_dir(root()).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", said(&output.stdout), said(&output.stderr));
}

#[test]
fn zizmor_finds_nothing_unsafe_in_the_workflows_and_the_action() {
    let files = workflows();
    passes(Command::new(linter("zizmor")).args(["--offline", "--persona", "pedantic", "action.yml"]).args(&files));
    // It can fail: what it is for is found when it is there.
    let unsafe_one = std::fs::read_to_string(&files[0]).unwrap().replace(CHECKOUT, "actions/checkout@v6");
    assert!(unsafe_one.contains("checkout@v6"));
    let copy = tempfile::Builder::new().suffix(".yml").tempfile().unwrap();
    std::fs::write(copy.path(), unsafe_one).unwrap();
    let output = Command::new(linter("zizmor")).args(["--offline"]).arg(copy.path()).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
}

#[test]
fn each_piece_is_what_its_system_reads() {
    for (schema, files) in [
        ("vendor.github-workflows", workflows()),
        ("custom.github-workflows-require-timeout", workflows()),
        ("vendor.github-actions", vec![root().join("action.yml")]),
        ("vendor.gitlab-ci", vec![root().join("examples/pipelines/gitlab/.gitlab-ci.yml")]),
    ] {
        passes(Command::new(linter("check-jsonschema")).args(["--builtin-schema", schema]).args(files));
    }
}

#[test]
fn actions_are_pinned_by_commit() {
    for file in workflows() {
        let text = std::fs::read_to_string(&file).unwrap();
        let uses: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("- uses: ")).collect();
        assert!(uses.len() >= 2, "{}", file.display());
        for action in uses {
            let commit = action.split_once('@').unwrap().1.split(' ').next().unwrap();
            assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{action}");
        }
    }
}
