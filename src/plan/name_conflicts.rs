//! Finds names that are already used in the cloud: by objects outside the stack, or by a leaver.
//!
//! In: the declared stack and the snapshot. Out: one diagnostic for each identity or shared object that cannot be
//! created.

use std::collections::BTreeMap;

use leasehold_provider::{Address, Alias, ResourceId, ResourceKind, Snapshot, UnmanagedObject};

use crate::config::{DeclaredStack, Diagnostic};
use crate::lifecycle::{IdentityStatus, LifecyclePhase};
use crate::realize::ResourceMap;

/// A finding for each identity or scope that cannot be created because its account already has an object with its name.
/// Names are compared without case. With `one_space`, a user and a role cannot have the same name either.
#[must_use]
pub fn find_name_conflicts(
    declared: &DeclaredStack,
    statuses: &[IdentityStatus<'_>],
    shared: &ResourceMap,
    snapshot: &Snapshot,
    one_space: bool,
) -> Vec<Diagnostic> {
    let unmanaged_objects: ForeignNames<'_> = snapshot
        .unmanaged_objects
        .iter()
        .map(|(id, unmanaged_object)| (to_cloud_name(id, false), (id, unmanaged_object)))
        .collect();
    let mut findings = find_joiner_conflicts(declared, statuses, snapshot, &unmanaged_objects, one_space);
    findings.extend(find_shared_conflicts(declared, shared, snapshot, &unmanaged_objects));
    findings
}

/// Objects outside the stack, by name and kind.
type ForeignNames<'a> = BTreeMap<CloudName, (&'a ResourceId, &'a UnmanagedObject)>;

fn find_joiner_conflicts(
    declared: &DeclaredStack,
    statuses: &[IdentityStatus<'_>],
    snapshot: &Snapshot,
    unmanaged_objects: &ForeignNames<'_>,
    one_space: bool,
) -> Vec<Diagnostic> {
    let joiners: Vec<_> = statuses
        .iter()
        .filter(|status| status.live.is_none() && status.import_candidate.is_none())
        .filter(|status| declared.estate.find_import(&status.address).is_none())
        .filter_map(|status| matches!(status.phase, LifecyclePhase::Active(_)).then_some((status, status.declared?)))
        .collect();
    // Without joiners, the index of all live names is not needed.
    if joiners.is_empty() {
        return Vec::new();
    }
    let mut others: BTreeMap<CloudName, Vec<(&ResourceId, String)>> = BTreeMap::new();
    for (id, unmanaged_object) in snapshot.unmanaged_objects.iter().filter(|_| one_space) {
        others.entry(to_cloud_name(id, true)).or_default().push((id, describe_owner(unmanaged_object)));
    }
    for (id, live) in &snapshot.identities {
        let ownership = format!("it is {}, which is leaving", live.address());
        others.entry(to_cloud_name(id, one_space)).or_default().push((id, ownership));
    }
    let mut findings = Vec::new();
    for (status, identity) in joiners {
        let found = if let Some((id, unmanaged_object)) = unmanaged_objects.get(&to_cloud_name(&status.id, false)) {
            report_name_conflict(
                &status.address,
                &id.to_string(),
                &unmanaged_object.arn,
                &describe_owner(unmanaged_object),
            )
        } else if let Some((id, ownership)) =
            others.get(&to_cloud_name(&status.id, one_space)).into_iter().flatten().find(|(id, _)| **id != status.id)
        {
            report_name_conflict(&status.address, &id.to_string(), &id.display_name(), ownership)
        } else {
            continue;
        };
        findings.push(
            identity.origin.add_module_calls(found.with_location(identity.origin.part_span("name"), NAME_IN_USE)),
        );
    }
    findings
}

fn find_shared_conflicts(
    declared: &DeclaredStack,
    shared: &ResourceMap,
    snapshot: &Snapshot,
    unmanaged_objects: &ForeignNames<'_>,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for resource in shared.values().filter(|resource| !snapshot.shared.contains_key(&resource.id)) {
        let Some((id, unmanaged_object)) = unmanaged_objects.get(&to_cloud_name(&resource.id, false)) else { continue };
        let address =
            resource.marks.as_ref().map_or_else(|| Address::from_text(&resource.id.name), |m| m.address.clone());
        let finding =
            report_name_conflict(&address, &id.to_string(), &unmanaged_object.arn, &describe_owner(unmanaged_object));
        let scope = declared.scopes.values().find(|(scope, _)| scope.address() == address);
        let group = || declared.groups.values().find(|group| group.group.address == address);
        let federation = || declared.federations.values().find(|(federation, _)| federation.address() == address);
        findings.push(if let Some((_, origin)) = scope {
            finding.with_location(origin.header_span(), NAME_IN_USE)
        } else if let Some(group) = group() {
            finding.with_location(group.origin.part_span("name"), NAME_IN_USE)
        } else if let Some((_, origin)) = federation() {
            finding.with_location(origin.header_span(), NAME_IN_USE).with_help(
                "Remove the block: `trust` blocks may also name federations that this stack does not manage. Or delete the live object outside Leasehold if it is unused.",
            )
        } else {
            finding
        });
    }
    findings
}

/// The label at the name in the diagnostic.
const NAME_IN_USE: &str = "this name is taken";

type CloudName = (Option<Alias>, Option<ResourceKind>, String);

fn to_cloud_name(id: &ResourceId, one_space: bool) -> CloudName {
    (id.account.clone(), (!one_space).then(|| id.kind.clone()), id.name.to_ascii_lowercase())
}

fn describe_owner(unmanaged_object: &UnmanagedObject) -> String {
    match (&unmanaged_object.stack, &unmanaged_object.unreadable) {
        (_, Some(why)) => format!("its marks cannot be read: {why}"),
        (Some(stack), None) => format!("it belongs to stack {stack}"),
        (None, None) => "it has no Leasehold marks".to_owned(),
    }
}

fn report_name_conflict(address: &Address, what: &str, arn: &str, ownership: &str) -> Diagnostic {
    let summary = format!("{address} cannot be created: {what} already exists and does not belong to this stack");
    Diagnostic::error("plan::name_taken", summary)
        .with_detail(format!(
            "{arn} exists in the cloud, and {ownership}. Leasehold only changes objects that have the marks of its stack."
        ))
        .with_help("Set another `name`, or delete the live object outside Leasehold if it is unused.")
}
