//! Reviews a plan: the rules, the caller, and the live state decide whether it is executed.

use leasehold_provider::Snapshot;

use super::approval::{ApprovalRecord, Approver};
use super::checkpoint::CheckpointKeeper;
use super::connection::Connection;
use super::error::WorkflowError;
use super::event::{PlanReview, PlanSubject, RunStage, WorkflowContext, WorkflowEvent};
use super::execute::Execution;
use super::observe::{ObservedStack, observe_with_deliveries};
use super::run::LockedRun;
use super::saved::refuse_stale_plan;
use crate::plan::{Plan, stale};
use crate::realize::ResourceMap;
use crate::rules::{self, Allowance, ApprovedPlan};

/// The terms on which a plan is reviewed and executed.
#[derive(Clone, Copy)]
pub struct ReviewTerms<'a> {
    /// What the operator allows beyond the defaults.
    pub allowance: &'a Allowance,
    /// The maximum number of writes in flight at the same time.
    pub parallelism: usize,
    /// Who signs the end of the ledger afterwards. `None`: nobody.
    pub checkpoint: Option<&'a dyn CheckpointKeeper>,
    /// Who approves the plan.
    pub approver: &'a dyn Approver,
}

/// Shows a plan, evaluates the rules on it, asks for approval, and executes it. A plan without changes is only shown.
///
/// # Errors
/// The plan is refused, not approved or stale, or it was not executed completely.
pub async fn review_and_execute_plan(
    run: &mut LockedRun,
    (plan, subject): (Plan, &PlanSubject),
    observed: &ObservedStack,
    connection: &Connection,
    terms: ReviewTerms<'_>,
    context: &WorkflowContext,
) -> Result<(), WorkflowError> {
    let rulings = rules::evaluate_rules(&plan, terms.allowance);
    let review = PlanReview { plan: &plan, rulings: &rulings, realize: &connection.realize, subject };
    context.observer.report_event(WorkflowEvent::PlanReady(&review))?;
    context.notify(WorkflowEvent::StagePassed(RunStage::Reviewed));
    let changes = &observed.ownership.changes;
    if plan.is_empty() {
        return run.record_ownership_changes(changes).await;
    }
    if !rulings.is_empty() {
        run.record_refusal(&plan, &rulings).await?;
    }
    let approved = rules::apply_rules(plan, terms.allowance).map_err(WorkflowError::Ruled)?;
    let record = approve_plan(&approved, &observed.shared, connection, terms).await?;
    context.notify(WorkflowEvent::StagePassed(RunStage::Approved));
    execute_approved_plan(run, &approved, &record, observed, connection, terms, context).await
}

/// Asks for approval, and compares the plan with the live state if time has passed.
async fn approve_plan(
    approved: &ApprovedPlan,
    shared: &ResourceMap,
    connection: &Connection,
    terms: ReviewTerms<'_>,
) -> Result<ApprovalRecord, WorkflowError> {
    let plan = approved.as_plan();
    connection.vault.prepare_stores(plan)?;
    let approval = terms.approver.request_approval(approved).await?;
    let mut approvals = vec![(None, approval.how)];
    approvals.extend(terms.allowance.max_leavers.map(|count| (None, format!("--max-leavers {count}"))));
    approvals.extend(terms.allowance.approved.iter().map(|who| (Some(who.clone()), "--approve".to_owned())));
    // A prompt takes time: what the person approved must still be the live state. The identities that leave are read again in full, because
    // they are archived.
    if plan.leaving_identities().next().is_none() && !approval.prompted {
        return Ok(ApprovalRecord { approvals, leavers: Snapshot::for_realm(plan.realm.clone()) });
    }
    let leavers = observe_with_deliveries(plan, connection, shared).await?;
    refuse_stale_plan(stale::check_object_staleness(plan, &leavers))?;
    Ok(ApprovalRecord { approvals, leavers })
}

/// Executes an approved plan, and records the accounts that it writes to before and after.
async fn execute_approved_plan(
    run: &mut LockedRun,
    approved: &ApprovedPlan,
    record: &ApprovalRecord,
    observed: &ObservedStack,
    connection: &Connection,
    terms: ReviewTerms<'_>,
    context: &WorkflowContext,
) -> Result<(), WorkflowError> {
    let plan = approved.as_plan();
    run.write_accounts(run.accounts().with_planned_accounts(plan)).await?;
    let journal = run.open_journal(plan, record, &observed.ownership.changes).await?;
    let (interruption, shared) = (run.interruption(), &observed.shared);
    let execution = Execution { connection, shared, parallelism: terms.parallelism, interruption, context };
    let ended = execution.execute_and_verify(approved, journal).await;
    if let Some(keeper) = terms.checkpoint {
        run.publish_checkpoint(keeper).await?;
    }
    ended?;
    context.notify(WorkflowEvent::StagePassed(RunStage::Executed));
    Ok(())
}
