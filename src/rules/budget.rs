//! The delete budget: a plan with more leavers than the budget is denied, unless the operator names the number.
//!
//! In: a plan and the operator's `--max-leavers`. Out: one ruling, or none. Example: with 80 live identities the
//! default budget is 8, so a plan with 9 leavers needs `--max-leavers 9`.

use super::{Allowance, Ruling, RulingDecision};
use crate::plan::Plan;

/// The maximum number of identities that may leave in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteBudget(pub usize);

impl DeleteBudget {
    /// The default: 5, or a tenth of the live identities, rounded down, if that is more.
    #[must_use]
    pub fn for_managed(managed: usize) -> Self {
        Self((managed / 10).max(5))
    }
}

/// Denies a plan with more leavers than the budget, or than the number that the operator named.
#[must_use]
pub fn check_delete_budget(plan: &Plan, allowance: &Allowance) -> Vec<Ruling> {
    let leavers = plan.leaving_identities().count();
    let DeleteBudget(default) = DeleteBudget::for_managed(plan.managed);
    let budget = allowance.max_leavers.unwrap_or(default);
    if leavers <= budget {
        return Vec::new();
    }
    let managed = plan.managed;
    let ownership = if allowance.max_leavers.is_some() { "given" } else { "default" };
    vec![Ruling {
        rule: "delete-budget",
        subject: None,
        decision: RulingDecision::Deny,
        why: format!("{leavers} of {managed} identities would leave; the {ownership} delete budget is {budget}"),
        help: format!("Check the list of leavers. If all of them should leave, pass --max-leavers {leavers}."),
    }]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tenth_but_never_less_than_five() {
        assert_eq!(DeleteBudget::for_managed(0), DeleteBudget(5));
        assert_eq!(DeleteBudget::for_managed(59), DeleteBudget(5));
        assert_eq!(DeleteBudget::for_managed(60), DeleteBudget(6));
        assert_eq!(DeleteBudget::for_managed(1000), DeleteBudget(100));
    }

    proptest! {
        #[test]
        fn more_identities_never_mean_a_smaller_budget(a in 0usize..100_000, b in 0usize..100_000) {
            prop_assert!(DeleteBudget::for_managed(a.max(b)).0 >= DeleteBudget::for_managed(a).0);
        }
    }
}
