//! Policy documents: the JSON of statements, the lease deny and trust policies, and the canonical form in which two documents are compared.

use std::collections::BTreeMap;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use leasehold_provider::{Condition, Document, Effect, Statement};
use serde_json::{Map, Value, json};

/// The `Sid` of the lease deny.
pub const LEASE_DENY_SID: &str = "LeaseholdLease";
/// The `Sid` of the statement that denies everything to a quarantined identity.
pub const QUARANTINE_SID: &str = "LeaseholdQuarantine";
/// The `Sid` of the Deny statement in a trust policy that trusts no principal.
pub const TRUST_DENY_SID: &str = "LeaseholdClosed";

const VERSION: &str = "2012-10-17";

/// A policy document with these statements, in canonical form.
pub fn build_policy(statements: Vec<Value>) -> Document {
    canonicalize_document(&json!({ "Version": VERSION, "Statement": statements }))
}

/// The lease deny: a statement that denies everything after the deadline. A Deny overrides every Allow.
pub fn lease_deny_statement(deadline: Timestamp) -> Value {
    json!({
        "Sid": LEASE_DENY_SID, "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": { "DateGreaterThanEquals": { "aws:CurrentTime": format_deadline(deadline) } },
    })
}

/// The policy that denies everything. A quarantined identity has it.
pub fn deny_all_policy() -> Document {
    build_policy(vec![json!({ "Sid": QUARANTINE_SID, "Effect": "Deny", "Action": "*", "Resource": "*" })])
}

/// The trust policy that trusts no principal. IAM requires a statement; a trust policy without an Allow trusts no principal.
pub fn deny_all_trust() -> Document {
    build_policy(vec![json!({
        "Sid": TRUST_DENY_SID, "Effect": "Deny", "Principal": { "AWS": "*" },
        "Action": ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"],
    })])
}

/// A deadline in the format of IAM: RFC 3339 in UTC, in whole seconds. Fractions of a second are cut off, so that access ends early rather
/// than late.
pub fn format_deadline(deadline: Timestamp) -> String {
    let whole = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor);
    deadline.round(whole).unwrap_or(deadline).to_string()
}

/// A declared statement as IAM's JSON.
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

/// Conditions grouped by operator and key. A statement cannot contain the same operator and key twice. `limits` rejects such conditions;
/// here the first one wins, which is narrower than their union.
pub fn render_conditions(conditions: &[Condition]) -> Value {
    let mut operators: BTreeMap<&str, BTreeMap<&str, &[String]>> = BTreeMap::new();
    for condition in conditions {
        operators.entry(&condition.test).or_default().entry(&condition.variable).or_insert(&condition.values);
    }
    json!(operators)
}

/// The canonical form of a document: lists where IAM accepts a string or a list, list members and statements sorted, and all scalars in
/// conditions as text. Two documents that differ only in what IAM ignores have the same canonical form.
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

/// A string or list as a sorted list without duplicates, with numbers and booleans as text.
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

/// The document as it is sent to IAM: without white space, and without brackets around a single member, because IAM counts all characters
/// except white space against its size limits.
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

/// Decodes a document as IAM returns it: URL-encoded JSON.
///
/// # Errors
/// The text is not URL-encoded UTF-8, or not JSON.
pub fn decode_document(encoded: &str) -> Result<Document, String> {
    let text = percent_encoding::percent_decode_str(encoded)
        .decode_utf8()
        .map_err(|_| "a policy document is not UTF-8".to_owned())?;
    let value: Value =
        serde_json::from_str(&text).map_err(|error| format!("a policy document is not JSON: {error}"))?;
    Ok(canonicalize_document(&value))
}

/// The parsed document. A `Document` caches its parsed form on the first request. An account has thousands of documents, so documents that
/// are read only once are parsed here without the cache.
pub fn parse_uncached(document: &Document) -> Value {
    serde_json::from_str(document.canonical_text()).unwrap_or_default()
}

/// The statements of a document in canonical form.
pub fn policy_statements(document: &Value) -> impl Iterator<Item = &Value> {
    document.get("Statement").and_then(Value::as_array).into_iter().flatten()
}

/// The statement with this `Sid`. `None` if the document has none.
pub fn find_statement<'a>(document: &'a Value, sid: &str) -> Option<&'a Value> {
    policy_statements(document).find(|statement| statement.get("Sid").and_then(Value::as_str) == Some(sid))
}

/// Whether any statement of the document denies something.
pub fn has_deny(document: &Document) -> bool {
    let deny = |statement: &Value| statement.get("Effect").and_then(Value::as_str) == Some("Deny");
    document.canonical_text().contains("\"Deny\"") && policy_statements(&parse_uncached(document)).any(deny)
}

/// The AWS principals that a trust policy names, exactly as written there.
pub fn aws_principals(trust: &Document) -> Vec<String> {
    trusted_principals(trust, "AWS")
}

/// The federated principals that a trust policy names, exactly as written there.
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
    fn deadline_is_truncated_to_seconds() {
        assert_eq!(format_deadline("2027-02-18T22:00:00.9Z".parse().unwrap()), "2027-02-18T22:00:00Z");
    }
}
