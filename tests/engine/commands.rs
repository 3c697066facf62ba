//! The commands that write, without the program: each passes the same stages, and the same checks. They run on a temporary embedded
//! directory, with the lock and the ledger in a folder.

#![allow(clippy::disallowed_methods, reason = "a test writes the files of a stack")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use leasehold::lifecycle::LeaveReason;
use leasehold::plan::saved::SavedPlan;
use leasehold::plan::select::PlanSelection;
use leasehold::rules::Allowance;
use leasehold::workflow::{
    AutoApprover, ChangeCaller, ChangePurpose, ChangeRequest, Connection, CurrentSavedPlan, Interruption, PlanAge,
    RevocationTarget, RunOrigin, RunPurpose, RunStage, Stack, VariableInputs, WorkflowContext, WorkflowError,
    WorkflowEvent, WorkflowObserver, carry_out_change, note_recorded_accounts, observe_for_plan, plan_stack,
};
use leasehold_provider::{
    Observe, ObserveError, ObserveRequest, Quota, QuotaScope, Realm, ResourceId, ResourceKind, Snapshot, Span,
    StackName,
};

use crate::at;

const HEAD: &str = "leasehold {\n  stack = \"payments\"\n}\nowner \"jane\" {}\n";
const MORE: &str =
    "scope \"more\" {\n  statement {\n    actions = [\"s3:PutObject\"]\n    resources = [\"*\"]\n  }\n}\n";
const NOW: &str = "2026-11-20T22:00:00Z";
const STAGES: [RunStage; 11] = [
    RunStage::Begun,
    RunStage::Observed,
    RunStage::IntentsResolved,
    RunStage::AccountsCompared,
    RunStage::SecretStoresTidied,
    RunStage::Planned,
    RunStage::QuotasChecked,
    RunStage::Reviewed,
    RunStage::Approved,
    RunStage::Executed,
    RunStage::AccountsWritten,
];

/// The block of an identity that may do this, until that instant.
fn identity(name: &str, action: &str, expires: &str) -> String {
    format!(
        "identity \"{name}\" {{\n  kind = \"service\"\n  owner = owner.jane\n  expires_at = \"{expires}\"\n  statement {{\n    actions = \
         [\"{action}\"]\n    resources = [\"*\"]\n  }}\n}}\n"
    )
}

/// Remembers the stages that were passed.
#[derive(Debug, Default)]
struct StageRecorder(Mutex<Vec<RunStage>>);

impl WorkflowObserver for StageRecorder {
    fn report_event(&self, event: WorkflowEvent<'_>) -> Result<(), WorkflowError> {
        if let WorkflowEvent::StagePassed(stage) = event {
            self.0.lock().unwrap().push(stage);
        }
        Ok(())
    }
}

/// An account in which no policy may be created or attached.
struct FullAccount(Arc<dyn Observe>);

#[async_trait::async_trait]
impl Observe for FullAccount {
    async fn read_realm(&self) -> Result<Realm, ObserveError> {
        self.0.read_realm().await
    }

    async fn observe_stack(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError> {
        self.0.observe_stack(request).await
    }

    fn has_unread_details(&self, snapshot: &Snapshot) -> bool {
        self.0.has_unread_details(snapshot)
    }

    async fn read_exactly(
        &self,
        stack: &StackName,
        snapshot: &mut Snapshot,
        principals: &BTreeSet<ResourceId>,
    ) -> Result<(), ObserveError> {
        self.0.read_exactly(stack, snapshot, principals).await
    }

    async fn read_quotas(&self) -> Result<Vec<Quota>, ObserveError> {
        Ok(vec![Quota {
            name: "Policies".to_owned(),
            what: "policies of identities",
            kinds: ["directory_inline_policy", "directory_attachment"].map(ResourceKind::new).into(),
            limit: 0,
            counted: QuotaScope::PerAccount { used: 0 },
            attributes: &[],
            account: None,
        }])
    }
}

/// A stack in a temporary directory, and the program's edges.
struct Desk {
    home: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    stages: Arc<StageRecorder>,
    /// Whether the account is full.
    full: bool,
}

impl Desk {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            runtime: tokio::runtime::Runtime::new().unwrap(),
            stages: Arc::default(),
            full: false,
        }
    }

    fn declare(&self, identities: &[String]) {
        std::fs::write(self.home.path().join("stack.hcl"), format!("{HEAD}{}", identities.concat())).unwrap();
    }

    fn context(&self) -> WorkflowContext {
        WorkflowContext { observer: self.stages.clone(), user: Some("tester".to_owned()) }
    }

    fn stack(&self, now: Timestamp) -> Stack {
        Stack::read_stack(self.home.path(), None, &VariableInputs::default(), now, &self.context()).unwrap()
    }

    fn connect(&self, stack: &Stack) -> Connection {
        self.fill(self.runtime.block_on(stack.connect_to_write(None, &self.context())).unwrap())
    }

    fn fill(&self, connection: Connection) -> Connection {
        let observe: Arc<dyn Observe> = match self.full {
            true => Arc::new(FullAccount(connection.observe)),
            false => connection.observe,
        };
        Connection { observe, ..connection }
    }

    /// Carries out a command, and returns the stages that it passed.
    fn carry_out(
        &self,
        purpose: ChangePurpose<'_>,
        run: RunPurpose<'_>,
        now: Timestamp,
        connection: &Connection,
    ) -> Result<Vec<RunStage>, WorkflowError> {
        self.stages.0.lock().unwrap().clear();
        let allowance = Allowance::default();
        let request = ChangeRequest { purpose, run, now, connection, allowance, parallelism: 4, checkpoint: None };
        let caller = ChangeCaller {
            context: &self.context(),
            approver: &AutoApprover { how: "--auto-approve" },
            interruption: &Interruption::default(),
            origin: RunOrigin::default(),
        };
        self.runtime.block_on(carry_out_change(&request, caller))?;
        Ok(self.stages.0.lock().unwrap().clone())
    }

    fn apply(&self, now: Timestamp) -> Result<Vec<RunStage>, WorkflowError> {
        let stack = self.stack(now);
        let purpose = ChangePurpose::Apply(&stack, PlanSelection::default());
        self.carry_out(purpose, stack.run_purpose("apply"), now, &self.connect(&stack))
    }

    fn apply_saved(&self, now: Timestamp) -> Result<Vec<RunStage>, WorkflowError> {
        let stack = self.stack(now);
        let connection = self.connect(&stack);
        let mut observed = self.runtime.block_on(observe_for_plan(&stack, &connection)).unwrap();
        self.runtime.block_on(note_recorded_accounts(&stack, &mut observed, &self.context())).unwrap();
        let plan = plan_stack(&stack, &connection, &observed, now, &PlanSelection::default()).unwrap();
        let saved = SavedPlan { plan, sealed: None };
        let file = self.home.path().join("payments.plan");
        let age = PlanAge { now, limit: Span::from_days(1) };
        let (here, variables) = (Path::new("."), VariableInputs::default());
        let saved = CurrentSavedPlan::find_stack(saved, &file, here, &variables, age, &self.context()).unwrap();
        let connection = self.fill(self.runtime.block_on(saved.connect(&self.context())).unwrap());
        self.carry_out(ChangePurpose::ApplySaved(&saved), saved.stack.run_purpose("apply"), now, &connection)
    }

    fn sweep(&self, now: Timestamp) -> Result<Vec<RunStage>, WorkflowError> {
        let stack = self.stack(now);
        self.carry_out(ChangePurpose::Sweep(&stack), stack.run_purpose("sweep"), now, &self.connect(&stack))
    }

    fn revoke(&self, what: &str, now: Timestamp) -> Result<Vec<RunStage>, WorkflowError> {
        let (home, context) = (self.home.path(), self.context());
        let target = RevocationTarget::read_target(home, None, &VariableInputs::default(), now, &context).unwrap();
        let connecting = Connection::connect_to_providers(&target.providers, home, now, &context);
        let connection = self.fill(self.runtime.block_on(connecting).unwrap());
        let purpose = ChangePurpose::Revoke(&target, what, LeaveReason::from_revocation("leaked"));
        self.carry_out(purpose, target.run_purpose("leaked"), now, &connection)
    }

    fn restore(&self, what: &str, now: Timestamp) -> Result<Vec<RunStage>, WorkflowError> {
        let stack = self.stack(now);
        let purpose = ChangePurpose::Restore(&stack, what);
        self.carry_out(purpose, stack.run_purpose("restore"), now, &self.connect(&stack))
    }
}

#[test]
fn every_command_that_writes_passes_all_stages_in_their_order() {
    let (desk, now) = (Desk::new(), at(NOW));
    let bot = identity("bot", "s3:GetObject", "2026-12-20T00:00:00Z");
    desk.declare(std::slice::from_ref(&bot));
    assert_eq!(desk.apply(now).unwrap(), STAGES);
    desk.declare(&[bot, identity("ci", "s3:PutObject", "2027-12-20T00:00:00Z")]);
    assert_eq!(desk.apply_saved(now).unwrap(), STAGES);
    assert_eq!(desk.revoke("identity.bot", now).unwrap(), STAGES);
    assert_eq!(desk.restore("identity.bot", now).unwrap(), STAGES);
    assert_eq!(desk.sweep(at("2026-12-21T00:00:00Z")).unwrap(), STAGES);
    // A run without changes ends after the review.
    let nothing: Vec<RunStage> =
        STAGES.into_iter().filter(|stage| !matches!(stage, RunStage::Approved | RunStage::Executed)).collect();
    assert_eq!(desk.sweep(at("2026-12-21T00:00:00Z")).unwrap(), nothing);
}

#[test]
fn commands_that_give_access_are_refused_in_a_full_account() {
    let (mut desk, now) = (Desk::new(), at(NOW));
    let expires = "2026-12-20T00:00:00Z";
    desk.declare(&[identity("bot", "s3:GetObject", expires)]);
    desk.apply(now).unwrap();
    desk.revoke("identity.bot", now).unwrap();
    let scoped =
        identity("bot", "s3:GetObject", expires).replace("  statement", "  scopes = [scope.more]\n  statement");
    desk.declare(&[scoped, MORE.to_owned()]);
    desk.full = true;
    let refused = |ended: Result<Vec<RunStage>, WorkflowError>, command: &str| match ended {
        Err(WorkflowError::Refused { what, .. }) => {
            assert!(what.contains("exceeds an AWS quota of the account"), "{command}: {what}");
        }
        other => panic!("{command}: {other:?}"),
    };
    refused(desk.restore("identity.bot", now), "restore");
    desk.declare(&[identity("bot", "s3:GetObject", expires), identity("ci", "s3:PutObject", expires)]);
    refused(desk.apply(now), "apply");
    refused(desk.apply_saved(now), "apply FILE");
}

#[test]
fn commands_that_take_access_away_do_not_wait_for_room() {
    let (mut desk, now) = (Desk::new(), at(NOW));
    let expires = "2026-12-20T00:00:00Z";
    desk.declare(&[identity("bot", "s3:GetObject", expires), identity("ci", "s3:PutObject", expires)]);
    desk.apply(now).unwrap();
    desk.full = true;
    assert_eq!(desk.revoke("identity.bot", now).unwrap(), STAGES);
    assert_eq!(desk.sweep(at("2026-12-21T00:00:00Z")).unwrap(), STAGES);
}
