//! The comparison in the types of leasehold's provider contract, for providers with IAM policies. Only with the feature
//! `provider`. A policy that cannot be parsed, or whose content is unknown, never counts as harmless.

mod assessment;
mod interim_policy;
mod interim_trust;
mod permission;

use leasehold_provider::{Access, AccessVerdict, Comparison};
use serde_json::{Value, json};

use crate::compare::{ComparisonVerdict, Containment, compare_policies};
use crate::document::PolicyDocument;
use crate::error::PolicyParseError;
use crate::request::AccessRequest;

pub use assessment::assess_accesses;
pub use interim_policy::{
    INTERIM_DENY_SID, classify_denies, interim_policy, is_lease_deny_in_effect, tests_principal_tag,
};
pub use interim_trust::{interim_trust_statements, trusts_any_principal};
pub use permission::decide_permission;

/// The `Sid` of the lease deny: the Deny statement that takes effect at an identity's deadline. Comparisons ignore it
/// on both sides, because a later deadline is reported as such and not as a wider scope.
const LEASE_DENY_SID: &str = "LeaseholdLease";

/// Compares the access `new` with `old`, with a newly allowed request as witness if there is one.
///
/// A policy with unknown content is compared twice: as one that allows nothing and as one that allows everything. Only
/// a result that holds for both is reported. These two cases are enough: a request that the unknown policy allows is
/// granted before and after unless a Deny differs, and the comparison in which everything is allowed finds that Deny.
#[must_use]
pub fn compare_access(old: &Access, new: &Access) -> Comparison {
    match (parse_policies(old), parse_policies(new)) {
        (Ok(old_policies), Ok(new_policies)) => {
            if old.opaque != new.opaque {
                let differing: Vec<&str> = old.opaque.symmetric_difference(&new.opaque).map(String::as_str).collect();
                return unknown_comparison(format!("the content of {} was not read", differing.join(", ")));
            }
            let plain = compare_documents(&old_policies, &new_policies);
            if old.opaque.is_empty() || plain.verdict == AccessVerdict::Unknown {
                return plain;
            }
            let with_all = |policies: &[PolicyDocument]| -> Option<Vec<PolicyDocument>> {
                let mut policies = policies.to_vec();
                policies.push(PolicyDocument::from_value(&allow_everything()).ok()?);
                Some(policies)
            };
            let wide = match (with_all(&old_policies), with_all(&new_policies)) {
                (Some(old), Some(new)) => compare_documents(&old, &new).verdict,
                _ => AccessVerdict::Unknown,
            };
            let grants_nothing_new = |verdict| matches!(verdict, AccessVerdict::Equivalent | AccessVerdict::Narrows);
            if grants_nothing_new(plain.verdict) && grants_nothing_new(wide) {
                // It narrows the known policies, but the unknown policy may still grant the difference.
                return plain;
            }
            let names: Vec<&str> = old.opaque.iter().map(String::as_str).collect();
            unknown_comparison(format!("it depends on the permissions of {}, which was not read", names.join(", ")))
        }
        (Err(error), _) => unknown_comparison(format!("a live policy cannot be parsed: {error}")),
        (_, Err(error)) => unknown_comparison(format!("a declared policy cannot be parsed: {error}")),
    }
}

/// Whether AWS treats two documents as the same. A document that is not a policy only equals itself.
#[must_use]
pub fn are_same_policy(a: &leasehold_provider::Document, b: &leasehold_provider::Document) -> bool {
    a == b || crate::canonical::are_equivalent(a.as_json_value(), b.as_json_value()).unwrap_or(false)
}

fn parse_policies(access: &Access) -> Result<Vec<PolicyDocument>, PolicyParseError> {
    access
        .policies
        .iter()
        .filter_map(|policy| without_lease_deny(policy.as_json_value()))
        .map(|value| PolicyDocument::from_value(&value))
        .collect()
}

/// The policy without its lease deny. `None`: it has no other statement.
fn without_lease_deny(policy: &Value) -> Option<Value> {
    let mut policy = policy.clone();
    if let Some(statements) = policy.get_mut("Statement").and_then(Value::as_array_mut) {
        statements.retain(|statement| statement.get("Sid").and_then(Value::as_str) != Some(LEASE_DENY_SID));
        if statements.is_empty() {
            return None;
        }
    }
    Some(policy)
}

fn allow_everything() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

fn compare_documents(old: &[PolicyDocument], new: &[PolicyDocument]) -> Comparison {
    let policy_set = |policies: &[PolicyDocument]| crate::policy_set::PolicySet::new(policies.to_vec());
    let comparison = compare_policies(&policy_set(old), &policy_set(new));
    let verdict = match (comparison.verdict(), &comparison.new_in_old) {
        (ComparisonVerdict::Equivalent, _) => AccessVerdict::Equivalent,
        (ComparisonVerdict::Narrows, _) => AccessVerdict::Narrows,
        (ComparisonVerdict::Expands, _) => AccessVerdict::Expands,
        (ComparisonVerdict::Incomparable, _) => AccessVerdict::Incomparable,
        // It certainly grants more, even if it is unknown whether it grants less.
        (ComparisonVerdict::Unknown, Containment::Refuted(_)) => AccessVerdict::Expands,
        (ComparisonVerdict::Unknown, _) => AccessVerdict::Unknown,
    };
    Comparison {
        verdict,
        witness: comparison.new_in_old.witness().map(describe_request),
        reason: if verdict == AccessVerdict::Unknown {
            comparison.unknown_reason().map(ToString::to_string)
        } else {
            None
        },
    }
}

fn describe_request(request: &AccessRequest) -> String {
    let mut words = format!("{} on {}", request.action, request.resource);
    let context: Vec<String> =
        request.context.iter().map(|(key, values)| format!("{key} = {}", values.join(" or "))).collect();
    if !context.is_empty() {
        words.push_str(&format!(" when {}", context.join(", ")));
    }
    words
}

fn unknown_comparison(reason: String) -> Comparison {
    Comparison { verdict: AccessVerdict::Unknown, witness: None, reason: Some(reason) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn statement(effect: &str, action: &str) -> Value {
        json!({"Effect": effect, "Action": [action], "Resource": ["*"]})
    }

    fn lease_deny(at: &str) -> Value {
        json!({"Sid": LEASE_DENY_SID, "Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": {"DateGreaterThanEquals": {"aws:CurrentTime": at}}})
    }

    fn access(statements: &[Value], opaque: &[&str]) -> Access {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        Access {
            policies: vec![policy.into()],
            opaque: opaque.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
            ..Access::default()
        }
    }

    fn verdict_of(old: &Access, new: &Access) -> AccessVerdict {
        compare_access(old, new).verdict
    }

    #[test]
    fn wider_scope_expands_with_witness() {
        let old = access(&[statement("Allow", "s3:GetObject")], &[]);
        let new = access(&[statement("Allow", "s3:GetObject"), statement("Allow", "s3:PutObject")], &[]);
        let comparison = compare_access(&old, &new);
        assert_eq!(comparison.verdict, AccessVerdict::Expands);
        assert!(comparison.witness.unwrap().to_lowercase().starts_with("s3:putobject on "));
        assert_eq!(verdict_of(&new, &old), AccessVerdict::Narrows);
    }

    #[test]
    fn lease_deny_is_ignored() {
        let old = access(&[statement("Allow", "s3:GetObject"), lease_deny("2026-12-01T00:00:00Z")], &[]);
        let new = access(&[statement("Allow", "s3:GetObject"), lease_deny("2027-12-01T00:00:00Z")], &[]);
        assert_eq!(verdict_of(&old, &new), AccessVerdict::Equivalent);
        assert_eq!(verdict_of(&access(&[lease_deny("2026-12-01T00:00:00Z")], &[]), &new), AccessVerdict::Expands);
    }

    /// Removing a Deny changes nothing for the known policies, but the unknown one may allow what it denied.
    #[test]
    fn removed_deny_with_unknown_policy_is_unknown() {
        let old = access(&[statement("Allow", "s3:GetObject"), statement("Deny", "iam:CreateUser")], &["P"]);
        let new = access(&[statement("Allow", "s3:GetObject")], &["P"]);
        assert_eq!(verdict_of(&old, &new), AccessVerdict::Unknown);
        assert_eq!(verdict_of(&new, &old), AccessVerdict::Equivalent);
        assert_eq!(verdict_of(&new, &access(&[], &[])), AccessVerdict::Unknown);
    }
}
