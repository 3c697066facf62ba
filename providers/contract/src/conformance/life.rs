//! An identity's life in the cloud: it joins, moves, is tampered with, is quarantined, is restored, leaves.

use super::diff::Wanted;
use super::stage::{Stage, Stopped, Times, title};
use super::{Failure, Law, Worlds, cast};
use crate::{Change, Principal, Resource};

pub async fn check(worlds: &dyn Worlds, failures: &mut Vec<Failure>) {
    // A scenario that stops has said why.
    let _: Result<(), Stopped> = join_and_leave(worlds, failures).await;
    let _: Result<(), Stopped> = moves(worlds, failures).await;
    let _: Result<(), Stopped> = tampering(worlds, failures).await;
    let _: Result<(), Stopped> = quarantine(worlds, failures).await;
    let _: Result<(), Stopped> = interruptions(worlds, failures).await;
}

/// All join, every change made twice; then all leave, likewise.
async fn join_and_leave(worlds: &dyn Worlds, failures: &mut Vec<Failure>) -> Result<(), Stopped> {
    let mut stage = Stage::set(worlds, failures, "joiners").await?;
    let wanted = stage.active(&cast::identities(stage.world.as_ref()));
    let snapshot = stage.reach(&wanted, Times::Twice).await?;
    for (id, identity) in &snapshot.identities {
        let ours = identity.id == *id && identity.resources.contains_key(id);
        stage.demand(Law::ReadsBack, ours, format!("{id} does not hold its own principal"));
        stage.demand(Law::ReadsBack, identity.last_used.is_none(), format!("{id} was used by nobody"));
    }
    stage.demand(Law::SparesStrangers, snapshot.strangers.is_empty(), "there are strangers where nobody made one");
    stage.scene = "leavers".to_owned();
    let snapshot = stage.reach(&Wanted::default(), Times::Twice).await?;
    let gone = snapshot.identities.is_empty() && snapshot.shared.is_empty() && snapshot.strangers.is_empty();
    stage.demand(Law::Leaves, gone, "something is left");
    Ok(())
}

/// One user and one role move in every way, back and forth, and end as they began; then a scope that both hold changes.
async fn moves(worlds: &dyn Worlds, failures: &mut Vec<Failure>) -> Result<(), Stopped> {
    let mut stage = Stage::set(worlds, failures, "before the moves").await?;
    let cast = [cast::full_user(stage.world.as_ref()), cast::full_role(stage.world.as_ref())];
    let home = stage.active(&cast);
    stage.reach(&home, Times::Once).await?;
    for (what, change) in cast::MOVES {
        stage.scene = format!("mover {what}");
        let mut moved = cast.clone();
        moved.iter_mut().for_each(change);
        let wanted = stage.active(&moved);
        stage.reach(&wanted, Times::Twice).await?;
        stage.scene = format!("mover {what}, and back");
        stage.reach(&home, Times::Twice).await?;
    }
    stage.scene = "a shared scope changes".to_owned();
    let mut wanted = home.clone();
    for mut scope in cast::scopes() {
        for statement in &mut scope.statements {
            statement.actions.push("s3:GetObjectVersion".to_owned());
        }
        wanted.share(stage.provider().scope(&stage.realm, &stage.stack, &scope));
    }
    stage.reach(&wanted, Times::Twice).await?;
    stage.scene = "a group changes".to_owned();
    for mut group in cast::groups() {
        let (realm, stack) = (stage.realm.clone(), stage.stack.clone());
        group.statements.clear();
        group.scopes = ["conf_write".to_owned()].into();
        let changed = stage.provider().group(&realm, &stack, &group);
        wanted.shared.retain(|id, _| !changed.iter().any(|part| stage.provider().shared_whole(id) == part.id));
        wanted.share_all(changed);
    }
    stage.reach(&wanted, Times::Twice).await?;
    stage.reach(&home, Times::Twice).await?;
    Ok(())
}

/// Others put access and credentials on identities: both are seen, and gone after the next run.
async fn tampering(worlds: &dyn Worlds, failures: &mut Vec<Failure>) -> Result<(), Stopped> {
    let mut stage = Stage::set(worlds, failures, "before the tampering").await?;
    let cast = [cast::full_user(stage.world.as_ref()), cast::full_role(stage.world.as_ref())];
    let wanted = stage.active(&cast);
    stage.reach(&wanted, Times::Once).await?;
    for who in &cast {
        stage.scene = format!("strays on {}", who.name);
        let added = stage.world.add_strays(who.principal, &who.name).await;
        stage.scenery(added)?;
        if who.principal == Principal::User {
            let added = stage.world.add_credentials(&who.name).await;
            stage.scenery(added)?;
        }
        let changes = stage.changes(&wanted).await?;
        let removed = changes.iter().filter(|change| matches!(change, Change::Delete { .. })).count();
        stage.demand(Law::ManagesWhole, removed >= 2, format!("of the strays, {removed} were observed"));
        stage.reach(&wanted, Times::Twice).await?;
        if who.principal == Principal::User {
            let working = stage.world.working_credentials(&who.name).await;
            let working = stage.scenery(working)?;
            stage.demand(Law::ManagesWhole, working == 0, format!("{working} credentials still work"));
        }
    }
    stage.scene = "leavers with strays".to_owned();
    for who in &cast {
        let added = stage.world.add_strays(who.principal, &who.name).await;
        stage.scenery(added)?;
    }
    stage.reach(&Wanted::default(), Times::Once).await?;
    Ok(())
}

/// Identities with strays and credentials are shut, are the same when shut again, are restored, are shut and deleted.
async fn quarantine(worlds: &dyn Worlds, failures: &mut Vec<Failure>) -> Result<(), Stopped> {
    let mut stage = Stage::set(worlds, failures, "before the quarantine").await?;
    let cast = cast::identities(stage.world.as_ref());
    let active = stage.active(&cast);
    stage.reach(&active, Times::Once).await?;
    for who in &cast {
        let added = stage.world.add_strays(who.principal, &who.name).await;
        stage.scenery(added)?;
        if who.principal == Principal::User {
            let added = stage.world.add_credentials(&who.name).await;
            stage.scenery(added)?;
        }
    }
    for round in ["restored", "deleted"] {
        let mut snapshot = stage.snapshot(&active).await?;
        for who in &cast {
            stage.scene = format!("{} is quarantined, to be {round}", who.name);
            let id = stage.provider().principal_id(who.principal, &who.name);
            let Some(shut) = stage.quarantined(&as_it_lives(&snapshot), &id, &snapshot) else {
                stage.broken(Law::ReadsBack, format!("{id} is not there"));
                continue;
            };
            snapshot = stage.reach(&shut, Times::Twice).await?;
            let again = stage.quarantined(&as_it_lives(&snapshot), &id, &snapshot);
            for change in stage.changes(&again.unwrap_or(shut)).await? {
                stage.broken(Law::QuarantineShuts, format!("a second run wants {}", title(&change)));
            }
            if who.principal == Principal::User {
                let working = stage.world.working_credentials(&who.name).await;
                let working = stage.scenery(working)?;
                stage.demand(Law::QuarantineShuts, working == 0, format!("{working} credentials still work"));
            }
        }
        stage.scene = format!("after quarantine, {round}");
        let next = if round == "restored" { active.clone() } else { Wanted::default() };
        stage.reach(&next, Times::Twice).await?;
    }
    Ok(())
}

/// A state that wants everything to stay as it is.
fn as_it_lives(snapshot: &crate::Snapshot) -> Wanted {
    let mut wanted = Wanted::default();
    for (id, identity) in &snapshot.identities {
        wanted.identities.insert(id.clone(), identity.resources.clone());
    }
    for (id, shared) in &snapshot.shared {
        let resource: Resource = shared.resource.clone();
        wanted.shared.insert(id.clone(), resource);
    }
    wanted
}

/// Runs stop after each of their changes in turn, and a new one finishes: joining, and leaving.
async fn interruptions(worlds: &dyn Worlds, failures: &mut Vec<Failure>) -> Result<(), Stopped> {
    let mut stage = Stage::set(worlds, failures, "an interrupted run").await?;
    let cast = [cast::full_user(stage.world.as_ref()), cast::full_role(stage.world.as_ref())];
    let active = stage.active(&cast);
    for (what, from, to) in [("joining", Wanted::default(), active.clone()), ("leaving", active, Wanted::default())] {
        let mut done = 0_usize;
        loop {
            stage.reach(&from, Times::Once).await?;
            let changes = stage.changes(&to).await?;
            if done >= changes.len() {
                break;
            }
            stage.scene = format!("{what}, interrupted after {done} changes");
            let first: Vec<Change> = changes.into_iter().take(done).collect();
            stage.enact_all(&first, Times::Once).await?;
            if stage.reach(&to, Times::Once).await.is_err() {
                stage.broken(Law::Resumes, "the next run does not finish");
                return Err(Stopped);
            }
            done = done.saturating_add(1);
        }
    }
    Ok(())
}
