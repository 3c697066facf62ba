//! Policy documents: what statements, fence and trusts look like in JSON, and the one form in which two documents compare.

use std::collections::BTreeMap;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use leasehold_provider::{Condition, Document, Effect, Statement};
use serde_json::{Map, Value, json};

/// The `Sid` of the lease deny.
pub const LEASE_DENY_SID: &str = "LeaseholdLease";
/// The `Sid` of the statement that shuts a quarantined identity.
pub const QUARANTINE_SID: &str = "LeaseholdQuarantine";
/// The `Sid` of the statement of a trust that lets nobody in.
pub const CLOSED_SID: &str = "LeaseholdClosed";

const VERSION: &str = "2012-10-17";

/// A policy of these statements, in canonical form.
pub fn build_policy(statements: Vec<Value>) -> Document {
    canonicalize_document(&json!({ "Version": VERSION, "Statement": statements }))
}

/// The statement that ends all access at the deadline, whatever else allows it.
pub fn lease_deny_statement(deadline: Timestamp) -> Value {
    json!({
        "Sid": LEASE_DENY_SID, "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": { "DateGreaterThanEquals": { "aws:CurrentTime": format_deadline(deadline) } },
    })
}

/// The policy that takes all access away.
pub fn deny_all_policy() -> Document {
    build_policy(vec![json!({ "Sid": QUARANTINE_SID, "Effect": "Deny", "Action": "*", "Resource": "*" })])
}

/// The trust that lets nobody in. A trust must have a statement; one without an Allow opens to nobody.
pub fn deny_all_trust() -> Document {
    build_policy(vec![json!({
        "Sid": CLOSED_SID, "Effect": "Deny", "Principal": { "AWS": "*" },
        "Action": ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"],
    })])
}

/// A deadline as IAM reads it: RFC 3339 in UTC, whole seconds. A part of a second is cut off: rather early than late.
pub fn format_deadline(deadline: Timestamp) -> String {
    let whole = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor);
    deadline.round(whole).unwrap_or(deadline).to_string()
}

/// One declared statement in IAM's words.
pub fn render_statement(statement: &Statement) -> Value {
    let mut fields = Map::new();
    if let Some(sid) = &statement.sid {
        fields.insert("Sid".to_owned(), sid.as_str().into());
    }
    let effect = match statement.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    };
    fields.insert("Effect".to_owned(), effect.into());
    for (key, members) in [
        ("Action", &statement.actions),
        ("NotAction", &statement.not_actions),
        ("Resource", &statement.resources),
        ("NotResource", &statement.not_resources),
    ] {
        if !members.is_empty() {
            fields.insert(key.to_owned(), members.iter().map(String::as_str).collect());
        }
    }
    if !statement.conditions.is_empty() {
        fields.insert("Condition".to_owned(), render_conditions(&statement.conditions));
    }
    Value::Object(fields)
}

/// Conditions by operator and key. Two of the same operator and key cannot both stand in one statement; the limits refuse
/// them, and here the first wins, which is narrower than their union.
pub fn render_conditions(conditions: &[Condition]) -> Value {
    let mut operators: BTreeMap<&str, BTreeMap<&str, &[String]>> = BTreeMap::new();
    for condition in conditions {
        operators.entry(&condition.test).or_default().entry(&condition.variable).or_insert(&condition.values);
    }
    json!(operators)
}

/// The one form of a document: lists where IAM takes a string or a list, their members and the statements in order, all
/// scalars of conditions as text. Two documents that differ only in what IAM ignores are equal in it.
pub fn canonicalize_document(document: &Value) -> Document {
    let Value::Object(fields) = document else { return Document::new(document.clone()) };
    let mut canonical = fields.clone();
    canonical.entry("Version").or_insert_with(|| "2008-10-17".into());
    let statements = match fields.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    let mut statements: Vec<Document> = statements.iter().map(canonicalize_statement).map(Document::new).collect();
    statements.sort_by_cached_key(|statement| statement.as_json_value().to_string());
    canonical.insert("Statement".to_owned(), statements.into_iter().map(Value::from).collect());
    Document::new(Value::Object(canonical))
}

fn canonicalize_statement(statement: &Value) -> Value {
    let Value::Object(fields) = statement else { return statement.clone() };
    let fields = fields.iter().map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("Action" | "NotAction" | "Resource" | "NotResource", value) => canonicalize_values(value),
            ("Principal" | "NotPrincipal", Value::String(everyone)) => json!({ "AWS": [everyone] }),
            ("Principal" | "NotPrincipal", Value::Object(kinds)) => {
                kinds.iter().map(|(kind, members)| (kind.clone(), canonicalize_values(members))).collect()
            }
            ("Condition", Value::Object(operators)) => {
                let operators = operators.iter().map(|(operator, keys)| {
                    let keys = match keys {
                        Value::Object(keys) => {
                            keys.iter().map(|(key, values)| (key.clone(), canonicalize_values(values))).collect()
                        }
                        other => other.clone(),
                    };
                    (operator.clone(), keys)
                });
                operators.collect()
            }
            (_, value) => value.clone(),
        };
        (key.clone(), value)
    });
    fields.collect()
}

/// A string or list as an ordered list without doubles; numbers and truth values as text.
fn canonicalize_values(value: &Value) -> Value {
    let text = |value: &Value| match value {
        Value::Bool(flag) => flag.to_string().into(),
        Value::Number(number) => number.to_string().into(),
        other => other.clone(),
    };
    let mut members: Vec<Value> = match value {
        Value::Array(members) => members.iter().map(text).collect(),
        one => vec![text(one)],
    };
    members.sort_by_cached_key(Value::to_string);
    members.dedup();
    Value::Array(members)
}

/// The document as it is sent: no white space, and no brackets around one member, since IAM counts every other character.
pub fn render_document(document: &Document) -> String {
    fn unwrap_single_members(value: &Value) -> Value {
        match value {
            Value::Array(members) => match members.as_slice() {
                [one] if one.is_string() => one.clone(),
                _ => members.iter().map(unwrap_single_members).collect(),
            },
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| (key.clone(), unwrap_single_members(value))).collect()
            }
            scalar => scalar.clone(),
        }
    }
    unwrap_single_members(&parse_uncached(document)).to_string()
}

/// Reads a document as IAM tells it: URL-encoded JSON.
pub fn decode_document(encoded: &str) -> Result<Document, String> {
    let text = percent_encoding::percent_decode_str(encoded)
        .decode_utf8()
        .map_err(|_| "a policy document is not UTF-8".to_owned())?;
    let value: Value =
        serde_json::from_str(&text).map_err(|error| format!("a policy document is not JSON: {error}"))?;
    Ok(canonicalize_document(&value))
}

/// The document's value. A document keeps its parsed form once it was asked for it; what is only glanced at is parsed apart,
/// since an account has thousands of them.
pub fn parse_uncached(document: &Document) -> Value {
    serde_json::from_str(document.canonical_text()).unwrap_or_default()
}

/// The statements of a document in canonical form.
pub fn policy_statements(document: &Value) -> impl Iterator<Item = &Value> {
    document.get("Statement").and_then(Value::as_array).into_iter().flatten()
}

/// The statement of that `Sid`.
pub fn find_statement<'a>(document: &'a Value, sid: &str) -> Option<&'a Value> {
    policy_statements(document).find(|statement| statement.get("Sid").and_then(Value::as_str) == Some(sid))
}

/// Whether a statement takes access away.
pub fn has_deny(document: &Document) -> bool {
    let deny = |statement: &Value| statement.get("Effect").and_then(Value::as_str) == Some("Deny");
    document.canonical_text().contains("\"Deny\"") && policy_statements(&parse_uncached(document)).any(deny)
}

/// The AWS principals that a trust names, as they stand there.
pub fn aws_principals(trust: &Document) -> Vec<String> {
    trusted_principals(trust, "AWS")
}

/// The federations that a trust names, as they stand there.
pub fn federated_principals(trust: &Document) -> Vec<String> {
    trusted_principals(trust, "Federated")
}

fn trusted_principals(trust: &Document, sort: &str) -> Vec<String> {
    if !trust.canonical_text().contains(&format!("\"{sort}\"")) {
        return Vec::new();
    }
    let trust = parse_uncached(trust);
    let members = policy_statements(&trust).filter_map(|statement| statement.get("Principal")?.get(sort)?.as_array());
    members.flatten().filter_map(|member| member.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_iam_ignores_makes_no_difference() {
        let one = json!({"Version": VERSION, "Statement": {
            "Effect": "Allow", "Action": "s3:GetObject", "Resource": ["b", "a"], "Principal": "*",
            "Condition": {"Bool": {"aws:SecureTransport": true}},
        }});
        let other = json!({"Statement": [{
            "Resource": ["a", "b", "a"], "Action": ["s3:GetObject"], "Effect": "Allow", "Principal": {"AWS": "*"},
            "Condition": {"Bool": {"aws:SecureTransport": ["true"]}},
        }], "Version": VERSION});
        assert_eq!(canonicalize_document(&one), canonicalize_document(&other));
        assert_eq!(canonicalize_document(canonicalize_document(&one).as_json_value()), canonicalize_document(&one));
        assert_eq!(
            decode_document(
                &percent_encoding::utf8_percent_encode(
                    &render_document(&canonicalize_document(&one)),
                    percent_encoding::NON_ALPHANUMERIC
                )
                .to_string()
            ),
            Ok(canonicalize_document(&one))
        );
    }

    #[test]
    fn what_iam_minds_does() {
        let with = |version: Value, principal: Value| {
            canonicalize_document(
                &json!({"Version": version, "Statement": [{"Effect": "Allow", "Principal": principal}]}),
            )
        };
        let arn = "arn:aws:iam::111122223333:role/x";
        assert_ne!(with(VERSION.into(), json!({"AWS": arn})), with(VERSION.into(), json!({"AWS": "AROAABCDEFGH"})));
        assert_ne!(with(VERSION.into(), json!({"AWS": arn})), with("2008-10-17".into(), json!({"AWS": arn})));
    }

    #[test]
    fn a_deadline_is_cut_to_the_second() {
        assert_eq!(format_deadline("2027-02-18T22:00:00.9Z".parse().unwrap()), "2027-02-18T22:00:00Z");
    }
}
