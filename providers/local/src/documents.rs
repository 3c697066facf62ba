//! Builds policy and trust documents in the directory's canonical form, and answers questions about stored ones.
//!
//! Permission policies have the structure of an IAM policy. Every value is a list, even with one element, and every
//! list is sorted and has no duplicates: two equal policies have equal text. A trust policy has the same structure
//! without `Action`, since a role can only be assumed. Its principals are `Oidc`, `Service`, `Aws`, `Saml` or
//! `Identity`. `Identity` names principals of this directory (`user/jane`, `role/ci`); principals of another directory
//! are listed under `Aws` with their account (`embedded/b:role/ci`).

use std::collections::BTreeSet;

use jiff::Timestamp;
use leasehold_provider::{Condition, Document, Effect, ResourceId, Statement, Trust};
use serde_json::{Map, Value, json};

use crate::kinds;

/// Sid of the lease deny: the Deny statement that takes effect at the identity's deadline.
pub const LEASE_DENY_SID: &str = "LeaseholdLease";
/// Sid of the Deny statement of a quarantined identity.
pub const QUARANTINE_SID: &str = "LeaseholdQuarantine";

/// Version of the IAM policy language.
const POLICY_VERSION: &str = "2012-10-17";
/// The IAM condition key for the time of a request.
const CURRENT_TIME_KEY: &str = "aws:CurrentTime";

/// Builds a policy of these statements, in their order.
pub fn policy_document(statements: &[Statement]) -> Document {
    document_from_statements(statements.iter().map(statement_json).collect())
}

/// Builds a policy without statements.
pub fn empty_policy() -> Document {
    document_from_statements(Vec::new())
}

/// Builds the inline policy of an identity: the lease deny first, then the identity's own statements. `None` without a
/// deadline and without statements.
pub fn lease_policy_document(statements: &[Statement], deadline: Option<Timestamp>) -> Option<Document> {
    let lease_deny = deadline.map(|at| {
        json!({
            "Sid": LEASE_DENY_SID,
            "Effect": "Deny",
            "Action": ["*"],
            "Resource": ["*"],
            "Condition": { "DateGreaterThanEquals": { CURRENT_TIME_KEY: [at.to_string()] } },
        })
    });
    let all: Vec<Value> = lease_deny.into_iter().chain(statements.iter().map(statement_json)).collect();
    (!all.is_empty()).then(|| document_from_statements(all))
}

/// Builds the policy of a quarantined identity: one statement that denies every action.
pub fn deny_all_policy() -> Document {
    document_from_statements(vec![
        json!({ "Sid": QUARANTINE_SID, "Effect": "Deny", "Action": ["*"], "Resource": ["*"] }),
    ])
}

/// Builds the trust policy of a role. Every Allow statement has a condition that fails from the deadline on.
pub fn trust_document(trusts: &[Trust], deadline: Option<Timestamp>) -> Document {
    document_from_statements(trusts.iter().map(|trust| trust_statement_json(trust, deadline)).collect())
}

/// Builds a trust policy without statements: nobody can assume the role.
pub fn empty_trust() -> Document {
    document_from_statements(Vec::new())
}

/// Lists the principals of this directory that a trust policy names.
pub fn trusted_principals(trust: &Document) -> BTreeSet<ResourceId> {
    // Few roles trust identities. This check avoids parsing the documents of the others.
    if !trust.canonical_text().contains(r#""Identity":"#) {
        return BTreeSet::new();
    }
    document_statements(trust.as_json_value())
        .filter_map(|statement| statement.pointer("/Principal/Identity")?.as_array())
        .flatten()
        .filter_map(|path| kinds::parse_principal_path(path.as_str()?))
        .collect()
}

/// Returns whether any statement of a policy has the effect Deny. Searching the text is exact: a quote inside a JSON
/// string is escaped, so the pattern only matches a field.
pub fn contains_deny(policy: &Document) -> bool {
    policy.canonical_text().contains(r#""Effect":"Deny""#)
}

/// Returns whether a policy has a statement with this sid.
pub fn has_statement(policy: &Value, sid: &str) -> bool {
    document_statements(policy).any(|statement| statement.get("Sid").and_then(Value::as_str) == Some(sid))
}

/// Iterates over the statements of a document. IAM accepts a single statement that is not in a list, and policies
/// written by others may use that.
fn document_statements(document: &Value) -> impl Iterator<Item = &Value> {
    match document.get("Statement") {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
    .iter()
}

/// Wraps statements in a policy document.
pub fn document_from_statements(statements: Vec<Value>) -> Document {
    Document::new(json!({ "Version": POLICY_VERSION, "Statement": statements }))
}

fn statement_json(statement: &Statement) -> Value {
    let mut fields = Map::new();
    if let Some(sid) = &statement.sid {
        fields.insert("Sid".to_owned(), sid.as_str().into());
    }
    let effect = match statement.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    };
    fields.insert("Effect".to_owned(), effect.into());
    let lists = [
        ("Action", &statement.actions),
        ("NotAction", &statement.not_actions),
        ("Resource", &statement.resources),
        ("NotResource", &statement.not_resources),
    ];
    for (key, values) in lists {
        if !values.is_empty() {
            fields.insert(key.to_owned(), sorted_list(values));
        }
    }
    if !statement.conditions.is_empty() {
        fields.insert("Condition".to_owned(), conditions_json(&statement.conditions));
    }
    Value::Object(fields)
}

/// This JSON form cannot hold two conditions with the same operator and key: the later would replace the earlier.
/// [`crate::limits`] rejects such statements.
fn conditions_json(conditions: &[Condition]) -> Value {
    let mut operators: Map<String, Value> = Map::new();
    for condition in conditions {
        let keys = operators.entry(condition.test.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(keys) = keys {
            keys.insert(condition.variable.clone(), sorted_list(&condition.values));
        }
    }
    Value::Object(operators)
}

fn trust_statement_json(trust: &Trust, deadline: Option<Timestamp>) -> Value {
    let (principal, mut conditions) = match trust {
        Trust::Oidc { issuer, audiences, subjects } => (
            json!({ "Oidc": [issuer] }),
            vec![("StringEquals", "aud", sorted_list(audiences)), ("StringLike", "sub", sorted_list(subjects))],
        ),
        Trust::Service { principals } => (json!({ "Service": sorted_list(principals) }), vec![]),
        Trust::Named { principals, external_id } => {
            let condition = external_id.iter().map(|id| ("StringEquals", "sts:ExternalId", json!([id]))).collect();
            (json!({ "Aws": sorted_list(principals) }), condition)
        }
        Trust::Identity { identities } => {
            let (mut own, mut others) = (Vec::new(), Vec::new());
            for trusted in identities {
                let path = kinds::principal_path(trusted.principal, &trusted.name);
                match &trusted.account {
                    Some(account) => others.push(kinds::qualified_principal_name(account, &path)),
                    None => own.push(path),
                }
            }
            let mut principal = Map::new();
            if !own.is_empty() || others.is_empty() {
                principal.insert("Identity".to_owned(), sorted_list(&own));
            }
            if !others.is_empty() {
                principal.insert("Aws".to_owned(), sorted_list(&others));
            }
            (Value::Object(principal), vec![])
        }
        Trust::Saml { provider, audiences } => {
            (json!({ "Saml": [provider] }), vec![("StringEquals", "SAML:aud", sorted_list(audiences))])
        }
    };
    conditions.extend(deadline.map(|at| ("DateLessThan", CURRENT_TIME_KEY, json!([at.to_string()]))));
    let mut fields = Map::new();
    fields.insert("Effect".to_owned(), "Allow".into());
    fields.insert("Principal".to_owned(), principal);
    if !conditions.is_empty() {
        let operators: Map<String, Value> = conditions
            .into_iter()
            .map(|(operator, key, values)| (operator.to_owned(), json!({ key: values })))
            .collect();
        fields.insert("Condition".to_owned(), Value::Object(operators));
    }
    Value::Object(fields)
}

fn sorted_list(values: &[String]) -> Value {
    values.iter().collect::<BTreeSet<_>>().into_iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use leasehold_provider::{Address, Principal, TrustedIdentity};

    use super::*;

    fn deadline() -> Timestamp {
        "2027-02-18T22:00:00Z".parse().unwrap()
    }

    fn read_statement() -> Statement {
        Statement {
            sid: None,
            effect: Effect::Allow,
            actions: vec!["s3:List*".to_owned(), "s3:Get*".to_owned(), "s3:Get*".to_owned()],
            not_actions: vec![],
            resources: vec!["*".to_owned()],
            not_resources: vec![],
            conditions: vec![],
            sensitive: false,
        }
    }

    #[test]
    fn lease_policy_starts_with_the_lease_deny() {
        let policy = lease_policy_document(&[read_statement()], Some(deadline())).unwrap();
        assert_eq!(
            serde_json::to_string(&policy).unwrap(),
            concat!(
                r#"{"Statement":[{"Action":["*"],"Condition":{"DateGreaterThanEquals":"#,
                r#"{"aws:CurrentTime":["2027-02-18T22:00:00Z"]}},"Effect":"Deny","Resource":["*"],"Sid":"LeaseholdLease"},"#,
                r#"{"Action":["s3:Get*","s3:List*"],"Effect":"Allow","Resource":["*"]}],"Version":"2012-10-17"}"#
            )
        );
        assert_eq!(lease_policy_document(&[], None), None);
    }

    #[test]
    fn trust_statements_all_have_the_deadline() {
        let identity = TrustedIdentity {
            address: Address::for_identity("a", None),
            principal: Principal::Role,
            name: "a".to_owned(),
            account: None,
        };
        let trusts = [
            Trust::Service { principals: vec!["lambda.amazonaws.com".to_owned()] },
            Trust::Identity { identities: vec![identity] },
            Trust::Oidc {
                issuer: "https://tokens.example".to_owned(),
                audiences: vec!["a".to_owned()],
                subjects: vec!["s".to_owned()],
            },
        ];
        let document = trust_document(&trusts, Some(deadline()));
        let all: Vec<&Value> = document_statements(document.as_json_value()).collect();
        assert_eq!(all.len(), 3);
        for statement in all {
            assert_eq!(statement["Condition"]["DateLessThan"][CURRENT_TIME_KEY][0], "2027-02-18T22:00:00Z");
        }
        assert_eq!(trusted_principals(&document), BTreeSet::from([kinds::principal_id(Principal::Role, "a")]));
    }
}
