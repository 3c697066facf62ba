//! Conditions: names that nobody sends, operators that nobody knows, and MFA that is not asked for.

use std::collections::BTreeMap;

use crate::document::{Condition, Effect};
use crate::evaluate::{Truth, condition_holds};
use crate::keys::is_known;
use crate::lint::{Findings, Rule, Severity};
use crate::operator::Operator;

pub(super) fn check(out: &mut Findings<'_>) {
    let document = out.document;
    for (index, statement) in document.statements.iter().enumerate() {
        for condition in &statement.conditions {
            if !is_known(&condition.key) {
                let message = format!("no request carries the condition key `{}`", condition.key);
                out.at(index, Rule::UnknownConditionKey, Severity::Medium, message);
            }
            if matches!(condition.operator, Operator::Unknown(_)) || condition.values.is_empty() {
                let message = format!("what `{}` on `{}` decides is not documented", condition.operator, condition.key);
                out.at(index, Rule::UnknownOperator, Severity::High, message);
            } else if condition.key.starts_with("aws:multifactorauth")
                && passes_without_mfa(condition, statement.effect)
            {
                let message = match statement.effect {
                    Effect::Allow => "allows when the request says nothing of MFA, as with access keys",
                    Effect::Deny => "does not deny when the request says nothing of MFA, as with access keys",
                };
                out.at(index, Rule::MfaNotRequired, Severity::High, message.to_owned());
            }
        }
    }
}

/// Whether a request without the key gets past the condition.
fn passes_without_mfa(condition: &Condition, effect: Effect) -> bool {
    let absent = condition_holds(condition, &BTreeMap::new());
    match effect {
        Effect::Allow => absent == Truth::Yes,
        Effect::Deny => absent == Truth::No,
    }
}
