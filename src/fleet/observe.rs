//! Reading: all accounts at once. One that cannot be read fails the whole.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::future::try_join_all;
use leasehold_provider::{
    Address, Alias, Named, Observe, ObserveError, ObserveRequest, Quota, Realm, Resource, ResourceId, Snapshot,
    StackName,
};

use super::place::{Place, share, share_of_ids};
use super::{Fleet, Member, beyond};

/// What is asked of one account.
struct Share {
    shared: BTreeMap<ResourceId, Resource>,
    exact: BTreeSet<ResourceId>,
    keys_of: BTreeSet<ResourceId>,
    adopt: BTreeMap<ResourceId, Address>,
}

impl Share {
    fn of(request: &ObserveRequest<'_>, account: Option<&Alias>) -> Self {
        Self {
            shared: share(request.shared, account),
            exact: share_of_ids(request.exact, account),
            keys_of: share_of_ids(request.keys_of, account),
            adopt: share(request.adopt, account),
        }
    }
}

#[async_trait]
impl Observe for Fleet {
    async fn realm(&self) -> Result<Realm, ObserveError> {
        let realms =
            self.members.values().map(|member| async { member.observe.realm().await.map_err(|e| member.named(e)) });
        let realms = try_join_all(realms).await?;
        self.together(realms)
    }

    async fn observe(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError> {
        // Nothing is read before it is known that no two of them are one.
        self.realm().await?;
        let read = self.members.iter().map(|(account, member)| async move {
            let Share { shared, exact, keys_of, adopt } = Share::of(&request, account.as_ref());
            let request = ObserveRequest {
                stack: request.stack,
                shared: &shared,
                exact: &exact,
                keys_of: &keys_of,
                adopt: &adopt,
                no_other_credentials: request.no_other_credentials,
            };
            let snapshot = member.observe.observe(request).await.map_err(|error| member.named(error))?;
            Ok::<_, ObserveError>(snapshot.into_fleet(account.as_ref()))
        });
        let read = try_join_all(read).await?;
        let realm = self.together(read.iter().map(|snapshot| snapshot.realm.clone()).collect())?;
        let mut whole = Snapshot::empty(realm);
        for snapshot in read {
            add(&mut whole, snapshot);
        }
        self.link(&mut whole, |_| true);
        Ok(whole)
    }

    async fn quotas(&self) -> Result<Vec<Quota>, ObserveError> {
        let quotas = self.members.iter().map(|(account, member)| async move {
            let quotas = member.observe.quotas().await.map_err(|error| member.named(error))?;
            Ok::<_, ObserveError>(quotas.into_fleet(account.as_ref()))
        });
        Ok(try_join_all(quotas).await?.concat())
    }

    fn leaves_open(&self, snapshot: &Snapshot) -> bool {
        self.members.iter().any(|(account, member)| member.observe.leaves_open(&part(snapshot, account.as_ref())))
    }

    async fn look_closer(
        &self,
        stack: &StackName,
        snapshot: &mut Snapshot,
        principals: &BTreeSet<ResourceId>,
    ) -> Result<(), ObserveError> {
        let looks = self.members.iter().map(|(account, member)| {
            let wanted = share_of_ids(principals, account.as_ref());
            let before = (!wanted.is_empty()).then(|| part(snapshot, account.as_ref()));
            async move {
                let Some(mut part) = before.filter(|part| member.observe.leaves_open(part)) else { return Ok(None) };
                closer(member, stack, &mut part, &wanted).await?;
                Ok::<_, ObserveError>(Some(part.into_fleet(account.as_ref())))
            }
        });
        for read in try_join_all(looks).await?.into_iter().flatten() {
            // What was read anew takes the place of what was there.
            snapshot.identities.extend(read.identities);
        }
        self.link(snapshot, |id| principals.contains(id));
        Ok(())
    }
}

async fn closer(
    member: &Member,
    stack: &StackName,
    part: &mut Snapshot,
    wanted: &BTreeSet<ResourceId>,
) -> Result<(), ObserveError> {
    member.observe.look_closer(stack, part, wanted).await.map_err(|error| member.named(error))
}

impl Fleet {
    /// Adds to the needs of principals those whom they trust in other accounts.
    fn link(&self, snapshot: &mut Snapshot, whose: impl Fn(&ResourceId) -> bool) {
        let realm = snapshot.realm.clone();
        for (id, live) in snapshot.identities.iter_mut().filter(|(id, _)| whose(id)) {
            if let Some(principal) = live.resources.get_mut(id) {
                beyond::link(self.realize.as_ref(), &realm, principal);
            }
        }
    }
}

fn add(whole: &mut Snapshot, mut part: Snapshot) {
    whole.identities.append(&mut part.identities);
    whole.shared.append(&mut part.shared);
    whole.strangers.append(&mut part.strangers);
    whole.unmarked.append(&mut part.unmarked);
    whole.through_others.append(&mut part.through_others);
    whole.denying.append(&mut part.denying);
}

/// What a snapshot holds of one account, as its provider sees it.
fn part(snapshot: &Snapshot, account: Option<&Alias>) -> Snapshot {
    Snapshot {
        identities: share(&snapshot.identities, account),
        shared: share(&snapshot.shared, account),
        strangers: share(&snapshot.strangers, account),
        unmarked: share(&snapshot.unmarked, account),
        through_others: share(&snapshot.through_others, account),
        denying: {
            let of_account = snapshot.denying.iter().filter(|(named, _)| named.account.as_ref() == account);
            of_account.map(|(named, policy)| (Named { account: None, ..named.clone() }, policy.clone())).collect()
        },
        ..Snapshot::empty(Realm { others: BTreeMap::new(), ..snapshot.realm.at(account).clone() })
    }
}
