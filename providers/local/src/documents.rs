//! Policy and trust documents in the directory's canonical form.
//!
//! Permission policies have IAM's shape, with every list sorted and free of duplicates, and a list even where there is one
//! member. A trust has the same shape without actions, since there is only one thing to do with a role. Its principals are
//! `Oidc`, `Service`, `Aws`, `Saml` or `Identity`; the last names principals of this directory as `user/jane` or `role/ci`. Those of
//! another directory are strangers to this one, and stand under `Aws` with its account before them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use leasehold_provider::{Condition, Document, Effect, ResourceId, Statement, Trust};
use serde_json::{Map, Value, json};

use crate::kinds;

/// The name of the statement that ends an identity's access when its lease ends.
pub const FENCE_SID: &str = "LeaseholdLease";
/// The name of the statement that shuts all access of a quarantined identity.
pub const QUARANTINE_SID: &str = "LeaseholdQuarantine";

const VERSION: &str = "2012-10-17";
const NOW: &str = "aws:CurrentTime";

/// The policy that holds these statements.
pub fn policy(statements: &[Statement]) -> Document {
    document(statements.iter().map(statement).collect())
}

/// A policy that says nothing.
pub fn empty() -> Document {
    document(Vec::new())
}

/// The policy that holds an identity's own statements behind its lease fence; `None` where there is neither.
pub fn lease_policy(statements: &[Statement], deadline: Option<Timestamp>) -> Option<Document> {
    let fence = deadline.map(|at| {
        json!({
            "Sid": FENCE_SID,
            "Effect": "Deny",
            "Action": ["*"],
            "Resource": ["*"],
            "Condition": { "DateGreaterThanEquals": { NOW: [at.to_string()] } },
        })
    });
    let all: Vec<Value> = fence.into_iter().chain(statements.iter().map(statement)).collect();
    (!all.is_empty()).then(|| document(all))
}

/// The policy of a quarantined identity: nothing is allowed.
pub fn deny_everything() -> Document {
    document(vec![json!({ "Sid": QUARANTINE_SID, "Effect": "Deny", "Action": ["*"], "Resource": ["*"] })])
}

/// The trust document of a role. Every allow ends at the deadline.
pub fn trust(trusts: &[Trust], deadline: Option<Timestamp>) -> Document {
    document(trusts.iter().map(|trust| trust_statement(trust, deadline)).collect())
}

/// The trust document of a role that nobody may assume.
pub fn closed_trust() -> Document {
    document(Vec::new())
}

/// The principals of this directory that a trust document names.
pub fn trusted_principals(trust: &Document) -> BTreeSet<ResourceId> {
    // Few roles trust identities. The others' documents need not be parsed to know.
    if !trust.text().contains(r#""Identity":"#) {
        return BTreeSet::new();
    }
    statements(trust.json())
        .filter_map(|statement| statement.pointer("/Principal/Identity")?.as_array())
        .flatten()
        .filter_map(|path| kinds::principal_of_path(path.as_str()?))
        .collect()
}

/// Whether any statement of a policy denies. A quote within a text is escaped, so that only a field can look like this.
pub fn denies(policy: &Document) -> bool {
    policy.text().contains(r#""Effect":"Deny""#)
}

/// Whether a policy has a statement of that name.
pub fn has_statement(policy: &Value, sid: &str) -> bool {
    statements(policy).any(|statement| statement.get("Sid").and_then(Value::as_str) == Some(sid))
}

/// A document's statements. IAM lets a single one stand without a list; a stranger's policy may.
fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    match document.get("Statement") {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
    .iter()
}

pub fn document(statements: Vec<Value>) -> Document {
    Document::new(json!({ "Version": VERSION, "Statement": statements }))
}

fn statement(statement: &Statement) -> Value {
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
            fields.insert(key.to_owned(), sorted(values));
        }
    }
    if !statement.conditions.is_empty() {
        fields.insert("Condition".to_owned(), conditions(&statement.conditions));
    }
    Value::Object(fields)
}

/// Two conditions of one test and one variable cannot both stand in this form; [`crate::limits`] refuses them.
fn conditions(conditions: &[Condition]) -> Value {
    let mut tests: Map<String, Value> = Map::new();
    for condition in conditions {
        let test = tests.entry(condition.test.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(variables) = test {
            variables.insert(condition.variable.clone(), sorted(&condition.values));
        }
    }
    Value::Object(tests)
}

fn trust_statement(trust: &Trust, deadline: Option<Timestamp>) -> Value {
    let (principal, mut tests) = match trust {
        Trust::Oidc { issuer, audiences, subjects } => (
            json!({ "Oidc": [issuer] }),
            vec![("StringEquals", "aud", sorted(audiences)), ("StringLike", "sub", sorted(subjects))],
        ),
        Trust::Service { principals } => (json!({ "Service": sorted(principals) }), vec![]),
        Trust::Aws { principals, external_id } => {
            let test = external_id.iter().map(|id| ("StringEquals", "sts:ExternalId", json!([id]))).collect();
            (json!({ "Aws": sorted(principals) }), test)
        }
        Trust::Identity { identities } => {
            let (mut own, mut others) = (Vec::new(), Vec::new());
            for trusted in identities {
                let path = kinds::principal_path(trusted.principal, &trusted.name);
                match &trusted.account {
                    Some(account) => others.push(kinds::name_of(account, &path)),
                    None => own.push(path),
                }
            }
            let mut principal = Map::new();
            if !own.is_empty() || others.is_empty() {
                principal.insert("Identity".to_owned(), sorted(&own));
            }
            if !others.is_empty() {
                principal.insert("Aws".to_owned(), sorted(&others));
            }
            (Value::Object(principal), vec![])
        }
        Trust::Saml { provider, audiences } => {
            (json!({ "Saml": [provider] }), vec![("StringEquals", "SAML:aud", sorted(audiences))])
        }
    };
    tests.extend(deadline.map(|at| ("DateLessThan", NOW, json!([at.to_string()]))));
    let mut fields = Map::new();
    fields.insert("Effect".to_owned(), "Allow".into());
    fields.insert("Principal".to_owned(), principal);
    if !tests.is_empty() {
        let tests: Map<String, Value> =
            tests.into_iter().map(|(test, variable, values)| (test.to_owned(), json!({ variable: values }))).collect();
        fields.insert("Condition".to_owned(), Value::Object(tests));
    }
    Value::Object(fields)
}

fn sorted(values: &[String]) -> Value {
    values.iter().collect::<BTreeSet<_>>().into_iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use leasehold_provider::{Address, Principal, TrustedIdentity};

    use super::*;

    fn at() -> Timestamp {
        "2027-02-18T22:00:00Z".parse().unwrap()
    }

    fn reads() -> Statement {
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
    fn the_fence_stands_before_the_identitys_own_statements() {
        let policy = lease_policy(&[reads()], Some(at())).unwrap();
        assert_eq!(
            serde_json::to_string(&policy).unwrap(),
            concat!(
                r#"{"Statement":[{"Action":["*"],"Condition":{"DateGreaterThanEquals":"#,
                r#"{"aws:CurrentTime":["2027-02-18T22:00:00Z"]}},"Effect":"Deny","Resource":["*"],"Sid":"LeaseholdLease"},"#,
                r#"{"Action":["s3:Get*","s3:List*"],"Effect":"Allow","Resource":["*"]}],"Version":"2012-10-17"}"#
            )
        );
        assert_eq!(lease_policy(&[], None), None);
    }

    #[test]
    fn every_allow_of_a_trust_ends_at_the_deadline() {
        let identity = TrustedIdentity {
            address: Address::identity("a", None),
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
        let document = trust(&trusts, Some(at()));
        let all: Vec<&Value> = statements(document.json()).collect();
        assert_eq!(all.len(), 3);
        for statement in all {
            assert_eq!(statement["Condition"]["DateLessThan"][NOW][0], "2027-02-18T22:00:00Z");
        }
        assert_eq!(trusted_principals(&document), BTreeSet::from([kinds::principal_id(Principal::Role, "a")]));
    }
}
