//! A live role's trust, as a configuration would say it.

use leasehold_provider::statements::{conditions, texts};
use leasehold_provider::{Resource, Trust, Value};
use serde_json::Value as Json;

/// The trusts of a role, and in words what no configuration says.
pub fn of(role: &Resource) -> (Vec<Trust>, Vec<String>) {
    let (mut trusts, mut unsaid) = (Vec::new(), Vec::new());
    let document = role.get("trust").and_then(Value::as_document);
    for statement in document.and_then(|trust| trust.get("Statement")?.as_array()).into_iter().flatten() {
        let sorts = statement.get("Principal").and_then(Json::as_object).into_iter().flatten();
        let found: Vec<Trust> = sorts.filter_map(|(sort, who)| trust(statement, sort, texts(who))).collect();
        if found.is_empty() {
            unsaid.push(format!("the trust {statement}"));
        }
        trusts.extend(found);
    }
    (trusts, unsaid)
}

fn trust(statement: &Json, sort: &str, who: Vec<String>) -> Option<Trust> {
    let value = |variable: &str| {
        let tests = conditions(statement).into_iter();
        tests.filter(|test| test.variable == variable).flat_map(|test| test.values).collect::<Vec<_>>()
    };
    match sort {
        "Oidc" => {
            Some(Trust::Oidc { issuer: who.into_iter().next()?, audiences: value("aud"), subjects: value("sub") })
        }
        "Service" => Some(Trust::Service { principals: who }),
        "Aws" => Some(Trust::Aws { principals: who, external_id: value("sts:ExternalId").into_iter().next() }),
        "Saml" => Some(Trust::Saml { provider: who.into_iter().next()?, audiences: value("SAML:aud") }),
        _ => None,
    }
}
