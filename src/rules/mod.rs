//! Rules over a plan: allow it, require approval, or deny it.
//!
//! In: a plan and what the operator allows. Out: rulings for people, or an [`ApprovedPlan`] if no rule objects. Pure.
//! The executor accepts only an [`ApprovedPlan`], and only this module creates one.

pub mod budget;
pub mod protected;
pub mod unreachable_account;

use leasehold_provider::Address;
use serde::{Deserialize, Serialize};

use crate::plan::{Plan, Steps};

pub use budget::DeleteBudget;

/// The decision of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RulingDecision {
    /// The rule does not object.
    Allow,
    /// The operator must approve the subject by name.
    RequireApproval,
    /// The plan must not be applied.
    Deny,
}

/// What one rule decides about a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The rule's stable name.
    pub rule: &'static str,
    /// The identity that the ruling is about. `None`: the plan as a whole, or an account.
    pub subject: Option<Address>,
    /// What it decides.
    pub decision: RulingDecision,
    /// The reason, in one sentence.
    pub why: String,
    /// What to do about it.
    pub help: String,
}

/// What the operator of this run allows.
#[derive(Debug, Clone, Default)]
pub struct Allowance {
    /// The maximum number of leavers (`--max-leavers`). `None`: the default budget.
    pub max_leavers: Option<usize>,
    /// The addresses and accounts that the operator approved by name (`--approve`).
    pub approved: Vec<String>,
}

/// All rulings on a plan that are not [`RulingDecision::Allow`].
#[must_use]
pub fn evaluate_rules(plan: &Plan, allowance: &Allowance) -> Vec<Ruling> {
    RULES.iter().flat_map(|rule| rule(plan, allowance)).collect()
}

type PlanRule = fn(&Plan, &Allowance) -> Vec<Ruling>;

const RULES: [PlanRule; 3] =
    [unreachable_account::check_unreachable_accounts, budget::check_delete_budget, protected::check_break_glass];

/// A plan that no rule objects to.
#[derive(Debug, Clone)]
pub struct ApprovedPlan(Plan);

impl ApprovedPlan {
    /// The plan.
    #[must_use]
    pub fn as_plan(&self) -> &Plan {
        &self.0
    }

    /// The plan's steps, in its order.
    #[must_use]
    pub fn steps(&self) -> &Steps {
        &self.0.steps
    }
}

/// Approves a plan.
///
/// # Errors
/// The rulings against it.
pub fn apply_rules(plan: Plan, allowance: &Allowance) -> Result<ApprovedPlan, Vec<Ruling>> {
    let rulings = evaluate_rules(&plan, allowance);
    if rulings.is_empty() { Ok(ApprovedPlan(plan)) } else { Err(rulings) }
}
