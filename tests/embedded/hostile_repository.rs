//! A repository whose author is the attacker: the files in `hostile_repository/*.txt` describe its inputs, one case each. For every case
//! `validate` and `plan` run in a copy of the repository. Nothing outside the stack is read, nothing is run, nothing is written, and a
//! diagnostic says what is refused, within 5 s of processor time and 300 MB of memory.
//!
//! What must not be read contains the word `CANARY`: files outside the repository, `.git/config`, secrets, values of variables, and the
//! environment. Every program on the `PATH` of the run leaves a file that shows that it was started.
#![cfg(unix)]

mod case;
mod measured;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use leasehold_test_harness::{START, Stack};

use case::{HostileCase, parse_cases};
use measured::MeasuredRun;

/// The longest a run may compute, in seconds of processor time. The program under test is a debug build.
const MOST_SECONDS: f64 = 5.0;
/// The most memory that a run may use, in megabytes.
const MOST_MEGABYTES: u64 = 300;
/// The longest output of a run, in bytes: a refusal is not hidden in a mass of text.
const LONGEST_OUTPUT: usize = 1 << 20;

/// What must not be in any output.
const CANARY: &str = "CANARY";

/// Every path below a folder: its kind and, of a small file, its bytes.
fn list_tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut tree = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(below) = waiting.pop() {
        for entry in std::fs::read_dir(&below).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_dir() {
                waiting.push(path.clone());
            }
            let small = metadata.is_file() && metadata.len() < 1 << 16;
            let bytes = if small { std::fs::read(&path).unwrap() } else { Vec::new() };
            let kind = metadata.file_type();
            tree.insert(path, format!("{kind:?} {} {}", metadata.len(), String::from_utf8_lossy(&bytes)));
        }
    }
    tree
}

/// What is wrong with a run of a case. Empty: nothing.
fn find_faults(case: &HostileCase, home: &Path, command: &str, run: &MeasuredRun) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            faults.push(what);
        }
    };
    let output = format!("{}{}", run.stdout, run.stderr);
    check(run.code == Some(case.exit), format!("exit {:?}, not {}", run.code, case.exit));
    check(!output.contains(CANARY), "quotes what it must not read".to_owned());
    check(!output.contains("panicked"), "panicked".to_owned());
    check(!home.join("ran").exists(), "started a program".to_owned());
    check(output.len() < LONGEST_OUTPUT, format!("{} bytes of output", output.len()));
    check(run.seconds < MOST_SECONDS, format!("{} s of processor time", run.seconds));
    check(run.megabytes < MOST_MEGABYTES, format!("{} MB", run.megabytes));
    check(case.exit == 0 || output.contains("rror") || output.contains('×'), "no diagnostic".to_owned());
    let unbroken = output.replace("\n  │ ", " ").replace("\n        ", " ");
    for text in &case.says {
        check(output.contains(text) || unbroken.contains(text), format!("does not say {text:?}"));
    }
    faults.iter().map(|fault| format!("{}: {command}: {fault}\n{}", case.name, shorten(&output))).collect()
}

fn shorten(output: &str) -> String {
    output.chars().take(2000).collect()
}

/// Runs both commands on every case of a file.
#[track_caller]
fn refuse_all(file: &str, at_least: usize) {
    let cases = parse_cases(file);
    assert!(cases.len() >= at_least, "{} cases", cases.len());
    let mut faults = Vec::new();
    for case in &cases {
        let home = tempfile::TempDir::new().unwrap();
        if !case.create_files(home.path()) {
            println!("NOT TESTED: this user cannot create the files of {}", case.name);
            continue;
        }
        let before = list_tree(home.path());
        for command in &case.commands {
            let mut args = vec![command.as_str()];
            args.extend(case.args.iter().map(String::as_str));
            if command == "plan" {
                args.extend(["--now", START]);
            }
            let run = MeasuredRun::of_program(home.path(), &home.path().join(&case.directory), &args);
            faults.extend(find_faults(case, home.path(), command, &run));
        }
        let after = list_tree(home.path());
        for path in after.keys().chain(before.keys()).filter(|path| before.get(*path) != after.get(*path)) {
            faults.push(format!("{}: changed {}", case.name, path.display()));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Other commands read files of the repository as well.
#[test]
fn the_ignore_file_is_no_link_to_a_secret() {
    let stack = Stack::of(
        "leasehold {\n  stack = \"x\"\n}\nowner \"jane\" {}\nstore \"file\" \"vault\" {\n  path = \"secrets\"\n}\n",
    )
    .at(START);
    stack.write("secrets/bot.txt", "[CANARY\n");
    stack.ok(&["drift", "--unmanaged"]);
    std::os::unix::fs::symlink("secrets/bot.txt", stack.path(".leaseholdignore")).unwrap();
    stack.run(&["drift", "--unmanaged"]).expect(1).says(&["is reached by the link"]).does_not_say(&[CANARY]);
}

macro_rules! files {
    ($($name:ident: $count:expr;)*) => {
        $(
            #[test]
            fn $name() {
                refuse_all(include_str!(concat!("hostile_repository/", stringify!($name), ".txt")), $count);
            }
        )*

        #[test]
        fn there_are_120_inputs() {
            let counts: [usize; [$($count),*].len()] = [$($count),*];
            assert!(counts.iter().sum::<usize>() >= 120, "{counts:?}");
        }
    };
}

files! {
    sources: 33;
    functions: 62;
    modules: 20;
    places: 41;
    git: 18;
    variables: 30;
    bombs: 23;
}
