//! Desired → resources: the provider's pure half, asked identity by identity, with its limits turned into findings.

use std::collections::BTreeMap;

use leasehold_provider::{LiveIdentity, Realize, Realm, Resource, ResourceId, Violation, resource::identity_digest};

use crate::config::{Declared, Diagnostic, Origin};
use crate::lifecycle::{Phase, Standing};

/// The resources of an object, by id.
pub type Resources = BTreeMap<ResourceId, Resource>;

/// What the stack's identities share, with its marks, and the limits it breaks.
#[must_use]
pub fn shared(declared: &Declared, realize: &dyn Realize, realm: &Realm) -> (Resources, Vec<Diagnostic>) {
    let mut resources = Resources::new();
    let mut findings = Vec::new();
    for (scope, origin) in declared.scopes.values() {
        let mut resource = realize.scope(realm, &declared.stack, scope);
        let violations = realize.scope_limits(scope, &resource);
        findings.extend(violations.into_iter().map(|violation| finding(violation, origin)));
        set_digest(&mut resource);
        resources.insert(resource.id.clone(), resource);
    }
    for declared_group in declared.groups.values() {
        let group = &declared_group.group;
        let parts = realize.group(realm, &declared.stack, group);
        let violations = realize.group_limits(group, &parts);
        findings.extend(violations.into_iter().map(|violation| finding(violation, &declared_group.origin)));
        let whole = parts.first().map(|root| root.id.clone());
        resources.extend(whole.iter().flat_map(|root| sealed(parts.clone(), root)));
    }
    (resources, findings)
}

/// What one identity should be and hold, with the digest of it all in its principal's marks.
#[must_use]
pub fn identity(standing: &Standing<'_>, realize: &dyn Realize, realm: &Realm) -> (Resources, Vec<Diagnostic>) {
    match (&standing.phase, standing.live) {
        (Phase::Active(active), _) => {
            let resources = realize.active(realm, &active.identity, &active.marks);
            let origin = standing.declared.map(|declared| &declared.origin);
            let findings = realize
                .limits(&active.identity, &resources)
                .into_iter()
                .filter_map(|violation| Some(finding(violation, origin?)))
                .collect();
            (sealed(resources, &standing.id), findings)
        }
        (Phase::Quarantined(quarantined), Some(live)) => {
            let resources = realize.quarantined(realm, live, &quarantined.quarantine);
            (sealed(resources, &standing.id), Vec::new())
        }
        (Phase::Released, Some(live)) => (live.resources.clone(), Vec::new()),
        (Phase::Quarantined(_) | Phase::Released, None) | (Phase::Absent { .. }, _) => (Resources::new(), Vec::new()),
    }
}

/// The digest of a live identity, to hold against its mark.
#[must_use]
pub fn live_digest(live: &LiveIdentity) -> leasehold_provider::Digest {
    identity_digest(live.resources.values())
}

fn sealed(resources: Vec<Resource>, principal: &ResourceId) -> Resources {
    let digest = identity_digest(&resources);
    let mut resources: Resources = resources.into_iter().map(|resource| (resource.id.clone(), resource)).collect();
    if let Some(marks) = resources.get_mut(principal).and_then(|resource| resource.marks.as_mut()) {
        marks.digest = Some(digest);
    }
    resources
}

fn set_digest(resource: &mut Resource) {
    let digest = identity_digest([&*resource]);
    if let Some(marks) = resource.marks.as_mut() {
        marks.digest = Some(digest);
    }
}

fn finding(violation: Violation, origin: &Origin) -> Diagnostic {
    let finding = Diagnostic::error("limits::exceeded", format!("{}: {}", violation.subject, violation.problem))
        .at(origin.part(violation.attribute), "beyond what the cloud takes")
        .help(violation.help);
    origin.explain(finding)
}
