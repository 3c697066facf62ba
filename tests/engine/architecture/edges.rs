//! Asserts the edges of the program: which files open files, and which start a process.
//!
//! Text of a repository can name a path, and a configuration of a repository can steer a program that is started in it. So paths go
//! through the crate `leasehold-files`, and no process is started.

use std::collections::BTreeSet;

use regex::Regex;

use super::{code, root, rust_files};

/// The folders of the program's own code, without its tests.
const PROGRAM: [&str; 6] = [
    "src",
    "files/src",
    "providers/contract/src",
    "providers/local/src",
    "providers/aws/src",
    "providers/aws-policy/src",
];

/// The files that start a process: this program itself, again, by its own path, with fewer environment variables.
const STARTS_PROCESS: [&str; 1] = ["src/cli/environment.rs"];

/// The files outside the gate that open files, and what text names.
const OPENS_FILES: [(&str, &str); 7] = [
    ("src/cli/fmt.rs", "lists a folder of the command line, and replaces a file that the gate has read"),
    ("src/cli/init.rs", "lists a folder of the command line"),
    ("src/cli/origin/git.rs", "reads plain files of .git, of which only a commit id is used"),
    ("src/cli/signals/handlers.rs", "reads /proc/self/status"),
    ("src/secret_store/files.rs", "lists a folder and deletes its files, after the gate has resolved it"),
    ("src/store/folder.rs", "lists a folder and locks its files, after the gate has resolved it"),
    ("providers/aws/src/ca_bundle.rs", "reads the file that the environment or the AWS profile names"),
];

/// The files of the program, relative to the root, whose code matches a pattern.
fn files_with(pattern: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    let files = PROGRAM.iter().flat_map(|folder| rust_files(&root().join(folder)));
    let matching = files.filter(|file| pattern.is_match(&code(&std::fs::read_to_string(file).unwrap())));
    matching.map(|file| file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn only_the_program_itself_is_started() {
    let found = files_with(r"\bCommand::new\b|\bprocess::Command\b|\bposix_spawn|\bfork\(|\bexecv");
    assert_eq!(found, STARTS_PROCESS.map(str::to_owned).into());
}

#[test]
fn files_are_opened_by_the_gate_only() {
    let found = files_with(
        r"\bfs::(read|write|read_to_string|read_dir|create_dir\w*|remove_\w+|rename|copy|hard_link|OpenOptions|symlink)\b|\bFile::(open|create|create_new|options)\b|\btempfile::|\bDirBuilder\b",
    );
    let outside: BTreeSet<String> = found.into_iter().filter(|file| !file.starts_with("files/")).collect();
    assert_eq!(outside, OPENS_FILES.map(|(file, _)| file.to_owned()).into());
}
