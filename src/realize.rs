//! Desired identities → resources.
//!
//! In: what the stack declares and the phase of each identity. Out: the resources that must exist in the cloud, and a finding for each AWS
//! limit that they exceed. The provider's pure half ([`Realizer`]) is called once for each identity. Nothing here reads the cloud.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::resource::identity_digest;
use leasehold_provider::sensitive::record_sensitive;
use leasehold_provider::{
    Address, Alias, Credential, DesiredIdentity, Kind, LiveIdentity, Marks, Principal, Realizer, Realm, Resource,
    ResourceId, Scope, Value, Violation,
};

use crate::config::{BlockOrigin, DeclaredStack, Diagnostic};
use crate::lifecycle::keys::{DesiredKeys, KeyDisposition};
use crate::lifecycle::{IdentityStatus, LifecyclePhase};

/// The resources of an identity or of a shared object, by id.
pub type ResourceMap = BTreeMap<ResourceId, Resource>;

/// The objects that the identities of a stack share (scopes, groups, federations), each with its digest in its marks; and a finding for
/// each limit that they exceed.
#[must_use]
pub fn realize_shared_objects(
    declared: &DeclaredStack,
    realize: &Realizer,
    realm: &Realm,
) -> (ResourceMap, Vec<Diagnostic>) {
    let mut resources = ResourceMap::new();
    let mut findings = Vec::new();
    let held_in = find_scope_accounts(declared);
    for (name, (scope, origin)) in &declared.scopes {
        for account in held_in.get(name.as_str()).into_iter().flatten() {
            let scope = Scope { account: account.cloned(), ..scope.clone() };
            let mut resource = realize.objects.realize_scope(realm, &declared.stack, &scope);
            let violations = realize.limits.check_scope_limits(&scope, &resource);
            findings.extend(violations.into_iter().map(|violation| diagnose_violation(violation, origin)));
            set_digest(&mut resource, realize);
            resources.insert(resource.id.clone(), resource);
        }
    }
    findings.dedup();
    for declared_group in declared.groups.values() {
        let group = &declared_group.group;
        let Some(groups) = &realize.groups else {
            findings.push(diagnose_unsupported_block(&group.address, &declared_group.origin, realm, "groups"));
            continue;
        };
        let parts = groups.realize_group(realm, &declared.stack, group);
        let violations = groups.check_group_limits(group, &parts);
        findings.extend(violations.into_iter().map(|violation| diagnose_violation(violation, &declared_group.origin)));
        let whole = parts.first().map(|root| root.id.clone());
        resources.extend(whole.iter().flat_map(|root| seal_resources(parts.clone(), root, realize, |_| true)));
    }
    for (federation, origin) in declared.federations.values() {
        let Some(federations) = &realize.federations else {
            findings.push(diagnose_unsupported_block(&federation.address(), origin, realm, "federations"));
            continue;
        };
        let mut resource = federations.realize_federation(realm, &declared.stack, federation);
        let violations = federations.check_federation_limits(federation, &resource);
        findings.extend(violations.into_iter().map(|violation| diagnose_violation(violation, origin)));
        set_digest(&mut resource, realize);
        resources.insert(resource.id.clone(), resource);
    }
    (resources, findings)
}

/// The accounts that need a copy of each scope: every account in which the scope is attached to an identity or a group. A scope that is
/// attached nowhere is created in the stack's first account (`None`).
fn find_scope_accounts(declared: &DeclaredStack) -> BTreeMap<&str, BTreeSet<Option<&Alias>>> {
    let mut held: BTreeMap<&str, BTreeSet<Option<&Alias>>> = BTreeMap::new();
    let identities = declared.identities.values().map(|identity| (&identity.spec.scopes, &identity.spec.account));
    let groups = declared.groups.values().map(|group| (&group.group.scopes, &group.group.account));
    // With a single account, every scope is created there.
    for (scopes, account) in identities.chain(groups).filter(|_| declared.providers.len() > 1) {
        for scope in scopes {
            held.entry(scope).or_default().insert(account.as_ref());
        }
    }
    for scope in declared.scopes.keys() {
        held.entry(scope).or_insert_with(|| BTreeSet::from([None]));
    }
    held
}

/// The error for a block of a kind of object that the provider does not have. `kind` is its plural: `groups`.
fn diagnose_unsupported_block(address: &Address, origin: &BlockOrigin, realm: &Realm, kind: &str) -> Diagnostic {
    let summary = format!("{address} is not supported: provider {} has no {kind}", realm.provider);
    let code = if kind == "groups" { "realize::no_groups" } else { "realize::no_federations" };
    let finding = Diagnostic::error(code, summary).with_location(origin.header_span(), "not supported here");
    origin.add_module_calls(finding.with_help("remove the block, or use provider \"aws\""))
}

/// The error for an identity that needs what the provider does not have: a role, or a group. `None`: it can be realized.
fn check_provider_parts(status: &IdentityStatus<'_>, realize: &Realizer, realm: &Realm) -> Option<Diagnostic> {
    let declared = status.declared?;
    let (code, part, kind, help) = if declared.spec.principal == Principal::Role && realize.trusts.is_none() {
        ("realize::no_roles", "principal", "roles", "write principal = \"user\"")
    } else if !declared.spec.groups.is_empty() && realize.groups.is_none() {
        ("realize::no_groups", "managed_groups", "groups", "attach scopes instead")
    } else {
        return None;
    };
    let summary = format!("{} is not supported: provider {} has no {kind}", status.address, realm.provider);
    let finding = Diagnostic::error(code, summary)
        .with_location(declared.origin.part_span(part), "not supported here")
        .with_help(help);
    Some(declared.origin.add_module_calls(finding))
}

/// The resources that one identity should consist of, with their digest in the marks of its principal.
///
/// - Active: what the block declares, the live credentials that it keeps, the live objects that Leasehold must not change, and its issued
///   keys.
/// - Quarantined: what the provider makes of the live identity in quarantine.
/// - Released: the live resources, unchanged.
/// - Absent, or not in the cloud: nothing.
#[must_use]
pub fn realize_identity(
    status: &IdentityStatus<'_>,
    realize: &Realizer,
    realm: &Realm,
) -> (ResourceMap, Vec<Diagnostic>) {
    match (&status.phase, status.live) {
        (LifecyclePhase::Active(active), _) => {
            if let Some(finding) = check_provider_parts(status, realize, realm) {
                return (ResourceMap::new(), vec![finding]);
            }
            let mut resources = realize.objects.realize_identity(realm, &active.identity, &active.marks);
            let lives = || live_resources(status).into_iter().flat_map(BTreeMap::values);
            resources.extend(lives().filter(|part| is_kept_credential(&active.identity, part, realize)).cloned());
            let guards = has_personal_mfa(Some(active.identity.spec.kind), &resources, realize);
            let left: Vec<Resource> = lives()
                .filter(|part| realize.semantics.is_left_unchanged(&part.id, guards))
                .filter(|part| is_new(part, &resources))
                .cloned()
                .collect();
            resources.extend(left);
            let origin = status.declared.map(|declared| &declared.origin);
            let mut findings: Vec<Diagnostic> = realize
                .limits
                .check_identity_limits(&active.identity, &resources)
                .into_iter()
                .filter_map(|violation| Some(diagnose_violation(violation, origin?)))
                .chain(check_fixed_path(status, &resources))
                .collect();
            if let Some(keys) = &active.keys {
                match realize_keys(keys, status, &resources, realize) {
                    Ok(keys) => resources.extend(keys),
                    Err(finding) => findings.push(*finding),
                }
            }
            (
                seal_resources(resources, &status.id, realize, |part| is_in_digest(part, status.live, realize, guards)),
                findings,
            )
        }
        (LifecyclePhase::Quarantined(quarantined), Some(live)) => {
            // A `moved` block gives an identity its new address also if it leaves.
            let moved =
                LiveIdentity { marks: Marks { address: status.address.clone(), ..live.marks.clone() }, ..live.clone() };
            let resources = realize.objects.realize_quarantine(realm, &moved, &quarantined.quarantine);
            let guards = has_personal_mfa(live.marks.kind, &resources, realize);
            (
                seal_resources(resources, &status.id, realize, |part| is_in_digest(part, Some(live), realize, guards)),
                Vec::new(),
            )
        }
        (LifecyclePhase::Released, Some(live)) => (live.resources.clone(), Vec::new()),
        (LifecyclePhase::Quarantined(_) | LifecyclePhase::Released, None) | (LifecyclePhase::Absent { .. }, _) => {
            (ResourceMap::new(), Vec::new())
        }
    }
}

/// The live resources of an identity, whether it is marked already or about to be imported. `None`: it does not exist.
#[must_use]
pub fn live_resources<'a>(status: &IdentityStatus<'a>) -> Option<&'a ResourceMap> {
    status.live.map(|live| &live.resources).or_else(|| status.import_candidate.map(|found| &found.resources))
}

/// Whether a live resource is a credential that the block declares as kept.
fn is_kept_credential(identity: &DesiredIdentity, part: &Resource, realize: &Realizer) -> bool {
    realize
        .semantics
        .credential_kind(&part.id)
        .is_some_and(|credential| identity.spec.retained_credentials.contains(&credential))
}

/// The issued keys of an identity: live keys that stay, with the status they should have, and the key to create. The new key depends on
/// every other resource of the identity, so that it is created last.
fn realize_keys(
    keys: &DesiredKeys,
    status: &IdentityStatus<'_>,
    rest: &[Resource],
    realize: &Realizer,
) -> Result<Vec<Resource>, Box<Diagnostic>> {
    let find_live = |id: &ResourceId| status.live.and_then(|live| live.resources.get(id)).cloned();
    let stay = keys.dispositions.iter().filter_map(|(id, disposition)| {
        let key_status = match disposition {
            KeyDisposition::Active => "Active",
            KeyDisposition::Disabled { .. } => "Inactive",
            KeyDisposition::Deleted(_) => return None,
        };
        Some(find_live(id)?.with_attribute("status", key_status))
    });
    let mut resources: Vec<Resource> = stay.collect();
    if let Some(new) = &keys.new {
        let id = realize.key_id(&status.id.name, ResourceId::NEW).ok_or_else(|| diagnose_unsupported_keys(status))?;
        let id = id.with_account(status.id.account.as_ref());
        let mut key = Resource::new(id, Some(status.address.clone()))
            .with_attribute("status", "Active")
            .with_attribute("store", format!("store.{}", new.store))
            .with_attribute("owner", new.owner.as_str());
        if let Some(environment) = &new.environment {
            key = key.with_attribute("environment", environment.as_str());
        }
        key.depends_on = rest.iter().map(|resource| resource.id.clone()).collect();
        resources.push(key);
    }
    Ok(resources)
}

fn diagnose_unsupported_keys(status: &IdentityStatus<'_>) -> Box<Diagnostic> {
    let finding = Diagnostic::error("lifecycle::no_keys", "this provider issues no access keys");
    Box::new(match status.declared {
        Some(declared) => finding
            .with_location(declared.origin.part_span("credential"), "requires an access key")
            .with_help("remove the `credential` block"),
        None => finding,
    })
}

fn is_new(part: &Resource, among: &[Resource]) -> bool {
    !among.iter().any(|resource| resource.id == part.id)
}

/// Whether the MFA devices of an identity belong to a person: its kind is `human` or `break_glass`, or it has a password.
fn has_personal_mfa<'a>(kind: Option<Kind>, parts: impl IntoIterator<Item = &'a Resource>, realize: &Realizer) -> bool {
    matches!(kind, Some(Kind::Human | Kind::BreakGlass))
        || parts.into_iter().any(|part| realize.semantics.credential_kind(&part.id) == Some(Credential::Login))
}

/// Reports a changed path of a role: IAM cannot change the path of a role.
fn check_fixed_path(status: &IdentityStatus<'_>, desired: &[Resource]) -> Option<Diagnostic> {
    let declared = status.declared.filter(|declared| declared.spec.principal == Principal::Role)?;
    let path = |resource: &Resource| resource.get("path").and_then(Value::as_text).unwrap_or("/").to_owned();
    let live = path(live_resources(status)?.get(&status.id)?);
    let desired = path(desired.iter().find(|resource| resource.id == status.id)?);
    (live != desired).then(|| {
        Diagnostic::error("lifecycle::path", format!("the path of {} cannot change", status.address))
            .with_location(declared.origin.part_span("path"), format!("this would be {desired}"))
            .with_detail(format!("{} has the path {live}, and IAM cannot change the path of a role.", status.id))
            .with_help(format!("write path = \"{live}\""))
    })
}

/// The digest of a live identity, for comparison with the digest in its marks.
#[must_use]
pub fn compute_live_digest(live: &LiveIdentity, realize: &Realizer) -> leasehold_provider::Digest {
    let guards = has_personal_mfa(live.marks.kind, live.resources.values(), realize);
    // The marks that count are those that the stack recorded: edits of tags are findings of their own.
    let principal = live.resources.get(&live.id);
    let principal = principal.map(|principal| Resource { marks: Some(live.marks.clone()), ..principal.clone() });
    let parts = live.resources.values().filter(|part| part.id != live.id).chain(&principal);
    identity_digest(parts.filter(|part| is_in_digest(part, Some(live), realize, guards)))
}

/// Whether the digest in the marks covers a resource. It leaves out objects that Leasehold must not change, and issued keys. Keys rotate
/// with time and AWS chooses their ids; the diff compares each of them with its own [`KeyDisposition`].
fn is_in_digest(part: &Resource, live: Option<&LiveIdentity>, realize: &Realizer, guards: bool) -> bool {
    let key = live.and_then(|live| live.keys.get(&part.id));
    let issued = part.id.is_new() || key.is_some_and(|key| key.delivered.is_some());
    !issued && !realize.semantics.is_left_unchanged(&part.id, guards)
}

fn seal_resources(
    mut resources: Vec<Resource>,
    principal: &ResourceId,
    realize: &Realizer,
    counts: impl Fn(&Resource) -> bool,
) -> ResourceMap {
    record_sensitive(&mut resources, principal);
    let digest = identity_digest(resources.iter().filter(|part| counts(part)));
    let mut resources: ResourceMap = resources.into_iter().map(|resource| (resource.id.clone(), resource)).collect();
    if let Some(marks) = resources.get_mut(principal).and_then(|resource| resource.marks.as_mut()) {
        *marks = Marks { digest: Some(digest), lineage: realize.lineage.clone(), ..marks.clone() };
    }
    resources
}

fn set_digest(resource: &mut Resource, realize: &Realizer) {
    let root = resource.id.clone();
    record_sensitive(std::slice::from_mut(resource), &root);
    let digest = identity_digest([&*resource]);
    if let Some(marks) = resource.marks.as_mut() {
        *marks = Marks { digest: Some(digest), lineage: realize.lineage.clone(), ..marks.clone() };
    }
}

fn diagnose_violation(violation: Violation, origin: &BlockOrigin) -> Diagnostic {
    let finding = Diagnostic::error("limits::exceeded", format!("{}: {}", violation.subject, violation.problem))
        .with_location(origin.part_span(violation.attribute), "not accepted by the provider")
        .with_help(violation.help);
    origin.add_module_calls(finding)
}
