//! Break-glass accounts leave, or are released, only with an approval that names them.
//!
//! In: a plan and the approved addresses. Out: one ruling per break-glass account without an approval.

use leasehold_provider::Kind;

use super::{Allowance, Ruling, RulingDecision};
use crate::diff::Lifecycle;
use crate::plan::Plan;
use crate::shell::quote_shell_word;

/// Requires an approval for each break-glass account that would leave, or that Leasehold would no longer manage.
#[must_use]
pub fn check_break_glass(plan: &Plan, allowance: &Allowance) -> Vec<Ruling> {
    let approved = |address: &str| allowance.approved.iter().any(|named| named == address);
    plan.identities
        .iter()
        .filter(|delta| matches!(delta.lifecycle, Lifecycle::Leaver | Lifecycle::Released))
        .filter(|delta| delta.kind == Some(Kind::BreakGlass) && !approved(delta.address.as_str()))
        .map(|delta| Ruling {
            rule: "break-glass",
            subject: Some(delta.address.clone()),
            decision: RulingDecision::RequireApproval,
            why: match delta.lifecycle {
                Lifecycle::Released => format!("{} is a break-glass account and would be released", delta.address),
                _ => format!("{} is a break-glass account and would leave", delta.address),
            },
            help: match delta.lifecycle {
                Lifecycle::Released => {
                    format!(
                        "If Leasehold should no longer manage it, approve the release: --approve {}.",
                        quote_shell_word(delta.address.as_str())
                    )
                }
                _ => format!("If it should leave, approve it: --approve {}.", quote_shell_word(delta.address.as_str())),
            },
        })
        .collect()
}
