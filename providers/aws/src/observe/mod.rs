//! Reads an account in bulk. Whole, or an error that names the API: never a smaller cloud.

mod authorization;
mod credentials;
mod federations;
mod foreign;
mod groups;
mod live;
mod other_credentials;
mod pages;
mod quotas;
mod report;
mod roles;
mod shared;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use leasehold_provider::{
    Named, Observe, ObserveError, ObserveRequest, Principal, Quota, Realm, ResourceId, Snapshot, StackName,
};

use crate::failure::Failure;
use crate::retry::Calls;
use crate::{AwsProvider, kinds, links};

pub use live::{Whose, role_resource, user_resource};
pub use pages::{Page, read_all};
pub use roles::RoleFacts;

#[async_trait]
impl Observe for AwsProvider {
    async fn realm(&self) -> Result<Realm, ObserveError> {
        self.place().await.cloned()
    }

    async fn observe(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError> {
        let realm = self.place().await?;
        let reading = Reading { provider: self, realm, calls: Calls::default() };
        Ok(reading.snapshot(request).await?)
    }

    async fn quotas(&self) -> Result<Vec<Quota>, ObserveError> {
        let realm = self.place().await?;
        let reading = Reading { provider: self, realm, calls: Calls::default() };
        Ok(reading.quotas().await?)
    }

    fn leaves_open(&self, snapshot: &Snapshot) -> bool {
        let users = snapshot.identities.values().filter(|live| live.principal == Principal::User).count();
        !Reading::knows_all_of(users)
    }

    async fn look_closer(
        &self,
        stack: &StackName,
        snapshot: &mut Snapshot,
        principals: &BTreeSet<ResourceId>,
    ) -> Result<(), ObserveError> {
        let realm = self.place().await?;
        let reading = Reading { provider: self, realm, calls: Calls::default() };
        reading.closer(&mut snapshot.identities, principals).await?;
        for id in principals {
            let parts = snapshot.identities.get_mut(id).map(|identity| &mut identity.resources);
            links::link(realm, stack, parts.into_iter().flat_map(BTreeMap::values_mut));
        }
        Ok(())
    }
}

/// One observation of an account.
struct Reading<'a> {
    provider: &'a AwsProvider,
    realm: &'a Realm,
    calls: Calls,
}

impl Reading<'_> {
    async fn snapshot(&self, request: ObserveRequest<'_>) -> Result<Snapshot, Failure> {
        let (mut account, facts, federations) =
            futures::try_join!(self.authorization(&request), self.role_facts(), self.federations(&request))?;
        let marked = account.identities.values_mut().map(|live| (live.principal, &live.id, &mut live.resources));
        let unmarked = account.unmarked.values_mut().map(|found| (found.principal, &found.id, &mut found.resources));
        for (_, id, resources) in marked.chain(unmarked).filter(|(principal, ..)| *principal == Principal::Role) {
            let facts = match facts.get(&id.name) {
                Some(facts) => facts.clone(),
                // Made between the two reads, or by a page that came late: asked for by name.
                None => self.role_fact(&id.name).await?,
            };
            if let Some(resource) = resources.get_mut(id) {
                facts.set(resource);
            }
        }
        self.credentials(&mut account.identities, &request).await?;
        self.credentials_of_unmarked(&mut account.unmarked).await?;
        let marked = account.identities.values_mut().map(|live| &mut live.resources);
        for resources in marked.chain(account.unmarked.values_mut().map(|found| &mut found.resources)) {
            links::link(self.realm, request.stack, resources.values_mut());
        }
        let (mut shared, misplaced) = self.marks_of_shared(account.shared, &request).await?;
        shared.append(&mut account.groups);
        shared.extend(federations.ours);
        account.strangers.extend(federations.strangers);
        for (id, object) in &mut shared {
            object.held_by = account.held_by.remove(id).unwrap_or_default();
        }
        account.strangers.extend(misplaced);
        let parts = account.identities.values().flat_map(|identity| identity.resources.keys());
        let bearers = parts.filter(|id| [kinds::ROLE, kinds::USER, kinds::POLICY].contains(&id.kind));
        self.provider.known.observed(
            request.stack,
            bearers.chain(shared.iter().filter(|(_, object)| !object.adoptable).map(|(id, _)| id)).cloned(),
        );
        tracing::debug!(calls = self.calls.count(), "observed");
        Ok(Snapshot {
            identities: account.identities,
            shared,
            strangers: account.strangers,
            unmarked: account.unmarked,
            through_others: account.through_others,
            denying: account
                .denying
                .into_iter()
                .map(|(name, policy)| (Named { account: None, name }, policy))
                .collect(),
            ..Snapshot::empty(self.realm.clone())
        })
    }
}

/// An object's tags, as the SDK gives them.
fn tags(list: Option<Vec<aws_sdk_iam::types::Tag>>) -> BTreeMap<String, String> {
    list.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// Whether a path is AWS's own: service-linked roles and those of Identity Center are nobody's to write.
fn belongs_to_aws(path: &str) -> bool {
    path.starts_with("/aws-service-role/") || path.starts_with("/aws-reserved/")
}

/// An instant of the SDK.
fn instant(at: aws_smithy_types::DateTime) -> Option<jiff::Timestamp> {
    jiff::Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}
