//! A plan against what the cloud says it takes. Pure: the numbers are arguments.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Change, Quota, Realize, Resource, ResourceId, Snapshot};

use super::{Plan, StepId};

/// A number that a plan would pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded<'a> {
    /// The limit.
    pub quota: &'a Quota,
    /// The one identity or group whose number it is; `None`: it is the account's.
    pub holder: Option<Address>,
    /// How many the plan makes.
    pub made: u64,
    /// How many it removes.
    pub removed: u64,
    /// How many there would be.
    pub wanted: u64,
}

/// Documents up to so many characters fit everywhere.
const FITS: usize = 2048;

/// Whether a plan makes anything, or writes a long document, so that quotas bear on it.
#[must_use]
pub fn bear_on(plan: &Plan, realize: &dyn Realize) -> bool {
    let is_long = |resource: &Resource| {
        resource.attributes.keys().any(|attribute| realize.characters(resource, attribute) > FITS)
    };
    plan.steps.iter().any(|step| match &step.change {
        Change::Create { .. } => true,
        Change::Update { after, .. } => is_long(after),
        _ => false,
    })
}

/// The quotas that a plan would pass. What it removes makes no room for what it makes: nothing says that it goes first.
#[must_use]
pub fn exceeded<'a>(plan: &Plan, snapshot: &Snapshot, quotas: &'a [Quota], realize: &dyn Realize) -> Vec<Exceeded<'a>> {
    let mut found = Vec::new();
    for quota in quotas {
        match (quota.used, quota.characters_of) {
            (Some(used), _) => found.extend(of_account(plan, quota, used)),
            (None, Some(attribute)) => found.extend(of_documents(plan, quota, attribute, realize)),
            (None, None) => found.extend(of_holders(plan, snapshot, quota, realize)),
        }
    }
    found
}

fn of_account<'a>(plan: &Plan, quota: &'a Quota, used: u64) -> Option<Exceeded<'a>> {
    let changes = || plan.steps.iter().map(|step| &step.change).filter(|change| quota.counts(change.id()));
    let made = number(changes().filter(|change| matches!(change, Change::Create { .. })).count());
    let removed = number(changes().filter(|change| matches!(change, Change::Delete { .. })).count());
    let wanted = used.saturating_add(made);
    (made > 0 && wanted > quota.limit).then_some(Exceeded { quota, holder: None, made, removed, wanted })
}

/// The steps that take something off only after something was put on: what denies is let go of last, and who is taken in works on.
fn late(plan: &Plan) -> BTreeSet<&ResourceId> {
    let makes: BTreeSet<(&Address, StepId)> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.change, Change::Create { .. }))
        .map(|step| (&step.subject, step.id))
        .collect();
    let mut after_making: BTreeSet<StepId> = BTreeSet::new();
    let mut late = BTreeSet::new();
    // Needs come before the steps that have them.
    for step in &plan.steps {
        let waits = |need: &StepId| makes.contains(&(&step.subject, *need)) || after_making.contains(need);
        if step.needs.iter().any(waits) {
            after_making.insert(step.id);
            late.extend(matches!(step.change, Change::Delete { .. }).then(|| step.change.id()));
        }
    }
    late
}

/// Each holder by itself. A stray that goes makes room here, unless it goes late: strays go before anything is given.
fn of_holders<'a>(plan: &Plan, snapshot: &Snapshot, quota: &'a Quota, realize: &dyn Realize) -> Vec<Exceeded<'a>> {
    let mut holders: BTreeMap<&ResourceId, (&Address, &[Change])> =
        plan.identities.iter().map(|delta| (&delta.id, (&delta.address, delta.changes.as_slice()))).collect();
    holders.extend(plan.shared.iter().map(|delta| (&delta.id, (&delta.address, delta.changes.as_slice()))));
    let late = late(plan);
    let mut found = Vec::new();
    for (id, (address, changes)) in holders {
        let of = |wanted: fn(&Change) -> bool| {
            changes.iter().filter(|c| wanted(c) && quota.counts(c.id())).map(Change::id).collect::<BTreeSet<_>>()
        };
        let made = of(|change| matches!(change, Change::Create { .. }));
        if made.is_empty() {
            continue;
        }
        let removed = of(|change| matches!(change, Change::Delete { .. }));
        let parts = snapshot.identities.get(id).into_iter().flat_map(|live| live.resources.keys());
        let shared = snapshot.shared.keys().filter(|part| realize.shared_whole(part) == *id);
        let goes = |part: &ResourceId| removed.contains(part) && !late.contains(part);
        let stay = parts.chain(shared).filter(|part| quota.counts(part) && !goes(part)).count();
        let wanted = number(stay).saturating_add(number(made.len()));
        if wanted > quota.limit {
            let (made, removed) = (number(made.len()), number(removed.len()));
            found.push(Exceeded { quota, holder: Some(address.clone()), made, removed, wanted });
        }
    }
    found
}

/// Each document that is written, by itself.
fn of_documents<'a>(
    plan: &Plan,
    quota: &'a Quota,
    attribute: &'static str,
    realize: &dyn Realize,
) -> impl Iterator<Item = Exceeded<'a>> {
    plan.steps.iter().filter(|step| quota.counts(step.change.id())).filter_map(move |step| {
        let wanted = number(realize.characters(step.change.after()?, attribute));
        let holder = Some(step.subject.clone());
        (wanted > quota.limit).then_some(Exceeded { quota, holder, made: 1, removed: 0, wanted })
    })
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
