//! The order of the steps.
//!
//! Within an identity:
//! - a joiner follows its resources' dependencies: principal, then what hangs on it, keys last;
//! - one that goes is taken apart the other way round: keys and attachments first, the Deny after them, the principal last;
//! - one that goes into quarantine is closed, denied everything, its credentials are switched off, and then it is marked;
//! - any other change goes in ranks, each waiting for all of the one before, so that at no point more is allowed than the union
//!   of before and after: give up, tighten, change the principal, change the rest, give, loosen, mark. A policy that denies
//!   something before or after, and does not only deny more or only less, is changed in two steps with its tight form between.
//!   So is any policy, the shared ones too, of whom gets another boundary meanwhile: what the old boundary holds back of the new
//!   policy, or the new one lets through of the old policy, is in neither of the two states. A shared policy that denies something
//!   is taken up before, and let go of after, whatever gives access, by joiners too.
//!
//! Between objects: what is needed is made, or changed, before what needs it; what others hang on goes after they let go. A shared
//! policy is rewritten after those let go that shall not hold it any more and after its holders tightened, and before they loosen.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Change, Realize, Resource, ResourceId};

use super::rank::{Rank, changes_boundary, parts, quarantine_rank};
use super::waits::{self, DependsOn, Wait};
use super::{Step, StepId};
use crate::diff::{IdentityDelta, Lifecycle, SharedDelta};

/// By principal: the addresses of the scopes and groups it holds, or keeps in quarantine, that the plan rewrites.
pub type Rewritten = BTreeMap<ResourceId, BTreeSet<String>>;

/// Who is concerned when a shared object is rewritten.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Those that hold rewritten objects.
    pub holders: &'a Rewritten,
    /// The shared objects through which one that hangs on an object gets access.
    pub reach: &'a dyn Fn(&ResourceId) -> BTreeSet<ResourceId>,
    /// Whether a change takes up, or lets go of, a shared object that denies something and that nobody rewrites.
    pub holds_back: &'a dyn Fn(&Change) -> bool,
    /// Whom an identity names in `depends_on`.
    pub depends_on: &'a DependsOn<'a>,
}

impl Around<'_> {
    /// Nothing shared is rewritten.
    #[must_use]
    pub fn nothing() -> Self {
        const NOBODY: &Rewritten = &Rewritten::new();
        const NONE: &DependsOn<'_> = &DependsOn::new();
        Self { holders: NOBODY, reach: &|_| BTreeSet::new(), holds_back: &|_| false, depends_on: NONE }
    }
}

/// The steps of all deltas, in an order that holds. A cycle is the engine's own fault: the self-check finds it.
#[must_use]
pub fn order(
    identities: &[IdentityDelta],
    shared: &[SharedDelta],
    around: Around<'_>,
    realize: &dyn Realize,
    digest_of: &dyn Fn(&ResourceId) -> Option<leasehold_provider::Digest>,
) -> Vec<Step> {
    let (rewritten, holds_back) = (around.holders, around.holds_back);
    let mut drafts = Drafts { steps: Vec::new(), holders: BTreeMap::new(), rewritten, holds_back, realize, digest_of };
    let mut ranked: BTreeSet<StepId> = BTreeSet::new();
    let mut rewrites: Vec<Rewrite> = Vec::new();
    let held_by_bound = held_by_bound(identities, rewritten, realize);
    for delta in shared {
        let stays = !matches!(delta.lifecycle, Lifecycle::Joiner | Lifecycle::Leaver);
        let has_parts = delta.changes.iter().any(|change| realize.shared_whole(change.id()) != *change.id());
        let is_bound = held_by_bound.contains(delta.address.as_str());
        let in_ranks = stays && (has_parts || is_bound);
        let ranks = if in_ranks {
            drafts.ranks(&delta.address, &delta.id, &delta.changes, Course::Stays { is_bound })
        } else {
            BTreeMap::from([(Rank::Rest, drafts.push_all(&delta.address, &delta.changes))])
        };
        let tighten = ranks.range(..=Rank::Tighten).flat_map(|(_, steps)| steps).copied().collect();
        let groups: Vec<Vec<StepId>> = ranks.into_values().collect();
        drafts.chain(&groups);
        if stays {
            ranked.extend(groups.iter().flatten().filter(|_| in_ranks));
            let writes = groups.concat().into_iter();
            let steps = writes.filter(|id| step(&drafts.steps, *id).is_some_and(|step| !step.change.is_of_marks()));
            let (id, subject) = (delta.id.clone(), delta.address.clone());
            rewrites.push(Rewrite { id, subject, steps: steps.collect(), tighten });
        }
    }
    for delta in identities {
        let teardown = delta.changes.iter().any(|c| matches!(c, Change::Delete { before } if before.id == delta.id));
        let plain_joiner = delta.lifecycle == Lifecycle::Joiner && !delta.changes.iter().any(holds_back);
        if plain_joiner || teardown {
            drafts.push_all(&delta.address, &delta.changes);
        } else {
            let ranks = drafts.push_ranked(delta);
            drafts.chain(&ranks);
            ranked.extend(ranks.into_iter().flatten());
        }
    }
    let Drafts { mut steps, holders, .. } = drafts;
    add_dependencies(&mut steps, &ranked);
    order_around_shared(&mut steps, &rewrites, &holders, around.reach);
    let waits = waits::of_joiners(&steps, identities, around.depends_on);
    wait(&mut steps, waits);
    number(steps)
}

/// The shared objects that are rewritten while somebody who holds them gets another boundary.
fn held_by_bound<'a>(
    identities: &[IdentityDelta],
    rewritten: &'a Rewritten,
    realize: &dyn Realize,
) -> BTreeSet<&'a str> {
    let bound = identities.iter().filter(|delta| delta.leaving.is_none());
    let bound = bound.filter(|delta| changes_boundary(&delta.changes, &delta.id, realize));
    bound.filter_map(|delta| rewritten.get(&delta.id)).flatten().map(String::as_str).collect()
}

/// Adds waits that order needs not, and takes back those that would close a circle.
fn wait(steps: &mut [Step], waits: Vec<Wait>) {
    let mut added = waits;
    added.retain(|(waiter, waited_for)| step_mut(steps, *waiter).is_some_and(|step| step.needs.insert(*waited_for)));
    if added.is_empty() {
        return;
    }
    let placed: BTreeSet<StepId> = sequence(steps).into_iter().collect();
    for (waiter, waited_for) in added.iter().filter(|(waiter, _)| !placed.contains(waiter)) {
        if let Some(step) = step_mut(steps, *waiter) {
            step.needs.remove(waited_for);
        }
    }
}

/// A shared object that stays and says something else, with the steps that make it do so.
struct Rewrite {
    id: ResourceId,
    subject: leasehold_provider::Address,
    steps: Vec<StepId>,
    /// Those of them that only take away, where a holder gets another boundary: the others wait for that.
    tighten: BTreeSet<StepId>,
}

/// The steps of a rewritten object's holders that come before it, and those that come after.
#[derive(Default)]
struct Holders {
    before: Vec<StepId>,
    /// Those that give a holder another boundary.
    bound: Vec<StepId>,
    after: Vec<StepId>,
}

/// Where what is changed is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// Into quarantine.
    Leaves,
    /// It stays. `is_bound`: it, or who holds it, gets another boundary, or takes up or lets go of what denies something.
    Stays { is_bound: bool },
}

struct Drafts<'a> {
    steps: Vec<Step>,
    holders: BTreeMap<String, Holders>,
    rewritten: &'a Rewritten,
    holds_back: &'a dyn Fn(&Change) -> bool,
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
        let changes_boundary = changes_boundary(&delta.changes, &delta.id, self.realize);
        let is_bound = changes_boundary || delta.changes.iter().any(self.holds_back);
        let course = if delta.leaving.is_some() { Course::Leaves } else { Course::Stays { is_bound } };
        let ranks = self.ranks(&delta.address, &delta.id, &delta.changes, course);
        let of = |rank| ranks.get(&rank).cloned().unwrap_or_default();
        let (tighten, loosen) = (of(Rank::Tighten), of(Rank::Loosen));
        let bound = if changes_boundary { of(Rank::Principal) } else { Vec::new() };
        for shared in self.rewritten.get(&delta.id).into_iter().flatten() {
            let holders = self.holders.entry(shared.clone()).or_default();
            holders.before.extend(&tighten);
            holders.bound.extend(&bound);
            holders.after.extend(&loosen);
        }
        ranks.into_values().collect()
    }

    fn ranks(
        &mut self,
        subject: &leasehold_provider::Address,
        whole: &ResourceId,
        changes: &[Change],
        course: Course,
    ) -> BTreeMap<Rank, Vec<StepId>> {
        let mut ranks: BTreeMap<Rank, Vec<StepId>> = BTreeMap::new();
        let stays = course != Course::Leaves;
        let adopts = changes.iter().any(|change| matches!(change, Change::Adopt { .. }));
        for change in changes {
            let parts = match course {
                Course::Leaves => vec![(quarantine_rank(change, whole, self.realize), change.clone())],
                Course::Stays { is_bound } => parts(change, whole, is_bound, self.realize),
            };
            for (rank, change) in parts {
                // What is taken in goes on working: it gets its new policies before it loses those that say the same.
                let works_on = adopts && course != Course::Stays { is_bound: true };
                let rank = match rank {
                    Rank::GiveUp if works_on => Rank::Loosen,
                    Rank::GiveUp if stays && (self.holds_back)(&change) => Rank::LetGo,
                    Rank::Give if stays && (self.holds_back)(&change) => Rank::Hold,
                    rank => rank,
                };
                let id = self.push(subject, &change);
                ranks.entry(rank).or_default().push(id);
            }
        }
        ranks
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

/// Lets a rewritten object wait for those that let go of it and for its holders' tightening; lets their loosening, and those that
/// take it up anew, wait for it.
fn order_around_shared(
    steps: &mut [Step],
    rewrites: &[Rewrite],
    holders: &BTreeMap<String, Holders>,
    reach: &dyn Fn(&ResourceId) -> BTreeSet<ResourceId>,
) {
    for rewrite in rewrites {
        let through = |needs: &BTreeSet<ResourceId>| needs.iter().any(|id| reach(id).contains(&rewrite.id));
        let others = || steps.iter().filter(|step| step.subject != rewrite.subject);
        let lets_go = |step: &&Step| matches!(&step.change, Change::Delete { before } if through(&before.depends_on));
        let takes_up = |step: &&Step| matches!(&step.change, Change::Create { after } if through(&after.depends_on));
        let mut first: Vec<StepId> = others().filter(lets_go).map(|step| step.id).collect();
        let mut last: Vec<StepId> = others().filter(takes_up).map(|step| step.id).collect();
        if let Some(holders) = holders.get(rewrite.subject.as_str()) {
            first.extend(&holders.before);
            last.extend(&holders.after);
        }
        let bound: &[StepId] = holders.get(rewrite.subject.as_str()).map_or(&[], |holders| &holders.bound);
        for id in &rewrite.steps {
            if let Some(step) = step_mut(steps, *id) {
                step.needs.extend(&first);
                if !rewrite.tighten.contains(id) {
                    step.needs.extend(bound);
                }
            }
        }
        for id in bound {
            if let Some(step) = step_mut(steps, *id) {
                step.needs.extend(&rewrite.tighten);
            }
        }
        for id in last {
            if let Some(step) = step_mut(steps, id) {
                step.needs.extend(&rewrite.steps);
            }
        }
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
            Change::Mark { .. } | Change::Adopt { .. } | Change::Unmark { .. } => {}
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

/// The steps in an order in which each comes after its needs, the earliest first where there is a choice. Those on a cycle, and those
/// that wait for them, are not there.
fn sequence(steps: &[Step]) -> Vec<StepId> {
    let mut waiting: Vec<usize> = steps.iter().map(|step| step.needs.len()).collect();
    let mut waited_for_by: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
    for step in steps {
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
    sequence
}

/// Puts the steps in order and numbers them so. Steps on a cycle keep their place at the end.
fn number(steps: Vec<Step>) -> Vec<Step> {
    let mut sequence = sequence(&steps);
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
