//! Objects outside the stack: unmarked objects, objects of another stack, and objects with the names that the stack wants.
//!
//! None of them may change, and every write to them must be refused.

use super::diff::DesiredState;
use super::scenario::{ConformanceScenario, EnactCount, ScenarioStopped, describe_change_briefly};
use super::{Law, LawViolation, Worlds, fixtures};
use crate::{Change, EnactErrorKind, Marks, Principal, Quarantine, Resource, Snapshot, StackName};

fn stranger_name(principal: Principal) -> &'static str {
    match principal {
        Principal::User => "stranger-user",
        Principal::Role => "stranger-role",
    }
}

/// Runs the three scenarios, each in its own world.
pub async fn check_foreign_objects(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) {
    // A scenario that stops has already reported why.
    let _: Result<(), ScenarioStopped> = leave_unmanaged_unchanged(worlds, failures).await;
    let _: Result<(), ScenarioStopped> = refuse_same_names(worlds, failures).await;
    let _: Result<(), ScenarioStopped> = separate_stacks(worlds, failures).await;
}

/// A stack joins and leaves completely while strangers exist.
async fn leave_unmanaged_unchanged(
    worlds: &dyn Worlds,
    failures: &mut Vec<LawViolation>,
) -> Result<(), ScenarioStopped> {
    let mut stage = ConformanceScenario::start_scenario(worlds, failures, "with unmanaged objects").await?;
    for principal in stage.principal_forms() {
        let name = stranger_name(principal);
        let added = stage.world.add_unmanaged_principal(principal, name).await;
        stage.expect_world(added)?;
    }
    let added = stage.world.add_unmanaged_policy(&stage.stack, "stranger_scope").await;
    stage.expect_world(added)?;
    let before = stage.world.describe_unmanaged_objects().await;
    let before = stage.expect_world(before)?;
    let active = stage.desired_active(&stage.all_identities());
    let snapshot = stage.reach_state(&active, EnactCount::Once).await?;
    for principal in stage.principal_forms() {
        let name = stranger_name(principal);
        let id = stage.realize().ids.principal_id(principal, name);
        let known =
            snapshot.unmanaged_objects.get(&id).is_some_and(|unmanaged_object| unmanaged_object.stack.is_none());
        stage.require_law(Law::KeepsUnmanaged, known, format!("{id} is not observed as unmanaged"));
    }
    stage.reach_state(&DesiredState::default(), EnactCount::Once).await?;
    require_unmanaged_unchanged(&mut stage, &before).await
}

/// Unmarked objects have the names that the stack wants. Every change to them, and to what is attached to them, is refused.
async fn refuse_same_names(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) -> Result<(), ScenarioStopped> {
    let mut stage =
        ConformanceScenario::start_scenario(worlds, failures, "unmarked objects with the names of the stack's objects")
            .await?;
    let cast = stage.all_identities();
    let active = stage.desired_active(&cast);
    for who in &cast {
        let added = stage.world.add_unmanaged_principal(who.spec.principal, &who.spec.name).await;
        stage.expect_world(added)?;
    }
    for scope in fixtures::build_scopes(&stage.world.vocabulary()) {
        let added = stage.world.add_unmanaged_policy(&stage.stack, &scope.name).await;
        stage.expect_world(added)?;
    }
    let has_groups = stage.realize().groups.is_some();
    for group in fixtures::build_groups(&stage.world.vocabulary()).into_iter().filter(|_| has_groups) {
        let added = stage.world.add_unmanaged_group(&group.name).await;
        stage.expect_world(added)?;
    }
    let before = stage.world.describe_unmanaged_objects().await;
    let before = stage.expect_world(before)?;
    let snapshot = stage.observe_desired(&active).await?;
    let none = snapshot.identities.is_empty();
    stage.require_law(Law::KeepsUnmanaged, none, "unmarked principals are observed as part of the stack");
    for id in active.identities.keys() {
        let known = snapshot.unmanaged_objects.contains_key(id);
        stage.require_law(Law::KeepsUnmanaged, known, format!("{id} is not observed as unmanaged"));
    }
    for resource in active.all_resources().into_values() {
        for change in list_every_change(resource) {
            require_refusal(&mut stage, Law::RefusesUnmanaged, &change).await;
        }
    }
    require_unmanaged_unchanged(&mut stage, &before).await
}

/// Two stacks in one cloud. The objects of each are strangers to the other.
async fn separate_stacks(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) -> Result<(), ScenarioStopped> {
    let mut stage = ConformanceScenario::start_scenario(worlds, failures, "two stacks").await?;
    let theirs = stage.desired_active(&stage.all_identities());
    let before = stage.reach_state(&theirs, EnactCount::Once).await?;
    let (first, second) = (stage.stack.clone(), StackName::new("conformance-neighbour"));
    let second = second.map_err(|error| stage.report_violation(Law::TestWorld, error)).map_err(|()| ScenarioStopped)?;
    stage.stack = second;
    let snapshot = stage.observe_desired(&DesiredState::default()).await?;
    let none = snapshot.identities.is_empty() && snapshot.shared.is_empty();
    stage.require_law(Law::SeparatesStacks, none, "objects of another stack are observed as part of the stack");
    for id in theirs.identities.keys() {
        let known = snapshot
            .unmanaged_objects
            .get(id)
            .is_some_and(|unmanaged_object| unmanaged_object.stack.as_ref() == Some(&first));
        stage.require_law(Law::SeparatesStacks, known, format!("{id} is not observed as part of the other stack"));
    }
    for resource in theirs.all_resources().into_values() {
        for change in list_every_change(resource) {
            require_refusal(&mut stage, Law::SeparatesStacks, &change).await;
        }
        if let (Some(marks), Some(_)) = (&resource.marks, &resource.identity) {
            let ours = Box::new(Marks::new(stage.stack.clone(), marks.address.clone()));
            let id = || resource.id.clone();
            require_refusal(&mut stage, Law::ImportsAndReleases, &Change::Import { id: id(), after: ours.clone() })
                .await;
            require_refusal(&mut stage, Law::ImportsAndReleases, &Change::Release { id: id(), before: ours }).await;
        }
    }
    stage.reach_state(&DesiredState::default(), EnactCount::Once).await?;
    stage.stack = first;
    let after = stage.verify_state(&theirs).await?;
    let whole = |snapshot: &Snapshot| (snapshot.identities.clone(), snapshot.shared.clone());
    stage.require_law(
        Law::SeparatesStacks,
        whole(&before) == whole(&after),
        "a run of one stack changed objects of the other stack",
    );
    Ok(())
}

/// A creation, an update, a deletion, and a change of marks if the object carries marks.
fn list_every_change(resource: &Resource) -> Vec<Change> {
    let object = || Box::new(resource.clone());
    let mut all = vec![
        Change::Create { after: object() },
        Change::Update { before: object(), after: object() },
        Change::Delete { before: object() },
    ];
    if let Some(marks) = &resource.marks {
        let mut after = marks.clone();
        after.quarantine = Some(Quarantine { at: fixtures::AFTER_DEADLINE, reason: "removed".to_owned() });
        let (before, after) = (Some(Box::new(marks.clone())), Box::new(after));
        all.push(Change::Mark { id: resource.id.clone(), before, after });
    }
    all
}

/// Requires that a change is refused with [`EnactErrorKind::NotManaged`], even if it would change nothing.
async fn require_refusal(stage: &mut ConformanceScenario<'_>, law: Law, change: &Change) {
    match stage.enact_one(change).await {
        Err(error) if error.kind == EnactErrorKind::NotManaged => {}
        Err(error) => stage.report_violation(
            law,
            format!("{} is refused with {:?}: {error}", describe_change_briefly(change), error.kind),
        ),
        Ok(()) => stage.report_violation(law, format!("{} is not refused", describe_change_briefly(change))),
    }
}

async fn require_unmanaged_unchanged(stage: &mut ConformanceScenario<'_>, before: &str) -> Result<(), ScenarioStopped> {
    let after = stage.world.describe_unmanaged_objects().await;
    let after = stage.expect_world(after)?;
    stage.require_law(
        Law::KeepsUnmanaged,
        after == before,
        format!("unmanaged objects changed from {before} to {after}"),
    );
    Ok(())
}
