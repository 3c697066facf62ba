//! The steps of a run as a library: prepare, observe, plan, review, execute, verify.
//!
//! In: a stack's directory, the values of its variables, an instant, and a caller that receives events and answers questions. Out: the live
//! state, a plan, or an executed plan with its records. The workflow prints nothing, prompts for nothing, and reads neither the clock nor
//! the environment: the caller gives `now`, the values of the environment, a [`WorkflowObserver`] and an [`Approver`].
//!
//! Every command that writes is one call of [`carry_out_change`], which passes the same stages for all of them. A test makes a plan without
//! a lock and a store: [`observe_with_imports`], then [`plan_observed`].

mod accounts;
mod approval;
mod bounds;
mod change;
mod checkpoint;
mod connection;
mod error;
mod event;
mod execute;
mod interruption;
mod lock_release;
mod named;
mod observe;
mod origin;
mod ownership;
mod plan;
mod quotas;
mod records;
mod recover;
mod repository;
mod restore;
mod review;
mod revoke;
mod run;
mod run_purpose;
mod run_result;
mod saved;
mod stack;
mod stack_directory;
mod sweep;

pub use accounts::{note_recorded_accounts, refuse_unreachable_accounts};
pub use approval::{Approval, Approver, AutoApprover};
pub use change::{ChangeCaller, ChangePurpose, ChangeRequest, carry_out_change};
pub use checkpoint::{CheckpointKeeper, CheckpointSignature, publish_checkpoint};
pub use connection::{Connection, build_aws_settings, build_realizer};
pub use error::WorkflowError;
pub use event::{PlanReview, PlanSubject, RunStage, SilentObserver, WorkflowContext, WorkflowEvent, WorkflowObserver};
pub use execute::execute_steps;
pub use interruption::{COMMAND, Interruption, Signal, SignalDeferral, StopError};
pub use named::find_nearest_name;
pub use observe::{
    ObserveInputs, ObservedStack, RecordedSettings, observe_for_plan, observe_stack, observe_with_imports,
};
pub use origin::RunOrigin;
pub use ownership::{ObservedOwnership, observe_owned_objects};
pub use plan::{PlanRequest, plan_observed, plan_stack};
pub use quotas::check_quotas;
pub use records::open_store;
pub use recover::{RecoverableObject, RecoveryApprover, RecoveryRequest, recover_ownership};
pub use repository::Repository;
pub use revoke::RevocationTarget;
pub use run_purpose::RunPurpose;
pub use run_result::{ReadBack, RunResult};
pub use saved::{CurrentSavedPlan, PlanAge};
pub use stack::{LoadedStack, Stack, VERSION, VariableInputs, basis_for_declared, refuse_rehearsal};
pub use stack_directory::{StackDirectory, resolve_path};
