//! The lifecycle of identities: they join, move, are tampered with, are quarantined, are restored, and leave.
//!
//! Every scenario starts in an empty world and verifies each state that it reaches ([`ConformanceScenario::verify_state`]).

use super::diff::DesiredState;
use super::scenario::{ConformanceScenario, EnactCount, ScenarioStopped, describe_change_briefly};
use super::{Law, LawViolation, Worlds, fixtures};
use crate::{Change, Principal, Resource};

/// Runs the five scenarios, each in its own world.
pub async fn check_identity_lifecycle(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) {
    // A scenario that stops has already reported why.
    let _: Result<(), ScenarioStopped> = join_and_leave(worlds, failures).await;
    let _: Result<(), ScenarioStopped> = move_identities(worlds, failures).await;
    let _: Result<(), ScenarioStopped> = revert_tampering(worlds, failures).await;
    let _: Result<(), ScenarioStopped> = quarantine_identities(worlds, failures).await;
    let _: Result<(), ScenarioStopped> = resume_after_interruptions(worlds, failures).await;
}

/// All identities join, with every change made twice. Then all leave in the same way.
async fn join_and_leave(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) -> Result<(), ScenarioStopped> {
    let mut stage = ConformanceScenario::start_scenario(worlds, failures, "joiners").await?;
    let desired = stage.desired_active(&stage.all_identities());
    let snapshot = stage.reach_state(&desired, EnactCount::Twice).await?;
    for (id, identity) in &snapshot.identities {
        let ours = identity.id == *id && identity.resources.contains_key(id);
        stage.require_law(Law::ReadsBack, ours, format!("the resources of {id} do not contain its principal"));
        stage.require_law(
            Law::ReadsBack,
            identity.last_used.is_none(),
            format!("{id} has a last use, but was never used"),
        );
    }
    stage.require_law(
        Law::KeepsUnmanaged,
        snapshot.unmanaged_objects.is_empty(),
        "unmanaged objects are observed in an empty account",
    );
    stage.scene = "leavers".to_owned();
    let snapshot = stage.reach_state(&DesiredState::default(), EnactCount::Twice).await?;
    let gone = snapshot.identities.is_empty() && snapshot.shared.is_empty() && snapshot.unmanaged_objects.is_empty();
    stage.require_law(Law::DeletesLeavers, gone, "an object is left");
    Ok(())
}

/// One user and one role make each of the moves in [`cast::MOVES`] and reverse it. Then a scope that both have, and a
/// group, change.
async fn move_identities(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) -> Result<(), ScenarioStopped> {
    let mut stage = ConformanceScenario::start_scenario(worlds, failures, "before the moves").await?;
    let cast = stage.full_identities();
    let home = stage.desired_active(&cast);
    stage.reach_state(&home, EnactCount::Once).await?;
    let words = stage.world.vocabulary();
    for (what, change) in fixtures::MOVES {
        stage.scene = format!("mover {what}");
        let mut moved = cast.clone();
        moved.iter_mut().for_each(|who| change(who, &words));
        let desired = stage.desired_active(&moved);
        stage.reach_state(&desired, EnactCount::Twice).await?;
        stage.scene = format!("mover {what}, then reverses it");
        stage.reach_state(&home, EnactCount::Twice).await?;
    }
    stage.scene = "a shared scope changes".to_owned();
    let mut desired = home.clone();
    for mut scope in fixtures::build_scopes(&words) {
        scope.statements.push(words.widen.clone());
        desired.add_shared(stage.realize().objects.realize_scope(&stage.realm, &stage.stack, &scope));
    }
    stage.reach_state(&desired, EnactCount::Twice).await?;
    stage.scene = "a group changes".to_owned();
    let groups = stage.realize().groups.clone();
    for (mut group, groups) in fixtures::build_groups(&words).into_iter().zip(&groups) {
        let (realm, stack) = (stage.realm.clone(), stage.stack.clone());
        group.statements.clear();
        group.scopes = ["conf_write".to_owned()].into();
        let changed = groups.realize_group(&realm, &stack, &group);
        desired.shared.retain(|id, _| !changed.iter().any(|part| stage.realize().ids.shared_root_id(id) == part.id));
        desired.add_group(changed);
    }
    stage.reach_state(&desired, EnactCount::Twice).await?;
    stage.reach_state(&home, EnactCount::Twice).await?;
    Ok(())
}

/// Another user attaches access and credentials to identities. Both are observed, and the next run deletes them.
async fn revert_tampering(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) -> Result<(), ScenarioStopped> {
    let mut stage = ConformanceScenario::start_scenario(worlds, failures, "before the tampering").await?;
    let cast = stage.full_identities();
    let desired = stage.desired_active(&cast);
    stage.reach_state(&desired, EnactCount::Once).await?;
    for who in &cast {
        stage.scene = format!("unmanaged access on {}", who.spec.name);
        let added = stage.world.add_unmanaged_access(who.spec.principal, &who.spec.name).await;
        stage.expect_world(added)?;
        if who.spec.principal == Principal::User {
            let added = stage.world.add_credentials(&who.spec.name).await;
            stage.expect_world(added)?;
        }
        let changes = stage.plan_changes(&desired).await?;
        let removed = changes.iter().filter(|change| matches!(change, Change::Delete { .. })).count();
        stage.require_law(Law::FindsUnmanaged, removed >= 2, format!("only {removed} unmanaged objects were observed"));
        stage.reach_state(&desired, EnactCount::Twice).await?;
        if who.spec.principal == Principal::User {
            let working = stage.world.count_working_credentials(&who.spec.name).await;
            let working = stage.expect_world(working)?;
            stage.require_law(Law::FindsUnmanaged, working == 0, format!("{working} credentials still work"));
        }
    }
    stage.scene = "leavers with unmanaged access".to_owned();
    for who in &cast {
        let added = stage.world.add_unmanaged_access(who.spec.principal, &who.spec.name).await;
        stage.expect_world(added)?;
    }
    stage.reach_state(&DesiredState::default(), EnactCount::Once).await?;
    Ok(())
}

/// Identities with unmanaged access and credentials are quarantined, stay the same when quarantined again, are
/// restored, are quarantined again and deleted.
async fn quarantine_identities(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) -> Result<(), ScenarioStopped> {
    let mut stage = ConformanceScenario::start_scenario(worlds, failures, "before the quarantine").await?;
    let cast = stage.all_identities();
    let active = stage.desired_active(&cast);
    stage.reach_state(&active, EnactCount::Once).await?;
    for who in &cast {
        let added = stage.world.add_unmanaged_access(who.spec.principal, &who.spec.name).await;
        stage.expect_world(added)?;
        if who.spec.principal == Principal::User {
            let added = stage.world.add_credentials(&who.spec.name).await;
            stage.expect_world(added)?;
        }
    }
    for round in ["restored", "deleted"] {
        let mut snapshot = stage.observe_desired(&active).await?;
        for who in &cast {
            stage.scene = format!("{} is quarantined, then {round}", who.spec.name);
            let id = stage.realize().ids.principal_id(who.spec.principal, &who.spec.name);
            let Some(shut) = stage.desired_quarantine(&desired_from_live(&snapshot), &id, &snapshot) else {
                stage.report_violation(Law::ReadsBack, format!("{id} does not exist"));
                continue;
            };
            snapshot = stage.reach_state(&shut, EnactCount::Twice).await?;
            let again = stage.desired_quarantine(&desired_from_live(&snapshot), &id, &snapshot);
            for change in stage.plan_changes(&again.unwrap_or(shut)).await? {
                stage.report_violation(
                    Law::QuarantineDenies,
                    format!("a second run plans {}", describe_change_briefly(&change)),
                );
            }
            if who.spec.principal == Principal::User {
                let working = stage.world.count_working_credentials(&who.spec.name).await;
                let working = stage.expect_world(working)?;
                stage.require_law(Law::QuarantineDenies, working == 0, format!("{working} credentials still work"));
            }
        }
        stage.scene = format!("after quarantine: {round}");
        let next = if round == "restored" { active.clone() } else { DesiredState::default() };
        stage.reach_state(&next, EnactCount::Twice).await?;
    }
    Ok(())
}

/// The desired state that is equal to the live state.
fn desired_from_live(snapshot: &crate::Snapshot) -> DesiredState {
    let mut desired = DesiredState::default();
    for (id, identity) in &snapshot.identities {
        desired.identities.insert(id.clone(), identity.resources.clone());
    }
    for (id, shared) in &snapshot.shared {
        let resource: Resource = shared.resource.clone();
        desired.shared.insert(id.clone(), resource);
    }
    desired
}

/// A run stops after each of its changes in turn, and a new run reaches the desired state: once for joining, once for
/// leaving.
async fn resume_after_interruptions(
    worlds: &dyn Worlds,
    failures: &mut Vec<LawViolation>,
) -> Result<(), ScenarioStopped> {
    let mut stage = ConformanceScenario::start_scenario(worlds, failures, "an interrupted run").await?;
    let cast = stage.full_identities();
    let active = stage.desired_active(&cast);
    for (what, from, to) in
        [("joining", DesiredState::default(), active.clone()), ("leaving", active, DesiredState::default())]
    {
        let mut done = 0_usize;
        loop {
            stage.reach_state(&from, EnactCount::Once).await?;
            let changes = stage.plan_changes(&to).await?;
            if done >= changes.len() {
                break;
            }
            stage.scene = format!("{what}, interrupted after {done} changes");
            let first: Vec<Change> = changes.into_iter().take(done).collect();
            stage.enact_changes(&first, EnactCount::Once).await?;
            if stage.reach_state(&to, EnactCount::Once).await.is_err() {
                stage.report_violation(Law::Resumes, "the next run does not reach the desired state");
                return Err(ScenarioStopped);
            }
            done = done.saturating_add(1);
        }
    }
    Ok(())
}
