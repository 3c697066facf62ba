//! The environment variables that Leasehold and its libraries read, and the rule for all of them: an empty variable counts as unset.
//!
//! Many components read variables: clap, the AWS SDK, two HTTP clients, rustls, tokio. Each treats an empty value in its own way; the SDK
//! and tokio panic. A process cannot remove a variable from its own environment without `unsafe`, so [`restart_without_empty`] starts the
//! program again without the empty ones. On Unix this is the same process (`exec`).
//!
//! ```text
//! AWS_ENDPOINT_URL="" leasehold plan   →   exec leasehold plan, AWS_ENDPOINT_URL unset
//! ```
//!
//! This is one of the files that access the outside: it reads the process environment.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use leasehold_aws::environment::{
    EnvironmentVariable, ValueForm, VariableError, VariableReader, check_process_environment,
};

const fn define_own_variable(name: &'static str, form: ValueForm, sets: &'static str) -> EnvironmentVariable {
    EnvironmentVariable { name, sets, reader: VariableReader::Leasehold, form }
}

const fn define_library_variable(name: &'static str, form: ValueForm, sets: &'static str) -> EnvironmentVariable {
    EnvironmentVariable { name, sets, reader: VariableReader::Library, form }
}

/// The variables that do not concern AWS.
pub const VARIABLES: &[EnvironmentVariable] = &[
    define_own_variable(
        "LEASEHOLD_VAR_*",
        ValueForm::Text,
        "the stack variable with that name; empty: the empty string",
    ),
    define_own_variable("LEASEHOLD_SIGNING_KEY", ValueForm::Path, "`--signing-key`"),
    define_own_variable("LEASEHOLD_OPERATOR", ValueForm::Path, "`--operator`: the file with the operator's bounds"),
    define_own_variable("USER", ValueForm::Text, "the actor in the records, if no provider names one"),
    define_own_variable("SSH_AUTH_SOCK", ValueForm::Path, "the SSH agent that signs checkpoints and plans"),
    define_own_variable(
        "RUST_LOG",
        ValueForm::Text,
        "the filter for log messages on stderr, such as `leasehold=debug`",
    ),
    define_library_variable("NO_COLOR", ValueForm::Text, "no colors; `--color` takes precedence"),
    define_library_variable("CLICOLOR_FORCE", ValueForm::Text, "colors even if the output is not a terminal"),
    define_library_variable("CLICOLOR", ValueForm::Text, "`0`: no colors"),
    define_library_variable("TERM", ValueForm::Text, "`dumb`: no colors"),
    define_library_variable("HOME", ValueForm::Path, "the directory that contains `.aws`, and `~` in its files"),
    define_library_variable(
        "TOKIO_WORKER_THREADS",
        ValueForm::Count,
        "threads for API calls; unset: one for each processor",
    ),
    define_library_variable(
        "RAYON_NUM_THREADS",
        ValueForm::Text,
        "threads for evaluation; unset: one for each processor",
    ),
    define_library_variable("RUST_BACKTRACE", ValueForm::Text, "`1`: print a backtrace if the program panics"),
];

/// All variables that Leasehold or one of its libraries reads.
pub fn all_variables() -> impl Iterator<Item = &'static EnvironmentVariable> {
    VARIABLES.iter().chain(leasehold_aws::environment::VARIABLES)
}

/// The value of a variable. `None` where it is unset, empty, or not UTF-8.
pub fn read_variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Checks the variables that do not concern AWS. Those of AWS are checked before the first request to AWS.
///
/// # Errors
/// The first variable whose value does not have the required form.
pub fn check_variables() -> Result<(), VariableError> {
    check_process_environment(VARIABLES)
}

/// If variables of [`all_variables`] are empty, starts the program again without them. Returns `None` if none is empty. Otherwise it
/// returns only if the program cannot be started (Unix), or with the exit code of the other process (elsewhere).
#[must_use]
pub fn restart_without_empty() -> Option<anyhow::Result<ExitCode>> {
    let empty = find_empty_variables();
    let (first, _) = empty.split_first()?;
    let restarted = std::env::current_exe().map_err(anyhow::Error::from).and_then(|program| {
        let mut command = Command::new(program);
        command.args(std::env::args_os().skip(1));
        for name in &empty {
            command.env_remove(name);
        }
        replace_process(command)
    });
    Some(restarted.with_context(|| format!("the environment variable {} is empty: unset it", first.to_string_lossy())))
}

#[cfg(unix)]
fn replace_process(mut command: Command) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    Err(command.exec().into())
}

#[cfg(not(unix))]
fn replace_process(mut command: Command) -> anyhow::Result<ExitCode> {
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// The variable that must not be empty: its file bounds what a stack may reach, and a mistyped expression in the settings of a pipeline must
/// not remove the bounds.
pub const NEVER_EMPTY: &str = "LEASEHOLD_OPERATOR";

/// Refuses an empty [`NEVER_EMPTY`].
///
/// # Errors
/// The variable is set and empty.
pub fn refuse_empty_operator() -> anyhow::Result<()> {
    anyhow::ensure!(
        std::env::var_os(NEVER_EMPTY).is_none_or(|value| !value.is_empty()),
        "{NEVER_EMPTY} is empty: set it to the path of the operator's file, or unset it"
    );
    Ok(())
}

/// The names of the variables in the table that are set and empty. Child processes get other variables unchanged.
fn find_empty_variables() -> Vec<OsString> {
    let names = all_variables().map(|variable| variable.name).filter(|name| *name != NEVER_EMPTY).map(OsString::from);
    names.filter(|name| std::env::var_os(name).is_some_and(|value| value.is_empty())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every variable name that our own sources contain as a literal is in the table. The names of CI systems' variables are data of
    /// `origin`.
    #[test]
    fn what_the_sources_read_is_in_the_table() {
        let known: BTreeSet<&str> = all_variables().map(|variable| variable.name).collect();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut read = BTreeSet::new();
        for folder in ["src", "providers/aws/src", "providers/local/src", "providers/contract/src"] {
            names_read_below(&root.join(folder), &mut read);
        }
        assert!(read.contains("USER") && read.contains("AWS_MAX_ATTEMPTS"), "{read:?}");
        let unknown: Vec<&String> = read.iter().filter(|name| !known.contains(name.as_str())).collect();
        assert!(unknown.is_empty(), "not in the table: {unknown:?}");
    }

    fn names_read_below(folder: &Path, read: &mut BTreeSet<String>) {
        let reads = regex::Regex::new(
            r#"(?:\benv::var|\benv::var_os|\benvironment::read_variable|\benv =)\s*\(?\s*"([A-Z][A-Z0-9_]+)""#,
        )
        .unwrap();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                names_read_below(&path, read);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                // Code after `#[cfg(test)]` is not part of the program.
                let program = text.split("#[cfg(test)]").next().unwrap();
                if !path.ends_with("tests.rs") && !path.ends_with("laws.rs") {
                    read.extend(reads.captures_iter(program).map(|found| found[1].to_owned()));
                }
            }
        }
    }
}
