//! The order of the steps.
//!
//! Within an identity:
//! - a joiner follows its resources' dependencies: principal, then what hangs on it, keys last;
//! - one that goes is taken apart the other way round: keys and attachments first, the Deny after them, the principal last;
//! - any other change goes in ranks, each waiting for all of the one before, so that at no point more is allowed than the union
//!   of before and after: give up, tighten, change the principal, change the rest, give, loosen, mark.
//!
//! Between objects: what is needed is made, or changed, before what needs it; what others hang on goes after they let go.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Change, Realize, Resource, ResourceId};

use super::{Step, StepId};
use crate::diff::{IdentityDelta, Lifecycle, SharedDelta};

/// The steps of all deltas, in an order that holds. A cycle is the engine's own fault: the self-check finds it.
#[must_use]
pub fn order(
    identities: &[IdentityDelta],
    shared: &[SharedDelta],
    realize: &dyn Realize,
    digest_of: &dyn Fn(&ResourceId) -> Option<leasehold_provider::Digest>,
) -> Vec<Step> {
    let mut drafts = Drafts { steps: Vec::new(), realize, digest_of };
    let mut ranked: BTreeSet<StepId> = BTreeSet::new();
    for delta in shared {
        let range = drafts.push_all(&delta.address, &delta.changes);
        drafts.chain(&[range]);
    }
    for delta in identities {
        let teardown = delta.changes.iter().any(|c| matches!(c, Change::Delete { before } if before.id == delta.id));
        if delta.lifecycle == Lifecycle::Joiner || teardown {
            drafts.push_all(&delta.address, &delta.changes);
        } else {
            let ranks = drafts.push_ranked(delta);
            drafts.chain(&ranks);
            ranked.extend(ranks.into_iter().flatten());
        }
    }
    let mut steps = drafts.steps;
    add_dependencies(&mut steps, &ranked);
    number(steps)
}

struct Drafts<'a> {
    steps: Vec<Step>,
    realize: &'a dyn Realize,
    digest_of: &'a dyn Fn(&ResourceId) -> Option<leasehold_provider::Digest>,
}

impl Drafts<'_> {
    fn push(&mut self, subject: &leasehold_provider::Address, change: &Change) -> StepId {
        let id = StepId(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        self.steps.push(Step {
            id,
            subject: subject.clone(),
            note: self.realize.describe(change),
            precondition: (self.digest_of)(change.id()),
            change: change.clone(),
            needs: BTreeSet::new(),
        });
        id
    }

    fn push_all(&mut self, subject: &leasehold_provider::Address, changes: &[Change]) -> Vec<StepId> {
        changes.iter().map(|change| self.push(subject, change)).collect()
    }

    fn push_ranked(&mut self, delta: &IdentityDelta) -> Vec<Vec<StepId>> {
        let mut ranks: BTreeMap<Rank, Vec<StepId>> = BTreeMap::new();
        for change in &delta.changes {
            let rank = rank(change, &delta.id, self.realize);
            let id = self.push(&delta.address, change);
            ranks.entry(rank).or_default().push(id);
        }
        ranks.into_values().collect()
    }

    /// Lets each group wait for all of the group before it. Within a group of one object's changes, the marks wait for the rest.
    fn chain(&mut self, groups: &[Vec<StepId>]) {
        for (earlier, later) in groups.iter().zip(groups.iter().skip(1)) {
            for id in later {
                if let Some(step) = step_mut(&mut self.steps, *id) {
                    step.needs.extend(earlier.iter().copied());
                }
            }
        }
        for group in groups {
            let (marks, rest): (Vec<StepId>, Vec<StepId>) = group
                .iter()
                .copied()
                .partition(|id| step(&self.steps, *id).is_some_and(|step| matches!(step.change, Change::Mark { .. })));
            for id in marks {
                if let Some(step) = step_mut(&mut self.steps, id) {
                    step.needs.extend(rest.iter().copied());
                }
            }
        }
    }
}

/// The ranks of a mover's, a quarantine's and a drift's steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    GiveUp,
    Tighten,
    Principal,
    Rest,
    Give,
    Loosen,
    Mark,
}

fn rank(change: &Change, principal: &ResourceId, realize: &dyn Realize) -> Rank {
    match change {
        Change::Mark { .. } => Rank::Mark,
        Change::Delete { before } if realize.restricts(before) => Rank::Loosen,
        Change::Delete { .. } => Rank::GiveUp,
        Change::Create { after } if realize.restricts(after) => Rank::Tighten,
        Change::Create { .. } => Rank::Give,
        Change::Update { after, .. } if after.id == *principal => Rank::Principal,
        Change::Update { .. } => Rank::Rest,
    }
}

/// Lets steps wait as their resources' dependencies say. Between the steps of one ranked change the ranks alone decide: there the
/// principal stands already, and which part goes first is a matter of access, not of existence.
fn add_dependencies(steps: &mut [Step], ranked: &BTreeSet<StepId>) {
    let mut makers: BTreeMap<ResourceId, Vec<StepId>> = BTreeMap::new();
    let mut removers: BTreeMap<ResourceId, StepId> = BTreeMap::new();
    for step in steps.iter() {
        match &step.change {
            Change::Create { after } | Change::Update { after, .. } => {
                makers.entry(after.id.clone()).or_default().push(step.id);
            }
            Change::Delete { before } => {
                removers.insert(before.id.clone(), step.id);
            }
            Change::Mark { .. } => {}
        }
    }
    let mut waits: Vec<(StepId, StepId)> = Vec::new();
    for step in steps.iter() {
        let needed = step.change.after().into_iter().flat_map(|after: &Resource| &after.depends_on);
        for maker in needed.filter_map(|id| makers.get(id)).flatten() {
            waits.push((step.id, *maker));
        }
        let held = step.change.before().into_iter().flat_map(|before| &before.depends_on);
        for remover in held.filter_map(|id| removers.get(id)) {
            waits.push((*remover, step.id));
        }
    }
    let by_rank = |a: StepId, b: StepId, steps: &[Step]| {
        let subject = |id| step(steps, id).map(|step| &step.subject);
        ranked.contains(&a) && ranked.contains(&b) && subject(a) == subject(b)
    };
    for (waiter, waited_for) in waits {
        if waiter != waited_for
            && !by_rank(waiter, waited_for, steps)
            && let Some(step) = step_mut(steps, waiter)
        {
            step.needs.insert(waited_for);
        }
    }
}

/// Puts the steps in an order in which each comes after its needs, the earliest first where there is a choice, and numbers them so.
/// Steps on a cycle keep their place at the end.
fn number(steps: Vec<Step>) -> Vec<Step> {
    let mut waiting: Vec<usize> = steps.iter().map(|step| step.needs.len()).collect();
    let mut waited_for_by: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
    for step in &steps {
        for need in &step.needs {
            waited_for_by.entry(*need).or_default().push(step.id);
        }
    }
    let mut ready: BTreeSet<StepId> = steps.iter().filter(|step| step.needs.is_empty()).map(|step| step.id).collect();
    let mut sequence: Vec<StepId> = Vec::with_capacity(steps.len());
    while let Some(id) = ready.pop_first() {
        sequence.push(id);
        for waiter in waited_for_by.get(&id).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(index(*waiter)) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.insert(*waiter);
                }
            }
        }
    }
    let placed: BTreeSet<StepId> = sequence.iter().copied().collect();
    sequence.extend(steps.iter().map(|step| step.id).filter(|id| !placed.contains(id)));
    let new_ids: BTreeMap<StepId, StepId> = sequence.iter().zip(0u32..).map(|(old, new)| (*old, StepId(new))).collect();
    let renumbered = |id: StepId| new_ids.get(&id).copied().unwrap_or(id);
    let mut steps: Vec<Step> = steps
        .into_iter()
        .map(|step| Step {
            id: renumbered(step.id),
            needs: step.needs.iter().map(|id| renumbered(*id)).collect(),
            ..step
        })
        .collect();
    steps.sort_by_key(|step| step.id);
    steps
}

fn index(id: StepId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}

fn step(steps: &[Step], id: StepId) -> Option<&Step> {
    steps.get(index(id))
}

fn step_mut(steps: &mut [Step], id: StepId) -> Option<&mut Step> {
    steps.get_mut(index(id))
}
