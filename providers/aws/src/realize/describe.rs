//! Short descriptions of changes for the plan, where the attributes do not explain the change.

use leasehold_policy::provider::INTERIM_DENY_SID;
use leasehold_provider::{Change, Resource, Value};
use serde_json::Value as Json;

use crate::{document, kinds};

/// Describes the effect of a change for the person who approves it. `None` if the attributes already explain it.
pub fn describe_change(change: &Change) -> Option<String> {
    if let Change::Delete { before } = change
        && before.id.kind == kinds::PROFILE_MEMBERSHIP
    {
        return Some("running instances with this profile lose the role".to_owned());
    }
    if let Change::Delete { before } = change {
        return describe_expiration(before);
    }
    let after = change.resource_after()?;
    let before = change.resource_before();
    let interim_sid = format!(r#""Sid":"{INTERIM_DENY_SID}""#);
    if matches!(after.get("policy"), Some(Value::Document(policy)) if policy.canonical_text().contains(&interim_sid)) {
        return Some("deny everything (interim)".to_owned());
    }
    if kinds::is_own_inline_policy(&after.id) {
        let is = parse_attribute(after, "policy")?;
        let was = before.and_then(|before| parse_attribute(before, "policy")).unwrap_or_default();
        let fence = |policy: &Json| document::find_statement(policy, document::LEASE_DENY_SID).cloned();
        return if document::find_statement(&is, document::QUARANTINE_SID).is_some() {
            Some("deny everything".to_owned())
        } else if fence(&is).is_some() && fence(&is) != fence(&was) {
            Some("lease deny".to_owned())
        } else {
            None
        };
    }
    if after.id.kind == kinds::ROLE {
        let closed = |role: &Resource| {
            parse_attribute(role, "assume_role_policy")
                .is_some_and(|t| document::find_statement(&t, document::TRUST_DENY_SID).is_some())
        };
        return (closed(after) && !before.is_some_and(closed)).then(|| "trust policy replaced by Deny".to_owned());
    }
    if after.id.is_new() {
        let store = after.get("store").and_then(Value::as_text)?;
        return Some(format!("secret → {store}"));
    }
    if kinds::SWITCHED.contains(&after.id.kind) {
        let status = after.get("status").and_then(Value::as_text)?;
        let end = describe_expiration(after).map_or_else(String::new, |end| format!(", {end}"));
        return Some(format!("{} → {status}{end}", abbreviate_key_id(kinds::part_name(&after.id))));
    }
    None
}

/// The day on which a credential expires or expired. `None` if it has no expiry.
fn describe_expiration(credential: &Resource) -> Option<String> {
    let day = credential.get("expiration_date").and_then(Value::as_text)?.get(..10)?;
    let is_over = credential.get("status").and_then(Value::as_text) == Some("Expired");
    Some(format!("{} {day}", if is_over { "expired" } else { "expires" }))
}

fn parse_attribute(resource: &Resource, attribute: &str) -> Option<Json> {
    match resource.get(attribute) {
        Some(Value::Document(policy)) => Some(document::parse_uncached(policy)),
        _ => None,
    }
}

/// A shortened key id, `AKIA…WXYZ`: enough to tell two keys apart.
fn abbreviate_key_id(id: &str) -> String {
    match (id.get(..4), id.get(id.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) if id.len() > 12 => format!("{head}…{tail}"),
        _ => id.to_owned(),
    }
}
