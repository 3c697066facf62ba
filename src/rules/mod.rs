//! Decisions over a plan: allow, require approval, deny.
//!
//! Pure. In: a plan and what its operator allows. Out: rulings people can read, and an [`ApprovedPlan`] when all is well: the only
//! thing the executor takes, and this module the only place that makes one.

pub mod budget;
pub mod protected;
pub mod unreachable_account;

use leasehold_provider::Address;
use serde::{Deserialize, Serialize};

use crate::plan::{Plan, Step};

pub use budget::DeleteBudget;

/// What a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RulingDecision {
    /// Nothing stands against it.
    Allow,
    /// Somebody must have said yes to it by name.
    RequireApproval,
    /// It may not be done.
    Deny,
}

/// What one rule says of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The rule's stable name.
    pub rule: &'static str,
    /// The identity it is about; `None`: the plan as a whole.
    pub subject: Option<Address>,
    /// What it decides.
    pub decision: RulingDecision,
    /// Why, in a sentence.
    pub why: String,
    /// What to do about it.
    pub help: String,
}

/// What the operator of this run allows.
#[derive(Debug, Clone, Default)]
pub struct Allowance {
    /// The number of leavers the operator named; `None`: the default budget.
    pub max_leavers: Option<usize>,
    /// Addresses the operator approved by name.
    pub approved: Vec<String>,
}

/// Every ruling on a plan that is not a plain allow.
#[must_use]
pub fn evaluate_rules(plan: &Plan, allowance: &Allowance) -> Vec<Ruling> {
    RULES.iter().flat_map(|rule| rule(plan, allowance)).collect()
}

type PlanRule = fn(&Plan, &Allowance) -> Vec<Ruling>;

const RULES: [PlanRule; 3] =
    [unreachable_account::check_unreachable_accounts, budget::check_delete_budget, protected::check_break_glass];

/// A plan that nothing stands against.
#[derive(Debug, Clone)]
pub struct ApprovedPlan(Plan);

impl ApprovedPlan {
    /// The plan.
    #[must_use]
    pub fn as_plan(&self) -> &Plan {
        &self.0
    }

    /// Its steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0.steps
    }
}

/// Approves a plan, or says what stands against it.
pub fn apply_rules(plan: Plan, allowance: &Allowance) -> Result<ApprovedPlan, Vec<Ruling>> {
    let rulings = evaluate_rules(&plan, allowance);
    if rulings.is_empty() { Ok(ApprovedPlan(plan)) } else { Err(rulings) }
}
