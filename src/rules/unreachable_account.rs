//! An account with objects of the stack must not become unreachable by accident: its identities would never leave,
//! and their leases would not be enforced by any run.
//!
//! In: a plan and the approved accounts. Out: one ruling per unreachable account without an approval.

use super::{Allowance, Ruling, RulingDecision};
use crate::plan::Plan;
use crate::shell::quote_shell_word;

/// Requires an approval for each account that no provider block reaches any more.
#[must_use]
pub fn check_unreachable_accounts(plan: &Plan, allowance: &Allowance) -> Vec<Ruling> {
    let approved = |account: &str| allowance.approved.iter().any(|named| named == account);
    plan.unreachable_accounts
        .iter()
        .filter(|(account, _)| !approved(account))
        .map(|(account, alias)| {
            let provider = account.split(' ').next().unwrap_or_default();
            let alias = alias.as_ref().map_or_else(String::new, |alias| format!(" (provider.{provider}.{alias})"));
            Ruling {
                rule: "out-of-sight",
                subject: None,
                decision: RulingDecision::RequireApproval,
                why: format!(
                    "this stack has identities or scopes in account {account}{alias}, but no provider block for it any more: \
                     they would keep all their access, and no run would read them"
                ),
                help: format!(
                    "Restore the provider block, remove everything in that account, and apply until it is deleted; then remove the block. \
                     To release the account and keep its objects unchanged, approve it: --approve {}.",
                    quote_shell_word(account)
                ),
            }
        })
        .collect()
}
