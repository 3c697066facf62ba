//! The order in which the parts of one identity are created and deleted, the same for desired and live identities.
//!
//! In: the resources of one identity. Out: the same resources with `depends_on` set. A resource is created after everything it depends on
//! and deleted before it.
//!
//! The parts in order of creation:
//!
//! principal ← inline `leasehold` ← other inline policies ← attachments ← memberships ← MFA devices ← service-specific credentials ← SSH
//! keys ← certificates ← access keys and password.
//!
//! Deletion runs in reverse. The Deny in `leasehold` is the last part to be deleted before the principal, and a password is deleted before
//! the MFA device that protects it. A role is removed from its instance profiles before anything else.
//!
//! Example: for a user `ci` with a lease, the scope `read` and an access key, the order of creation is `ci`, `ci/leasehold`, the attachment
//! of `read`, the key. To delete the user: the key, the attachment, `ci/leasehold`, `ci`.

use std::collections::BTreeSet;

use leasehold_provider::{Credential, Realm, Resource, ResourceId, StackName, Value};

use crate::{arn, document, kinds};

/// The rank of a part in the order of creation; the principal has rank 0.
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

/// From this rank on, a part depends on all parts of lower rank. Few identities have such parts, and those have few of them.
const WHOLE: u8 = 5;

/// Sets the dependencies of each resource of one identity: the parts of lower rank that it needs, and the objects that it refers to.
pub fn link_resources<'a>(realm: &Realm, stack: &StackName, resources: impl IntoIterator<Item = &'a mut Resource>) {
    let mut resources: Vec<&mut Resource> = resources.into_iter().collect();
    let ranked: Vec<(u8, ResourceId)> = resources.iter().map(|r| (dependency_rank(&r.id), r.id.clone())).collect();
    for resource in &mut resources {
        let own = dependency_rank(&resource.id);
        // An identity may have many other inline policies and attachments. To keep the graph small, each depends only on the principal and
        // the Deny, and only credentials depend on all of them. A membership depends on the attachments, so it is deleted before them.
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

/// The other roles and users of this account that a role's trust policy names.
fn trusted_principal_ids(realm: &Realm, role: &Resource) -> BTreeSet<ResourceId> {
    let Some(Value::Document(trust)) = role.get("assume_role_policy") else { return BTreeSet::new() };
    let ids = document::aws_principals(trust).into_iter().filter_map(|text| arn::parse_principal_id(realm, &text));
    ids.filter(|id| *id != role.id).collect()
}

/// The OpenID Connect and SAML providers of this account that a role's trust policy names.
pub fn trusted_federation_ids(realm: &Realm, role: &Resource) -> BTreeSet<ResourceId> {
    let Some(Value::Document(trust)) = role.get("assume_role_policy") else { return BTreeSet::new() };
    document::federated_principals(trust)
        .into_iter()
        .filter_map(|text| arn::parse_federation_id(realm, &text))
        .collect()
}
