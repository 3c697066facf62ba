//! The comparison as a provider of leasehold offers it. Only with the feature `provider`.

mod assess;
mod between;
mod decide;
mod trust;

use leasehold_provider::{Access, AccessVerdict, Comparison};
use serde_json::{Value, json};

use crate::compare::{Containment, Verdict, compare as compare_policies};
use crate::document::Document;
use crate::error::ParseError;
use crate::request::Request;

pub use assess::assess;
pub use between::{MEANWHILE_SID, between, heeds, is_over, withholds};
pub use decide::decide;
pub use trust::{lets_in, trusted_by_both};

/// The statement that ends an identity's access at its deadline. A later deadline is told apart from a wider scope, so the
/// comparison leaves the fence out on both sides.
const FENCE: &str = "LeaseholdLease";

/// How `new` stands to `old`, with a request that is newly allowed where there is one.
///
/// A policy whose content is not known counts both as allowing nothing and as allowing everything; only what holds either way is
/// said. That suffices for containment: a request of the unknown policy is granted before and after alike unless a Deny differs, and
/// the second comparison, where everything is allowed, finds that.
#[must_use]
pub fn compare(old: &Access, new: &Access) -> Comparison {
    match (documents(old), documents(new)) {
        (Ok(old_policies), Ok(new_policies)) => {
            if old.opaque != new.opaque {
                let differing: Vec<&str> = old.opaque.symmetric_difference(&new.opaque).map(String::as_str).collect();
                return unknown(format!("the content of {} is not read", differing.join(", ")));
            }
            let plain = verdict(&old_policies, &new_policies);
            if old.opaque.is_empty() || plain.verdict == AccessVerdict::Unknown {
                return plain;
            }
            let with_all = |policies: &[Document]| -> Option<Vec<Document>> {
                let mut policies = policies.to_vec();
                policies.push(Document::from_value(&everything()).ok()?);
                Some(policies)
            };
            let wide = match (with_all(&old_policies), with_all(&new_policies)) {
                (Some(old), Some(new)) => verdict(&old, &new).verdict,
                _ => AccessVerdict::Unknown,
            };
            let quiet = |verdict| matches!(verdict, AccessVerdict::Equivalent | AccessVerdict::Narrows);
            if quiet(plain.verdict) && quiet(wide) {
                // Narrower by its own policies, but the unknown one may still grant the difference.
                return plain;
            }
            let names: Vec<&str> = old.opaque.iter().map(String::as_str).collect();
            unknown(format!("it depends on what {} allows, which is not read", names.join(", ")))
        }
        (Err(error), _) => unknown(format!("a policy that lives does not read: {error}")),
        (_, Err(error)) => unknown(format!("a wanted policy does not read: {error}")),
    }
}

/// Whether AWS takes two documents for the same. What is no policy is the same only as itself.
#[must_use]
pub fn same(a: &leasehold_provider::Document, b: &leasehold_provider::Document) -> bool {
    a == b || crate::canonical::equivalent(a.json(), b.json()).unwrap_or(false)
}

fn documents(access: &Access) -> Result<Vec<Document>, ParseError> {
    access
        .policies
        .iter()
        .filter_map(|policy| unfenced(policy.json()))
        .map(|value| Document::from_value(&value))
        .collect()
}

/// The policy without its fence; `None` when nothing else is in it.
fn unfenced(policy: &Value) -> Option<Value> {
    let mut policy = policy.clone();
    if let Some(statements) = policy.get_mut("Statement").and_then(Value::as_array_mut) {
        statements.retain(|statement| statement.get("Sid").and_then(Value::as_str) != Some(FENCE));
        if statements.is_empty() {
            return None;
        }
    }
    Some(policy)
}

fn everything() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

fn verdict(old: &[Document], new: &[Document]) -> Comparison {
    let of = |policies: &[Document]| crate::access::Access::of(policies.to_vec());
    let comparison = compare_policies(&of(old), &of(new));
    let verdict = match (comparison.verdict(), &comparison.new_in_old) {
        (Verdict::Equivalent, _) => AccessVerdict::Equivalent,
        (Verdict::Narrows, _) => AccessVerdict::Narrows,
        (Verdict::Expands, _) => AccessVerdict::Expands,
        (Verdict::Incomparable, _) => AccessVerdict::Incomparable,
        // That it grows is certain, whatever else is not.
        (Verdict::Unknown, Containment::Refuted(_)) => AccessVerdict::Expands,
        (Verdict::Unknown, _) => AccessVerdict::Unknown,
    };
    Comparison {
        verdict,
        witness: comparison.new_in_old.witness().map(words),
        reason: if verdict == AccessVerdict::Unknown { comparison.reason().map(ToString::to_string) } else { None },
    }
}

fn words(request: &Request) -> String {
    let mut words = format!("{} on {}", request.action, request.resource);
    let context: Vec<String> =
        request.context.iter().map(|(key, values)| format!("{key} = {}", values.join(" or "))).collect();
    if !context.is_empty() {
        words.push_str(&format!(" when {}", context.join(", ")));
    }
    words
}

fn unknown(reason: String) -> Comparison {
    Comparison { verdict: AccessVerdict::Unknown, witness: None, reason: Some(reason) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn statement(effect: &str, action: &str) -> Value {
        json!({"Effect": effect, "Action": [action], "Resource": ["*"]})
    }

    fn fence(at: &str) -> Value {
        json!({"Sid": FENCE, "Effect": "Deny", "Action": "*", "Resource": "*",
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
        compare(old, new).verdict
    }

    #[test]
    fn a_wider_scope_expands_and_names_a_request() {
        let old = access(&[statement("Allow", "s3:GetObject")], &[]);
        let new = access(&[statement("Allow", "s3:GetObject"), statement("Allow", "s3:PutObject")], &[]);
        let comparison = compare(&old, &new);
        assert_eq!(comparison.verdict, AccessVerdict::Expands);
        assert!(comparison.witness.unwrap().to_lowercase().starts_with("s3:putobject on "));
        assert_eq!(verdict_of(&new, &old), AccessVerdict::Narrows);
    }

    #[test]
    fn the_fence_is_no_part_of_the_scope() {
        let old = access(&[statement("Allow", "s3:GetObject"), fence("2026-12-01T00:00:00Z")], &[]);
        let new = access(&[statement("Allow", "s3:GetObject"), fence("2027-12-01T00:00:00Z")], &[]);
        assert_eq!(verdict_of(&old, &new), AccessVerdict::Equivalent);
        assert_eq!(verdict_of(&access(&[fence("2026-12-01T00:00:00Z")], &[]), &new), AccessVerdict::Expands);
    }

    /// Taking a Deny off changes nothing among the known policies, but it may free what the unknown one allows.
    #[test]
    fn an_unknown_policy_behind_a_lost_deny_is_not_called_equivalent() {
        let old = access(&[statement("Allow", "s3:GetObject"), statement("Deny", "iam:CreateUser")], &["P"]);
        let new = access(&[statement("Allow", "s3:GetObject")], &["P"]);
        assert_eq!(verdict_of(&old, &new), AccessVerdict::Unknown);
        assert_eq!(verdict_of(&new, &old), AccessVerdict::Equivalent);
        assert_eq!(verdict_of(&new, &access(&[], &[])), AccessVerdict::Unknown);
    }
}
