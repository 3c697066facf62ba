//! Runs the real program in isolation: a stack in a temporary directory, an environment without the settings of the person who runs the
//! tests, and the output of each run.
//!
//! ```ignore
//! let stack = Stack::example("quickstart");
//! stack.ok(&["apply", "--auto-approve"]);
//! stack.edit("identities.hcl", "30d", "60d");
//! let plan = stack.run(&["plan", "--detailed-exitcode"]).expect(2);
//! assert!(plan.stdout.contains("longer lease"));
//! snapshot!(plan);
//! ```
#![allow(missing_docs, reason = "names say it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

pub mod crash;
pub mod granted;
pub mod sarif;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use leasehold_local::{ExternalAdmin, LocalDirectory};
use serde_json::Value;
use tempfile::TempDir;

/// The time at which the tests on the embedded directory begin.
pub const START: &str = "2026-11-20T22:00:00Z";

/// The path of the program under test. Cargo builds it beside the folder of the test executables.
///
/// # Panics
/// If it is not there: the test does not run by `cargo test` in the package `leasehold`.
#[must_use]
pub fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let program = folder.join(format!("leasehold{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{} is not built", program.display());
    program
}

const RECORDS: [&str; 4] = [".leasehold/lock.json", ".leasehold/ledger/", ".leasehold/.turn", ".leasehold/.held"];

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

    /// The same stack, at this time: `--now` is passed to every `plan`, `apply`, `list` and `show` that is not about a saved plan.
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
            Some(&("plan" | "apply" | "list" | "show" | "sweep" | "drift" | "revoke" | "restore"))
        );
        let saved = args.get(1).is_some_and(|arg| self.path(arg).is_file());
        if let Some(now) = self.now.as_ref().filter(|_| timed && !saved && !args.contains(&"--now")) {
            command.args(["--now", now]);
        }
        command
    }

    /// Starts the program and does not wait for it. Its output goes to files, so that a full pipe cannot block it.
    pub fn start(&self, args: &[&str]) -> Running {
        self.start_with(args, |command| command)
    }

    /// The same, with the command changed by `change` before it starts.
    pub fn start_with(&self, args: &[&str], change: impl FnOnce(Command) -> Command) -> Running {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let said = |name: &str| self.home.path().join(format!("{name}-{number}"));
        let (stdout, stderr) = (said("stdout"), said("stderr"));
        let mut command = change(self.command(args));
        command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        Running { args: args.join(" "), child: command.spawn().unwrap(), stdout, stderr }
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

/// A run that has not ended.
pub struct Running {
    args: String,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Running {
    /// Sends a signal by name: `INT`, `KILL`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The output so far, on stdout and stderr.
    pub fn said(&self) -> String {
        [&self.stdout, &self.stderr]
            .map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned())
            .concat()
    }

    /// Writes to the program's stdin, which must be a pipe.
    pub fn type_in(&mut self, text: &str) {
        std::io::Write::write_all(self.child.stdin.as_mut().unwrap(), text.as_bytes()).unwrap();
    }

    /// Whether the program has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the program to end.
    pub fn wait(mut self) -> Ran {
        let status = self.child.wait().unwrap();
        let said = |path: &Path| std::fs::read_to_string(path).unwrap();
        Ran {
            code: status.code().unwrap_or(-1),
            stdout: said(&self.stdout),
            stderr: said(&self.stderr),
            args: self.args,
        }
    }
}

/// The result of a run of the program.
#[derive(Debug, Clone)]
pub struct Ran {
    pub args: String,
    /// The exit code; -1 if a signal ended the program.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The result from the output of a command that ran in `dir`.
    pub fn of(args: &[&str], output: Output, dir: &Path) -> Self {
        let clean = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("the program speaks UTF-8");
            let real = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
            text.replace(&real.display().to_string(), "[stack]").replace(&dir.display().to_string(), "[stack]")
        };
        Self {
            args: args.join(" "),
            code: output.status.code().unwrap_or(-1),
            stdout: clean(output.stdout),
            stderr: clean(output.stderr),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Asserts that each text is in the output, on stdout or stderr, with any line breaks.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        let unbroken = |text: &str| text.replace("\n  │ ", " ").replace("\n        ", " ");
        let (stdout, stderr) = (unbroken(&self.stdout), unbroken(&self.stderr));
        for text in texts {
            let said = [&self.stdout, &self.stderr, &stdout, &stderr].iter().any(|said| said.contains(text));
            assert!(said, "{text:?} is not said by:\n{self}");
        }
        self
    }

    /// Asserts that none of the texts is in the output.
    #[track_caller]
    pub fn says_nothing_of(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "{text:?} is said by:\n{self}");
        }
        self
    }

    /// stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON: {error}\n{self}"))
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ leasehold {}\nexit {}", self.args, self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "─── {name}\n{text}")?;
            }
        }
        Ok(())
    }
}

/// Asserts a snapshot of a run, after the values that differ from run to run were replaced: `snapshot!(ran, @"…")` with the expected text
/// inline, or `snapshot!("name", ran)` with a file, for texts of more than about 25 lines and for helpers that many tests call.
#[macro_export]
macro_rules! snapshot {
    ($ran:expr, @$expected:literal) => {
        $crate::settings().bind(|| insta::assert_snapshot!($ran.to_string(), @$expected))
    };
    ($name:expr, $ran:expr) => {
        $crate::settings().bind(|| insta::assert_snapshot!($name, $ran.to_string()))
    };
}

/// The filters of all snapshots.
pub fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.add_filter(r#""plan_digest": "[0-9a-f]{64}""#, r#""plan_digest": "[digest]""#);
    settings.add_filter(r"leasehold:digest(.{2,3})[0-9a-f]{64}", "leasehold:digest$1[digest]");
    settings.add_filter(r#""leasehold_version": "[^"]+""#, r#""leasehold_version": "[version]""#);
    settings
}

/// The type of each value in a JSON document, by key: asserts a format without its values.
pub fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.iter().map(|(key, value)| (key.clone(), shape(value))).collect()),
        Value::Array(items) => {
            items.first().map_or_else(|| Value::Array(Vec::new()), |item| Value::Array(vec![shape(item)]))
        }
        Value::String(_) => "string".into(),
        Value::Number(_) => "number".into(),
        Value::Bool(_) => "bool".into(),
        Value::Null => Value::Null,
    }
}

/// The seed of the random choices in tests: the variable `LEASEHOLD_TEST_SEED`, otherwise 1. Prints the seed, so that the output of a failed
/// test shows it.
pub fn test_seed() -> u64 {
    let seed = std::env::var("LEASEHOLD_TEST_SEED").map_or(1, |text| text.parse().expect("a number"));
    println!("LEASEHOLD_TEST_SEED={seed}");
    seed
}

/// Waits until a condition is true. Fails after one minute.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not come to pass");
        std::thread::sleep(Duration::from_millis(5));
    }
}
