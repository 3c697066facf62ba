//! The marks of scopes' policies. The bulk read does not return the tags of managed policies, so they are read only for policies that
//! differ from the configuration.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use leasehold_provider::{
    Address, ForeignMarks, LiveShared, Marks, ObserveRequest, Resource, ResourceId, UnmanagedObject,
};

use super::AccountReader;
use super::pages::{Page, read_all_pages};
use crate::failure::CallError;
use crate::retry::RetryClass;
use crate::{arn, kinds};

/// Policies of the stack, and policies under its path whose tags name another stack.
type SortedPolicies = (BTreeMap<ResourceId, LiveShared>, BTreeMap<ResourceId, UnmanagedObject>);

impl AccountReader<'_> {
    /// Reads the marks of every policy that differs from its desired state. `unique_ids` has the unique id of each policy.
    ///
    /// # Errors
    /// A call fails.
    pub async fn read_shared_marks(
        &self,
        live: BTreeMap<ResourceId, Resource>,
        unique_ids: &BTreeMap<ResourceId, String>,
        request: &ObserveRequest<'_>,
    ) -> Result<SortedPolicies, CallError> {
        let differs = |resource: &Resource| {
            request.shared.get(&resource.id).is_none_or(|desired| desired.attributes != resource.attributes)
        };
        let read = stream::iter(live.into_values().map(|resource| async {
            let marks =
                if differs(&resource) { Some(self.read_policy_marks(&resource.id, request).await?) } else { None };
            Ok::<_, CallError>((resource, marks))
        }));
        let read: Vec<(Resource, Option<PolicyMarks>)> = read.buffer_unordered(8).try_collect().await?;
        let (mut shared, mut unmanaged_objects) = SortedPolicies::default();
        for (mut resource, marks) in read {
            match marks {
                Some(PolicyMarks::Foreign(unmanaged_object)) => {
                    unmanaged_objects.insert(resource.id, unmanaged_object);
                    continue;
                }
                Some(PolicyMarks::Ours(marks)) => resource.marks = Some(*marks),
                None => {}
            }
            let address = Address::from_qualified_name("scope", kinds::part_name(&resource.id));
            let unique_id = unique_ids.get(&resource.id).cloned();
            let recorded = request.owned.zip(unique_id.as_ref());
            let recorded = recorded.and_then(|(owned, unique_id)| owned.objects.get(unique_id));
            let recorded = recorded.map(|object| object.marks.clone());
            let live = LiveShared::new(resource, address, unique_id).with_recorded_marks(recorded);
            shared.insert(live.resource.id.clone(), live);
        }
        Ok((shared, unmanaged_objects))
    }

    async fn read_policy_marks(&self, id: &ResourceId, request: &ObserveRequest<'_>) -> Result<PolicyMarks, CallError> {
        const OPERATION: &str = "iam:ListPolicyTags";
        let scope = kinds::part_name(id);
        let policy = arn::scope_policy_arn(self.realm, request.stack, scope);
        let iam = &self.provider.clients.iam;
        let mut tags = BTreeMap::new();
        let fetch = async |marker: Option<String>| {
            let send = || iam.list_policy_tags().policy_arn(&policy).set_marker(marker.clone()).send();
            let page =
                self.provider.caller.call_with_retries(&self.calls, OPERATION, RetryClass::Idempotent, send).await?;
            Ok(Page { items: super::tags_by_key(Some(page.tags)), truncated: page.is_truncated, marker: page.marker })
        };
        read_all_pages(OPERATION, fetch, |found| {
            tags.extend(found);
            Ok(())
        })
        .await?;
        let foreign = |stack, reason| {
            let found = ForeignMarks { stack, unreadable: Some(reason), ..ForeignMarks::default() };
            PolicyMarks::Foreign(found.into_unmanaged_object(policy.clone()))
        };
        let by_path = || {
            let address = Address::from_qualified_name("scope", scope);
            PolicyMarks::Ours(Box::new(Marks::new(request.stack.clone(), address)))
        };
        Ok(match Marks::from_tags(&tags) {
            Ok(Some(marks)) if request.owned.is_some() || marks.stack == *request.stack => {
                PolicyMarks::Ours(Box::new(marks))
            }
            Ok(Some(marks)) => {
                let reason = format!("its path names stack {}, but its tags name stack {}", request.stack, marks.stack);
                foreign(Some(marks.stack), reason)
            }
            // Without tags, the path alone decides the owner.
            Ok(None) => by_path(),
            // The stack owns the policy, and writes marks that cannot be read again.
            Err(_) if request.owned.is_some() => by_path(),
            Err(problem) => foreign(Some(request.stack.clone()), problem.to_string()),
        })
    }
}

/// The owner of a policy according to its tags.
enum PolicyMarks {
    Ours(Box<Marks>),
    Foreign(UnmanagedObject),
}
