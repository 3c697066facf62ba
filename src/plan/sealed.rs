//! A plan without its sensitive values, and the proof that the values at apply are the reviewed ones.
//!
//! A saved plan contains no sensitive value. It contains a keyed digest (HMAC-SHA-256) of each. The key is in the
//! stack's backend and not in the file, so a reader of the file cannot even test a guess. At apply, the plan
//! is made again, and its sensitive values must have the same digests.

use hmac::{Hmac, KeyInit as _, Mac as _};
use leasehold_provider::{Change, Resource};
use secrecy::{ExposeSecret as _, SecretBox};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Plan;
use super::stale::Staleness;

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

/// Why the sensitive values of a plan are not those that were reviewed. `None`: they are. `plan` has its sensitive
/// values, and is otherwise equal to the plan that was sealed.
#[must_use]
pub fn check_sealed_values(plan: &Plan, sealed: &SealedValues, key: &SealKey) -> Option<Staleness> {
    let resources = plan.steps.iter().flat_map(|step| states_of_change(&step.change));
    let digests = resources
        .flat_map(|resource| digest_sensitive_attributes(resource, key).map(move |digest| (&resource.id, digest)));
    let digests: Vec<_> = digests.collect();
    if digests.len() != sealed.values.len() {
        return Some(Staleness::NotSealed);
    }
    let mut both = digests.into_iter().zip(&sealed.values);
    let changed = both.find(|((_, digest), reviewed)| digest != *reviewed);
    changed.map(|((id, _), _)| Staleness::SensitiveValueChanged(id.clone()))
}
