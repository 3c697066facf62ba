//! The errors of commands: their exit codes, and how they are printed on stderr.
//!
//! Exit code 1 means that the command failed, 3 that it was refused before it changed anything. `fmt` alone uses 2 for files that it could
//! not read.

use std::process::ExitCode;

use leasehold_provider::{ObserveError, ObserveErrorKind, StackName};

use super::interruption::Signal;
use super::invocation;
use crate::config::{Diagnostic, Sources};
use crate::ledger::LedgerError;
use crate::plan::check::UnsoundPlanError;
use crate::plan::stale::Staleness;
use crate::rules::Ruling;
use crate::secret_store::VaultError;
use crate::store::lock::{self, LockError, OtherStackError};
use crate::store::{NoRandomnessError, StoreError};
use crate::views::diagnostics;
use crate::views::inert::escape_steering;
use crate::views::job::describe_holder_job;
use crate::views::style::{REMOVE, paint_text};

/// Why a command failed or was refused.
#[derive(Debug)]
pub enum CommandError {
    /// The configuration is not valid. Exit code 1.
    Findings {
        /// The errors.
        findings: Vec<Diagnostic>,
        /// The files that they refer to.
        sources: Sources,
    },
    /// The cloud could not be read. Exit code 1.
    Unreadable(ObserveError),
    /// What was written could not be read back. Exit code 1; the view has already printed what was done.
    ReadBack(ObserveError),
    /// Rules refuse the plan. Exit code 3, nothing was changed.
    Ruled(Vec<Ruling>),
    /// The plan is stale. Exit code 3, nothing was changed.
    Stale(Vec<Staleness>),
    /// The command was refused for another reason. Exit code 3, nothing was changed.
    Refused {
        /// What was refused, and why.
        what: String,
        /// What the user can do.
        help: String,
    },
    /// Another process holds the lock of the stack. Exit code 3, nothing was changed.
    Locked {
        /// The stack.
        stack: StackName,
        /// The holder, when it took the lock, and when the lock expires.
        record: Box<lock::LockRecord>,
    },
    /// The stack's records cannot be read or written. Exit code 1.
    Store(StoreError),
    /// A secret store cannot be used. Exit code 1, nothing was changed.
    Vault(VaultError),
    /// The plan failed its own check, which is a bug. Exit code 1, nothing was changed.
    Unsound(Vec<UnsoundPlanError>),
    /// The work began and is not complete; the view has already printed how it ended. Exit code 1.
    Unfinished,
    /// A signal stopped the command. Exit code 1.
    Stopped {
        /// The signal.
        signal: Signal,
        /// What was changed, or why the command did not end cleanly.
        what: String,
        /// What the user should know or do next. `None`: nothing.
        help: Option<String>,
    },
    /// Files could not be read, which is already printed. Exit code 2, as in `terraform fmt`.
    Unread,
    /// Any other error. Exit code 1.
    Other(anyhow::Error),
}

impl From<anyhow::Error> for CommandError {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<ObserveError> for CommandError {
    fn from(error: ObserveError) -> Self {
        Self::Unreadable(error)
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<VaultError> for CommandError {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<LedgerError> for CommandError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Store(error) => Self::Store(error),
            LedgerError::OtherStack(other) => other.into(),
            LedgerError::OtherLineage { .. } => Self::Refused { what: error.to_string(), help: error.help() },
            LedgerError::LockBroken => Self::Refused {
                what: error.to_string(),
                help: "See who and why with `leasehold audit list --kind lock_broken`.".to_owned(),
            },
            other => Self::Refused {
                what: other.to_string(),
                help:
                    "See what is wrong with `leasehold audit verify`. Nothing is written to the cloud without a ledger."
                        .to_owned(),
            },
        }
    }
}

impl From<OtherStackError> for CommandError {
    fn from(other: OtherStackError) -> Self {
        Self::Refused { help: format!("{} Nothing was changed.", other.help()), what: other.to_string() }
    }
}

impl From<NoRandomnessError> for CommandError {
    fn from(error: NoRandomnessError) -> Self {
        Self::Other(error.into())
    }
}

impl From<LockError> for CommandError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Store(error) => Self::Store(error),
            LockError::Clock { .. } => Self::Refused {
                what: error.to_string(),
                help: "Set the clock: leases end by it. Nothing was changed.".to_owned(),
            },
            LockError::Unreadable { .. } => Self::Refused {
                what: error.to_string(),
                help: "Use the version of leasehold that wrote it. If no run can be holding it: `leasehold lock break --reason 'it does \
                       not read'`. Nothing was changed."
                    .to_owned(),
            },
            LockError::OtherStack(other) => other.into(),
            LockError::Randomness(error) => Self::Other(error.into()),
        }
    }
}

impl CommandError {
    /// Prints the error to stderr, and returns the exit code.
    #[must_use]
    pub fn report_error(self) -> ExitCode {
        let (text, code) = self.into_message();
        super::print_message(&text);
        ExitCode::from(code)
    }

    fn into_message(self) -> (String, u8) {
        match self {
            Self::Findings { findings, sources } => (render_findings(&findings, &sources), 1),
            Self::Unreadable(error) => (describe_read_error(&error), 1),
            Self::ReadBack(error) => (describe_read_back_error(&error), 1),
            Self::Ruled(rulings) => (describe_rulings(&rulings), 3),
            Self::Stale(stale) => (describe_stale_plan(&stale), 3),
            Self::Refused { what, help } => (format_message(&what, &[], Some(&help)), 3),
            Self::Locked { stack, record } => (describe_held_lock(&stack, &record), 3),
            Self::Store(error) => {
                let nothing = "Nothing more was written to the cloud: what cannot be recorded is not done.".to_owned();
                (format_message(&error.to_string(), &[nothing], Some(&error.help())), 1)
            }
            Self::Vault(error) => {
                let nothing = "Nothing was changed: a secret that cannot be stored is not made.".to_owned();
                (format_message(&error.to_string(), &[nothing], Some(&error.help)), 1)
            }
            Self::Unsound(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                let what = "the plan failed its own check; this is a fault in leasehold, and nothing was changed";
                (format_message(what, &faults, Some("Please report it with the configuration that led here.")), 1)
            }
            Self::Unfinished => (String::new(), 1),
            Self::Stopped { signal, what, help } => {
                (format_message(&format!("stopped by {signal}: {what}"), &[], help.as_deref()), 1)
            }
            Self::Unread => (String::new(), 2),
            Self::Other(error) => {
                let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
                (format_message(&error.to_string(), &causes, None), 1)
            }
        }
    }
}

fn format_message(what: &str, details: &[String], help: Option<&str>) -> String {
    let complete = |text: &str| invocation::current_invocation().complete_commands(&escape_steering(text));
    let mut text = format!("{} {}\n", paint_text(REMOVE, "error:"), complete(what));
    for detail in details {
        text.push_str(&format!("  - {}\n", complete(detail)));
    }
    if let Some(help) = help {
        text.push_str(&format!("  help: {}\n", complete(help)));
    }
    text
}

fn describe_held_lock(stack: &StackName, record: &lock::LockRecord) -> String {
    let lock::LockRecord { holder, what, since, expires, epoch, .. } = record;
    let mut details = vec![
        format!("held by {} on {} (process {}), doing {what}", holder.actor, holder.host, holder.process),
        format!("since {since}; unless it is renewed it ends at {expires}"),
    ];
    details.extend(describe_holder_job(holder).map(|job| format!("pipeline: {job}")));
    let what = format!("stack {stack} is locked by another run, and nothing was changed");
    let help = format!(
        "Wait for it. If that run is dead, its lock ends by itself; `leasehold lock break --epoch {epoch} --reason 'its run is dead'` does not wait."
    );
    format_message(&what, &details, Some(&help))
}

fn describe_read_error(error: &ObserveError) -> String {
    let what = match error.kind {
        ObserveErrorKind::WrongRealm => "this is not an account the configuration allows",
        ObserveErrorKind::Unauthenticated => "the cloud does not accept the caller",
        ObserveErrorKind::Denied => "the cloud could not be read: access denied",
        ObserveErrorKind::Unreachable => "the cloud could not be read: no answer",
        ObserveErrorKind::Throttled => "the cloud could not be read: it refuses for now",
        ObserveErrorKind::Malformed | ObserveErrorKind::Other => "the cloud could not be read",
    };
    format_message(what, &[error.to_string(), "Nothing was changed.".to_owned()], error.help.as_deref())
}

/// Unlike other errors of reading the cloud, this one comes after a change.
fn describe_read_back_error(error: &ObserveError) -> String {
    let help = format!(
        "{}. Then run `leasehold plan`: it reads again, and says \"No changes.\" when all is as written",
        error.help.as_deref().unwrap_or("see what the cloud says")
    );
    format_message("what was written could not be read back, and is not verified", &[error.to_string()], Some(&help))
}

fn describe_rulings(rulings: &[Ruling]) -> String {
    let mut text = format_message("the plan is refused, and nothing was changed", &[], None);
    for ruling in rulings {
        text.push_str(&format!(
            "  - {}: {}\n    help: {}\n",
            ruling.rule,
            escape_steering(&ruling.why),
            escape_steering(&ruling.help)
        ));
    }
    text
}

fn describe_stale_plan(stale: &[Staleness]) -> String {
    let details: Vec<String> = stale.iter().map(ToString::to_string).collect();
    format_message(
        "the plan no longer applies as it was reviewed, and nothing was changed",
        &details,
        Some("Make a new plan, review it, and apply that."),
    )
}

/// Findings as text for people, in the style of this terminal.
pub fn render_findings(findings: &[Diagnostic], sources: &Sources) -> String {
    let width = terminal_size::terminal_size_of(std::io::stderr()).map_or(100, |(width, _)| usize::from(width.0));
    // Always with colour: the printing stream removes it where it must not appear.
    let findings = invocation::current_invocation().complete_findings(findings);
    diagnostics::render_diagnostics(&findings, sources, diagnostics::DiagnosticStyle { color: true, width })
}
