//! Converts IAM policy documents back to statements, to import a live object into the configuration.

use serde_json::Value;

use crate::{Condition, Document, Effect, Statement};

/// The statements of a policy.
///
/// # Errors
/// A statement has an element that the configuration language does not have, such as `Principal`. The message names it.
pub fn parse_statements(policy: &Document) -> Result<Vec<Statement>, String> {
    let all = match policy.as_json_value().get("Statement") {
        Some(Value::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    all.iter().map(parse_statement).collect()
}

fn parse_statement(value: &Value) -> Result<Statement, String> {
    let known = ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    if let Some(key) =
        value.as_object().into_iter().flat_map(|fields| fields.keys()).find(|k| !known.contains(&k.as_str()))
    {
        return Err(format!("a statement has the unsupported element {key}"));
    }
    let field = |name: &str| value.get(name).map(collect_texts).unwrap_or_default();
    Ok(Statement {
        sid: value.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()).map(str::to_owned),
        effect: if value.get("Effect").and_then(Value::as_str) == Some("Deny") { Effect::Deny } else { Effect::Allow },
        actions: field("Action"),
        not_actions: field("NotAction"),
        resources: field("Resource"),
        not_resources: field("NotResource"),
        conditions: parse_conditions(value),
        sensitive: false,
    })
}

/// The conditions of a statement: one for each pair of operator and context key.
#[must_use]
pub fn parse_conditions(statement: &Value) -> Vec<Condition> {
    let tests = statement.get("Condition").and_then(Value::as_object);
    let each = tests.into_iter().flatten().flat_map(|(test, variables)| {
        variables.as_object().into_iter().flatten().map(|(variable, values)| Condition {
            test: test.clone(),
            variable: variable.clone(),
            values: collect_texts(values),
        })
    });
    each.collect()
}

/// The texts of a value that is one text or a list of texts. Numbers and booleans are converted to text.
#[must_use]
pub fn collect_texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Array(all) => all.iter().map(text).collect(),
        one => vec![text(one)],
    }
}
