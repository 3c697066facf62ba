//! Decides whether a saved plan may be applied: only if the plan that is made now is the same.
//!
//! In: the saved plan, without sensitive values, and the plan that the same inputs give now. Out: nothing if they are
//! equal, else every reason. The decision is the comparison of the two canonical forms; the reasons only explain it.
//!
//! So nothing in the file decides what is written. An edited file is refused, whatever was edited: the steps, a reason,
//! a verdict, or the digest.

use std::collections::BTreeMap;

use leasehold_provider::{Address, ResourceId, Snapshot};
use serde::Serialize;
use serde_json::{Map, Value};

use super::canonical::canonical_form;
use super::stale::{
    Staleness, check_basis_staleness, check_object_staleness, check_realm_staleness, check_variable_staleness,
};
use super::{Plan, sealed};

/// The maximum number of parts that are named.
const NAMED: usize = 10;

/// Why the saved plan must not be applied. Empty: `made`, the plan that was made now from `snapshot`, is the same.
#[must_use]
pub fn compare_plans(saved: &Plan, made: &Plan, snapshot: &Snapshot) -> Vec<Staleness> {
    if saved.plan_digest() == made.plan_digest() {
        return Vec::new();
    }
    let mut reasons = check_basis_staleness(&saved.basis, &made.basis.version, &made.basis.files);
    reasons.extend(check_variable_staleness(&saved.basis, &made.basis));
    reasons.extend(check_realm_staleness(&saved.realm, &made.realm));
    reasons.extend(check_object_staleness(saved, snapshot));
    if reasons.is_empty() {
        reasons = list_different_parts(saved, &sealed::redact_plan(made));
        reasons.push(Staleness::Unexplained);
    }
    reasons
}

/// The parts in which two plans differ, the changes of identities and shared objects first.
fn list_different_parts(saved: &Plan, made: &Plan) -> Vec<Staleness> {
    let mut parts = list_different_deltas(&saved.identities, &made.identities, |delta| (&delta.address, &delta.id));
    parts.extend(list_different_deltas(&saved.shared, &made.shared, |delta| (&delta.address, &delta.id)));
    let (saved, made) = (to_fields(&canonical_form(saved)), to_fields(&canonical_form(made)));
    for name in differing_names(&saved, &made) {
        match name {
            "identities" | "shared" => {}
            "basis" => {
                let inner =
                    |plan: &Map<String, Value>| plan.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
                let (saved, made) = (inner(&saved), inner(&made));
                parts.extend(
                    differing_names(&saved, &made).map(|name| format!("the {name} of its configuration differ")),
                );
            }
            // The steps follow from the deltas.
            "steps" if parts.is_empty() => parts.push("its writes, or the order of its writes, differ".to_owned()),
            "steps" => {}
            other => parts.push(describe_part(other, saved.get(other).unwrap_or(&Value::Null))),
        }
    }
    let more = parts.len().saturating_sub(NAMED);
    parts.truncate(NAMED);
    parts.extend((more > 0).then(|| format!("and {more} more")));
    parts.into_iter().map(Staleness::PartDiffers).collect()
}

fn describe_part(name: &str, saved: &Value) -> String {
    match name {
        "settings" if saved.is_null() => "it was made without the stack's records".to_owned(),
        "now" => "it was made for another instant".to_owned(),
        "selection" => "it was made with other --target or --exclude".to_owned(),
        "settings" => "the recorded settings of the stack have changed".to_owned(),
        "managed" => "the number of the stack's identities has changed".to_owned(),
        "quarantined" => "the quarantined identities have changed".to_owned(),
        "kept" => "the objects that are kept for other principals have changed".to_owned(),
        "unreachable_accounts" => "the accounts without a provider block have changed".to_owned(),
        other => format!("its {other} differs"),
    }
}

/// The subjects that only one of the two plans changes, or that both change in different ways.
fn list_different_deltas<'a, T: Serialize + PartialEq>(
    saved: &'a [T],
    made: &'a [T],
    key: impl Fn(&'a T) -> (&'a Address, &'a ResourceId),
) -> Vec<String> {
    let by_key = |deltas: &'a [T]| deltas.iter().map(|delta| (key(delta), delta)).collect::<BTreeMap<_, _>>();
    let (saved, made) = (by_key(saved), by_key(made));
    let gone = saved
        .keys()
        .filter(|key| !made.contains_key(*key))
        .map(|(address, _)| say(address, "would not change any more"));
    let both = made.iter().filter_map(|(key, delta)| match saved.get(key) {
        None => Some(say(key.0, "would change now, too")),
        Some(saved) if saved == delta => None,
        Some(saved) => {
            let (saved, made) = (to_fields(saved), to_fields(delta));
            let names: Vec<&str> = differing_names(&saved, &made).collect();
            Some(say(key.0, &format!("would change differently now: {}", names.join(", "))))
        }
    });
    gone.chain(both).collect()
}

fn say(address: &Address, what: &str) -> String {
    format!("{address} {what}")
}

fn to_fields(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn differing_names<'a>(saved: &'a Map<String, Value>, made: &'a Map<String, Value>) -> impl Iterator<Item = &'a str> {
    let names: std::collections::BTreeSet<&String> = saved.keys().chain(made.keys()).collect();
    names.into_iter().filter(|name| saved.get(*name) != made.get(*name)).map(String::as_str)
}
