//! Laws about what a provider realizes. They need no cloud.
//!
//! In: the identities, scopes and groups of [`cast`]. Out: violations of [`Law::Deterministic`], [`Law::WellFormed`],
//! [`Law::Ordered`], [`Law::LeaseDenied`], [`Law::InterimStates`] and [`Law::QuarantineDenies`].

use std::collections::{BTreeMap, BTreeSet};

use super::diff;
use super::scenario::{ConformanceScenario, ScenarioStopped};
use super::{Law, LawViolation, Worlds, accounts, fixtures, interim_states};
use crate::{DesiredIdentity, LiveIdentity, Marks, Principal, Quarantine, Resource, ResourceId, Scope, Value};

/// Checks every object of the cast, then the dependencies between all of them.
pub async fn check_realization(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) {
    // A scenario that stops has already reported why.
    let _: Result<(), ScenarioStopped> = realize_fixtures(worlds, failures).await;
}

async fn realize_fixtures(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) -> Result<(), ScenarioStopped> {
    let mut stage = ConformanceScenario::start_scenario(worlds, failures, "realize").await?;
    for scope in fixtures::build_scopes(&stage.world.vocabulary()) {
        check_realized_scope(&mut stage, &scope);
    }
    let mut all = BTreeMap::new();
    for identity in stage.all_identities() {
        stage.scene = format!("realize {}", identity.spec.name);
        let resources = check_realized_identity(&mut stage, &identity);
        if let Some(deadline) = identity.deadline {
            check_lease_deny(&mut stage, &identity, &resources, &deadline.to_string());
        }
        check_quarantine(&mut stage, &identity, &resources);
        interim_states::check_lease_expiry(&mut stage, &identity, &resources);
        if let Some(documents) = stage.realize().policies.clone() {
            let policies = interim_states::check_own_policy(&mut stage, documents.as_ref(), &identity, &resources);
            interim_states::check_interim_policies(&mut stage, documents.as_ref(), &policies);
        }
        accounts::check_account_blindness(&mut stage, &resources);
        all.extend(resources.into_iter().map(|resource| (resource.id.clone(), resource)));
    }
    if let Some(trusts) = stage.realize().trusts.clone() {
        let is_role = |resource: &&Resource| trusts.narrow_trust(resource, resource, false).is_some();
        let roles: Vec<Resource> = all.values().filter(is_role).cloned().collect();
        stage.require_law(
            Law::InterimStates,
            roles.len() > 1,
            "the provider does not recognize roles by their trust policy",
        );
        interim_states::check_narrowed_principals(&mut stage, trusts.as_ref(), &roles);
    }
    stage.scene = "realize the stack".to_owned();
    let all: BTreeMap<&ResourceId, &Resource> = all.iter().collect();
    let circle = diff::sort_by_dependencies(stage.realize().semantics.as_ref(), &all).err();
    stage.require_law(Law::Ordered, circle.is_none(), format!("these resources depend on each other: {circle:?}"));
    Ok(())
}

fn check_realized_scope(stage: &mut ConformanceScenario<'_>, scope: &Scope) {
    stage.scene = format!("realize scope {}", scope.name);
    let make =
        |stage: &ConformanceScenario<'_>| stage.realize().objects.realize_scope(&stage.realm, &stage.stack, scope);
    let (one, two) = (make(stage), make(stage));
    let id = stage.realize().ids.scope_id(&stage.stack, &scope.name);
    let violations = stage.realize().limits.check_scope_limits(scope, &one);
    stage.require_law(Law::Deterministic, one == two, "two calls with equal arguments give different results");
    stage.require_law(Law::WellFormed, one.id == id, format!("its id is {} instead of {id}", one.id));
    stage.require_law(Law::WellFormed, one.identity.is_none(), "it is part of an identity");
    stage.require_law(Law::WellFormed, violations.is_empty(), format!("it exceeds limits: {violations:?}"));
    let marks = fixtures::build_scope_marks(&stage.stack, scope);
    let marked = one.marks.as_ref().is_some_and(|m| m.stack == marks.stack && m.address == marks.address);
    stage.require_law(Law::WellFormed, marked, "it does not have the marks of the stack and of its address");
}

fn check_realized_identity(stage: &mut ConformanceScenario<'_>, identity: &DesiredIdentity) -> Vec<Resource> {
    let marks = Marks::for_active_identity(stage.stack.clone(), identity);
    let make =
        |stage: &ConformanceScenario<'_>| stage.realize().objects.realize_identity(&stage.realm, identity, &marks);
    let (one, two) = (make(stage), make(stage));
    stage.require_law(Law::Deterministic, one == two, "two calls with equal arguments give different results");
    let ids: BTreeSet<&ResourceId> = one.iter().map(|resource| &resource.id).collect();
    stage.require_law(Law::WellFormed, ids.len() == one.len(), "two resources have the same id");
    let id = stage.realize().ids.principal_id(identity.spec.principal, &identity.spec.name);
    match one.iter().find(|resource| resource.id == id) {
        None => stage.report_violation(Law::WellFormed, format!("the principal {id} is not among the resources")),
        Some(principal) => {
            stage.require_law(
                Law::WellFormed,
                principal.marks.as_ref() == Some(&marks),
                "the marks are not the given marks",
            );
        }
    }
    for resource in &one {
        let ownership = resource.identity.as_ref() == Some(&identity.spec.address);
        stage.require_law(Law::WellFormed, ownership, format!("{} does not name its identity", resource.id));
    }
    let violations = stage.realize().limits.check_identity_limits(identity, &one);
    stage.require_law(Law::WellFormed, violations.is_empty(), format!("it exceeds limits: {violations:?}"));
    one
}

/// A resource that denies access contains the deadline, and every resource that grants access depends on it, directly
/// or indirectly.
fn check_lease_deny(
    stage: &mut ConformanceScenario<'_>,
    identity: &DesiredIdentity,
    resources: &[Resource],
    deadline: &str,
) {
    let mentions = |resource: &Resource| {
        resource.attributes.values().map(Value::to_json).any(|value| value.to_string().contains(deadline))
    };
    let fences: BTreeSet<&ResourceId> = resources
        .iter()
        .filter(|r| stage.realize().semantics.is_restriction(r) && mentions(r))
        .map(|r| &r.id)
        .collect();
    if fences.is_empty() {
        return stage.report_violation(Law::LeaseDenied, "no resource denies access at the deadline");
    }
    let id = stage.realize().ids.principal_id(identity.spec.principal, &identity.spec.name);
    for resource in resources.iter().filter(|resource| resource.id != id && !fences.contains(&resource.id)) {
        let behind = transitive_dependencies(resources, &resource.id).iter().any(|need| fences.contains(need));
        stage.require_law(Law::LeaseDenied, behind, format!("{} can be created before the lease deny", resource.id));
    }
    if identity.spec.principal == Principal::Role {
        let closes = resources.iter().find(|resource| resource.id == id).is_some_and(mentions);
        stage.require_law(Law::LeaseDenied, closes, "the role can be assumed after the deadline");
    }
}

/// All direct and indirect dependencies of a resource.
fn transitive_dependencies<'a>(resources: &'a [Resource], id: &'a ResourceId) -> BTreeSet<&'a ResourceId> {
    let mut found = BTreeSet::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        for need in resources.iter().filter(|r| r.id == *id).flat_map(|r| &r.depends_on) {
            if found.insert(need) {
                open.push(need);
            }
        }
    }
    found
}

fn check_quarantine(stage: &mut ConformanceScenario<'_>, identity: &DesiredIdentity, resources: &[Resource]) {
    let quarantine = Quarantine { at: fixtures::AFTER_DEADLINE, reason: "removed".to_owned() };
    let live = to_live_identity(stage, identity, resources, Marks::for_active_identity(stage.stack.clone(), identity));
    let once = stage.realize().objects.realize_quarantine(&stage.realm, &live, &quarantine);
    let again = stage.realize().objects.realize_quarantine(&stage.realm, &live, &quarantine);
    stage.require_law(Law::Deterministic, once == again, "two quarantines with equal arguments give different results");
    let marks = once.iter().find(|resource| resource.id == live.id).and_then(|resource| resource.marks.clone());
    let Some(marks) = marks.filter(|marks| marks.quarantine.as_ref() == Some(&quarantine)) else {
        return stage.report_violation(Law::QuarantineDenies, "the marks do not record the quarantine");
    };
    let denied = once.iter().any(|resource| stage.realize().semantics.is_restriction(resource));
    stage.require_law(Law::QuarantineDenies, denied, "no resource denies access");
    let live = to_live_identity(stage, identity, &once, marks);
    let twice = stage.realize().objects.realize_quarantine(&stage.realm, &live, &quarantine);
    let by_id = |all: Vec<Resource>| -> BTreeMap<ResourceId, Resource> {
        all.into_iter().map(|resource| (resource.id.clone(), resource)).collect()
    };
    stage.require_law(
        Law::QuarantineDenies,
        by_id(once) == by_id(twice),
        "a quarantine applied to its own result changes a resource",
    );
}

fn to_live_identity(
    stage: &ConformanceScenario<'_>,
    identity: &DesiredIdentity,
    resources: &[Resource],
    marks: Marks,
) -> LiveIdentity {
    LiveIdentity {
        id: stage.realize().ids.principal_id(identity.spec.principal, &identity.spec.name),
        principal: identity.spec.principal,
        name: identity.spec.name.clone(),
        unique_id: "unique".to_owned(),
        marks,
        created_at: Some(fixtures::JOINED),
        last_used: None,
        resources: resources.iter().map(|resource| (resource.id.clone(), resource.clone())).collect(),
        keys: BTreeMap::new(),
    }
}
