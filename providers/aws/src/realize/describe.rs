//! A few words for a plan's line, where the attributes do not say it.

use leasehold_provider::{Change, Value};
use serde_json::Value as Json;

use crate::{document, kinds};

/// What the change does, in the words of the people who approve it.
pub fn describe(change: &Change) -> Option<String> {
    let after = change.after()?;
    let document = |name: &str| after.get(name).and_then(Value::as_document);
    let was = |name: &str| change.before().and_then(|before| before.get(name)).and_then(Value::as_document);
    if kinds::is_own_inline(&after.id) {
        let policy = document("policy")?;
        return if document::has_sid(policy, document::QUARANTINE_SID) {
            Some("deny everything".to_owned())
        } else if document::has_sid(policy, document::FENCE_SID) && fence(policy) != was("policy").and_then(fence) {
            Some("lease fence".to_owned())
        } else {
            None
        };
    }
    if after.id.kind == kinds::ROLE {
        let closed = |trust: &Json| document::has_sid(trust, document::CLOSED_SID);
        return (document("assume_role_policy").is_some_and(closed) && !was("assume_role_policy").is_some_and(closed))
            .then(|| "trust closed".to_owned());
    }
    if after.id.kind == kinds::ACCESS_KEY {
        let status = after.get("status").and_then(Value::as_text)?;
        return Some(format!("{} → {status}", short_key(kinds::part(&after.id))));
    }
    None
}

fn fence(policy: &Json) -> Option<&Json> {
    document::statements(policy).find(|s| s.get("Sid").and_then(Json::as_str) == Some(document::FENCE_SID))
}

/// `AKIA…WXYZ`: enough to tell two keys apart.
fn short_key(id: &str) -> String {
    match (id.get(..4), id.get(id.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) if id.len() > 12 => format!("{head}…{tail}"),
        _ => id.to_owned(),
    }
}
