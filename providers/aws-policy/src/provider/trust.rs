//! The trust between two others, by which nobody is let in whom one of them keeps out.

use leasehold_provider::Document;
use serde_json::Value;

use super::between::{denies, nameless, statements};

/// What stands in both trust policies, and what either denies. Of two Allow statements that differ in when they end alone, the one that
/// ends first. No Allow among them: nobody is trusted by both, as far as the statements tell.
#[must_use]
pub fn trusted_by_both(before: &Document, after: &Document) -> Vec<Value> {
    let of = |trust: &Document| statements(trust.json()).cloned().collect::<Vec<Value>>();
    let (old, new) = (of(before), of(after));
    let mut both: Vec<Value> = Vec::new();
    for statement in &new {
        if denies(statement) {
            both.push(statement.clone());
        } else {
            let same = |other: &&Value| !denies(other) && endless(other) == endless(statement);
            both.extend(old.iter().filter(same).map(|other| sooner(other, statement)).next().cloned());
        }
    }
    let says: Vec<Value> = both.iter().map(nameless).collect();
    both.extend(old.iter().filter(|it| denies(it)).map(nameless).filter(|it| !says.contains(it)));
    both
}

/// Whether a list of statements lets anybody in.
#[must_use]
pub fn lets_in(statements: &[Value]) -> bool {
    statements.iter().any(|statement| !denies(statement))
}

/// The instants from which a statement is over, as Leasehold writes them; RFC 3339 in UTC, so that they sort as texts.
fn end(statement: &Value) -> Option<&Value> {
    statement.pointer("/Condition/DateLessThan/aws:CurrentTime")
}

/// A statement without its name and its end.
fn endless(statement: &Value) -> Value {
    let mut statement = nameless(statement);
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

fn sooner<'a>(one: &'a Value, other: &'a Value) -> &'a Value {
    let text = |statement: &'a Value| match end(statement)? {
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
        trusted_by_both(&trust(before), &trust(after))
    }

    #[test]
    fn who_is_in_both_stays_and_who_is_denied_by_either_is_denied() {
        let (before, after) = ([allow("a", None), allow("b", None), deny("x")], [allow("b", None), allow("c", None)]);
        assert_eq!(both(&before, &after), [allow("b", None), nameless(&deny("x"))]);
        assert_eq!(both(&after, &before), [allow("b", None), deny("x")]);
        assert!(!lets_in(&both(&before[..1], &after)));
    }

    /// A lease that only begins anew, or ends sooner, keeps nobody out meanwhile.
    #[test]
    fn the_sooner_end_counts() {
        let (soon, late) = (Some("2026-01-01T00:00:00Z"), Some("2027-01-01T00:00:00Z"));
        assert_eq!(both(&[allow("a", soon)], &[allow("a", late)]), [allow("a", soon)]);
        assert_eq!(both(&[allow("a", late)], &[allow("a", soon)]), [allow("a", soon)]);
        assert_eq!(both(&[allow("a", None)], &[allow("a", soon)]), [allow("a", soon)]);
        assert_eq!(both(&[allow("a", soon)], &[allow("a", None)]), [allow("a", soon)]);
    }
}
