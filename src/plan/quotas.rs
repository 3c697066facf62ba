//! Checks a plan against the quotas of the cloud.
//!
//! In: a plan, the snapshot and the quotas. Out: each quota that the plan would exceed. Pure: the limits and the
//! current usage are arguments.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Change, Quota, QuotaScope, Realizer, Resource, ResourceId, Snapshot};

use super::{Plan, Step, StepId};
use crate::diff::{ChangeReason, IdentityDelta};

/// A quota that a plan would exceed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceededQuota<'a> {
    /// The quota, with its limit.
    pub quota: &'a Quota,
    /// The identity or group that the quota counts for; `None` if it counts for the account.
    pub holder: Option<Address>,
    /// How many objects the plan creates or writes.
    pub made: u64,
    /// How many objects the plan deletes.
    pub removed: u64,
    /// What the plan would reach: objects, or characters for a quota on documents.
    pub desired: u64,
}

/// The length up to which a document cannot exceed a quota by itself, in characters: 2048 is the smallest quota of
/// IAM on documents (a user's inline policies; a role's trust policy).
const FITS: usize = 2048;

/// Whether quotas need to be read for a plan: it creates an object, writes a long document, or writes a document
/// before it deletes another one of the same subject. Identities that leave, and keys that are due because of time,
/// do not count: they must not wait for room.
#[must_use]
pub fn may_exceed_quotas(plan: &Plan, realize: &Realizer) -> bool {
    let is_long = |resource: &Resource| {
        resource.attributes.keys().any(|attribute| realize.limits.count_characters(resource, attribute) > FITS)
    };
    let exempt: BTreeSet<&Address> =
        plan.identities.iter().filter(|delta| needs_no_room(delta)).map(|delta| &delta.address).collect();
    let counts = |step: &Step| !exempt.contains(&step.subject);
    plan.steps.iter().filter(|step| counts(step)).any(|step| match &step.change {
        Change::Create { .. } => true,
        Change::Update { after, .. } => is_long(after),
        _ => false,
    }) || !find_late_removals(plan, |step| counts(step) && matches!(step.change, Change::Update { .. })).is_empty()
}

fn needs_no_room(delta: &IdentityDelta) -> bool {
    delta.leaving.is_some() || (!delta.reasons.is_empty() && delta.reasons.iter().all(ChangeReason::is_due_by_time))
}

/// The quotas that a plan would exceed. Deletions make no room in the account's quotas for creations, because the
/// order between them is not fixed.
#[must_use]
pub fn find_exceeded_quotas<'a>(
    plan: &Plan,
    snapshot: &Snapshot,
    quotas: &'a [Quota],
    realize: &Realizer,
) -> Vec<ExceededQuota<'a>> {
    let mut found = Vec::new();
    for quota in quotas {
        match quota.counted {
            QuotaScope::PerAccount { used } => found.extend(check_account_quota(plan, quota, used)),
            QuotaScope::Characters(attribute) => found.extend(check_document_sizes(plan, quota, attribute, realize)),
            QuotaScope::PerSubject => found.extend(check_subject_quota(plan, snapshot, quota, realize)),
            QuotaScope::CharactersPerSubject(attribute) => {
                found.extend(check_total_document_size(plan, snapshot, quota, attribute, realize));
            }
        }
    }
    found
}

fn check_account_quota<'a>(plan: &Plan, quota: &'a Quota, used: u64) -> Option<ExceededQuota<'a>> {
    let changes = || plan.steps.iter().map(|step| &step.change).filter(|change| quota.applies_to_object(change.id()));
    let made = count_as_u64(changes().filter(|change| matches!(change, Change::Create { .. })).count());
    let removed = count_as_u64(changes().filter(|change| matches!(change, Change::Delete { .. })).count());
    let desired = used.saturating_add(made);
    (made > 0 && desired > quota.limit).then_some(ExceededQuota { quota, holder: None, made, removed, desired })
}

/// The objects that are deleted only after something of the same subject was `made`: a Deny is detached last, and an
/// imported identity gets its new policies first.
fn find_late_removals(plan: &Plan, made: impl Fn(&Step) -> bool) -> BTreeSet<&ResourceId> {
    let makes: BTreeSet<(&Address, StepId)> =
        plan.steps.iter().filter(|step| made(step)).map(|step| (&step.subject, step.id)).collect();
    let mut after_making: BTreeSet<(&Address, StepId)> = BTreeSet::new();
    let mut late = BTreeSet::new();
    // One pass is enough: the needs of a step come before the step.
    for step in &plan.steps {
        let waits = |need: &StepId| {
            let need = (&step.subject, *need);
            makes.contains(&need) || after_making.contains(&need)
        };
        if step.needs.keys().any(waits) {
            after_making.insert((&step.subject, step.id));
            late.extend(matches!(step.change, Change::Delete { .. }).then(|| step.change.id()));
        }
    }
    late
}

/// What is attached to a live principal or group, or to one that the plan imports.
fn live_attachments<'a>(
    holder: &'a ResourceId,
    snapshot: &'a Snapshot,
    realize: &'a Realizer,
) -> impl Iterator<Item = &'a Resource> {
    let own = snapshot.identities.get(holder).map(|live| &live.resources);
    let taken_in = snapshot.import_candidates.get(holder).map(|found| &found.resources);
    let shared = snapshot.shared.values().map(|shared| &shared.resource);
    let is_shared = snapshot.shared.contains_key(holder);
    let parts = shared.filter(move |part| is_shared && realize.ids.shared_root_id(&part.id) == *holder);
    own.or(taken_in).into_iter().flat_map(|resources| resources.values()).chain(parts)
}

/// Checks each holder. An unmanaged attachment that is deleted makes room here, unless it is deleted late: unmanaged
/// attachments are deleted before any access is given.
fn check_subject_quota<'a>(
    plan: &Plan,
    snapshot: &Snapshot,
    quota: &'a Quota,
    realize: &Realizer,
) -> Vec<ExceededQuota<'a>> {
    let mut holders: BTreeMap<&ResourceId, (&Address, &[Change])> =
        plan.identities.iter().map(|delta| (&delta.id, (&delta.address, delta.changes.as_slice()))).collect();
    holders.extend(plan.shared.iter().map(|delta| (&delta.id, (&delta.address, delta.changes.as_slice()))));
    let late = find_late_removals(plan, |step| {
        matches!(step.change, Change::Create { .. }) && quota.applies_to_object(step.change.id())
    });
    let mut found = Vec::new();
    for (id, (address, changes)) in holders {
        let of = |desired: fn(&Change) -> bool| {
            changes
                .iter()
                .filter(|c| desired(c) && quota.applies_to_object(c.id()))
                .map(Change::id)
                .collect::<BTreeSet<_>>()
        };
        let made = of(|change| matches!(change, Change::Create { .. }));
        if made.is_empty() {
            continue;
        }
        let removed = of(|change| matches!(change, Change::Delete { .. }));
        let parts = live_attachments(id, snapshot, realize).map(|part| &part.id);
        let goes = |part: &ResourceId| removed.contains(part) && !late.contains(part);
        let stay = parts.filter(|part| quota.applies_to_object(part) && !goes(part)).count();
        let desired = count_as_u64(stay).saturating_add(count_as_u64(made.len()));
        if desired > quota.limit {
            let (made, removed) = (count_as_u64(made.len()), count_as_u64(removed.len()));
            found.push(ExceededQuota { quota, holder: Some(address.clone()), made, removed, desired });
        }
    }
    found
}

/// Checks each document that is written, by itself.
fn check_document_sizes<'a>(
    plan: &Plan,
    quota: &'a Quota,
    attribute: &'static str,
    realize: &Realizer,
) -> impl Iterator<Item = ExceededQuota<'a>> {
    plan.steps.iter().filter(|step| quota.applies_to_object(step.change.id())).filter_map(move |step| {
        let desired = count_as_u64(realize.limits.count_characters(step.change.resource_after()?, attribute));
        let holder = Some(step.subject.clone());
        (desired > quota.limit).then_some(ExceededQuota { quota, holder, made: 1, removed: 0, desired })
    })
}

/// Checks the documents of each holder together, each at its longest: the order in which they are written is not
/// fixed, except that unmanaged policies are deleted before any access is given.
fn check_total_document_size<'a>(
    plan: &Plan,
    snapshot: &Snapshot,
    quota: &'a Quota,
    attribute: &'static str,
    realize: &Realizer,
) -> Vec<ExceededQuota<'a>> {
    let principal_of = super::principals_by_object(&plan.identities, &plan.steps);
    let mut written: BTreeMap<ResourceId, (&Address, BTreeMap<&ResourceId, usize>)> = BTreeMap::new();
    for step in &plan.steps {
        let Some(after) = step.change.resource_after().filter(|after| quota.applies_to_object(&after.id)) else {
            continue;
        };
        let holder =
            principal_of.get(&after.id).map_or_else(|| realize.ids.shared_root_id(&after.id), |it| (*it).clone());
        let (_, sizes) = written.entry(holder).or_insert_with(|| (&step.subject, BTreeMap::new()));
        let size = sizes.entry(&after.id).or_default();
        *size = realize.limits.count_characters(after, attribute).max(*size);
    }
    let removed = plan.steps.iter().filter(|step| matches!(step.change, Change::Delete { .. }));
    let removed: BTreeSet<&ResourceId> = removed.map(|step| step.change.id()).collect();
    let late = find_late_removals(plan, |step| {
        step.change.resource_after().is_some_and(|after| quota.applies_to_object(&after.id))
    });
    let mut found = Vec::new();
    for (holder, (address, mut sizes)) in written {
        let made = count_as_u64(sizes.len());
        let counted = live_attachments(&holder, snapshot, realize).filter(|part| quota.applies_to_object(&part.id));
        let parts: Vec<&Resource> =
            counted.filter(|part| !removed.contains(&part.id) || late.contains(&part.id)).collect();
        for part in parts {
            let size = sizes.entry(&part.id).or_default();
            *size = realize.limits.count_characters(part, attribute).max(*size);
        }
        let desired = count_as_u64(sizes.values().sum());
        if desired > quota.limit {
            found.push(ExceededQuota { quota, holder: Some(address.clone()), made, removed: 0, desired });
        }
    }
    found
}

fn count_as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
