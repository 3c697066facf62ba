//! Renders the events of the workflow on stdout and stderr.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::plan_view::write_json_into;
use super::progress::ApplyProgress;
use super::{invocation, print_message, throttling, write_stdout};
use crate::plan::Plan;
use crate::store::StoreError;
use crate::views;
use crate::views::inert::escape_steering;
use crate::views::outcome::{RunEnding, render_ending};
use crate::workflow::{PlanReview, PlanSubject, RunResult, WorkflowError, WorkflowEvent, WorkflowObserver};

/// An outage of the store that is shorter than this is not reported.
const UNREPORTED: Duration = Duration::from_secs(3);
/// The minimum time between two lines about an outage.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// Prints events.
#[derive(Debug)]
pub struct Terminal {
    output: Option<RunOutput>,
    progress: Mutex<Option<ApplyProgress>>,
    /// When a line about an outage was last printed. `None`: never.
    outage: Mutex<Option<Instant>>,
}

/// How the plan and the result of a command that writes are printed.
#[derive(Debug)]
pub struct RunOutput {
    /// The directory that paths are relative to.
    pub working_directory: PathBuf,
    /// The file that the plan is also written to as JSON.
    pub json_into: Option<PathBuf>,
    /// The command line that does the steps that were not done.
    pub again: FollowUp,
}

/// The command line that does the steps of a run that were not done.
#[derive(Debug)]
pub enum FollowUp {
    /// This one.
    Command(String),
    /// The revocation of the plan's identity, for this reason.
    Revocation {
        /// The reason as the user gave it.
        reason: String,
    },
}

impl FollowUp {
    fn to_command(&self, plan: &Plan) -> String {
        match self {
            Self::Command(command) => command.clone(),
            Self::Revocation { reason } => {
                let address = plan.identities.first().map(|delta| delta.address.as_str());
                let words = ["revoke", address.unwrap_or_default(), "--reason", reason];
                invocation::current_invocation().follow_up_command(&words)
            }
        }
    }
}

impl Terminal {
    /// Prints events. `output` is `None` for a command that only reads.
    pub fn new(output: Option<RunOutput>) -> Self {
        Self { output, progress: Mutex::default(), outage: Mutex::default() }
    }

    /// Prints from time to time while the store does not answer, so that a waiting run is not mistaken for one that hangs.
    fn report_outage(&self, error: &StoreError, spent: Duration) {
        let mut last_line = lock(&self.outage);
        if spent < UNREPORTED || last_line.is_some_and(|last| last.elapsed() < LINE_INTERVAL) {
            return;
        }
        *last_line = Some(Instant::now());
        print_message(&format!("warning: {}. Trying again.\n", escape_steering(&error.to_string())));
    }

    fn show_ending(&self, result: &RunResult<'_>) -> anyhow::Result<()> {
        let stopped = result.stopped.map(|signal| signal.to_string());
        let again = self.output.as_ref().map_or_else(String::new, |output| output.again.to_command(result.plan));
        let (outcome, read_back) = (result.outcome, result.read_back);
        let ending = RunEnding { outcome, read_back, stopped: stopped.as_deref(), again: &again };
        let text = invocation::current_invocation().complete_commands(&render_ending(result.plan, &ending));
        if result.is_complete() {
            return write_stdout(&format!("\n{text}"));
        }
        print_message(&format!("\n{text}"));
        Ok(())
    }
}

impl WorkflowObserver for Terminal {
    fn report_event(&self, event: WorkflowEvent<'_>) -> Result<(), WorkflowError> {
        match event {
            WorkflowEvent::SourcesRead(sources) => invocation::current_invocation().note_variables(sources),
            WorkflowEvent::StagePassed(stage) => tracing::debug!(?stage, "passed"),
            WorkflowEvent::PlanReady(review) => show_plan(self.output.as_ref(), review)?,
            WorkflowEvent::ExecutionBegins(plan) => *lock(&self.progress) = Some(ApplyProgress::begin(plan)),
            WorkflowEvent::Step(event) => {
                if let Some(progress) = lock(&self.progress).as_mut() {
                    progress.show_event(event);
                }
            }
            WorkflowEvent::ExecutionEnds => drop(lock(&self.progress).take()),
            WorkflowEvent::RunEnded(result) => self.show_ending(result)?,
            WorkflowEvent::StoreUnavailable(error, spent) => self.report_outage(error, spent),
            WorkflowEvent::CloudThrottled(cloud, call) => throttling::note_throttled_call(cloud, call),
            WorkflowEvent::CloudAtFullSpeed(cloud) => throttling::note_full_speed(cloud),
            other => print_message(&describe_event(&other)),
        }
        Ok(())
    }
}

/// The lines on stderr for an event that needs nothing else. Empty for all others.
fn describe_event(event: &WorkflowEvent<'_>) -> String {
    match event {
        WorkflowEvent::ConfigurationSkipped(count) => {
            let noun = if *count == 1 { "finding" } else { "findings" };
            format!("The configuration has {count} {noun}; only the stack's name and provider are read from it.\n")
        }
        WorkflowEvent::EssentialsUnreadable => {
            "cannot read the stack's name and provider from the configuration:\n".to_owned()
        }
        WorkflowEvent::UnfinishedIntents(count) => format!(
            "An earlier run did not complete: {count} of its steps have no recorded outcome, and are compared with the live state.\n"
        ),
        WorkflowEvent::SecretsRemoved(keys) => {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            format!(
                "Removed from the secret stores because these keys no longer exist: {}.\n",
                escape_steering(&keys.join(", "))
            )
        }
        WorkflowEvent::SecretStoreSkipped(error) => format!("warning: {}\n", escape_steering(&error.to_string())),
        WorkflowEvent::OwnershipNotVerified(error) => format!(
            "warning: cannot read which objects this stack owns, so marks decide: {}\n",
            escape_steering(&error.to_string())
        ),
        WorkflowEvent::InventoryNotWritten(error) => format!(
            "warning: the inventory could not be written, and the next run builds it from the ledger: {}\n",
            escape_steering(&error.to_string())
        ),
        WorkflowEvent::AccountsUnknown(error) => format!(
            "warning: cannot check whether this stack has objects in accounts without a provider block: {}\n",
            escape_steering(&error.to_string())
        ),
        WorkflowEvent::AccountsSkipped(accounts) => {
            let names: Vec<&str> = accounts.keys().map(String::as_str).collect();
            invocation::current_invocation().complete_commands(&format!(
                "warning: this stack has objects in {}, and no provider block leads there: this run does not see them. `leasehold plan` says \
                 what to do.\n",
                escape_steering(&names.join(", "))
            ))
        }
        WorkflowEvent::DueIdentityWaits(address) => {
            let line =
                format!("{address} is due, but depends on changes that only an apply makes: run `leasehold apply`");
            format!("{}\n", invocation::current_invocation().complete_commands(&escape_steering(&line)))
        }
        WorkflowEvent::StopRequested(signal, limit) => format!(
            "{signal} received: steps in flight have {} s to finish. A second signal stops the program at once and leaves the lock held.\n",
            limit.as_secs()
        ),
        WorkflowEvent::LockNotReleased(why) => {
            format!("warning: the lock could not be released, and expires by itself: {}\n", escape_steering(why))
        }
        _ => String::new(),
    }
}

/// Prints the plan of a command that writes, and writes it to a file as JSON if an option names one.
fn show_plan(output: Option<&RunOutput>, review: &PlanReview<'_>) -> anyhow::Result<()> {
    let PlanReview { plan, rulings, realize, subject } = *review;
    if let Some(RunOutput { working_directory, json_into, .. }) = output {
        let json_into: Option<&Path> = json_into.as_deref();
        write_json_into(working_directory, json_into, || views::plan::render_plan_json(plan, rulings))?;
    }
    match subject {
        PlanSubject::Expirations(next) if plan.is_empty() => {
            let next = match next {
                Some(due) => format!("Next: {}.", escape_steering(&due.to_string())),
                None => "No later expiration is scheduled.".to_owned(),
            };
            write_stdout(&format!(
                "No changes. No lease or grace period has expired, and no key is due for rotation.\n{next}\n"
            ))
        }
        PlanSubject::Revocation(address) if plan.is_empty() => {
            write_stdout(&format!("{} is already revoked for this reason.\n", escape_steering(address.as_str())))
        }
        _ => {
            let text = views::plan::render_plan_text(plan, rulings, realize);
            write_stdout(&invocation::current_invocation().complete_commands(&text))
        }
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
