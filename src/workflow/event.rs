//! What the workflow reports while it works. It prints nothing itself: the caller gives it a [`WorkflowObserver`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use leasehold_provider::{Address, Alias, Notices, Realizer, ThrottledCall};

use super::error::WorkflowError;
use super::interruption::Signal;
use super::run_result::RunResult;
use crate::apply::ApplyEvent;
use crate::config::Sources;
use crate::config::operator::OperatorBounds;
use crate::lifecycle::due_events::DueEvent;
use crate::plan::Plan;
use crate::rules::Ruling;
use crate::secret_store::SecretStoreError;
use crate::store::{OutageNotices, StoreError};

/// Something that happened in the workflow.
#[derive(Clone, Copy)]
pub enum WorkflowEvent<'a> {
    /// The files of the stack were read. They may contain errors.
    SourcesRead(&'a Sources),
    /// The configuration has this many findings. Only the stack's name, provider and backend are taken from it.
    ConfigurationSkipped(usize),
    /// The configuration has errors, also in the stack's name, provider or backend.
    EssentialsUnreadable,
    /// A run that may write has passed this stage.
    StagePassed(RunStage),
    /// Earlier runs left this many intents unfinished. They are compared with the live state.
    UnfinishedIntents(usize),
    /// Secrets of these keys were removed from the secret stores, because the keys do not exist any more.
    SecretsRemoved(&'a BTreeSet<String>),
    /// A secret store cannot be used, and the run continues without it.
    SecretStoreSkipped(&'a SecretStoreError),
    /// The store of the records does not say whether the stack has objects in other accounts.
    AccountsUnknown(&'a StoreError),
    /// The stack has objects in these accounts, and no `provider` block leads there. The run continues without them.
    AccountsSkipped(&'a BTreeMap<String, Option<Alias>>),
    /// This identity is due, but an apply must make other changes before it.
    DueIdentityWaits(&'a Address),
    /// The plan is made, and the rules are evaluated. An error of the observer stops the run before anything is written.
    PlanReady(&'a PlanReview<'a>),
    /// The steps of this plan are executed from now on.
    ExecutionBegins(&'a Plan),
    /// A step began or ended, or no more steps are started.
    Step(&'a ApplyEvent),
    /// A signal arrived. The steps in flight have this time to finish.
    StopRequested(Signal, Duration),
    /// All steps have ended.
    ExecutionEnds,
    /// How the run ended. An error of the observer becomes the error of the run.
    RunEnded(&'a RunResult<'a>),
    /// The lock could not be released, for this reason. It expires by itself.
    LockNotReleased(&'a str),
    /// A request to the store of the records failed and is retried. The time is since its first attempt.
    StoreUnavailable(&'a StoreError, Duration),
    /// The inventory could not be written after the run. The next run builds it from the ledger.
    InventoryNotWritten(&'a StoreError),
    /// The record of what the stack owns could not be read, so marks decide.
    OwnershipNotVerified(&'a StoreError),
    /// A call waits because this cloud throttles the caller.
    CloudThrottled(&'static str, &'a ThrottledCall<'a>),
    /// Calls to this cloud no longer wait.
    CloudAtFullSpeed(&'static str),
}

/// A plan with the decisions of the rules on it.
pub struct PlanReview<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The rulings against it.
    pub rulings: &'a [Ruling],
    /// The pure half of the provider.
    pub realize: &'a Realizer,
    /// What the plan is about.
    pub subject: &'a PlanSubject,
}

/// What a plan is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanSubject {
    /// The configuration of the stack.
    Configuration,
    /// What is due because of time alone. The value is the earliest expiration in the future, if nothing is due now. `None`: there is none.
    Expirations(Option<DueEvent>),
    /// The revocation of this identity.
    Revocation(Address),
}

/// The stages of a run that may write, in their order. Every such command passes all of them; a run whose plan is empty ends after
/// [`RunStage::Reviewed`] with [`RunStage::AccountsWritten`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunStage {
    /// The run has the lock, and the end of the ledger is known.
    Begun,
    /// The live state is observed.
    Observed,
    /// The intents that earlier runs left unfinished are resolved.
    IntentsResolved,
    /// The accounts that the observation did not reach are known.
    AccountsCompared,
    /// Keys that do not exist any more are removed from the secret stores.
    SecretStoresTidied,
    /// The plan is made.
    Planned,
    /// The plan fits into the account's quotas.
    QuotasChecked,
    /// The rules are evaluated, and the plan is shown.
    Reviewed,
    /// The plan is approved.
    Approved,
    /// The steps are executed and read back, and the last entry of the ledger is written.
    Executed,
    /// The accounts in which the stack has objects are recorded.
    AccountsWritten,
}

/// Receives the events of the workflow, also from other threads. It must return quickly.
pub trait WorkflowObserver: Debug + Send + Sync {
    /// Something happened.
    ///
    /// # Errors
    /// It could not be shown. The run fails where it can: after [`WorkflowEvent::PlanReady`] and [`WorkflowEvent::RunEnded`]. Other
    /// events are reported on a best-effort basis.
    fn report_event(&self, event: WorkflowEvent<'_>) -> Result<(), WorkflowError>;
}

/// An observer that ignores all events.
#[derive(Debug, Clone, Copy)]
pub struct SilentObserver;

impl WorkflowObserver for SilentObserver {
    fn report_event(&self, _: WorkflowEvent<'_>) -> Result<(), WorkflowError> {
        Ok(())
    }
}

/// What a command gives to the workflow.
#[derive(Debug, Clone)]
pub struct WorkflowContext {
    /// Who receives the events.
    pub observer: Arc<dyn WorkflowObserver>,
    /// The user of the process, for the embedded directory. `None`: not known.
    pub user: Option<String>,
    /// What the operator allows to the stack. Everything that connects or opens a store checks it first.
    pub bounds: Arc<OperatorBounds>,
}

impl WorkflowContext {
    /// Reports an event that cannot make the run fail.
    pub fn notify(&self, event: WorkflowEvent<'_>) {
        if let Err(error) = self.observer.report_event(event) {
            tracing::debug!(%error, "an event was not shown");
        }
    }

    /// The receiver of a provider's notices about throttling. `cloud` is the displayed name of the cloud.
    #[must_use]
    pub fn notices_for_cloud(&self, cloud: &'static str) -> Arc<dyn Notices> {
        Arc::new(CloudNotices { cloud, context: self.clone() })
    }

    /// The receiver of notices about requests to the store of the records.
    #[must_use]
    pub fn notices_for_store(&self) -> Arc<dyn OutageNotices> {
        Arc::new(StoreNotices(self.clone()))
    }
}

#[derive(Debug)]
struct CloudNotices {
    cloud: &'static str,
    context: WorkflowContext,
}

impl Notices for CloudNotices {
    fn report_throttled_call(&self, waiting: &ThrottledCall<'_>) {
        self.context.notify(WorkflowEvent::CloudThrottled(self.cloud, waiting));
    }

    fn report_full_speed(&self) {
        self.context.notify(WorkflowEvent::CloudAtFullSpeed(self.cloud));
    }
}

#[derive(Debug)]
struct StoreNotices(WorkflowContext);

impl OutageNotices for StoreNotices {
    fn report_outage(&self, error: &StoreError, spent: Duration) {
        self.0.notify(WorkflowEvent::StoreUnavailable(error, spent));
    }
}
