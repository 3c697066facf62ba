//! Converts the trust policy of a live role to `trust` blocks of a configuration, for generated configuration.

use leasehold_provider::statements::{collect_texts, parse_conditions};
use leasehold_provider::{Resource, Trust, Value};
use serde_json::Value as Json;

/// Returns the trusts of a role, and a description of each statement that no `trust` block can express.
pub fn parse_trusts(role: &Resource) -> (Vec<Trust>, Vec<String>) {
    let (mut trusts, mut unsupported) = (Vec::new(), Vec::new());
    let document = role.get("trust").and_then(Value::as_document);
    for statement in document.and_then(|trust| trust.get("Statement")?.as_array()).into_iter().flatten() {
        let principals = statement.get("Principal").and_then(Json::as_object).into_iter().flatten();
        let found: Vec<Trust> =
            principals.filter_map(|(kind, names)| parse_trust(statement, kind, collect_texts(names))).collect();
        if found.is_empty() {
            unsupported.push(format!("the trust {statement}"));
        }
        trusts.extend(found);
    }
    (trusts, unsupported)
}

/// Parses one principal kind of a statement; `None` for a kind that `trust` blocks do not have.
fn parse_trust(statement: &Json, kind: &str, names: Vec<String>) -> Option<Trust> {
    let condition_values = |variable: &str| {
        let found = parse_conditions(statement).into_iter();
        found
            .filter(|condition| condition.variable == variable)
            .flat_map(|condition| condition.values)
            .collect::<Vec<_>>()
    };
    match kind {
        "Oidc" => Some(Trust::Oidc {
            issuer: names.into_iter().next()?,
            audiences: condition_values("aud"),
            subjects: condition_values("sub"),
        }),
        "Service" => Some(Trust::Service { principals: names }),
        "Aws" => {
            Some(Trust::Named { principals: names, external_id: condition_values("sts:ExternalId").into_iter().next() })
        }
        "Saml" => Some(Trust::Saml { provider: names.into_iter().next()?, audiences: condition_values("SAML:aud") }),
        _ => None,
    }
}
