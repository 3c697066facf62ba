//! Sets `depends_on` on the objects of one identity: which of them must exist before which.
//!
//! In: all objects of an identity, desired or live. Out: the same objects, each with the ids it depends on. For a user
//! with a lease, an attached scope and an access key (arrows point from an object to what it depends on):
//!
//! ```text
//! access key ──→ attachment ──→ scope policy
//!      │              │
//!      └──────────────┴──→ lease policy (Deny after the deadline) ──→ user
//! ```
//!
//! The lease policy is created before anything that grants access, so that no access exists without its deadline.
//! Deletion follows the arrows the other way: credentials, attachments, lease policy, principal.

use std::collections::BTreeSet;

use leasehold_provider::{Resource, ResourceId, Value};

use crate::documents;
use crate::kinds::{self, DirectoryObject, DirectoryPart};

/// Replaces `depends_on` of every object in `resources`, which are all objects of the identity whose principal is
/// `principal`.
pub fn set_dependencies(principal: &ResourceId, resources: &mut [Resource]) {
    let lease = kinds::part_id(kinds::INLINE_POLICY, &principal.name, kinds::LEASE_POLICY);
    let has_lease = resources.iter().any(|r| r.id == lease);
    let gives_access: Vec<ResourceId> = resources
        .iter()
        .filter(|r| {
            matches!(
                kinds::parse_object_id(&r.id),
                Some(DirectoryObject::Part(
                    _,
                    DirectoryPart::Inline(_) | DirectoryPart::Attachment(_) | DirectoryPart::Membership(_)
                ))
            )
        })
        .map(|r| r.id.clone())
        .collect();
    for resource in resources {
        let mut depends_on = BTreeSet::new();
        match kinds::parse_object_id(&resource.id) {
            Some(DirectoryObject::Part(_, part)) => {
                depends_on.insert(principal.clone());
                match part {
                    DirectoryPart::Key(_) | DirectoryPart::Login => depends_on.extend(gives_access.iter().cloned()),
                    DirectoryPart::Attachment(policy) if !kinds::is_arn(policy) => {
                        depends_on.insert(ResourceId::new(kinds::POLICY, policy));
                    }
                    DirectoryPart::Membership(group) => {
                        depends_on.insert(kinds::group_id(group));
                    }
                    DirectoryPart::Attachment(_) | DirectoryPart::Inline(_) => {}
                }
                if has_lease && resource.id != lease {
                    depends_on.insert(lease.clone());
                }
            }
            Some(DirectoryObject::Principal(..)) => {
                if let Some(Value::Document(trust)) = resource.get("trust") {
                    depends_on = documents::trusted_principals(trust);
                    depends_on.remove(principal);
                }
            }
            Some(DirectoryObject::Policy(_) | DirectoryObject::Group(_) | DirectoryObject::GroupPart(..)) | None => {}
        }
        resource.depends_on = depends_on;
    }
}

#[cfg(test)]
mod tests {
    use leasehold_provider::Principal;

    use super::*;

    #[test]
    fn credentials_depend_on_grants_and_grants_on_the_lease_policy() {
        let user = kinds::principal_id(Principal::User, "jane");
        let lease = kinds::part_id(kinds::INLINE_POLICY, "jane", kinds::LEASE_POLICY);
        let unmanaged = kinds::part_id(kinds::INLINE_POLICY, "jane", "unmanaged");
        let reads = kinds::part_id(kinds::ATTACHMENT, "jane", "reads");
        let key = kinds::part_id(kinds::ACCESS_KEY, "jane", "KEY1");
        let ids = [&user, &lease, &unmanaged, &reads, &key];
        let mut all: Vec<Resource> = ids.map(|id| Resource::new(id.clone(), None)).into();
        set_dependencies(&user, &mut all);
        let depends_on = |index: usize| all[index].depends_on.iter().collect::<Vec<_>>();
        assert!(depends_on(0).is_empty());
        assert_eq!(depends_on(1), [&user]);
        assert_eq!(depends_on(2), [&lease, &user]);
        assert_eq!(depends_on(3), [&lease, &ResourceId::new(kinds::POLICY, "reads"), &user]);
        assert_eq!(depends_on(4), [&reads, &lease, &unmanaged, &user]);
    }
}
