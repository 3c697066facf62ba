//! A stack in a temporary directory, and runs of the program in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use leasehold_local::{ExternalAdmin, LocalDirectory};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Ran, RunningCommand, START, program};

const RECORDS: [&str; 5] =
    [".leasehold/lock.json", ".leasehold/ledger/", ".leasehold/inventory.json", ".leasehold/.turn", ".leasehold/.held"];

/// A stack in a temporary directory, and the environment in which the program runs.
pub struct Stack {
    home: TempDir,
    env: Vec<(String, String)>,
    now: Option<String>,
}

impl Stack {
    /// A stack in an empty directory.
    pub fn empty() -> Self {
        let home = TempDir::new().unwrap();
        std::fs::create_dir(home.path().join("stack")).unwrap();
        Self { home, env: Vec::new(), now: None }
    }

    /// A copy of a directory below `examples/`.
    pub fn example(name: &str) -> Self {
        Self::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name))
    }

    /// A copy of a directory's files.
    pub fn copy_of(source: &Path) -> Self {
        let stack = Self::empty();
        for entry in std::fs::read_dir(source).unwrap_or_else(|e| panic!("{}: {e}", source.display())) {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, stack.path(path.file_name().unwrap().to_str().unwrap())).unwrap();
            }
        }
        stack
    }

    /// A stack of one file, `stack.hcl`.
    pub fn of(text: &str) -> Self {
        let stack = Self::empty();
        stack.write("stack.hcl", text);
        stack
    }

    /// The same stack, with these variables added to the environment of its runs.
    pub fn with_env(mut self, env: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env.extend(env);
        self
    }

    /// The same stack, at this time: `--now` is passed to every command that takes it.
    pub fn at(mut self, now: &str) -> Self {
        self.set_now(now);
        self
    }

    /// Sets the time for the following runs.
    pub fn set_now(&mut self, now: &str) {
        self.now = Some(now.to_owned());
    }

    /// Moves the time forward by a number of days.
    pub fn pass_days(&mut self, days: i64) {
        let now: Timestamp = self.now.as_deref().unwrap().parse().unwrap();
        self.now = Some((now + jiff::SignedDuration::from_hours(24 * days)).to_string());
    }

    /// The stack's directory.
    pub fn dir(&self) -> PathBuf {
        self.home.path().join("stack")
    }

    /// The path of a file of the stack.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn append(&self, name: &str, text: &str) {
        self.write(name, &format!("{}\n{text}", self.read(name)));
    }

    /// Replaces text that occurs exactly once in the file.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert_eq!(text.matches(from).count(), 1, "{from:?} stands once in {name}:\n{text}");
        self.write(name, &text.replace(from, to));
    }

    /// Removes a whole block from a file, and returns it for [`Stack::append`].
    pub fn cut(&self, name: &str, head: &str) -> String {
        let text = self.read(name);
        let start = text.find(&format!("{head} {{")).unwrap_or_else(|| panic!("no block {head} in {name}:\n{text}"));
        let end = start + text[start..].find("\n}\n").unwrap() + 3;
        self.write(name, &format!("{}{}", &text[..start], &text[end..]));
        text[start..end].to_owned()
    }

    /// All files below the directory with their bytes, to assert that a run wrote nothing. The lock and the ledger are left out: a run
    /// without changes takes the lock too, and a refusal is recorded.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(dir: &Path, root: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, root, into);
                } else if !RECORDS.iter().any(|record| path.to_string_lossy().contains(record)) {
                    into.insert(path.strip_prefix(root).unwrap().to_owned(), std::fs::read(&path).unwrap());
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(&self.dir(), &self.dir(), &mut files);
        files
    }

    /// Sets every grace period to nothing, so that quarantined identities whose block is gone are due for deletion.
    pub fn end_grace_periods(&self) {
        self.write("stack.hcl", &without_grace_periods(&self.read("stack.hcl")));
    }

    /// Gives an identity a lease that has expired.
    pub fn expire_lease(&self, label: &str) {
        self.write("stack.hcl", &with_expired_lease(&self.read("stack.hcl"), label));
    }

    /// An external administrator with full access to the stack's embedded directory.
    pub fn outside(&self) -> ExternalAdmin {
        let now: Timestamp = self.now.as_deref().unwrap_or(START).parse().unwrap();
        LocalDirectory::new(self.path(".leasehold/directory.db"), "stranger", Arc::new(move || now)).external_admin()
    }

    /// A command that runs the program in the stack's directory.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(args)
            .current_dir(self.dir())
            .env_clear()
            .env("HOME", self.home.path())
            .env("USER", "tester")
            .env("NO_COLOR", "1")
            .env("TZ", "UTC")
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let timed = matches!(
            args.first(),
            Some(
                &("plan"
                    | "apply"
                    | "list"
                    | "show"
                    | "sweep"
                    | "drift"
                    | "revoke"
                    | "restore"
                    | "recover"
                    | "who-can")
            )
        );
        if let Some(now) = self.now.as_ref().filter(|_| timed && !args.contains(&"--now")) {
            command.args(["--now", now]);
        }
        command
    }

    /// Starts the program and does not wait for it. Its output goes to files, so that a full pipe cannot block it.
    pub fn start(&self, args: &[&str]) -> RunningCommand {
        self.start_with(args, |command| command)
    }

    /// The same, with the command changed by `change` before it starts.
    pub fn start_with(&self, args: &[&str], change: impl FnOnce(Command) -> Command) -> RunningCommand {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let said = |name: &str| self.home.path().join(format!("{name}-{number}"));
        let (stdout, stderr) = (said("stdout"), said("stderr"));
        let mut command = change(self.command(args));
        command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        RunningCommand { args: args.join(" "), child: command.spawn().unwrap(), stdout, stderr }
    }

    /// Runs the program and waits for its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(args, self.command(args).output().unwrap(), &self.dir())
    }

    /// Runs the program with these variables added to its environment, and waits for its end.
    pub fn run_with(&self, env: &[(&str, &str)], args: &[&str]) -> Ran {
        let mut command = self.command(args);
        command.envs(env.iter().copied());
        Ran::of(args, command.output().unwrap(), &self.dir())
    }

    /// Runs the program, and asserts exit code 0.
    pub fn ok(&self, args: &[&str]) -> Ran {
        self.run(args).expect(0)
    }

    /// Applies without a prompt, and asserts exit code 0.
    pub fn apply(&self) -> Ran {
        self.ok(&["apply", "--auto-approve"])
    }

    /// Plans, and asserts exit code 0.
    pub fn plan(&self) -> Ran {
        self.ok(&["plan"])
    }

    /// The plan as JSON.
    pub fn plan_json(&self) -> Value {
        self.ok(&["plan", "--format", "json"]).json()
    }

    /// Asserts that the plan is empty.
    pub fn assert_converged(&self) {
        let plan = self.run(&["plan", "--detailed-exitcode"]).expect(0);
        assert!(plan.stdout.contains("No changes."), "{plan}");
    }
}

/// The text of a stack in which every grace period is nothing.
pub fn without_grace_periods(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut found = false;
    for line in text.lines() {
        let is_grace = line.trim_start().starts_with("grace ");
        found |= is_grace;
        lines.push(if is_grace { "grace = \"0s\"".to_owned() } else { line.to_owned() });
    }
    let head =
        if lines.iter().any(|line| line.trim_start().starts_with("defaults {")) { "defaults {" } else { "leasehold {" };
    if !found {
        let leaver = "leaver {\ngrace = \"0s\"\n}";
        let at = lines.iter().position(|line| line.trim_start().starts_with(head)).expect("the stack has this block");
        let inner = if head == "defaults {" { leaver.to_owned() } else { format!("defaults {{\n{leaver}\n}}") };
        lines.insert(at + 1, inner);
    }
    lines.join("\n") + "\n"
}

/// The text of a stack in which the lease of an identity has expired.
pub fn with_expired_lease(text: &str, label: &str) -> String {
    let head = format!("identity \"{label}\" {{\n");
    let (before, block) = text.split_once(&head).expect("the identity is declared");
    let (block, after) = block.split_once("\n}").expect("the block ends");
    let kept: Vec<&str> = block.lines().filter(|line| !line.trim_start().starts_with("ttl")).collect();
    format!("{before}{head}  expires_at = \"2026-01-01T00:00:00Z\"\n{}\n}}{after}", kept.join("\n"))
}
