//! What is not the stack's: nobody's objects, another stack's objects, objects of the same name.

use super::diff::Wanted;
use super::stage::{Stage, Stopped, Times, title};
use super::{Failure, Law, Worlds, cast};
use crate::{Change, EnactErrorKind, Marks, Principal, Quarantine, Resource, Snapshot, StackName};

pub async fn check(worlds: &dyn Worlds, failures: &mut Vec<Failure>) {
    // A scenario that stops has said why.
    let _: Result<(), Stopped> = bystanders(worlds, failures).await;
    let _: Result<(), Stopped> = namesakes(worlds, failures).await;
    let _: Result<(), Stopped> = neighbours(worlds, failures).await;
}

/// A stack lives its whole life beside strangers.
async fn bystanders(worlds: &dyn Worlds, failures: &mut Vec<Failure>) -> Result<(), Stopped> {
    let mut stage = Stage::set(worlds, failures, "beside strangers").await?;
    for (principal, name) in [(Principal::User, "stranger-user"), (Principal::Role, "stranger-role")] {
        let added = stage.world.add_stranger(principal, name).await;
        stage.scenery(added)?;
    }
    let added = stage.world.add_stranger_policy(&stage.stack, "stranger_scope").await;
    stage.scenery(added)?;
    let before = stage.world.strangers().await;
    let before = stage.scenery(before)?;
    let active = stage.active(&cast::identities(stage.world.as_ref()));
    let snapshot = stage.reach(&active, Times::Once).await?;
    for (principal, name) in [(Principal::User, "stranger-user"), (Principal::Role, "stranger-role")] {
        let id = stage.provider().principal_id(principal, name);
        let known = snapshot.strangers.get(&id).is_some_and(|stranger| stranger.stack.is_none());
        stage.demand(Law::SparesStrangers, known, format!("{id} is not observed as a stranger"));
    }
    stage.reach(&Wanted::default(), Times::Once).await?;
    spared(&mut stage, &before).await
}

/// Unmarked objects have the names that the stack wants. Every change there is, on them and on what hangs on them, is
/// refused.
async fn namesakes(worlds: &dyn Worlds, failures: &mut Vec<Failure>) -> Result<(), Stopped> {
    let mut stage = Stage::set(worlds, failures, "namesakes without mark").await?;
    let cast = cast::identities(stage.world.as_ref());
    let active = stage.active(&cast);
    for who in &cast {
        let added = stage.world.add_stranger(who.principal, &who.name).await;
        stage.scenery(added)?;
    }
    for scope in cast::scopes() {
        let added = stage.world.add_stranger_policy(&stage.stack, &scope.name).await;
        stage.scenery(added)?;
    }
    for group in cast::groups() {
        let added = stage.world.add_stranger_group(&group.name).await;
        stage.scenery(added)?;
    }
    let before = stage.world.strangers().await;
    let before = stage.scenery(before)?;
    let snapshot = stage.snapshot(&active).await?;
    let none = snapshot.identities.is_empty();
    stage.demand(Law::SparesStrangers, none, "unmarked principals count as the stack's");
    for id in active.identities.keys() {
        let known = snapshot.strangers.contains_key(id);
        stage.demand(Law::SparesStrangers, known, format!("{id} is not observed as a stranger"));
    }
    for resource in active.resources().into_values() {
        for change in every_change(resource) {
            refused(&mut stage, Law::RefusesStrangers, &change).await;
        }
    }
    spared(&mut stage, &before).await
}

/// Two stacks in one cloud: each is a stranger to the other.
async fn neighbours(worlds: &dyn Worlds, failures: &mut Vec<Failure>) -> Result<(), Stopped> {
    let mut stage = Stage::set(worlds, failures, "two stacks").await?;
    let theirs = stage.active(&cast::identities(stage.world.as_ref()));
    let before = stage.reach(&theirs, Times::Once).await?;
    let (first, second) = (stage.stack.clone(), StackName::new("conformance-neighbour"));
    let second = second.map_err(|error| stage.broken(Law::Scenery, error)).map_err(|()| Stopped)?;
    stage.stack = second;
    let snapshot = stage.snapshot(&Wanted::default()).await?;
    let none = snapshot.identities.is_empty() && snapshot.shared.is_empty();
    stage.demand(Law::SeparatesStacks, none, "one stack sees the other's objects as its own");
    for id in theirs.identities.keys() {
        let known = snapshot.strangers.get(id).is_some_and(|stranger| stranger.stack.as_ref() == Some(&first));
        stage.demand(Law::SeparatesStacks, known, format!("{id} is not observed as the other stack's"));
    }
    for resource in theirs.resources().into_values() {
        for change in every_change(resource) {
            refused(&mut stage, Law::SeparatesStacks, &change).await;
        }
        if let (Some(marks), Some(_)) = (&resource.marks, &resource.identity) {
            let ours = Box::new(Marks::new(stage.stack.clone(), marks.address.clone()));
            let id = || resource.id.clone();
            refused(&mut stage, Law::ChangesHands, &Change::Adopt { id: id(), after: ours.clone() }).await;
            refused(&mut stage, Law::ChangesHands, &Change::Unmark { id: id(), before: ours }).await;
        }
    }
    stage.reach(&Wanted::default(), Times::Once).await?;
    stage.stack = first;
    let after = stage.arrived(&theirs).await?;
    let whole = |snapshot: &Snapshot| (snapshot.identities.clone(), snapshot.shared.clone());
    stage.demand(Law::SeparatesStacks, whole(&before) == whole(&after), "one stack's run changed the other's objects");
    Ok(())
}

/// One change of every sort that could be asked of an object.
fn every_change(resource: &Resource) -> Vec<Change> {
    let object = || Box::new(resource.clone());
    let mut all = vec![
        Change::Create { after: object() },
        Change::Update { before: object(), after: object() },
        Change::Delete { before: object() },
    ];
    if let Some(marks) = &resource.marks {
        let mut after = marks.clone();
        after.quarantine = Some(Quarantine { at: cast::LATER, reason: "removed".to_owned() });
        let (before, after) = (Some(Box::new(marks.clone())), Box::new(after));
        all.push(Change::Mark { id: resource.id.clone(), before, after });
    }
    all
}

/// Demands that a change be refused as not ours, even where it would change nothing.
async fn refused(stage: &mut Stage<'_>, law: Law, change: &Change) {
    match stage.enact(change).await {
        Err(error) if error.kind == EnactErrorKind::NotOurs => {}
        Err(error) => stage.broken(law, format!("{} is refused as {:?}: {error}", title(change), error.kind)),
        Ok(()) => stage.broken(law, format!("{} is not refused", title(change))),
    }
}

async fn spared(stage: &mut Stage<'_>, before: &str) -> Result<(), Stopped> {
    let after = stage.world.strangers().await;
    let after = stage.scenery(after)?;
    stage.demand(Law::SparesStrangers, after == before, format!("strangers were {before}, and are {after}"));
    Ok(())
}
