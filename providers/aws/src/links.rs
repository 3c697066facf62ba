//! The order in which the parts of one identity come and go, the same for desired and live ones.
//!
//! principal ← inline `leasehold` ← other inline policies ← attachments ← memberships ← second factors ← service-specific credentials ←
//! SSH keys ← certificates ← keys and password. What comes later goes first, so the Deny in `leasehold` is the last to go before the principal,
//! and a password goes before the factor that guards it. A role goes out of its instance profiles before anything else.

use std::collections::BTreeSet;

use leasehold_provider::{Credential, Realm, Resource, ResourceId, StackName, Value};

use crate::{arn, document, kinds};

/// Which part of an identity a resource is, in the order they are made.
fn dependency_rank(id: &ResourceId) -> u8 {
    match (&id.kind, kinds::credential_kind(id)) {
        _ if kinds::is_own_inline_policy(id) => 1,
        (kind, _) if [kinds::ROLE_POLICY, kinds::USER_POLICY, kinds::POLICY].contains(kind) => 2,
        (kind, _) if [kinds::ROLE_ATTACHMENT, kinds::USER_ATTACHMENT].contains(kind) => 3,
        (kind, _) if *kind == kinds::MEMBERSHIP => 4,
        (_, Some(Credential::MfaDevice)) => WHOLE,
        (_, Some(Credential::ServiceSpecific)) => 6,
        (_, Some(Credential::SshKey)) => 7,
        (_, Some(Credential::SigningCertificate)) => 8,
        (_, Some(Credential::AccessKey | Credential::Login)) => 9,
        (kind, _) if *kind == kinds::PROFILE_MEMBERSHIP => 9,
        _ => 0,
    }
}

/// From this rank on a part needs all parts before it: few identities have such parts, and those have few.
const WHOLE: u8 = 5;

/// Sets what each resource of one identity needs: everything of it that comes before, and what it points at.
pub fn link_resources<'a>(realm: &Realm, stack: &StackName, resources: impl IntoIterator<Item = &'a mut Resource>) {
    let mut resources: Vec<&mut Resource> = resources.into_iter().collect();
    let ranked: Vec<(u8, ResourceId)> = resources.iter().map(|r| (dependency_rank(&r.id), r.id.clone())).collect();
    for resource in &mut resources {
        let own = dependency_rank(&resource.id);
        // Other inline policies and attachments are many at times: each needs the Deny, and only credentials need them all. A
        // membership goes before the attachments do.
        let mut needs: BTreeSet<ResourceId> = ranked
            .iter()
            .filter(|(other, _)| *other < own && (*other < 2 || own >= WHOLE || (own == 4 && *other == 3)))
            .map(|(_, id)| id.clone())
            .collect();
        if let Some(policy) = resource.get("policy_arn").and_then(Value::as_text) {
            needs.extend(
                arn::scope_from_policy_arn(realm, stack, policy).map(|scope| kinds::scope_policy_id(stack, scope)),
            );
            needs.extend(arn::user_from_policy_arn(realm, stack, policy).map(|user| kinds::own_policy_id(stack, user)));
        }
        if resource.id.kind == kinds::MEMBERSHIP {
            needs.insert(kinds::group_id(kinds::part_name(&resource.id)));
        }
        if resource.id.kind == kinds::ROLE {
            needs.extend(trusted_principal_ids(realm, resource));
            needs.extend(trusted_federation_ids(realm, resource));
        }
        resource.depends_on = needs;
    }
}

/// The other roles and users of this account that a role's trust names.
fn trusted_principal_ids(realm: &Realm, role: &Resource) -> BTreeSet<ResourceId> {
    let Some(Value::Document(trust)) = role.get("assume_role_policy") else { return BTreeSet::new() };
    let ids = document::aws_principals(trust).into_iter().filter_map(|text| arn::parse_principal_id(realm, &text));
    ids.filter(|id| *id != role.id).collect()
}

/// The federations of this account that a role's trust names.
pub fn trusted_federation_ids(realm: &Realm, role: &Resource) -> BTreeSet<ResourceId> {
    let Some(Value::Document(trust)) = role.get("assume_role_policy") else { return BTreeSet::new() };
    document::federated_principals(trust)
        .into_iter()
        .filter_map(|text| arn::parse_federation_id(realm, &text))
        .collect()
}
