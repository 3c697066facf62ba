//! Everything that the program writes has mode 0600, and each folder that it creates 0700, whatever the umask. A folder of records that other
//! users can write to is refused.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use leasehold_test_harness::{START, Stack};

/// A service account with a key, a workload that leaves, and a sensitive value in a plan.
const STACK: &str = r#"leasehold {
  stack = "private"
  defaults {
    ttl = "90d"
  }
}
owner "jane" {}
store "file" "vault" {
  path = "secrets"
}
variable "why" {
  sensitive = true
  default   = "hush"
}
identity "bot" {
  kind    = "service"
  owner   = owner.jane
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::${var.why}/*"]
  }
  credential "access_key" {
    store        = store.vault
    rotate_every = "90d"
    overlap      = "1d"
  }
}
"#;

const LEAVER: &str = "identity \"leaver\" {\n  kind  = \"service\"\n  owner = owner.jane\n}\n";

/// The mode of every file and folder below the stack's directory.
fn modes(stack: &Stack) -> BTreeMap<PathBuf, u32> {
    let mut modes = BTreeMap::new();
    let mut waiting = vec![stack.dir()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            modes.insert(path.clone(), metadata.permissions().mode() & 0o7777);
            if metadata.is_dir() {
                waiting.push(path);
            }
        }
    }
    modes
}

/// Runs the program with this umask, and asserts exit code 0.
#[track_caller]
fn run_with_umask(stack: &Stack, umask: &str, args: &[&str]) {
    let change = |command: Command| {
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script]).arg(command.get_program()).args(command.get_args());
        shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(command.get_current_dir().unwrap());
        shell
    };
    stack.start_with(args, change).wait().expect(0);
}

/// Asserts the modes of what was created since `before`, and returns the names.
#[track_caller]
fn assert_private(stack: &Stack, before: &BTreeMap<PathBuf, u32>, umask: &str) -> Vec<String> {
    let mut created = Vec::new();
    for (path, mode) in modes(stack).into_iter().filter(|(path, _)| !before.contains_key(path)) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "umask {umask}: {} has mode {mode:o}", path.display());
        created.push(path.strip_prefix(stack.dir()).unwrap().to_str().unwrap().to_owned());
    }
    created
}

#[test]
fn everything_written_is_for_its_owner_only() {
    for umask in ["000", "022", "077", "277"] {
        let mut stack = Stack::of(&format!("{STACK}{LEAVER}")).at(START);
        let before = modes(&stack);
        run_with_umask(&stack, umask, &["init", "fresh"]);
        run_with_umask(&stack, umask, &["plan", "--out", "saved.plan", "--json-into", "plan.json"]);
        run_with_umask(&stack, umask, &["apply", "saved.plan", "--auto-approve"]);
        stack.edit("stack.hcl", LEAVER, "");
        run_with_umask(&stack, umask, &["apply", "--auto-approve"]);
        stack.pass_days(8);
        run_with_umask(&stack, umask, &["sweep", "--auto-approve"]);
        run_with_umask(&stack, umask, &["audit", "checkpoint", "--out", "checkpoint"]);
        let created = assert_private(&stack, &before, umask);
        let wanted = [
            "fresh/stack.hcl",
            "fresh/.gitignore",
            "saved.plan",
            "plan.json",
            "checkpoint",
            "secrets/bot.json",
            ".leasehold/directory.db",
            ".leasehold/lock.json",
            ".leasehold/.held",
        ];
        for name in wanted {
            assert!(created.iter().any(|created| created == name), "{name} is not among {created:?}");
        }
        for folder in [".leasehold/ledger/", ".leasehold/evidence/", ".leasehold/keys/"] {
            assert!(created.iter().any(|created| created.starts_with(folder)), "{folder} is not among {created:?}");
        }
    }
}

/// Every command that reads or writes records, secrets or the embedded directory.
const COMMANDS: [&[&str]; 3] = [&["validate"], &["plan"], &["apply", "--auto-approve"]];

#[test]
fn a_folder_that_others_can_write_to_is_refused_with_the_remedy() {
    for (folder, mode) in [(".leasehold", 0o777), (".leasehold", 0o770), ("secrets", 0o702), ("secrets", 0o1777)] {
        let stack = Stack::of(STACK).at(START);
        let path = stack.path(folder);
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let before = modes(&stack);
        for command in COMMANDS {
            stack.run(command).expect(1).says(&["can be written by other users", "chmod go-w"]);
        }
        assert_eq!(modes(&stack), before, "nothing is written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode & !0o022)).unwrap();
        stack.apply();
    }
}

#[test]
fn the_file_of_the_embedded_directory_is_not_for_others_to_write() {
    let stack = Stack::of(STACK).at(START);
    stack.apply();
    let path = stack.path(".leasehold/directory.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    for command in &COMMANDS[1..] {
        stack.run(command).expect(1).says(&["directory.db", "can be written by other users", "chmod go-w"]);
    }
}

#[test]
fn an_output_replaces_no_link_and_no_device() {
    let stack = Stack::of(STACK).at(START);
    std::fs::create_dir(stack.path("elsewhere")).unwrap();
    std::fs::write(stack.path("elsewhere/file"), "kept").unwrap();
    symlink("elsewhere/file", stack.path("linked.plan")).unwrap();
    symlink("elsewhere/new", stack.path("dangling.plan")).unwrap();
    for output in ["linked.plan", "dangling.plan"] {
        for option in ["--out", "--json-into"] {
            stack.run(&["plan", option, output]).expect(1).says(&["is reached by the link"]);
        }
    }
    assert_eq!(stack.read("elsewhere/file"), "kept");
    assert!(!stack.path("elsewhere/new").exists());
    stack.run(&["plan", "--json-into", "elsewhere"]).expect(1).says(&["is not a file but a folder"]);
    stack.ok(&["plan", "--json-into", "/dev/null"]);
    assert!(!Path::new("/dev/null").is_file(), "the device is still there");
    let json = stack.ok(&["plan", "--format", "github", "--json-into", "/dev/stdout"]);
    assert!(json.stdout.contains("\"format_version\""), "{json}");
}

#[test]
fn an_output_does_not_leave_its_repository_by_a_link() {
    let stack = Stack::empty().at(START);
    stack.write("repository/.git/HEAD", "");
    stack.write("repository/stack.hcl", STACK);
    std::fs::create_dir(stack.path("outside")).unwrap();
    symlink("../outside", stack.path("repository/reports")).unwrap();
    let refused = stack.run(&["-C", "repository", "plan", "--json-into", "reports/plan.json"]).expect(1);
    refused.says(&["links to a path outside the repository"]);
    assert_eq!(std::fs::read_dir(stack.path("outside")).unwrap().count(), 0);
    // A path that does not begin in the repository may be anywhere.
    stack.ok(&["-C", "repository", "plan", "--json-into", "../outside/plan.json"]);
}
