//! The one form of all documents that AWS treats as the same. Drift is judged by it.
//!
//! Left out: the order of statements and lists, a string against a list of one, the case of actions, operators and
//! context keys, an account id against its root ARN, duplicates, `Sid`, `Id`, and `Version` where nothing in the
//! document reads differently under the other one. Everything else counts, and two principal strings that differ are
//! never equal.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::document::{Clause, Condition, Document, Statement, Version};
use crate::error::ParseError;
use crate::operator::{Operator, Test};
use crate::parse::fold_bool;
use crate::pattern::Pattern;
use crate::principal::Principal;

impl Document {
    /// The form in which documents are compared. Equal values: AWS treats the documents as the same.
    pub fn canonical(&self) -> Value {
        let statements: BTreeMap<String, Value> = self.statements.iter().map(keyed).collect();
        let version = if self.depends_on_version() { self.version } else { Version::V2012 };
        json!({ "Version": version.as_str(), "Statement": statements.into_values().collect::<Vec<_>>() })
    }

    /// The canonical form for reading: labels stay, and every statement stands where its canonical form sorts.
    pub fn labelled(&self) -> Value {
        let mut statements: Vec<(String, Option<&String>, Value)> = Vec::new();
        for statement in &self.statements {
            let (key, mut value) = keyed(statement);
            if let (Some(sid), Value::Object(members)) = (&statement.sid, &mut value) {
                members.insert("Sid".to_owned(), Value::String(sid.clone()));
            }
            statements.push((key, statement.sid.as_ref(), value));
        }
        statements.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let list: Vec<Value> = statements.into_iter().map(|(.., value)| value).collect();
        let mut out = Map::new();
        out.insert("Version".to_owned(), json!(self.version.as_str()));
        if let Some(id) = &self.id {
            out.insert("Id".to_owned(), json!(id));
        }
        out.insert("Statement".to_owned(), Value::Array(list));
        Value::Object(out)
    }

    /// Whether some text would read differently under the other version: it holds `${…}` where variables may stand.
    fn depends_on_version(&self) -> bool {
        self.statements.iter().any(|statement| {
            let resources = statement.resources.iter().flat_map(|clause| &clause.items);
            let values = statement.conditions.iter().filter(|c| reads_variables(&c.operator)).flat_map(|c| &c.values);
            resources.chain(values).any(|pattern| pattern.text().contains("${"))
        })
    }
}

/// Whether AWS treats the two documents as the same.
pub fn equivalent(a: &Value, b: &Value) -> Result<bool, ParseError> {
    Ok(Document::from_value(a)?.canonical() == Document::from_value(b)?.canonical())
}

fn reads_variables(operator: &Operator) -> bool {
    operator.takes_wildcards()
        || matches!(operator, Operator::Test { test: Test::StringEquals | Test::StringEqualsIgnoreCase, .. })
}

fn keyed(statement: &Statement) -> (String, Value) {
    let value = statement_form(statement);
    (value.to_string(), value)
}

fn statement_form(statement: &Statement) -> Value {
    let mut out = Map::new();
    out.insert("Effect".to_owned(), json!(statement.effect.as_str()));
    if let Some(clause) = &statement.principals {
        let name = if clause.negated { "NotPrincipal" } else { "Principal" };
        out.insert(name.to_owned(), principals_form(clause));
    }
    let name = if statement.actions.negated { "NotAction" } else { "Action" };
    out.insert(name.to_owned(), texts(statement.actions.items.iter().map(|action| action.text().to_lowercase())));
    if let Some(clause) = &statement.resources {
        let name = if clause.negated { "NotResource" } else { "Resource" };
        out.insert(name.to_owned(), texts(clause.items.iter().map(|resource| resource.text().to_owned())));
    }
    if !statement.conditions.is_empty() {
        out.insert("Condition".to_owned(), conditions_form(&statement.conditions));
    }
    Value::Object(out)
}

fn principals_form(clause: &Clause<Principal>) -> Value {
    let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for principal in &clause.items {
        kinds.entry(principal.member()).or_default().insert(principal.text());
    }
    json!(kinds)
}

fn conditions_form(conditions: &[Condition]) -> Value {
    let mut operators: BTreeMap<String, BTreeMap<&str, Value>> = BTreeMap::new();
    for condition in conditions {
        let folds = matches!(condition.operator, Operator::Null | Operator::Test { test: Test::Bool, .. });
        let form = |value: &Pattern| match fold_bool(value.text()) {
            Some(truth) if folds => truth.to_string(),
            _ => value.text().to_owned(),
        };
        let values = texts(condition.values.iter().map(form));
        operators.entry(condition.operator.to_string()).or_default().insert(&condition.key, values);
    }
    json!(operators)
}

fn texts(items: impl Iterator<Item = String>) -> Value {
    json!(items.collect::<BTreeSet<String>>())
}
