//! Builds IAM trust policies: which principals may assume a role.

use jiff::Timestamp;
use leasehold_provider::{Condition, Document, NarrowedPrincipal, Realm, Resource, Trust, TrustedIdentity, Value};
use serde_json::{Value as Json, json};

use super::limits;
use crate::{arn, document};

/// The trust policy for these trusts. Every Allow ends at the deadline, so no session starts after it. Without trusts, the policy trusts no
/// principal.
pub fn build_trust_policy(realm: &Realm, trusts: &[Trust], deadline: Option<Timestamp>) -> Document {
    if trusts.is_empty() {
        return document::deny_all_trust();
    }
    document::build_policy(trusts.iter().map(|trust| trust_statement(realm, trust, deadline)).collect())
}

/// The role as before, but trusted only by the principals that both states trust. If that policy is too long for IAM, has no principals, or
/// `closed` is true, it trusts no principal. `None` if either state has no trust policy.
pub fn intersect_trusts(before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal> {
    const TRUST: &str = "assume_role_policy";
    let (Some(Value::Document(old)), Some(Value::Document(new))) = (before.get(TRUST), after.get(TRUST)) else {
        return None;
    };
    let both = leasehold_policy::provider::interim_trust_statements(old, new);
    let lets_in = leasehold_policy::provider::trusts_any_principal(&both);
    let both = document::build_policy(both);
    let closed = closed || !lets_in || document::render_document(&both).chars().count() > limits::TRUST_EVERYWHERE;
    let mut principal =
        before.clone().with_attribute(TRUST, Value::Document(if closed { document::deny_all_trust() } else { both }));
    principal.depends_on.retain(|id| !closed && after.depends_on.contains(id));
    Some(NarrowedPrincipal { principal, closed })
}

fn trust_statement(realm: &Realm, trust: &Trust, deadline: Option<Timestamp>) -> Json {
    let (principal, action, mut conditions) = trust_elements(realm, trust);
    if let Some(deadline) = deadline {
        conditions.push(build_condition("DateLessThan", "aws:CurrentTime", &[document::format_deadline(deadline)]));
    }
    let mut statement = json!({ "Effect": "Allow", "Principal": principal, "Action": action });
    if let (false, Some(fields)) = (conditions.is_empty(), statement.as_object_mut()) {
        fields.insert("Condition".to_owned(), document::render_conditions(&conditions));
    }
    statement
}

fn trust_elements(realm: &Realm, trust: &Trust) -> (Json, &'static str, Vec<Condition>) {
    match trust {
        Trust::Oidc { issuer, audiences, subjects } => {
            let host = issuer.strip_prefix("https://").unwrap_or(issuer).trim_end_matches('/');
            let pattern = subjects.iter().any(|subject| subject.contains(['*', '?']));
            let mut conditions = Vec::new();
            if !audiences.is_empty() {
                conditions.push(build_condition("StringEquals", &format!("{host}:aud"), audiences));
            }
            if !subjects.is_empty() {
                let test = if pattern { "StringLike" } else { "StringEquals" };
                conditions.push(build_condition(test, &format!("{host}:sub"), subjects));
            }
            (json!({ "Federated": arn::oidc_provider_arn(realm, host) }), "sts:AssumeRoleWithWebIdentity", conditions)
        }
        Trust::Service { principals } => (json!({ "Service": principals }), "sts:AssumeRole", Vec::new()),
        Trust::Named { principals, external_id } => {
            let arns: Vec<String> = principals.iter().map(|principal| normalize_principal(realm, principal)).collect();
            let external_id = external_id
                .iter()
                .map(|id| build_condition("StringEquals", "sts:ExternalId", std::slice::from_ref(id)));
            (json!({ "AWS": arns }), "sts:AssumeRole", external_id.collect())
        }
        Trust::Identity { identities } => {
            let arn = |trusted: &TrustedIdentity| {
                let account = trusted.account.as_deref().unwrap_or(&realm.account);
                arn::principal_arn(&realm.partition, account, trusted.principal, &trusted.name)
            };
            let arns: Vec<String> = identities.iter().map(arn).collect();
            (json!({ "AWS": arns }), "sts:AssumeRole", Vec::new())
        }
        Trust::Saml { provider, audiences } => {
            let audiences = (!audiences.is_empty())
                .then(|| build_condition("StringEquals", "SAML:aud", audiences))
                .into_iter()
                .collect();
            let provider =
                if provider.starts_with("arn:") { provider.clone() } else { arn::saml_provider_arn(realm, provider) };
            (json!({ "Federated": provider }), "sts:AssumeRoleWithSAML", audiences)
        }
    }
}

/// A principal in the form that IAM stores: an account id as the ARN of its root, anything else unchanged.
fn normalize_principal(realm: &Realm, principal: &str) -> String {
    if principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit()) {
        arn::account_root_arn(&realm.partition, principal)
    } else {
        principal.to_owned()
    }
}

fn build_condition(test: &str, variable: &str, values: &[String]) -> Condition {
    Condition { test: test.to_owned(), variable: variable.to_owned(), values: values.to_vec() }
}
