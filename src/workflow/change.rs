//! The one path of every command that writes: `apply`, `apply FILE`, `sweep`, `revoke` and `restore`.
//!
//! In: a [`ChangeRequest`], whose [`ChangePurpose`] says what the commands do differently: what they observe, and which plan they make. Out:
//! the plan is executed, read back and recorded. Invariant: each command passes every [`RunStage`] in its order, so that no check can be
//! missing in one of them.
//!
//! ```text
//! begin ─▶ observe ─▶ resolve intents ─▶ compare accounts ─▶ tidy secret stores ─▶ plan ─▶ check quotas ─▶ review ─▶ execute ─▶ accounts
//! ```
//!
//! What takes access away waits for nobody: a problem with a secret store or an account that no block leads to stops `apply` and
//! `restore`, and is only reported by `sweep` and `revoke`.

use jiff::Timestamp;

use super::approval::Approver;
use super::checkpoint::CheckpointKeeper;
use super::connection::Connection;
use super::error::WorkflowError;
use super::event::{PlanSubject, RunStage, WorkflowContext, WorkflowEvent};
use super::interruption::Interruption;
use super::observe::{self, ObservedStack, RecordedSettings};
use super::origin::RunOrigin;
use super::plan::plan_stack;
use super::quotas::check_quotas;
use super::restore::plan_restoration;
use super::review::{ReviewTerms, review_and_execute_plan};
use super::revoke::RevocationTarget;
use super::run::LockedRun;
use super::run_purpose::RunPurpose;
use super::saved::CurrentSavedPlan;
use super::stack::Stack;
use super::sweep::plan_expirations;
use crate::lifecycle::LeaveReason;
use crate::ownership::StackOwnership;
use crate::plan::Plan;
use crate::plan::select::PlanSelection;
use crate::rules::Allowance;

/// What a command is for.
pub enum ChangePurpose<'a> {
    /// Make the live state match the configuration, or the selected part of it.
    Apply(&'a Stack, PlanSelection),
    /// Apply a saved plan, if the plan that is made now is the same.
    ApplySaved(&'a CurrentSavedPlan),
    /// Enforce expirations.
    Sweep(&'a Stack),
    /// Quarantine the identity that the text names, for this reason.
    Revoke(&'a RevocationTarget, &'a str, LeaveReason),
    /// Remove the revocation of the identity that the text names.
    Restore(&'a Stack, &'a str),
}

/// A run of a command that writes.
pub struct ChangeRequest<'a> {
    /// What the command is for.
    pub purpose: ChangePurpose<'a>,
    /// The run, for the lock and the ledger.
    pub run: RunPurpose<'a>,
    /// The instant of the command.
    pub now: Timestamp,
    /// The providers and the secret stores.
    pub connection: &'a Connection,
    /// What the operator allows beyond the defaults.
    pub allowance: Allowance,
    /// The maximum number of writes in flight at the same time.
    pub parallelism: usize,
    /// Who signs the end of the ledger afterwards. `None`: nobody.
    pub checkpoint: Option<&'a dyn CheckpointKeeper>,
}

/// The caller of a run.
pub struct ChangeCaller<'a> {
    /// Who receives the events.
    pub context: &'a WorkflowContext,
    /// Who approves the plan.
    pub approver: &'a dyn Approver,
    /// The signals that the process receives.
    pub interruption: &'a Interruption,
    /// The origin of the run.
    pub origin: RunOrigin,
}

/// Carries out a command.
///
/// # Errors
/// Another run has the lock, something cannot be read, the plan is refused, not approved or stale, or it was not executed completely.
pub async fn carry_out_change(request: &ChangeRequest<'_>, caller: ChangeCaller<'_>) -> Result<(), WorkflowError> {
    let ChangeCaller { context, approver, interruption, origin } = caller;
    let run = LockedRun::begin_run(&request.run, request.connection, interruption, origin, context).await?;
    context.notify(WorkflowEvent::StagePassed(RunStage::Begun));
    // Only the run that has the lock knows what the stack owns.
    let connection = request.connection.clone().with_ownership(run.ownership().clone(), Some(run.lineage()));
    run.run_and_release_lock(async |run| request.pass_stages(run, &connection, approver, context).await).await
}

impl ChangeRequest<'_> {
    async fn pass_stages(
        &self,
        run: &mut LockedRun,
        connection: &Connection,
        approver: &dyn Approver,
        context: &WorkflowContext,
    ) -> Result<(), WorkflowError> {
        let passed = |stage: RunStage| context.notify(WorkflowEvent::StagePassed(stage));
        self.refuse_unapproved_takeover(run.ownership())?;
        let mut observed = self.observe_state(connection, context).await?;
        passed(RunStage::Observed);
        run.resolve_unfinished_intents(&observed.snapshot).await?;
        passed(RunStage::IntentsResolved);
        self.compare_accounts(run, &mut observed, context);
        passed(RunStage::AccountsCompared);
        self.tidy_secret_stores(connection, &observed, context)?;
        passed(RunStage::SecretStoresTidied);
        let (plan, subject) = self.make_plan(run, connection, &mut observed, context).await?;
        passed(RunStage::Planned);
        check_quotas(self.purpose.stack(), connection, &observed.snapshot, &plan).await?;
        passed(RunStage::QuotasChecked);
        let remaining = match self.purpose {
            // The configuration may be unreadable, and with it the accounts of shared objects.
            ChangePurpose::Revoke(..) => run.accounts().with_planned_accounts(&plan),
            _ => run.accounts().keep_remaining_accounts(&observed.snapshot, &plan),
        };
        let allowance = self.allow_subject(&subject);
        let (parallelism, checkpoint) = (self.parallelism, self.checkpoint);
        let terms = ReviewTerms { allowance: &allowance, parallelism, checkpoint, approver };
        review_and_execute_plan(run, (plan, &subject), &observed, connection, terms, context).await?;
        run.write_accounts(remaining).await?;
        passed(RunStage::AccountsWritten);
        Ok(())
    }

    async fn observe_state(
        &self,
        connection: &Connection,
        context: &WorkflowContext,
    ) -> Result<ObservedStack, WorkflowError> {
        match &self.purpose {
            ChangePurpose::Apply(stack, _) => observe::observe_for_plan(stack, connection).await,
            ChangePurpose::ApplySaved(saved) => observe::observe_for_plan(&saved.stack, connection).await,
            ChangePurpose::Sweep(stack) | ChangePurpose::Restore(stack, _) => {
                observe::observe_stack(stack, connection).await
            }
            ChangePurpose::Revoke(target, ..) => target.observe_identities(connection, self.now, context).await,
        }
    }

    /// A sweep runs without a person, so it does not take over what an earlier version wrote.
    fn refuse_unapproved_takeover(&self, ownership: &StackOwnership) -> Result<(), WorkflowError> {
        match (&self.purpose, ownership) {
            (ChangePurpose::Sweep(_), StackOwnership::Earlier { .. }) => Err(WorkflowError::Refused {
                what: "an earlier version of Leasehold applied this stack, and did not record the unique ids of its objects".to_owned(),
                help: "Run `leasehold apply` once: its plan lists the objects, and after its approval they are recorded. Leases expire in \
                       the cloud without a sweep. Nothing was changed."
                    .to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Notes the accounts with objects of the stack that the observation did not reach, so that a rule can ask about them; and the recorded
    /// settings, so that the plan has their changes.
    fn compare_accounts(&self, run: &LockedRun, observed: &mut ObservedStack, context: &WorkflowContext) {
        if self.purpose.applies_configuration() {
            observed.recorded_settings = Some(RecordedSettings(run.accounts().settings().cloned()));
        }
        let unreachable = run.accounts().find_unreachable(&observed.snapshot.realm);
        if self.purpose.only_takes_away() && !unreachable.is_empty() {
            context.notify(WorkflowEvent::AccountsSkipped(&unreachable));
        } else {
            observed.unreachable_accounts = unreachable;
        }
    }

    /// Removes from the secret stores the keys that no longer exist in the cloud, and reports which.
    fn tidy_secret_stores(
        &self,
        connection: &Connection,
        observed: &ObservedStack,
        context: &WorkflowContext,
    ) -> Result<(), WorkflowError> {
        match connection.vault.remove_inactive_keys(self.run.stack, &observed.snapshot, self.now) {
            Ok(removed) if removed.is_empty() => {}
            Ok(removed) => context.notify(WorkflowEvent::SecretsRemoved(&removed)),
            Err(error) if self.purpose.only_takes_away() => context.notify(WorkflowEvent::SecretStoreSkipped(&error)),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn make_plan(
        &self,
        run: &LockedRun,
        connection: &Connection,
        observed: &mut ObservedStack,
        context: &WorkflowContext,
    ) -> Result<(Plan, PlanSubject), WorkflowError> {
        match &self.purpose {
            ChangePurpose::Apply(stack, selection) => {
                Ok((plan_stack(stack, connection, observed, self.now, selection)?, PlanSubject::Configuration))
            }
            ChangePurpose::ApplySaved(saved) => {
                Ok((saved.plan_again(observed, run, connection).await?, PlanSubject::Configuration))
            }
            ChangePurpose::Sweep(stack) => plan_expirations(stack, connection, observed, self.now, context),
            ChangePurpose::Revoke(target, what, reason) => {
                target.plan_revocation(what, reason.clone(), observed, self.now, connection).await
            }
            ChangePurpose::Restore(stack, what) => {
                Ok((plan_restoration(what, stack, connection, observed, self.now)?, PlanSubject::Configuration))
            }
        }
    }

    /// The allowance. To name an identity in a revocation approves its quarantine, also for a break-glass account.
    fn allow_subject(&self, subject: &PlanSubject) -> Allowance {
        let mut allowance = self.allowance.clone();
        if let PlanSubject::Revocation(address) = subject {
            allowance.approved.push(address.to_string());
        }
        allowance
    }
}

impl ChangePurpose<'_> {
    /// The stack. `None`: the configuration was not read, or is not valid.
    fn stack(&self) -> Option<&Stack> {
        match self {
            Self::Apply(stack, _) | Self::Sweep(stack) | Self::Restore(stack, _) => Some(stack),
            Self::ApplySaved(saved) => Some(&saved.stack),
            Self::Revoke(target, ..) => target.whole.as_ref(),
        }
    }

    /// Whether the command makes everything as it is configured. Only such a command changes the recorded settings: the plans of the others
    /// do not show them.
    fn applies_configuration(&self) -> bool {
        match self {
            Self::Apply(..) | Self::ApplySaved(_) => true,
            Self::Sweep(_) | Self::Revoke(..) | Self::Restore(..) => false,
        }
    }

    /// Whether the command only does what a deadline or an emergency requires. Such a command waits for nobody.
    fn only_takes_away(&self) -> bool {
        match self {
            Self::Sweep(_) | Self::Revoke(..) => true,
            Self::Apply(..) | Self::ApplySaved(_) | Self::Restore(..) => false,
        }
    }
}
