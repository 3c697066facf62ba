//! The canonical form of a policy document: equal for all documents that AWS treats as the same. Drift detection
//! compares it.
//!
//! The canonical form ignores the order of statements and lists, a string against a list of one, the case of actions,
//! operators and context keys, an account id against its root ARN, duplicates, `Sid` and `Id`. It ignores `Version`
//! unless the document has `${…}` in a place where version `2012-10-17` makes it a variable. Every other difference
//! counts: two different principal strings, for example, are never equal.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::document::{Clause, LanguageVersion, PolicyDocument, PolicyStatement, StatementCondition};
use crate::error::PolicyParseError;
use crate::operator::{ConditionOperator, ConditionTest};
use crate::parse::parse_bool;
use crate::pattern::Pattern;
use crate::principal::PolicyPrincipal;

impl PolicyDocument {
    /// The canonical form as JSON. Two documents with equal values are the same to AWS.
    pub fn to_canonical_value(&self) -> Value {
        let statements: BTreeMap<String, Value> = self.statements.iter().map(statement_with_sort_key).collect();
        let version = if self.depends_on_version() { self.version } else { LanguageVersion::V2012 };
        json!({ "Version": version.as_str(), "Statement": statements.into_values().collect::<Vec<_>>() })
    }

    /// The canonical form with `Sid`, `Id` and the original `Version`, for display. Statements are in canonical order.
    pub fn to_labelled_value(&self) -> Value {
        let mut statements: Vec<(String, Option<&String>, Value)> = Vec::new();
        for statement in &self.statements {
            let (key, mut value) = statement_with_sort_key(statement);
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

    /// Whether the other `Version` would change the meaning: `${…}` occurs where policy variables are allowed.
    fn depends_on_version(&self) -> bool {
        self.statements.iter().any(|statement| {
            let resources = statement.resources.iter().flat_map(|clause| &clause.items);
            let values =
                statement.conditions.iter().filter(|c| may_contain_variables(&c.operator)).flat_map(|c| &c.values);
            resources.chain(values).any(|pattern| pattern.text().contains("${"))
        })
    }
}

/// Whether AWS treats the two documents as the same.
///
/// # Errors
/// One of the values is not a policy document.
///
/// ```
/// use serde_json::json;
///
/// let one = json!({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}});
/// let other = json!({"Statement": [{"Effect": "Allow", "Action": ["S3:getobject"], "Resource": ["*"]}]});
/// assert!(leasehold_policy::are_equivalent(&one, &other)?);
/// # Ok::<(), leasehold_policy::PolicyParseError>(())
/// ```
pub fn are_equivalent(a: &Value, b: &Value) -> Result<bool, PolicyParseError> {
    Ok(PolicyDocument::from_value(a)?.to_canonical_value() == PolicyDocument::from_value(b)?.to_canonical_value())
}

fn may_contain_variables(operator: &ConditionOperator) -> bool {
    operator.supports_wildcards()
        || matches!(
            operator,
            ConditionOperator::Test { test: ConditionTest::StringEquals | ConditionTest::StringEqualsIgnoreCase, .. }
        )
}

fn statement_with_sort_key(statement: &PolicyStatement) -> (String, Value) {
    let value = canonical_statement(statement);
    (value.to_string(), value)
}

fn canonical_statement(statement: &PolicyStatement) -> Value {
    let mut out = Map::new();
    out.insert("Effect".to_owned(), json!(statement.effect.as_str()));
    if let Some(clause) = &statement.principals {
        let name = if clause.negated { "NotPrincipal" } else { "Principal" };
        out.insert(name.to_owned(), canonical_principals(clause));
    }
    let name = if statement.actions.negated { "NotAction" } else { "Action" };
    out.insert(
        name.to_owned(),
        sorted_unique_texts(statement.actions.items.iter().map(|action| action.text().to_lowercase())),
    );
    if let Some(clause) = &statement.resources {
        let name = if clause.negated { "NotResource" } else { "Resource" };
        out.insert(
            name.to_owned(),
            sorted_unique_texts(clause.items.iter().map(|resource| resource.text().to_owned())),
        );
    }
    if !statement.conditions.is_empty() {
        out.insert("Condition".to_owned(), canonical_conditions(&statement.conditions));
    }
    Value::Object(out)
}

fn canonical_principals(clause: &Clause<PolicyPrincipal>) -> Value {
    let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for principal in &clause.items {
        kinds.entry(principal.member_name()).or_default().insert(principal.text());
    }
    json!(kinds)
}

fn canonical_conditions(conditions: &[StatementCondition]) -> Value {
    let mut operators: BTreeMap<String, BTreeMap<&str, Value>> = BTreeMap::new();
    for condition in conditions {
        let folds = matches!(
            condition.operator,
            ConditionOperator::Null | ConditionOperator::Test { test: ConditionTest::Bool, .. }
        );
        let form = |value: &Pattern| match parse_bool(value.text()) {
            Some(truth) if folds => truth.to_string(),
            _ => value.text().to_owned(),
        };
        let values = sorted_unique_texts(condition.values.iter().map(form));
        operators.entry(condition.operator.to_string()).or_default().insert(&condition.key, values);
    }
    json!(operators)
}

fn sorted_unique_texts(items: impl Iterator<Item = String>) -> Value {
    json!(items.collect::<BTreeSet<String>>())
}
