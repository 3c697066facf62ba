//! Principals that become the stack's, and that become nobody's.

use std::collections::BTreeMap;

use super::diff::Wanted;
use super::stage::{Stage, Stopped, title};
use super::{Failure, Law, Worlds};
use crate::{Address, Attributes, Change, Marks, ObserveRequest, Principal, Resource, ResourceId, Snapshot};

pub async fn check(worlds: &dyn Worlds, failures: &mut Vec<Failure>) {
    for principal in [Principal::User, Principal::Role] {
        // A scenario that stops has said why.
        let _: Result<(), Stopped> = there_and_back(worlds, failures, principal).await;
    }
}

/// What everything of a principal says, marks aside.
fn said(resources: &BTreeMap<ResourceId, Resource>) -> BTreeMap<&ResourceId, &Attributes> {
    resources.iter().map(|(id, resource)| (id, &resource.attributes)).collect()
}

async fn there_and_back(worlds: &dyn Worlds, failures: &mut Vec<Failure>, principal: Principal) -> Result<(), Stopped> {
    const NAME: &str = "adopted";
    let mut stage = Stage::set(worlds, failures, &format!("a {} is adopted and let go of", principal.as_str())).await?;
    let added = stage.world.add_stranger(principal, NAME).await;
    stage.scenery(added)?;
    let strange = stage.world.strangers().await;
    let strange = stage.scenery(strange)?;
    let id = stage.provider().principal_id(principal, NAME);
    let address = Address::identity(NAME, None);

    let found = asked_for(&mut stage, &id, &address).await?;
    let Some(unmarked) = found.unmarked.get(&id) else {
        stage.broken(Law::ChangesHands, format!("{id} was asked for and is not observed whole"));
        return Err(Stopped);
    };
    let whole = unmarked.resources.values().all(|r| r.identity.as_ref() == Some(&address) && r.marks.is_none());
    stage.demand(Law::ChangesHands, whole, "what was asked for is not part of its address, or carries marks");
    stage.demand(Law::ChangesHands, unmarked.resources.len() > 1, "what hangs on it is not observed");

    let marks = Marks::new(stage.stack.clone(), address.clone());
    let adopt = Change::Adopt { id: id.clone(), after: Box::new(marks.clone()) };
    twice(&mut stage, &adopt).await?;
    let snapshot = stage.snapshot(&Wanted::default()).await?;
    let Some(live) = snapshot.identities.get(&id) else {
        stage.broken(Law::ChangesHands, format!("{id} was adopted and is not the stack's"));
        return Err(Stopped);
    };
    stage.demand(Law::ChangesHands, live.marks == marks, "the marks are not the ones that were put on");
    let same = said(&live.resources) == said(&unmarked.resources);
    stage.demand(Law::ChangesHands, same, "adopting it changed something else");

    let unmark = Change::Unmark { id: id.clone(), before: Box::new(marks) };
    twice(&mut stage, &unmark).await?;
    let snapshot = stage.snapshot(&Wanted::default()).await?;
    let gone = !snapshot.identities.contains_key(&id) && snapshot.strangers.contains_key(&id);
    stage.demand(Law::ChangesHands, gone, format!("{id} was let go of and is not a stranger"));
    let after = stage.world.strangers().await;
    let after = stage.scenery(after)?;
    stage.demand(Law::ChangesHands, after == strange, format!("it was {strange}, and is {after}"));
    Ok(())
}

async fn asked_for(stage: &mut Stage<'_>, id: &ResourceId, address: &Address) -> Result<Snapshot, Stopped> {
    let (stack, adopt) = (stage.stack.clone(), BTreeMap::from([(id.clone(), address.clone())]));
    let shared = BTreeMap::new();
    let request = ObserveRequest { adopt: &adopt, ..ObserveRequest::plain(&stack, &shared) };
    let observed = stage.provider().observe(request).await;
    observed.map_err(|error| {
        stage.broken(Law::ReadsBack, format!("observe failed: {error}"));
        Stopped
    })
}

async fn twice(stage: &mut Stage<'_>, change: &Change) -> Result<(), Stopped> {
    for law in [Law::Enacts, Law::Repeatable] {
        if let Err(error) = stage.enact(change).await {
            stage.broken(law, format!("{}: {error}", title(change)));
            return Err(Stopped);
        }
    }
    Ok(())
}
