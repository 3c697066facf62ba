//! A run of the program: while it runs, and its result.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use serde_json::Value;

/// A run that has not ended.
pub struct RunningCommand {
    pub(crate) args: String,
    pub(crate) child: Child,
    pub(crate) stdout: PathBuf,
    pub(crate) stderr: PathBuf,
}

impl RunningCommand {
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
    pub fn write_stdin(&mut self, text: &str) {
        std::io::Write::write_all(self.child.stdin.as_mut().unwrap(), text.as_bytes()).unwrap();
    }

    /// Whether the program has ended.
    pub fn has_exited(&mut self) -> bool {
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
    pub fn does_not_say(self, texts: &[&str]) -> Self {
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
