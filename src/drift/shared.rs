//! Compares the shared objects of the stack, such as scopes and groups, with what was last applied.
//!
//! In: the inputs of the check, and the objects that identities as applied needed. Out: findings and pending changes,
//! added to a [`DriftReport`].

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Change, LiveShared, Resource, ResourceId, resource::identity_digest};

use super::{DriftFinding, DriftInputs, DriftReport, DriftRule, PendingChange, invert_change};
use crate::config::estate;
use crate::diff::resources;
use crate::lifecycle::IdentityStatus;
use crate::realize::ResourceMap;

/// Checks every shared object that is declared or live. An object in `as_applied` existed when an identity with it
/// was applied.
pub fn check_shared_drift(
    inputs: &DriftInputs<'_>,
    as_applied: &BTreeSet<ResourceId>,
    statuses: &[IdentityStatus<'_>],
    report: &mut DriftReport,
) {
    let live: ResourceMap =
        inputs.snapshot.shared.iter().map(|(id, shared)| (id.clone(), shared.as_recorded())).collect();
    let (desired, live) = (group_by_root(inputs, inputs.shared), group_by_root(inputs, &live));
    for (id, parts) in &desired {
        let Some(root) = parts.get(id) else { continue };
        match (live.get(id), inputs.snapshot.shared.get(id)) {
            (Some(live), Some(shared)) => {
                let whole =
                    SharedCheck { inputs, id, address: shared_address(root, Some(shared)), live, desired: parts };
                report.looked_at.insert(whole.address.clone());
                whole.check_shared_object(report);
            }
            _ => report_missing(inputs, root, as_applied.contains(id), report),
        }
    }
    let held: BTreeSet<&ResourceId> = statuses
        .iter()
        .filter_map(|status| status.live)
        .flat_map(|live| live.resources.values().flat_map(|resource| &resource.depends_on))
        .collect();
    for (id, shared) in &inputs.snapshot.shared {
        if inputs.realize.ids.shared_root_id(id) == *id && !desired.contains_key(id) {
            report_undeclared(inputs, shared, held.contains(id), report);
        }
    }
}

/// Groups objects with their parts, by the id of the object.
fn group_by_root(inputs: &DriftInputs<'_>, resources: &ResourceMap) -> BTreeMap<ResourceId, ResourceMap> {
    let mut wholes: BTreeMap<ResourceId, ResourceMap> = BTreeMap::new();
    for (id, resource) in resources {
        wholes.entry(inputs.realize.ids.shared_root_id(id)).or_default().insert(id.clone(), resource.clone());
    }
    wholes
}

/// A shared object that is declared and live, with its parts.
struct SharedCheck<'a> {
    inputs: &'a DriftInputs<'a>,
    id: &'a ResourceId,
    address: Address,
    live: &'a ResourceMap,
    desired: &'a ResourceMap,
}

impl SharedCheck<'_> {
    fn check_shared_object(&self, report: &mut DriftReport) {
        let realize = self.inputs.realize;
        let differs = |change: &Change| match change {
            Change::Update { before, after } => !resources::has_same_meaning(before, after, realize),
            Change::Create { .. } | Change::Delete { .. } => true,
            Change::Mark { .. } | Change::Import { .. } | Change::Release { .. } => false,
        };
        let changes: Vec<Change> =
            resources::diff_resources(self.desired, self.live).into_iter().filter(differs).collect();
        if changes.is_empty() {
            return;
        }
        let applied = digest_mark(self.live.get(self.id));
        let configured = applied.is_some() && applied == digest_mark(self.desired.get(self.id));
        if !configured {
            report.pending.insert(self.address.clone(), PendingChange::Moves);
        }
        if applied.is_some() && applied == Some(identity_digest(self.live.values())) {
            return;
        }
        let message = match applied {
            Some(_) if configured => "differs from the applied state",
            Some(_) => "differs from the last applied state; its configuration changed too",
            None => "differs from the configuration; it has no digest mark, so the cause is unknown",
        };
        for change in changes {
            let rule =
                if matches!(change, Change::Delete { .. }) { DriftRule::UnmanagedAccess } else { DriftRule::Changed };
            let object = change.resource_before().or(change.resource_after());
            let reported = match (rule, object) {
                (DriftRule::UnmanagedAccess, Some(object)) => format!("has {}, which is not declared", object.id),
                _ => message.to_owned(),
            };
            let root = self.live.get(self.id).or(object);
            let Some(root) = root else { continue };
            let mut finding = shared_finding(self.inputs, rule, Some(self.address.clone()), root, reported);
            finding.changes = vec![invert_change(change)];
            report.findings.push(finding);
        }
    }
}

/// Reports a live object that is not declared: a change of the configuration left it behind, or it is a foreign
/// object under the stack's path.
fn report_undeclared(inputs: &DriftInputs<'_>, shared: &LiveShared, held: bool, report: &mut DriftReport) {
    // AWS cannot tag IAM groups: their path shows which stack they belong to.
    let marked =
        digest_mark(Some(&shared.resource)).is_some() || estate::address_kind(&shared.address) == Some("group");
    if !marked {
        let message = "under the stack's path, but without the stack's marks".to_owned();
        report.findings.push(shared_finding(inputs, DriftRule::Unmarked, None, &shared.resource, message));
    } else if !held && shared.foreign_attachments.is_empty() {
        report.pending.insert(shared.address.clone(), PendingChange::Leaves);
    }
}

fn report_missing(inputs: &DriftInputs<'_>, desired: &Resource, was_there: bool, report: &mut DriftReport) {
    let address = shared_address(desired, None);
    if let Some(unmanaged_object) = inputs.snapshot.unmanaged_objects.get(&desired.id) {
        let why =
            unmanaged_object.unreadable.clone().unwrap_or_else(|| "it does not have this stack's marks".to_owned());
        let mut finding =
            shared_finding(inputs, DriftRule::Unmarked, Some(address), desired, format!("its name is in use: {why}"));
        finding.object = unmanaged_object.arn.clone();
        report.findings.push(finding);
        return;
    }
    match inputs.recorded {
        Some(recorded) if !was_there && !recorded.contains(&(address.clone(), desired.id.account.clone())) => {
            report.pending.insert(address, PendingChange::Joins);
        }
        _ => {
            let message = "declared but missing: deleted outside Leasehold, or never applied".to_owned();
            report.findings.push(shared_finding(inputs, DriftRule::Missing, Some(address), desired, message));
        }
    }
}

fn shared_finding(
    inputs: &DriftInputs<'_>,
    rule: DriftRule,
    address: Option<Address>,
    resource: &Resource,
    message: String,
) -> DriftFinding {
    let name = inputs.realize.names.cloud_name(&inputs.snapshot.realm, resource);
    let object = name.unwrap_or_else(|| resource.id.to_string());
    DriftFinding { rule, address, object, owner: None, message, access: None, changes: Vec::new() }
}

fn digest_mark(resource: Option<&Resource>) -> Option<leasehold_provider::Digest> {
    resource?.marks.as_ref()?.digest
}

fn shared_address(desired: &Resource, live: Option<&LiveShared>) -> Address {
    match (&desired.marks, live) {
        (Some(marks), _) => marks.address.clone(),
        (None, Some(live)) => live.address.clone(),
        (None, None) => Address::from_text(desired.id.to_string()),
    }
}
