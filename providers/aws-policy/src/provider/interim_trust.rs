//! The interim state of a trust policy: it trusts only principals that are trusted both before and after a transition.

use leasehold_provider::Document;
use serde_json::Value;

use super::interim_policy::{is_deny, policy_statements, without_sid};

/// The statements of the interim trust policy: the Allow statements of both, and the Deny statements of either. Of two
/// Allow statements that differ only in their deadline, the one with the earlier deadline. If no Allow is left, no
/// principal is trusted both before and after.
#[must_use]
pub fn interim_trust_statements(before: &Document, after: &Document) -> Vec<Value> {
    let list_statements = |trust: &Document| policy_statements(trust.as_json_value()).cloned().collect::<Vec<Value>>();
    let (old, new) = (list_statements(before), list_statements(after));
    let mut both: Vec<Value> = Vec::new();
    for statement in &new {
        if is_deny(statement) {
            both.push(statement.clone());
        } else {
            let same = |other: &&Value| !is_deny(other) && without_deadline(other) == without_deadline(statement);
            both.extend(old.iter().filter(same).map(|other| earlier_deadline(other, statement)).next().cloned());
        }
    }
    let seen: Vec<Value> = both.iter().map(without_sid).collect();
    both.extend(old.iter().filter(|it| is_deny(it)).map(without_sid).filter(|it| !seen.contains(it)));
    both
}

/// Whether a list of statements has an Allow.
#[must_use]
pub fn trusts_any_principal(statements: &[Value]) -> bool {
    statements.iter().any(|statement| !is_deny(statement))
}

/// The deadline of a statement as Leasehold writes it: one or several instants in RFC 3339 and UTC, which sort as text.
/// `None`: no deadline.
fn trust_deadline(statement: &Value) -> Option<&Value> {
    statement.pointer("/Condition/DateLessThan/aws:CurrentTime")
}

/// A statement without its `Sid` and its deadline.
fn without_deadline(statement: &Value) -> Value {
    let mut statement = without_sid(statement);
    let condition = statement.get_mut("Condition").and_then(Value::as_object_mut);
    let emptied = condition.is_some_and(|condition| {
        let ends = condition.get_mut("DateLessThan").and_then(Value::as_object_mut);
        if ends.is_some_and(|ends| ends.remove("aws:CurrentTime").is_some() && ends.is_empty()) {
            condition.remove("DateLessThan");
        }
        condition.is_empty()
    });
    if let (true, Some(fields)) = (emptied, statement.as_object_mut()) {
        fields.remove("Condition");
    }
    statement
}

fn earlier_deadline<'a>(one: &'a Value, other: &'a Value) -> &'a Value {
    let text = |statement: &'a Value| match trust_deadline(statement)? {
        Value::Array(ends) => ends.first()?.as_str(),
        end => end.as_str(),
    };
    match (text(one), text(other)) {
        (Some(a), Some(b)) if b < a => other,
        (None, Some(_)) => other,
        _ => one,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn allow(who: &str, until: Option<&str>) -> Value {
        let mut statement =
            json!({ "Effect": "Allow", "Principal": { "Service": [who] }, "Action": ["sts:AssumeRole"] });
        if let Some(until) = until {
            statement["Condition"] = json!({ "DateLessThan": { "aws:CurrentTime": [until] } });
        }
        statement
    }

    fn deny(who: &str) -> Value {
        json!({ "Sid": "Keep", "Effect": "Deny", "Principal": { "AWS": who }, "Action": ["sts:AssumeRole"] })
    }

    fn both(before: &[Value], after: &[Value]) -> Vec<Value> {
        let trust = |statements: &[Value]| Document::new(json!({ "Version": "2012-10-17", "Statement": statements }));
        interim_trust_statements(&trust(before), &trust(after))
    }

    #[test]
    fn allows_of_both_and_denies_of_either_remain() {
        let (before, after) = ([allow("a", None), allow("b", None), deny("x")], [allow("b", None), allow("c", None)]);
        assert_eq!(both(&before, &after), [allow("b", None), without_sid(&deny("x"))]);
        assert_eq!(both(&after, &before), [allow("b", None), deny("x")]);
        assert!(!trusts_any_principal(&both(&before[..1], &after)));
    }

    /// A lease that is renewed or shortened does not interrupt the trust.
    #[test]
    fn earlier_deadline_is_kept() {
        let (soon, late) = (Some("2026-01-01T00:00:00Z"), Some("2027-01-01T00:00:00Z"));
        assert_eq!(both(&[allow("a", soon)], &[allow("a", late)]), [allow("a", soon)]);
        assert_eq!(both(&[allow("a", late)], &[allow("a", soon)]), [allow("a", soon)]);
        assert_eq!(both(&[allow("a", None)], &[allow("a", soon)]), [allow("a", soon)]);
        assert_eq!(both(&[allow("a", soon)], &[allow("a", None)]), [allow("a", soon)]);
    }
}
