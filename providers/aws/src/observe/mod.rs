//! Reads an account in bulk.
//!
//! In: an [`ObserveRequest`] (the stack, its desired objects, the principals to import). Out: a [`Snapshot`] of the stack's objects and of
//! the other objects that matter to it. Invariant: the snapshot is complete, or the read fails with an error that names the API. A partial
//! snapshot is never returned, because a plan would treat the missing objects as deleted.

mod authorization;
mod credentials;
mod federations;
mod foreign;
mod groups;
mod other_credentials;
mod pages;
mod quotas;
mod report;
mod resources;
mod roles;
mod shared;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use leasehold_provider::{
    ObjectName, Observe, ObserveError, ObserveRequest, Principal, Quota, Realm, ResourceId, Snapshot, StackName,
};

use crate::failure::CallError;
use crate::retry::CallLog;
use crate::{AwsProvider, kinds, links};

pub use pages::{Page, read_all_pages};
pub use resources::{IdentityBinding, role_resource, user_resource};
pub use roles::RoleFacts;

#[async_trait]
impl Observe for AwsProvider {
    async fn read_realm(&self) -> Result<Realm, ObserveError> {
        self.resolve_realm().await.cloned()
    }

    async fn observe_stack(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError> {
        let realm = self.resolve_realm().await?;
        let reading = AccountReader { provider: self, realm, calls: CallLog::default() };
        Ok(reading.read_snapshot(request).await?)
    }

    async fn read_quotas(&self) -> Result<Vec<Quota>, ObserveError> {
        let realm = self.resolve_realm().await?;
        let reading = AccountReader { provider: self, realm, calls: CallLog::default() };
        Ok(reading.read_quotas().await?)
    }

    fn has_unread_details(&self, snapshot: &Snapshot) -> bool {
        let users = snapshot.identities.values().filter(|live| live.principal == Principal::User).count();
        !AccountReader::is_exact_for(users)
    }

    async fn read_exactly(
        &self,
        stack: &StackName,
        snapshot: &mut Snapshot,
        principals: &BTreeSet<ResourceId>,
    ) -> Result<(), ObserveError> {
        let realm = self.resolve_realm().await?;
        let reading = AccountReader { provider: self, realm, calls: CallLog::default() };
        reading.reread_credentials(&mut snapshot.identities, principals).await?;
        for id in principals {
            let parts = snapshot.identities.get_mut(id).map(|identity| &mut identity.resources);
            links::link_resources(realm, stack, parts.into_iter().flat_map(BTreeMap::values_mut));
        }
        Ok(())
    }
}

/// One read of an account.
struct AccountReader<'a> {
    provider: &'a AwsProvider,
    realm: &'a Realm,
    calls: CallLog,
}

impl AccountReader<'_> {
    async fn read_snapshot(&self, request: ObserveRequest<'_>) -> Result<Snapshot, CallError> {
        let (mut account, facts, federations) = futures::try_join!(
            self.read_authorization_details(&request),
            self.list_role_facts(),
            self.read_federations(&request)
        )?;
        let marked = account.identities.values_mut().map(|live| (live.principal, &live.id, &mut live.resources));
        let import_candidates =
            account.import_candidates.values_mut().map(|found| (found.principal, &found.id, &mut found.resources));
        for (_, id, resources) in
            marked.chain(import_candidates).filter(|(principal, ..)| *principal == Principal::Role)
        {
            let facts = match facts.get(&id.name) {
                Some(facts) => facts.clone(),
                // The role was created between the two reads, or is on a page that was read late. Read it by name.
                None => self.read_role_facts(&id.name).await?,
            };
            if let Some(resource) = resources.get_mut(id) {
                facts.write_to_resource(resource);
            }
        }
        self.read_credentials(&mut account.identities, &request).await?;
        self.read_unmarked_credentials(&mut account.import_candidates).await?;
        let marked = account.identities.values_mut().map(|live| &mut live.resources);
        for resources in marked.chain(account.import_candidates.values_mut().map(|found| &mut found.resources)) {
            links::link_resources(self.realm, request.stack, resources.values_mut());
        }
        let (mut shared, misplaced) = self.read_shared_marks(account.shared, &account.policy_ids, &request).await?;
        shared.append(&mut account.groups);
        shared.extend(federations.ours);
        account.unmanaged_objects.extend(federations.unmanaged_objects);
        for (id, object) in &mut shared {
            object.foreign_attachments = account.foreign_attachments.remove(id).unwrap_or_default();
        }
        account.unmanaged_objects.extend(misplaced);
        let parts = account.identities.values().flat_map(|identity| identity.resources.keys());
        let candidates = parts.filter(|id| [kinds::ROLE, kinds::USER, kinds::POLICY].contains(&id.kind));
        self.provider.known.record_observed(
            request.stack,
            candidates.chain(shared.iter().filter(|(_, object)| !object.importable).map(|(id, _)| id)).cloned(),
        );
        tracing::debug!(calls = self.calls.attempt_count(), "observed");
        Ok(Snapshot {
            identities: account.identities,
            shared,
            unmanaged_objects: account.unmanaged_objects,
            import_candidates: account.import_candidates,
            foreign_groups: account.foreign_group_policies,
            denying: account
                .denying
                .into_iter()
                .map(|(name, policy)| (ObjectName { account: None, name }, policy))
                .collect(),
            ..Snapshot::for_realm(self.realm.clone())
        })
    }
}

/// Tags of the SDK, by key.
fn tags_by_key(list: Option<Vec<aws_sdk_iam::types::Tag>>) -> BTreeMap<String, String> {
    list.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// Whether the path belongs to AWS: it contains service-linked roles and the roles of IAM Identity Center, which customers cannot write.
fn is_aws_path(path: &str) -> bool {
    path.starts_with("/aws-service-role/") || path.starts_with("/aws-reserved/")
}

/// Converts a timestamp of the SDK. `None` if it is out of range.
fn timestamp_from_sdk(at: aws_smithy_types::DateTime) -> Option<jiff::Timestamp> {
    jiff::Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}
