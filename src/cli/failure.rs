//! The errors of commands: their exit codes, and how they are printed on stderr.
//!
//! Exit code 1 means that the command failed, 3 that it was refused before it changed anything. `fmt` alone uses 2 for files that it could
//! not read.

use std::process::ExitCode;

use leasehold_provider::{ObserveError, ObserveErrorKind, StackName};

use super::invocation;
use crate::config::{Diagnostic, Sources};
use crate::plan::stale::Staleness;
use crate::rules::Ruling;
use crate::store::lock;
use crate::views::diagnostics;
use crate::views::inert::escape_steering;
use crate::views::job::describe_holder_job;
use crate::views::style::{REMOVE, paint_text};
use crate::workflow::{StopError, WorkflowError};

/// Why a command failed or was refused.
#[derive(Debug)]
pub enum CommandError {
    /// The workflow failed or was refused. Other commands use its errors too.
    Workflow(WorkflowError),
    /// Files could not be read, which is already printed. Exit code 2, as in `terraform fmt`.
    Unread,
}

impl<E: Into<WorkflowError>> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self::Workflow(error.into())
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
            Self::Workflow(error) => describe_error(error),
            Self::Unread => (String::new(), 2),
        }
    }
}

/// The message for an error, and the exit code.
fn describe_error(error: WorkflowError) -> (String, u8) {
    match error {
        WorkflowError::Findings { findings, sources } => (render_findings(&findings, &sources), 1),
        WorkflowError::Unreadable(error) => (describe_read_error(&error), 1),
        WorkflowError::ReadBack(error) => (describe_read_back_error(&error), 1),
        WorkflowError::Ruled(rulings) => (describe_rulings(&rulings), 3),
        WorkflowError::Stale(stale) => (describe_stale_plan(&stale), 3),
        WorkflowError::Refused { what, help } => (format_message(&what, &[], Some(&help)), 3),
        WorkflowError::Locked { stack, record } => (describe_held_lock(&stack, &record), 3),
        WorkflowError::Store(error) => {
            let nothing = "No further changes were made: a change that cannot be recorded is not made.".to_owned();
            (format_message(&error.to_string(), &[nothing], Some(&error.help())), 1)
        }
        WorkflowError::SecretStorage(error) => {
            let nothing = "Nothing was changed: no secret is created that cannot be stored.".to_owned();
            (format_message(&error.to_string(), &[nothing], Some(&error.help)), 1)
        }
        WorkflowError::Unsound(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            let what = "the plan failed its internal check; this is a bug in Leasehold. Nothing was changed";
            (format_message(what, &faults, Some("Please report this bug with your configuration.")), 1)
        }
        WorkflowError::Unfinished => (String::new(), 1),
        WorkflowError::Stopped(StopError { signal, what, help }) => {
            (format_message(&format!("stopped by {signal}: {what}"), &[], help.as_deref()), 1)
        }
        WorkflowError::Failed { what, causes } => (format_message(&what, &causes, None), 1),
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
        format!("held by {} on {} (process {}), running {what}", holder.actor, holder.host, holder.process),
        format!("locked since {since}; expires at {expires} unless renewed"),
    ];
    details.extend(describe_holder_job(holder).map(|job| format!("pipeline: {job}")));
    let what = format!("stack {stack} is locked by another run; nothing was changed");
    let help = format!(
        "Wait until the run ends. If the run no longer exists, its lock expires; to break the lock now: `leasehold lock break --epoch {epoch} --reason 'the run no longer exists'`."
    );
    format_message(&what, &details, Some(&help))
}

fn describe_read_error(error: &ObserveError) -> String {
    let what = match error.kind {
        ObserveErrorKind::WrongAccount => "the credentials belong to an account that the configuration does not allow",
        ObserveErrorKind::Unauthenticated => "the cloud does not accept the credentials",
        ObserveErrorKind::Denied => "the cloud could not be read: access denied",
        ObserveErrorKind::Unreachable => "the cloud could not be read: no response",
        ObserveErrorKind::Throttled => "the cloud could not be read: requests are throttled",
        ObserveErrorKind::Malformed | ObserveErrorKind::Other => "the cloud could not be read",
    };
    format_message(what, &[error.to_string(), "Nothing was changed.".to_owned()], error.help.as_deref())
}

/// Unlike other errors of reading the cloud, this one comes after a change.
fn describe_read_back_error(error: &ObserveError) -> String {
    let help = format!(
        "{}. Then run `leasehold plan` to verify: it reports \"No changes.\" if the live state matches",
        error.help.as_deref().unwrap_or("see the error of the cloud above")
    );
    format_message(
        "the changes were made, but could not be read back and are not verified",
        &[error.to_string()],
        Some(&help),
    )
}

fn describe_rulings(rulings: &[Ruling]) -> String {
    let mut text = format_message("the plan is refused; nothing was changed", &[], None);
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
        "the saved plan is stale; nothing was changed",
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
