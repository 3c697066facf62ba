//! The question whether a plan that no rule objects to may be applied. The caller answers it.

use async_trait::async_trait;
use leasehold_provider::Snapshot;

use super::error::WorkflowError;
use crate::rules::ApprovedPlan;

/// An approval of a whole plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// How it was approved, for the ledger: `at the terminal`, `--auto-approve`.
    pub how: String,
    /// Whether a person was asked. This takes time, so the live state is compared with the plan again.
    pub prompted: bool,
}

/// What the journal of an approved plan begins with.
pub struct ApprovalRecord {
    /// Each approval: the approved address or account (`None`: the whole plan), and how it was approved.
    pub approvals: Vec<(Option<String>, String)>,
    /// The live identities that leave, in full.
    pub leavers: Snapshot,
}

/// Answers the question.
#[async_trait(?Send)]
pub trait Approver {
    /// Approves a plan that was shown before.
    ///
    /// # Errors
    /// The plan is not approved, or no person can be asked.
    async fn request_approval(&self, plan: &ApprovedPlan) -> Result<Approval, WorkflowError>;
}

/// Approves every plan without a question.
#[derive(Debug, Clone)]
pub struct AutoApprover {
    /// How, for the ledger.
    pub how: &'static str,
}

#[async_trait(?Send)]
impl Approver for AutoApprover {
    async fn request_approval(&self, _: &ApprovedPlan) -> Result<Approval, WorkflowError> {
        Ok(Approval { how: self.how.to_owned(), prompted: false })
    }
}
