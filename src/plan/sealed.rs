//! A plan without its sensitive values, and the proof that the values at apply are the reviewed ones.
//!
//! A saved plan contains no sensitive value. It contains a keyed digest (HMAC-SHA-256) of each. The key is in the
//! stack's backend and not in the file, so a reader of the file cannot even test a guess. At apply, the values are
//! computed again from the configuration and the live objects, and must have the same digests.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use leasehold_provider::{Change, ChangeKind, Resource, ResourceId};
use secrecy::{ExposeSecret as _, SecretBox};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Plan;

/// The key of the digests: 32 bytes.
pub type SealKey = SecretBox<[u8; 32]>;

/// The keyed digests of a plan's sensitive values, in the order of the steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedValues {
    /// The name of the key in the stack's backend.
    pub key: String,
    /// HMAC-SHA-256 of each value, as hexadecimal digits.
    pub values: Vec<String>,
}

/// Why the sensitive values of a plan could not be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// The configuration no longer produces this object.
    #[error("{0} is no longer part of the planned changes")]
    NotRebuilt(ResourceId),
    /// A value differs from the reviewed one.
    #[error("a sensitive value of {0} has changed since the plan was made")]
    Differs(ResourceId),
}

/// Whether any value of the plan is sensitive.
#[must_use]
pub fn contains_secrets(plan: &Plan) -> bool {
    let changes = plan.steps.iter().map(|step| &step.change);
    let changes = changes.chain(plan.identities.iter().flat_map(|delta| &delta.changes));
    let mut sides = changes.chain(plan.shared.iter().flat_map(|delta| &delta.changes)).flat_map(states_of_change);
    sides.any(|resource| !resource.sensitive.is_empty())
}

fn states_of_change(change: &Change) -> impl Iterator<Item = &Resource> {
    change.resource_before().into_iter().chain(change.resource_after())
}

/// The plan with all sensitive values removed.
#[must_use]
pub fn redact_plan(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let deltas = plan.identities.iter_mut().flat_map(|delta| &mut delta.changes);
    let shared = plan.shared.iter_mut().flat_map(|delta| &mut delta.changes);
    deltas
        .chain(shared)
        .chain(plan.steps.changes_mut())
        .flat_map(Change::sides_mut)
        .for_each(Resource::redact_sensitive);
    plan
}

/// The keyed digests of a plan's sensitive values, in the order of the steps.
#[must_use]
pub fn digest_sensitive_values(plan: &Plan, key: &SealKey) -> Vec<String> {
    let resources = plan.steps.iter().flat_map(|step| states_of_change(&step.change));
    resources.flat_map(|resource| digest_sensitive_attributes(resource, key)).collect()
}

fn digest_sensitive_attributes<'a>(resource: &'a Resource, key: &'a SealKey) -> impl Iterator<Item = String> + 'a {
    resource.sensitive.iter().filter_map(|name| {
        let value = serde_json::to_vec(&(&resource.id, name, resource.attributes.get(name.as_str())?)).ok()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).ok()?;
        mac.update(&value);
        Some(hex::encode(mac.finalize().into_bytes()))
    })
}

/// Restores the sensitive values of a plan that was read from a file. The values come from `rebuilt`, the plan that
/// the same configuration gives for the current live objects. Values are matched step by step, because one object may
/// change in two steps.
///
/// # Errors
///
/// Returns [`UnsealError::NotRebuilt`] if `rebuilt` does not have a value, and [`UnsealError::Differs`] if a value is not
/// the reviewed one.
pub fn refill_sensitive_values(
    mut plan: Plan,
    rebuilt: &Plan,
    sealed: &SealedValues,
    key: &SealKey,
) -> Result<Plan, UnsealError> {
    let mut desired: BTreeMap<(ResourceId, ChangeKind), Vec<&Change>> = BTreeMap::new();
    for change in rebuilt.steps.iter().rev().map(|step| &step.change) {
        desired.entry((change.id().clone(), change.kind())).or_default().push(change);
    }
    for change in plan.steps.changes_mut() {
        let source = desired.get_mut(&(change.id().clone(), change.kind())).and_then(Vec::pop);
        let mut sources = source.into_iter().flat_map(states_of_change);
        for resource in change.sides_mut() {
            let source = sources.next();
            for name in &resource.sensitive {
                let value = source.and_then(|source| source.attributes.get(name.as_str()));
                match (value, resource.attributes.get_mut(name.as_str())) {
                    (Some(value), Some(place)) => *place = value.clone(),
                    (None, Some(_)) => return Err(UnsealError::NotRebuilt(resource.id.clone())),
                    (_, None) => {}
                }
            }
        }
    }
    let resources = plan.steps.iter().flat_map(|step| states_of_change(&step.change));
    let now = resources
        .flat_map(|resource| digest_sensitive_attributes(resource, key).map(|digest| (resource.id.clone(), digest)));
    let mut reviewed = sealed.values.iter();
    for (id, digest) in now {
        if reviewed.next() != Some(&digest) {
            return Err(UnsealError::Differs(id));
        }
    }
    Ok(plan)
}
