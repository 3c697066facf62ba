//! Break-glass accounts leave only with an approval that names them.

use leasehold_provider::Kind;

use super::{Allowance, Decision, Ruling};
use crate::plan::Plan;

/// Requires an approval for each break-glass account that would leave.
#[must_use]
pub fn rule(plan: &Plan, allowance: &Allowance) -> Vec<Ruling> {
    let approved = |address: &str| allowance.approved.iter().any(|named| named == address);
    plan.leavers()
        .filter(|delta| delta.kind == Some(Kind::BreakGlass) && !approved(delta.address.as_str()))
        .map(|delta| Ruling {
            rule: "break-glass",
            subject: Some(delta.address.clone()),
            decision: Decision::RequireApproval,
            why: format!("{} is a break-glass account and would leave", delta.address),
            help: format!("If it shall leave, approve it by name: --approve '{}'.", delta.address),
        })
        .collect()
}
