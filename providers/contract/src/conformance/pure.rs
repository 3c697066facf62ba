//! Laws that need no cloud: what a provider makes of decisions.

use std::collections::{BTreeMap, BTreeSet};

use super::diff;
use super::stage::{Stage, Stopped};
use super::{Failure, Law, Worlds, between, cast};
use crate::{DesiredIdentity, LiveIdentity, Marks, Principal, Quarantine, Resource, ResourceId, Scope, Value};

pub async fn check(worlds: &dyn Worlds, failures: &mut Vec<Failure>) {
    // A scenario that stops has said why.
    let _: Result<(), Stopped> = realize(worlds, failures).await;
}

async fn realize(worlds: &dyn Worlds, failures: &mut Vec<Failure>) -> Result<(), Stopped> {
    let mut stage = Stage::set(worlds, failures, "realize").await?;
    for scope in cast::scopes() {
        check_scope(&mut stage, &scope);
    }
    let mut all = BTreeMap::new();
    for identity in cast::identities(stage.world.as_ref()) {
        stage.scene = format!("realize {}", identity.name);
        let resources = check_identity(&mut stage, &identity);
        if let Some(deadline) = identity.deadline {
            check_fence(&mut stage, &identity, &resources, &deadline.to_string());
        }
        check_quarantine(&mut stage, &identity, &resources);
        let policies = between::check_own(&mut stage, &identity, &resources);
        between::check(&mut stage, &policies);
        all.extend(resources.into_iter().map(|resource| (resource.id.clone(), resource)));
    }
    let roles: Vec<Resource> = all
        .iter()
        .filter(|(_, resource)| stage.provider().reserved(resource, resource, false).is_some())
        .map(|(_, role)| role.clone())
        .collect();
    stage.demand(Law::Between, roles.len() > 1, "no roles can be told from other resources by their trust");
    between::check_reserved(&mut stage, &roles);
    stage.scene = "realize the stack".to_owned();
    let all: BTreeMap<&ResourceId, &Resource> = all.iter().collect();
    let circle = diff::in_order(stage.provider(), &all).err();
    stage.demand(Law::Ordered, circle.is_none(), format!("these need each other: {circle:?}"));
    Ok(())
}

fn check_scope(stage: &mut Stage<'_>, scope: &Scope) {
    stage.scene = format!("realize scope {}", scope.name);
    let make = |stage: &Stage<'_>| stage.provider().scope(&stage.realm, &stage.stack, scope);
    let (one, two) = (make(stage), make(stage));
    let id = stage.provider().scope_id(&stage.stack, &scope.name);
    let violations = stage.provider().scope_limits(scope, &one);
    stage.demand(Law::Deterministic, one == two, "two results differ");
    stage.demand(Law::WellFormed, one.id == id, format!("its id is {}, and should be {id}", one.id));
    stage.demand(Law::WellFormed, one.identity.is_none(), "it is part of an identity");
    stage.demand(Law::WellFormed, violations.is_empty(), format!("it breaks limits: {violations:?}"));
    let marks = cast::scope_marks(&stage.stack, scope);
    let marked = one.marks.as_ref().is_some_and(|m| m.stack == marks.stack && m.address == marks.address);
    stage.demand(Law::WellFormed, marked, "it does not carry the stack's mark and its address");
}

fn check_identity(stage: &mut Stage<'_>, identity: &DesiredIdentity) -> Vec<Resource> {
    let marks = cast::marks(&stage.stack, identity);
    let make = |stage: &Stage<'_>| stage.provider().active(&stage.realm, identity, &marks);
    let (one, two) = (make(stage), make(stage));
    stage.demand(Law::Deterministic, one == two, "two results differ");
    let ids: BTreeSet<&ResourceId> = one.iter().map(|resource| &resource.id).collect();
    stage.demand(Law::WellFormed, ids.len() == one.len(), "two resources have one id");
    let id = stage.provider().principal_id(identity.principal, &identity.name);
    match one.iter().find(|resource| resource.id == id) {
        None => stage.broken(Law::WellFormed, format!("the principal {id} is not among the resources")),
        Some(principal) => {
            stage.demand(Law::WellFormed, principal.marks.as_ref() == Some(&marks), "the marks are not those given");
        }
    }
    for resource in &one {
        let whose = resource.identity.as_ref() == Some(&identity.address);
        stage.demand(Law::WellFormed, whose, format!("{} does not say whose it is", resource.id));
    }
    let violations = stage.provider().limits(identity, &one);
    stage.demand(Law::WellFormed, violations.is_empty(), format!("it breaks limits: {violations:?}"));
    one
}

/// The deadline stands in something that takes access away, and whatever gives access needs that to be there first.
fn check_fence(stage: &mut Stage<'_>, identity: &DesiredIdentity, resources: &[Resource], deadline: &str) {
    let mentions = |resource: &Resource| {
        resource.attributes.values().map(Value::to_json).any(|value| value.to_string().contains(deadline))
    };
    let fences: BTreeSet<&ResourceId> =
        resources.iter().filter(|r| stage.provider().restricts(r) && mentions(r)).map(|r| &r.id).collect();
    if fences.is_empty() {
        return stage.broken(Law::Fenced, "nothing takes access away at the deadline");
    }
    let id = stage.provider().principal_id(identity.principal, &identity.name);
    for resource in resources.iter().filter(|resource| resource.id != id && !fences.contains(&resource.id)) {
        let behind = needs(resources, &resource.id).iter().any(|need| fences.contains(need));
        stage.demand(Law::Fenced, behind, format!("{} may come before the fence", resource.id));
    }
    if identity.principal == Principal::Role {
        let closes = resources.iter().find(|resource| resource.id == id).is_some_and(mentions);
        stage.demand(Law::Fenced, closes, "the role can be assumed after the deadline");
    }
}

/// All that a resource needs, near and far.
fn needs<'a>(resources: &'a [Resource], id: &'a ResourceId) -> BTreeSet<&'a ResourceId> {
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

fn check_quarantine(stage: &mut Stage<'_>, identity: &DesiredIdentity, resources: &[Resource]) {
    let quarantine = Quarantine { at: cast::LATER, reason: "removed".to_owned() };
    let live = as_live(stage, identity, resources, cast::marks(&stage.stack, identity));
    let once = stage.provider().quarantined(&stage.realm, &live, &quarantine);
    let again = stage.provider().quarantined(&stage.realm, &live, &quarantine);
    stage.demand(Law::Deterministic, once == again, "two quarantines differ");
    let marks = once.iter().find(|resource| resource.id == live.id).and_then(|resource| resource.marks.clone());
    let Some(marks) = marks.filter(|marks| marks.quarantine.as_ref() == Some(&quarantine)) else {
        return stage.broken(Law::QuarantineShuts, "the marks do not say that it is quarantined");
    };
    let denied = once.iter().any(|resource| stage.provider().restricts(resource));
    stage.demand(Law::QuarantineShuts, denied, "nothing takes access away");
    let live = as_live(stage, identity, &once, marks);
    let twice = stage.provider().quarantined(&stage.realm, &live, &quarantine);
    let by_id = |all: Vec<Resource>| -> BTreeMap<ResourceId, Resource> {
        all.into_iter().map(|resource| (resource.id.clone(), resource)).collect()
    };
    stage.demand(Law::QuarantineShuts, by_id(once) == by_id(twice), "done to its own result it changes something");
}

fn as_live(stage: &Stage<'_>, identity: &DesiredIdentity, resources: &[Resource], marks: Marks) -> LiveIdentity {
    LiveIdentity {
        id: stage.provider().principal_id(identity.principal, &identity.name),
        principal: identity.principal,
        name: identity.name.clone(),
        unique_id: None,
        marks,
        created_at: Some(cast::JOINED),
        last_used: None,
        resources: resources.iter().map(|resource| (resource.id.clone(), resource.clone())).collect(),
        keys: BTreeMap::new(),
    }
}
