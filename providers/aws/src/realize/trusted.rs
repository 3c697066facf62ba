//! Reads a live role's trust policy back into `trust` blocks of a configuration.

use std::collections::BTreeMap;

use leasehold_provider::statements::{collect_texts, parse_conditions};
use leasehold_provider::{Resource, Trust, Value};
use serde_json::Value as Json;

/// The trusts of a role, and descriptions of the statements that no configuration can express.
pub fn parse_trusts(role: &Resource) -> (Vec<Trust>, Vec<String>) {
    let (mut trusts, mut unsaid) = (Vec::new(), Vec::new());
    let document = role.get("assume_role_policy").and_then(Value::as_document);
    let all = match document.and_then(|trust| trust.get("Statement")) {
        Some(Json::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    for statement in &all {
        match parse_statement_trusts(statement) {
            Some(found) => trusts.extend(found),
            None => unsaid.push(format!("the statement {statement} of its trust policy")),
        }
    }
    (trusts, unsaid)
}

/// The trusts of one statement. `None` if the statement contains something that a `trust` block cannot express.
fn parse_statement_trusts(statement: &Json) -> Option<Vec<Trust>> {
    let known = ["Sid", "Effect", "Principal", "Action", "Condition"];
    let plain = statement.as_object()?.keys().all(|key| known.contains(&key.as_str()));
    let allows = statement.get("Effect").and_then(Json::as_str) == Some("Allow");
    let [action] = <[String; 1]>::try_from(statement.get("Action").map(collect_texts)?).ok()?;
    if !plain || !allows {
        return None;
    }
    let mut tests: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for test in parse_conditions(statement) {
        tests.insert((test.test, test.variable), test.values);
    }
    let mut trusts = Vec::new();
    for (sort, who) in statement.get("Principal")?.as_object()? {
        trusts.extend(parse_principal_trusts(sort, collect_texts(who), &action, &mut tests)?);
    }
    // A condition without a matching block would be lost, and the trust would admit more principals than before.
    tests.is_empty().then_some(trusts)
}

type ConditionTests = BTreeMap<(String, String), Vec<String>>;

fn parse_principal_trusts(
    sort: &str,
    who: Vec<String>,
    action: &str,
    tests: &mut ConditionTests,
) -> Option<Vec<Trust>> {
    let mut take = |test: &str, variable: &str| tests.remove(&(test.to_owned(), variable.to_owned()));
    match (sort, action) {
        ("Service", "sts:AssumeRole") => Some(vec![Trust::Service { principals: who }]),
        ("AWS", "sts:AssumeRole") => {
            let external_id = match take("StringEquals", "sts:ExternalId") {
                None => None,
                Some(ids) => Some(<[String; 1]>::try_from(ids).ok()?).map(|[id]| id),
            };
            Some(vec![Trust::Named { principals: who, external_id }])
        }
        ("Federated", "sts:AssumeRoleWithWebIdentity") => {
            let [provider] = <[String; 1]>::try_from(who).ok()?;
            let host = provider.split_once(":oidc-provider/")?.1.to_owned();
            let audiences = take("StringEquals", &format!("{host}:aud")).unwrap_or_default();
            let exact = take("StringEquals", &format!("{host}:sub"));
            let subjects = match exact {
                Some(exact) => exact,
                None => take("StringLike", &format!("{host}:sub")).unwrap_or_default(),
            };
            Some(vec![Trust::Oidc { issuer: format!("https://{host}"), audiences, subjects }])
        }
        ("Federated", "sts:AssumeRoleWithSAML") => {
            let [provider] = <[String; 1]>::try_from(who).ok()?;
            Some(vec![Trust::Saml { provider, audiences: take("StringEquals", "SAML:aud").unwrap_or_default() }])
        }
        _ => None,
    }
}
