//! Reads all accounts at the same time. If one of them cannot be read, the whole read fails.
//!
//! In: a request with ids of all accounts. Out: one snapshot with ids of all accounts. Each account's provider gets
//! only the ids of its account.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::future::try_join_all;
use leasehold_provider::{
    Address, Alias, ObjectName, Observe, ObserveError, ObserveRequest, OwnedObjects, Quota, Realm, Resource,
    ResourceId, Snapshot, StackName,
};

use super::place::{AccountScoped, select_account, select_account_ids};
use super::{AccountMember, MultiAccountProvider, cross_account};

/// The part of a request that one account's provider gets.
struct AccountRequest {
    shared: BTreeMap<ResourceId, Resource>,
    exact: BTreeSet<ResourceId>,
    exact_keys: BTreeSet<ResourceId>,
    imports: BTreeMap<ResourceId, Address>,
    owned: Option<OwnedObjects>,
}

impl AccountRequest {
    fn for_member(request: &ObserveRequest<'_>, account: Option<&Alias>) -> Self {
        Self {
            shared: select_account(request.shared, account),
            exact: select_account_ids(request.exact, account),
            exact_keys: select_account_ids(request.exact_keys, account),
            imports: select_account(request.imports, account),
            owned: request.owned.map(|owned| OwnedObjects {
                // The system assigns unique ids: they are of no account of the stack.
                objects: owned.objects.clone(),
                unconfirmed: select_account(&owned.unconfirmed, account),
            }),
        }
    }
}

#[async_trait]
impl Observe for MultiAccountProvider {
    async fn read_realm(&self) -> Result<Realm, ObserveError> {
        let realms = self
            .members
            .values()
            .map(|member| async { member.observe.read_realm().await.map_err(|e| member.add_account_to_error(e)) });
        let realms = try_join_all(realms).await?;
        self.combine_realms(realms)
    }

    async fn observe_stack(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError> {
        // Check that no two providers reach the same account before anything is read.
        self.read_realm().await?;
        let read = self.members.iter().map(|(account, member)| async move {
            let AccountRequest { shared, exact, exact_keys, imports, owned } =
                AccountRequest::for_member(&request, account.as_ref());
            let request = ObserveRequest {
                stack: request.stack,
                owned: owned.as_ref(),
                shared: &shared,
                exact: &exact,
                exact_keys: &exact_keys,
                imports: &imports,
                only_exact_credentials: request.only_exact_credentials,
            };
            let snapshot =
                member.observe.observe_stack(request).await.map_err(|error| member.add_account_to_error(error))?;
            Ok::<_, ObserveError>(snapshot.with_optional_account(account.as_ref()))
        });
        let read = try_join_all(read).await?;
        let realm = self.combine_realms(read.iter().map(|snapshot| snapshot.realm.clone()).collect())?;
        let mut whole = Snapshot::for_realm(realm);
        for snapshot in read {
            merge_snapshot(&mut whole, snapshot);
        }
        self.link_snapshot(&mut whole, |_| true);
        Ok(whole)
    }

    async fn read_quotas(&self) -> Result<Vec<Quota>, ObserveError> {
        let quotas = self.members.iter().map(|(account, member)| async move {
            let quotas = member.observe.read_quotas().await.map_err(|error| member.add_account_to_error(error))?;
            Ok::<_, ObserveError>(quotas.with_optional_account(account.as_ref()))
        });
        Ok(try_join_all(quotas).await?.concat())
    }

    fn has_unread_details(&self, snapshot: &Snapshot) -> bool {
        self.members
            .iter()
            .any(|(account, member)| member.observe.has_unread_details(&account_snapshot(snapshot, account.as_ref())))
    }

    async fn read_exactly(
        &self,
        stack: &StackName,
        snapshot: &mut Snapshot,
        principals: &BTreeSet<ResourceId>,
    ) -> Result<(), ObserveError> {
        let looks = self.members.iter().map(|(account, member)| {
            let desired = select_account_ids(principals, account.as_ref());
            let before = (!desired.is_empty()).then(|| account_snapshot(snapshot, account.as_ref()));
            async move {
                let Some(mut part) = before.filter(|part| member.observe.has_unread_details(part)) else {
                    return Ok(None);
                };
                read_member_exactly(member, stack, &mut part, &desired).await?;
                Ok::<_, ObserveError>(Some(part.with_optional_account(account.as_ref())))
            }
        });
        for read in try_join_all(looks).await?.into_iter().flatten() {
            // An identity that was read again replaces the earlier one.
            snapshot.identities.extend(read.identities);
        }
        self.link_snapshot(snapshot, |id| principals.contains(id));
        Ok(())
    }
}

async fn read_member_exactly(
    member: &AccountMember,
    stack: &StackName,
    part: &mut Snapshot,
    desired: &BTreeSet<ResourceId>,
) -> Result<(), ObserveError> {
    member.observe.read_exactly(stack, part, desired).await.map_err(|error| member.add_account_to_error(error))
}

impl MultiAccountProvider {
    /// Adds dependencies on principals of other accounts that a principal's documents name.
    fn link_snapshot(&self, snapshot: &mut Snapshot, ownership: impl Fn(&ResourceId) -> bool) {
        let realm = snapshot.realm.clone();
        for (id, live) in snapshot.identities.iter_mut().filter(|(id, _)| ownership(id)) {
            if let Some(principal) = live.resources.get_mut(id) {
                cross_account::link_cross_account(self.names.as_ref(), &realm, principal);
            }
        }
    }
}

fn merge_snapshot(whole: &mut Snapshot, mut part: Snapshot) {
    whole.identities.append(&mut part.identities);
    whole.shared.append(&mut part.shared);
    whole.unmanaged_objects.append(&mut part.unmanaged_objects);
    whole.import_candidates.append(&mut part.import_candidates);
    whole.foreign_groups.append(&mut part.foreign_groups);
    whole.denying.append(&mut part.denying);
}

/// The part of a snapshot that is in one account, as the provider of that account sees it.
fn account_snapshot(snapshot: &Snapshot, account: Option<&Alias>) -> Snapshot {
    Snapshot {
        identities: select_account(&snapshot.identities, account),
        shared: select_account(&snapshot.shared, account),
        unmanaged_objects: select_account(&snapshot.unmanaged_objects, account),
        import_candidates: select_account(&snapshot.import_candidates, account),
        foreign_groups: select_account(&snapshot.foreign_groups, account),
        denying: {
            let of_account = snapshot.denying.iter().filter(|(named, _)| named.account.as_ref() == account);
            of_account.map(|(named, policy)| (ObjectName { account: None, ..named.clone() }, policy.clone())).collect()
        },
        ..Snapshot::for_realm(Realm { others: BTreeMap::new(), ..snapshot.realm.for_account(account).clone() })
    }
}
