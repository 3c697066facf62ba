//! What must exist before what, among the objects of one identity.
//!
//! A principal comes first, then the inline policy with its lease fence, then what gives access, then credentials. Read
//! backwards it is the order of a deletion: credentials, attachments, the fence, the principal. Desired and live objects
//! get their order here alike.

use std::collections::BTreeSet;

use leasehold_provider::{Resource, ResourceId, Value};

use crate::documents;
use crate::kinds::{self, Part, Target};

/// Writes every object's `depends_on`. `resources` are all of one identity, the principal among them.
pub fn arrange(principal: &ResourceId, resources: &mut [Resource]) {
    let lease = kinds::part_id(kinds::INLINE_POLICY, &principal.name, kinds::LEASE_POLICY);
    let fenced = resources.iter().any(|r| r.id == lease);
    let gives_access: Vec<ResourceId> = resources
        .iter()
        .filter(|r| {
            matches!(
                kinds::target(&r.id),
                Some(Target::Part(_, Part::Inline(_) | Part::Attachment(_) | Part::Membership(_)))
            )
        })
        .map(|r| r.id.clone())
        .collect();
    for resource in resources {
        let mut needs = BTreeSet::new();
        match kinds::target(&resource.id) {
            Some(Target::Part(_, part)) => {
                needs.insert(principal.clone());
                match part {
                    Part::Key(_) | Part::Login => needs.extend(gives_access.iter().cloned()),
                    Part::Attachment(policy) if !kinds::is_arn(policy) => {
                        needs.insert(ResourceId::new(kinds::POLICY, policy));
                    }
                    Part::Membership(group) => {
                        needs.insert(kinds::group_id(group));
                    }
                    Part::Attachment(_) | Part::Inline(_) => {}
                }
                if fenced && resource.id != lease {
                    needs.insert(lease.clone());
                }
            }
            Some(Target::Principal(..)) => {
                if let Some(Value::Document(trust)) = resource.get("trust") {
                    needs = documents::trusted_principals(trust);
                    needs.remove(principal);
                }
            }
            Some(Target::Policy(_) | Target::Group(_) | Target::GroupPart(..)) | None => {}
        }
        resource.depends_on = needs;
    }
}

#[cfg(test)]
mod tests {
    use leasehold_provider::Principal;

    use super::*;

    #[test]
    fn credentials_come_last_and_the_fence_before_what_gives_access() {
        let user = kinds::principal_id(Principal::User, "jane");
        let lease = kinds::part_id(kinds::INLINE_POLICY, "jane", kinds::LEASE_POLICY);
        let stray = kinds::part_id(kinds::INLINE_POLICY, "jane", "stray");
        let reads = kinds::part_id(kinds::ATTACHMENT, "jane", "reads");
        let key = kinds::part_id(kinds::ACCESS_KEY, "jane", "KEY1");
        let ids = [&user, &lease, &stray, &reads, &key];
        let mut all: Vec<Resource> = ids.map(|id| Resource::new(id.clone(), None)).into();
        arrange(&user, &mut all);
        let needs = |index: usize| all[index].depends_on.iter().collect::<Vec<_>>();
        assert!(needs(0).is_empty());
        assert_eq!(needs(1), [&user]);
        assert_eq!(needs(2), [&lease, &user]);
        assert_eq!(needs(3), [&lease, &ResourceId::new(kinds::POLICY, "reads"), &user]);
        assert_eq!(needs(4), [&reads, &lease, &stray, &user]);
    }
}
