//! The desired resources of a quarantined identity: all access denied, all credentials disabled.

use leasehold_provider::{LiveIdentity, Principal, Quarantine, Realm, Resource, Value};

use crate::{document, kinds, links};

/// The resources of an identity in quarantine.
///
/// Policies and attachments stay unchanged, overridden by the Deny, so that the identity can be restored. A role's trust policy is replaced
/// by one that trusts no principal. A password cannot be disabled, so it is deleted. Group memberships are removed; the configuration
/// declares them again when the identity is restored. An MFA device grants no access and stays until the user is deleted. A role also stays
/// in its instance profiles, where it hands out sessions that are denied everything.
pub fn realize_quarantined(realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
    let deny = Value::Document(document::deny_all_policy());
    let inline = kinds::inline_policy_id(live.principal, &live.name, kinds::INLINE);
    let mut resources: Vec<Resource> = live
        .resources
        .values()
        .filter(|r| ![kinds::LOGIN_PROFILE, kinds::MEMBERSHIP].contains(&r.id.kind))
        .cloned()
        .collect();
    if !live.resources.contains_key(&inline) {
        resources.push(Resource::new(inline.clone(), Some(live.marks.address.clone())));
    }
    for resource in &mut resources {
        if resource.id == live.id {
            resource.marks = live.resources.get(&live.id).and_then(|principal| principal.marks.clone());
            resource.marks.get_or_insert_with(|| live.marks.clone()).quarantine = Some(quarantine.clone());
            if live.principal == Principal::Role {
                let closed = Value::Document(document::deny_all_trust());
                resource.attributes.insert("assume_role_policy".into(), closed);
            }
        } else if resource.id == inline {
            resource.attributes.insert("policy".into(), deny.clone());
        } else if kinds::SWITCHED.contains(&resource.id.kind) && resource.get("status") == Some(&"Active".into()) {
            resource.attributes.insert("status".into(), "Inactive".into());
        }
    }
    links::link_resources(realm, &live.marks.stack, &mut resources);
    resources
}
