//! Condition rules: unknown keys, unknown operators, and MFA conditions that a request without MFA passes.

use std::collections::BTreeMap;

use crate::condition_keys::is_known_key;
use crate::document::{StatementCondition, StatementEffect};
use crate::evaluate::{Truth, condition_matches};
use crate::lint::{FindingCollector, LintRule, LintSeverity};
use crate::operator::ConditionOperator;

pub(super) fn check_conditions(out: &mut FindingCollector<'_>) {
    let document = out.document;
    for (index, statement) in document.statements.iter().enumerate() {
        for condition in &statement.conditions {
            if !is_known_key(&condition.key) {
                let message = format!("no request has the condition key `{}`", condition.key);
                out.add_finding(index, LintRule::UnknownConditionKey, LintSeverity::Medium, message);
            }
            if matches!(condition.operator, ConditionOperator::Unknown(_)) || condition.values.is_empty() {
                let message =
                    format!("AWS does not document the effect of `{}` on `{}`", condition.operator, condition.key);
                out.add_finding(index, LintRule::UnknownOperator, LintSeverity::High, message);
            } else if condition.key.starts_with("aws:multifactorauth")
                && passes_without_mfa(condition, statement.effect)
            {
                let message = match statement.effect {
                    StatementEffect::Allow => "allows requests without an MFA key, such as those with access keys",
                    StatementEffect::Deny => {
                        "does not deny requests without an MFA key, such as those with access keys"
                    }
                };
                out.add_finding(index, LintRule::MfaNotRequired, LintSeverity::High, message.to_owned());
            }
        }
    }
}

/// Whether a request without the key is allowed by an Allow, or not denied by a Deny, with this condition.
fn passes_without_mfa(condition: &StatementCondition, effect: StatementEffect) -> bool {
    let absent = condition_matches(condition, &BTreeMap::new());
    match effect {
        StatementEffect::Allow => absent == Truth::Yes,
        StatementEffect::Deny => absent == Truth::No,
    }
}
