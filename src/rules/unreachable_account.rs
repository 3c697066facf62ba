//! An account that a stack has something in is not left to itself: nobody in it would leave, and no lease would end.

use super::{Allowance, Ruling, RulingDecision};
use crate::plan::Plan;
use crate::shell::quote_shell_word;

/// Requires an approval for each account that is no longer looked at.
#[must_use]
pub fn check_unreachable_accounts(plan: &Plan, allowance: &Allowance) -> Vec<Ruling> {
    let approved = |account: &str| allowance.approved.iter().any(|named| named == account);
    plan.out_of_sight
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
                    "this stack has identities or scopes in account {account}{alias}, and no provider block leads there any more: \
                     they would live on with all their access, and no run would see them"
                ),
                help: format!(
                    "Put the provider block back, take out what lives there, and apply until it is gone; then take the block out. \
                     If the account shall be left as it is, approve that by name: --approve {}.",
                    quote_shell_word(account)
                ),
            }
        })
        .collect()
}
