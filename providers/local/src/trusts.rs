//! A live role's trust, as a configuration would say it.

use leasehold_provider::statements::{conditions, texts};
use leasehold_provider::{Resource, Trust, Value};
use serde_json::Value as Json;

/// The trusts of a role, and in words what no configuration says.
pub fn of(role: &Resource) -> (Vec<Trust>, Vec<String>) {
    let (mut trusts, mut unsaid) = (Vec::new(), Vec::new());
    let document = role.get("trust").and_then(Value::as_document);
    for statement in document.and_then(|trust| trust.get("Statement")?.as_array()).into_iter().flatten() {
        match trust(statement) {
            Some(trust) => trusts.push(trust),
            None => unsaid.push(format!("the trust {statement}")),
        }
    }
    (trusts, unsaid)
}

fn trust(statement: &Json) -> Option<Trust> {
    let (sort, who) = statement.get("Principal")?.as_object()?.iter().next()?;
    let who = texts(who);
    let value = |variable: &str| {
        let tests = conditions(statement).into_iter();
        tests.filter(|test| test.variable == variable).flat_map(|test| test.values).collect::<Vec<_>>()
    };
    match sort.as_str() {
        "Oidc" => {
            Some(Trust::Oidc { issuer: who.into_iter().next()?, audiences: value("aud"), subjects: value("sub") })
        }
        "Service" => Some(Trust::Service { principals: who }),
        "Aws" => Some(Trust::Aws { principals: who, external_id: value("sts:ExternalId").into_iter().next() }),
        "Saml" => Some(Trust::Saml { provider: who.into_iter().next()?, audiences: value("SAML:aud") }),
        _ => None,
    }
}
