//! A live identity with every access shut and every credential off.

use leasehold_provider::{LiveIdentity, Principal, Quarantine, Realm, Resource, Value};

use crate::{document, kinds, links};

/// What the identity is and holds in quarantine. What gives access stays as it lives, overruled by the Deny, so that it can
/// be restored; a password cannot be disabled and goes; groups are left, which the configuration says anew when it comes back.
/// A second factor opens nothing and stays until the user goes; so does a role's place in an instance profile, which hands out a role
/// that is denied everything.
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
