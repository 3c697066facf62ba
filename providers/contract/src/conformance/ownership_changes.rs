//! The law [`Law::ImportsAndReleases`]: a principal is imported into the stack, and then released.
//!
//! Apart from its marks, the principal must not change in either step.

use std::collections::BTreeMap;

use super::diff::DesiredState;
use super::scenario::{ConformanceScenario, ScenarioStopped, describe_change_briefly};
use super::{Law, LawViolation, Worlds};
use crate::{Address, Attributes, Change, Marks, ObserveRequest, Principal, Resource, ResourceId, Snapshot};

/// Runs the scenario once with a user, and once with a role if the provider has roles.
pub async fn check_ownership_changes(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) {
    for principal in [Principal::User, Principal::Role] {
        // A scenario that stops has already reported why.
        let _: Result<(), ScenarioStopped> = import_and_release(worlds, failures, principal).await;
    }
}

/// The attributes of all resources of a principal, without marks.
fn attributes_by_id(resources: &BTreeMap<ResourceId, Resource>) -> BTreeMap<&ResourceId, &Attributes> {
    resources.iter().map(|(id, resource)| (id, &resource.attributes)).collect()
}

async fn import_and_release(
    worlds: &dyn Worlds,
    failures: &mut Vec<LawViolation>,
    principal: Principal,
) -> Result<(), ScenarioStopped> {
    const NAME: &str = "adopted";
    let mut stage = ConformanceScenario::start_scenario(
        worlds,
        failures,
        &format!("a {} is imported and released", principal.as_str()),
    )
    .await?;
    if !stage.principal_forms().contains(&principal) {
        return Ok(());
    }
    let added = stage.world.add_unmanaged_principal(principal, NAME).await;
    stage.expect_world(added)?;
    let strange = stage.world.describe_unmanaged_objects().await;
    let strange = stage.expect_world(strange)?;
    let id = stage.realize().ids.principal_id(principal, NAME);
    let address = Address::for_identity(NAME, None);

    let found = observe_requested(&mut stage, &id, &address).await?;
    let Some(candidate) = found.import_candidates.get(&id) else {
        stage.report_violation(Law::ImportsAndReleases, format!("{id} was requested but is not observed completely"));
        return Err(ScenarioStopped);
    };
    let whole = candidate.resources.values().all(|r| r.identity.as_ref() == Some(&address) && r.marks.is_none());
    stage.require_law(
        Law::ImportsAndReleases,
        whole,
        "a resource of the requested principal has another address, or has marks",
    );
    stage.require_law(
        Law::ImportsAndReleases,
        candidate.resources.len() > 1,
        "the parts of the principal are not observed",
    );

    let marks = Marks::new(stage.stack.clone(), address.clone());
    let imports = Change::Import { id: id.clone(), after: Box::new(marks.clone()) };
    enact_twice(&mut stage, &imports).await?;
    let snapshot = stage.observe_desired(&DesiredState::default()).await?;
    let Some(live) = snapshot.identities.get(&id) else {
        stage.report_violation(Law::ImportsAndReleases, format!("{id} was imported but does not belong to the stack"));
        return Err(ScenarioStopped);
    };
    stage.require_law(
        Law::ImportsAndReleases,
        live.marks == marks,
        "the observed marks are not the marks that the import wrote",
    );
    let same = attributes_by_id(&live.resources) == attributes_by_id(&candidate.resources);
    stage.require_law(Law::ImportsAndReleases, same, "the import changed an attribute");

    let unmark = Change::Release { id: id.clone(), before: Box::new(marks) };
    enact_twice(&mut stage, &unmark).await?;
    let snapshot = stage.observe_desired(&DesiredState::default()).await?;
    let gone = !snapshot.identities.contains_key(&id) && snapshot.unmanaged_objects.contains_key(&id);
    stage.require_law(Law::ImportsAndReleases, gone, format!("{id} was released but is not observed as unmanaged"));
    let after = stage.world.describe_unmanaged_objects().await;
    let after = stage.expect_world(after)?;
    stage.require_law(
        Law::ImportsAndReleases,
        after == strange,
        format!("the principal changed from {strange} to {after}"),
    );
    Ok(())
}

async fn observe_requested(
    stage: &mut ConformanceScenario<'_>,
    id: &ResourceId,
    address: &Address,
) -> Result<Snapshot, ScenarioStopped> {
    let (stack, imports) = (stage.stack.clone(), BTreeMap::from([(id.clone(), address.clone())]));
    let shared = BTreeMap::new();
    let request = ObserveRequest { imports: &imports, ..ObserveRequest::for_plan(&stack, &shared) };
    let observed = stage.provider().observe.observe_stack(request).await;
    observed.map_err(|error| {
        stage.report_violation(Law::ReadsBack, format!("observe failed: {error}"));
        ScenarioStopped
    })
}

async fn enact_twice(stage: &mut ConformanceScenario<'_>, change: &Change) -> Result<(), ScenarioStopped> {
    for law in [Law::Enacts, Law::Repeatable] {
        if let Err(error) = stage.enact_one(change).await {
            stage.report_violation(law, format!("{}: {error}", describe_change_briefly(change)));
            return Err(ScenarioStopped);
        }
    }
    Ok(())
}
