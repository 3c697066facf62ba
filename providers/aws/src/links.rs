//! The order in which the parts of one identity come and go, the same for desired and live ones.
//!
//! principal ← inline `leasehold` ← other inline policies ← attachments and memberships ← credentials. What comes later goes
//! first, so the Deny in `leasehold` is the last to go before the principal.

use std::collections::BTreeSet;

use leasehold_provider::{Realm, Resource, ResourceId, StackName, Value};

use crate::kinds::{
    ACCESS_KEY, LOGIN_PROFILE, MEMBERSHIP, POLICY, ROLE, ROLE_ATTACHMENT, ROLE_POLICY, USER_ATTACHMENT, USER_POLICY,
};
use crate::{arn, document, kinds};

/// Which part of an identity a resource is, in the order they are made.
fn rank(id: &ResourceId) -> u8 {
    match &id.kind {
        _ if kinds::is_own_inline(id) => 1,
        kind if [ROLE_POLICY, USER_POLICY, POLICY].contains(kind) => 2,
        kind if [ROLE_ATTACHMENT, USER_ATTACHMENT, MEMBERSHIP].contains(kind) => 3,
        kind if [ACCESS_KEY, LOGIN_PROFILE].contains(kind) => 4,
        _ => 0,
    }
}

/// Sets what each resource of one identity needs: everything of it that comes before, and what it points at.
pub fn link<'a>(realm: &Realm, stack: &StackName, resources: impl IntoIterator<Item = &'a mut Resource>) {
    let mut resources: Vec<&mut Resource> = resources.into_iter().collect();
    let ranked: Vec<(u8, ResourceId)> = resources.iter().map(|r| (rank(&r.id), r.id.clone())).collect();
    for resource in &mut resources {
        let own = rank(&resource.id);
        // Other inline policies and attachments are many at times: each needs the Deny, and only credentials need them all.
        let mut needs: BTreeSet<ResourceId> = ranked
            .iter()
            .filter(|(other, _)| *other < own && (*other < 2 || own == 4))
            .map(|(_, id)| id.clone())
            .collect();
        if let Some(policy) = resource.get("policy_arn").and_then(Value::as_text) {
            needs.extend(arn::scope_of(realm, stack, policy).map(|scope| kinds::scope(stack, scope)));
            needs.extend(arn::own_policy_of(realm, stack, policy).map(|user| kinds::own_policy(stack, user)));
        }
        if resource.id.kind == MEMBERSHIP {
            needs.insert(kinds::group(kinds::part(&resource.id)));
        }
        if resource.id.kind == ROLE {
            needs.extend(trusted(realm, resource));
        }
        resource.depends_on = needs;
    }
}

/// The other roles and users of this account that a role's trust names.
fn trusted(realm: &Realm, role: &Resource) -> BTreeSet<ResourceId> {
    let Some(Value::Document(trust)) = role.get("assume_role_policy") else { return BTreeSet::new() };
    let ids = document::aws_principals(trust).into_iter().filter_map(|text| arn::principal_id(realm, &text));
    ids.filter(|id| *id != role.id).collect()
}
