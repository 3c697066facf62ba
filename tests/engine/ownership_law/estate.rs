//! The stack in a temporary directory, its runs, and their deaths.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use leasehold::drift::{self, DriftReport};
use leasehold::lifecycle::LeaveReason;
use leasehold::plan::Plan;
use leasehold::plan::select::PlanSelection;
use leasehold::rules::Allowance;
use leasehold::workflow::{
    self, AutoApprover, ChangeCaller, ChangePurpose, ChangeRequest, Connection, Interruption, RevocationTarget,
    RunOrigin, RunPurpose, Stack, VariableInputs, WorkflowContext, WorkflowError, WorkflowEvent, WorkflowObserver,
    carry_out_change,
};
use leasehold_local::{ExternalAdmin, LocalDirectory};
use leasehold_provider::{Change, Enact, EnactError, Enacted, StackName};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// A command that writes.
#[derive(Debug, Clone)]
pub enum Command {
    Apply,
    Sweep,
    Revoke(String),
    Restore(String),
}

/// How a run ended.
#[derive(Debug)]
pub enum Ending {
    Done,
    Killed,
    Failed(WorkflowError),
}

/// Ends a run after so many events: a stage that was passed, a write that is about to be sent, a write that was made.
struct KillSwitch {
    remaining: AtomicI64,
    killed: Notify,
}

impl KillSwitch {
    fn new(events: Option<i64>) -> Arc<Self> {
        Arc::new(Self { remaining: AtomicI64::new(events.unwrap_or(i64::MAX)), killed: Notify::new() })
    }

    /// Counts an event. `true`: the run is dead.
    fn count_event(&self) -> bool {
        let left = self.remaining.fetch_sub(1, Ordering::SeqCst);
        if left == 0 {
            self.killed.notify_one();
        }
        left <= 0
    }

    async fn pass_event(&self) {
        if self.count_event() {
            std::future::pending::<()>().await;
        }
    }
}

impl std::fmt::Debug for KillSwitch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KillSwitch")
    }
}

impl WorkflowObserver for KillSwitch {
    fn report_event(&self, event: WorkflowEvent<'_>) -> Result<(), WorkflowError> {
        if let WorkflowEvent::StagePassed(_) = event {
            self.count_event();
        }
        Ok(())
    }
}

/// Sends writes until the run is killed, before a write or after it.
struct MortalEnact {
    inner: Arc<LocalDirectory>,
    switch: Arc<KillSwitch>,
}

#[async_trait::async_trait]
impl Enact for MortalEnact {
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        self.switch.pass_event().await;
        let enacted = self.inner.enact_change(stack, change).await;
        self.switch.pass_event().await;
        enacted
    }
}

/// What a plan and a drift report say.
pub struct Look {
    pub plan: Result<Plan, WorkflowError>,
    pub drift: Result<DriftReport, WorkflowError>,
}

/// The stack in a temporary directory.
pub struct Estate<'a> {
    home: tempfile::TempDir,
    runtime: &'a Runtime,
    pub now: Timestamp,
}

impl<'a> Estate<'a> {
    pub fn new(runtime: &'a Runtime, now: Timestamp) -> Self {
        Self { home: tempfile::tempdir().unwrap(), runtime, now }
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    pub fn write_configuration(&self, text: &str) {
        std::fs::write(self.home.path().join("stack.hcl"), text).unwrap();
    }

    fn open_directory(&self) -> LocalDirectory {
        let now = self.now;
        let file = self.home.path().join(".leasehold/directory.db");
        LocalDirectory::new(file, "tester", Arc::new(move || now)).without_sync()
    }

    pub fn external_admin(&self) -> ExternalAdmin {
        self.open_directory().external_admin()
    }

    fn read_stack(&self, context: &WorkflowContext) -> Stack {
        let read = Stack::read_stack(self.home.path(), None, &VariableInputs::default(), self.now, context);
        read.unwrap_or_else(|error| panic!("the configuration is valid: {error:?}"))
    }

    /// Runs a command, and kills it after so many events.
    pub fn run(&self, command: &Command, kill_after: Option<i64>) -> Ending {
        let switch = KillSwitch::new(kill_after);
        let context =
            WorkflowContext { observer: switch.clone(), user: Some("tester".to_owned()), bounds: Arc::default() };
        let directory = Arc::new(self.open_directory());
        let connect = |connection: Connection| {
            let enact = Arc::new(MortalEnact { inner: directory.clone(), switch: switch.clone() });
            Connection { observe: directory.clone(), enact, ..connection }
        };
        let ending = self.carry_out_command(command, connect, &context, &switch);
        // A step that was in flight when the run was killed is dropped by the runtime. The directory writes what it has received.
        while Arc::strong_count(&directory) > 1 {
            self.runtime.block_on(tokio::task::yield_now());
        }
        ending
    }

    fn carry_out_command(
        &self,
        command: &Command,
        connect: impl Fn(Connection) -> Connection,
        context: &WorkflowContext,
        switch: &KillSwitch,
    ) -> Ending {
        match command {
            Command::Revoke(label) => {
                let inputs = VariableInputs::default();
                let target = RevocationTarget::read_target(self.path(), None, &inputs, self.now, context).unwrap();
                let connecting = Connection::connect_to_providers(&target.providers, self.path(), self.now, context);
                let connection = connect(self.runtime.block_on(connecting).unwrap());
                let what = format!("identity.{label}");
                let purpose = ChangePurpose::Revoke(&target, &what, LeaveReason::from_revocation("leaked"));
                self.carry_out((purpose, target.run_purpose("leaked")), &connection, context, switch)
            }
            Command::Apply | Command::Sweep | Command::Restore(_) => {
                let stack = self.read_stack(context);
                let connection = connect(self.runtime.block_on(stack.connect_to_write(None, context)).unwrap());
                let what =
                    if let Command::Restore(label) = command { format!("identity.{label}") } else { String::new() };
                let purpose = match command {
                    Command::Apply => (ChangePurpose::Apply(&stack, PlanSelection::default()), "apply"),
                    Command::Sweep => (ChangePurpose::Sweep(&stack), "sweep"),
                    _ => (ChangePurpose::Restore(&stack, &what), "restore"),
                };
                self.carry_out((purpose.0, stack.run_purpose(purpose.1)), &connection, context, switch)
            }
        }
    }

    fn carry_out(
        &self,
        (purpose, run): (ChangePurpose<'_>, RunPurpose<'_>),
        connection: &Connection,
        context: &WorkflowContext,
        switch: &KillSwitch,
    ) -> Ending {
        let allowance = Allowance::default();
        let request =
            ChangeRequest { purpose, run, now: self.now, connection, allowance, parallelism: 4, checkpoint: None };
        let interruption = Interruption::default();
        let approver = AutoApprover { how: "--auto-approve" };
        let caller =
            ChangeCaller { context, approver: &approver, interruption: &interruption, origin: RunOrigin::default() };
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = switch.killed.notified() => Ending::Killed,
                ended = carry_out_change(&request, caller) => ended.map_or_else(Ending::Failed, |()| Ending::Done),
            }
        })
    }

    /// Makes a plan and looks for drift.
    pub fn look(&self) -> Look {
        let context = WorkflowContext {
            observer: KillSwitch::new(None),
            user: Some("tester".to_owned()),
            bounds: Arc::default(),
        };
        let stack = self.read_stack(&context);
        self.runtime.block_on(async {
            let connection = match stack.connect_to_read(&context).await {
                Ok(connection) => connection,
                Err(error) => panic!("the inventory is usable: {error}"),
            };
            let plan = match workflow::observe_for_plan(&stack, &connection).await {
                Ok(observed) => {
                    workflow::plan_stack(&stack, &connection, &observed, self.now, &PlanSelection::default())
                }
                Err(error) => Err(error),
            };
            let drift = workflow::observe_stack(&stack, &connection).await.and_then(|observed| {
                let inputs = drift::DriftInputs {
                    declared: &stack.declared,
                    shared: &observed.shared,
                    snapshot: &observed.snapshot,
                    now: self.now,
                    realize: &connection.realize,
                    compare: connection.compare.as_ref(),
                    recorded: None,
                    ownership: &observed.ownership.findings,
                };
                drift::detect_drift(&inputs).map_err(|findings| stack.findings_error(findings))
            });
            Look { plan, drift }
        })
    }
}
