//! The order of the steps.
//!
//! Within an identity:
//! - a joiner follows its resources' dependencies: principal, then what hangs on it, keys last;
//! - one that goes is taken apart the other way round: keys and attachments first, the Deny after them, the principal last;
//! - one that goes into quarantine is closed, denied everything, its credentials are switched off, and then it is marked;
//! - any other change goes in ranks, each waiting for all of the one before, so that at no point more is allowed than the union
//!   of before and after: give up, tighten, change the principal, change the rest, give, loosen, mark. Where something is denied
//!   before or after and more than one thing changes, it is done with care ([`super::care`]); by a joiner, too.
//!
//! Between objects: what is needed is made, or changed, before what needs it; what others hang on goes after they let go. Who holds
//! what is rewritten, and what is rewritten, go through the phases of a careful change together ([`super::around`]).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{Address, Change, Realize, Resource, ResourceId};

use super::around::{self, Holder, Phases, Rewrite};
use super::care::{Asked, Care, bears_access, care, opens_otherwise};
use super::denials::Denials;
use super::rank::{Part, Rank, parts, quarantine_rank, stand_in};
use super::sequence::{number, sequence, step, step_mut};
use super::waits::{self, DependsOn, Wait};
use super::{Meanwhile, Step, StepId};
use crate::diff::access::Shared;
use crate::diff::{IdentityDelta, Lifecycle, SharedDelta};

/// By principal: the addresses of the scopes and groups that it held and goes on holding, and that the plan rewrites.
pub type Rewritten = BTreeMap<ResourceId, BTreeSet<String>>;

/// What the order depends on beside the deltas.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Those that hold rewritten objects.
    pub holders: &'a Rewritten,
    /// What is shared, as it lives and as it is wanted.
    pub shared: (&'a Shared<'a>, &'a Shared<'a>),
    /// What those deny.
    pub denials: &'a Denials<'a>,
    /// Whom an identity names in `depends_on`.
    pub depends_on: &'a DependsOn<'a>,
    /// A live object of the stack.
    pub live: &'a dyn Fn(&ResourceId) -> Option<&'a Resource>,
    /// The instant of the plan.
    pub now: Timestamp,
}

impl<'a> Around<'a> {
    /// Nothing is shared.
    #[must_use]
    pub fn nothing(denials: &'a Denials<'a>, shared: &'a Shared<'a>, now: Timestamp) -> Self {
        const NOBODY: &Rewritten = &Rewritten::new();
        const NONE: &DependsOn<'_> = &DependsOn::new();
        Self { holders: NOBODY, shared: (shared, shared), denials, depends_on: NONE, live: &|_| None, now }
    }
}

/// The steps of all deltas, in an order that holds. A cycle is the engine's own fault: the self-check finds it.
#[must_use]
pub fn order<'a>(
    identities: &[IdentityDelta],
    shared: &[SharedDelta],
    around: Around<'a>,
    realize: &'a dyn Realize,
    digest_of: &'a dyn Fn(&ResourceId) -> Option<leasehold_provider::Digest>,
) -> Vec<Step> {
    let mut drafts = Drafts { steps: Vec::new(), ranked: BTreeMap::new(), around, realize, digest_of };
    let deny: BTreeSet<&str> =
        shared.iter().filter(|delta| around.denials.is_of(&delta.id)).map(|delta| delta.address.as_str()).collect();
    let stays = |delta: &SharedDelta| !matches!(delta.lifecycle, Lifecycle::Joiner | Lifecycle::Leaver);
    let opens = |delta: &&SharedDelta| delta.changes.iter().any(|change| opens_otherwise(change, realize));
    let open: BTreeSet<&str> = shared.iter().filter(opens).map(|delta| delta.address.as_str()).collect();
    let cares: Vec<Option<Care>> = identities.iter().map(|delta| drafts.care_of(delta, (&deny, &open))).collect();
    let with_care = identities.iter().zip(&cares).filter(|(_, care)| care.is_some());
    let mut held_with_care: BTreeMap<&str, bool> = BTreeMap::new();
    for (delta, care) in with_care {
        for address in around.holders.get(&delta.id).into_iter().flatten() {
            *held_with_care.entry(address).or_default() |= care.as_ref().is_some_and(|care| care.opens);
        }
    }
    let mut rewrites: Vec<Rewrite> = Vec::new();
    for delta in shared {
        let asked = Asked {
            whole: &delta.id,
            address: None,
            changes: &delta.changes,
            now: around.now,
            rewritten: 0,
            rewrites_deny: false,
            rewrites_open: false,
            held_with_care: held_with_care.get(delta.address.as_str()).copied(),
            live: around.live,
        };
        let care = if stays(delta) { care(&asked, around.denials, realize) } else { None };
        let subject = Subject { address: &delta.address, id: &delta.id, changes: &delta.changes };
        let phases = if stays(delta) {
            drafts.push_ranked(subject, Course::Stays(care.as_ref()))
        } else {
            Phases::at_once(drafts.push_all(subject))
        };
        let (id, subject) = (delta.id.clone(), delta.address.clone());
        let phases = phases.without(|id| step(&drafts.steps, id).is_some_and(|step| step.change.is_of_marks()));
        let phases = if care.is_some() { phases } else { Phases::at_once(phases.all()) };
        rewrites.push(Rewrite { id, subject, stays: stays(delta), phases });
    }
    let (mut holders, mut leavers) = (Vec::new(), Vec::new());
    for (delta, care) in identities.iter().zip(&cares) {
        let teardown = delta.changes.iter().any(|c| matches!(c, Change::Delete { before } if before.id == delta.id));
        let subject = Subject { address: &delta.address, id: &delta.id, changes: &delta.changes };
        if teardown || delta.lifecycle == Lifecycle::Joiner && care.is_none() {
            drafts.push_all(subject);
            continue;
        }
        let course = if delta.leaving.is_some() { Course::Leaves } else { Course::Stays(care.as_ref()) };
        let phases = drafts.push_ranked(subject, course);
        if let Some(rewritten) = around.holders.get(&delta.id) {
            let holder = Holder { rewritten, phases };
            match (delta.leaving.is_some(), care) {
                (true, _) => leavers.push(holder),
                (false, Some(_)) => holders.push(holder),
                (false, None) => {}
            }
        }
    }
    let Drafts { mut steps, ranked, .. } = drafts;
    add_dependencies(&mut steps, &ranked, &rewrites, realize);
    for (waiter, waited_for) in around::waits(&steps, &rewrites, (&holders, &leavers), around.shared) {
        if let Some(step) = step_mut(&mut steps, waiter) {
            step.needs.extend(waited_for);
        }
    }
    let waits = around::of_no_longer_trusted(&steps, &rewrites);
    wait(&mut steps, waits);
    let waits = waits::of_joiners(&steps, identities, around.depends_on);
    wait(&mut steps, waits);
    number(steps)
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

/// What is changed.
#[derive(Clone, Copy)]
struct Subject<'a> {
    address: &'a Address,
    /// The principal, or the shared object.
    id: &'a ResourceId,
    changes: &'a [Change],
}

/// Where what is changed is going.
#[derive(Clone, Copy)]
enum Course<'a> {
    /// Into quarantine.
    Leaves,
    /// It stays.
    Stays(Option<&'a Care>),
}

struct Drafts<'a> {
    steps: Vec<Step>,
    /// The steps that are in ranks.
    ranked: BTreeMap<StepId, Rank>,
    around: Around<'a>,
    realize: &'a dyn Realize,
    digest_of: &'a dyn Fn(&ResourceId) -> Option<leasehold_provider::Digest>,
}

impl Drafts<'_> {
    /// The care that an identity's change needs. `deny` and `open`: the addresses of what is rewritten and denies something, or is trusted.
    fn care_of(&self, delta: &IdentityDelta, (deny, open): (&BTreeSet<&str>, &BTreeSet<&str>)) -> Option<Care> {
        if delta.leaving.is_some() {
            return None;
        }
        let rewritten = self.around.holders.get(&delta.id);
        let any = |of: &BTreeSet<&str>| {
            rewritten.is_some_and(|held| held.iter().any(|address| of.contains(address.as_str())))
        };
        let asked = Asked {
            whole: &delta.id,
            address: Some(&delta.address),
            changes: &delta.changes,
            now: self.around.now,
            rewritten: rewritten.map_or(0, BTreeSet::len),
            rewrites_deny: any(deny),
            rewrites_open: any(open),
            held_with_care: None,
            live: self.around.live,
        };
        care(&asked, self.around.denials, self.realize)
    }

    fn push(&mut self, subject: &Address, change: &Change, meanwhile: Option<Meanwhile>) -> StepId {
        let id = StepId(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        self.steps.push(Step {
            id,
            subject: subject.clone(),
            note: self.realize.describe(change),
            precondition: (self.digest_of)(change.id()),
            change: change.clone(),
            meanwhile,
            needs: BTreeSet::new(),
        });
        id
    }

    fn push_all(&mut self, subject: Subject<'_>) -> Vec<StepId> {
        let ids: Vec<StepId> = subject.changes.iter().map(|change| self.push(subject.address, change, None)).collect();
        self.marks_last(&ids);
        ids
    }

    /// Pushes the changes rank by rank, each waiting for all of the one before.
    fn push_ranked(&mut self, subject: Subject<'_>, course: Course<'_>) -> Phases {
        let mut ranks: BTreeMap<Rank, Vec<StepId>> = BTreeMap::new();
        let adopts = subject.changes.iter().any(|change| matches!(change, Change::Adopt { .. }));
        let mut changes: Vec<Part> = Vec::new();
        for change in subject.changes {
            match course {
                Course::Leaves => {
                    changes.push(Part::whole(quarantine_rank(change, subject.id, self.realize), change.clone()));
                }
                Course::Stays(care) => changes.extend(parts(change, subject.id, care, self.realize)),
            }
        }
        if let Course::Stays(Some(care)) = course {
            let is_own = |change: &Change| care.own.as_ref().is_some_and(|(_, own)| own.id == *change.id());
            if !subject.changes.iter().any(is_own) {
                changes.extend(stand_in(care, self.realize));
            }
        }
        for Part { rank, change, meanwhile } in changes {
            // What is taken in goes on working: it gets its new policies before it loses those that say the same.
            let works_on = adopts && matches!(course, Course::Stays(None)) && !self.lets_go_of_shared(&change);
            let rank = if rank == Rank::GiveUp && works_on { Rank::Loosen } else { rank };
            let id = self.push(subject.address, &change, meanwhile);
            self.ranked.insert(id, rank);
            ranks.entry(rank).or_default().push(id);
        }
        let phases = Phases::of(&ranks);
        let groups: Vec<Vec<StepId>> = ranks.into_values().collect();
        for (earlier, later) in groups.iter().zip(groups.iter().skip(1)) {
            for id in later {
                if let Some(step) = step_mut(&mut self.steps, *id) {
                    step.needs.extend(earlier.iter().copied());
                }
            }
        }
        groups.iter().for_each(|group| self.marks_last(group));
        phases
    }

    /// Whether a change lets go of something that identities share, and that may wait until it is let go of.
    fn lets_go_of_shared(&self, change: &Change) -> bool {
        let held = change.before().into_iter().flat_map(|before| &before.depends_on);
        held.flat_map(|id| self.around.shared.0.reach(id)).next().is_some()
    }

    /// Among these steps of one object, the marks wait for the rest.
    fn marks_last(&mut self, group: &[StepId]) {
        let is_mark =
            |id: &StepId| step(&self.steps, *id).is_some_and(|step| matches!(step.change, Change::Mark { .. }));
        let (marks, rest): (Vec<StepId>, Vec<StepId>) = group.iter().copied().partition(is_mark);
        for id in marks {
            if let Some(step) = step_mut(&mut self.steps, id) {
                step.needs.extend(rest.iter().copied());
            }
        }
    }
}

/// Lets steps wait as their resources' dependencies say. Between the ranks of one change the ranks alone decide: there the principal
/// stands already, and which part goes first is a matter of access, not of existence. So do the phases of what is rewritten.
fn add_dependencies(steps: &mut [Step], ranked: &BTreeMap<StepId, Rank>, rewrites: &[Rewrite], realize: &dyn Realize) {
    let rewritten: BTreeSet<&ResourceId> = rewrites.iter().filter(|it| it.stays).map(|it| &it.id).collect();
    let mut makers: BTreeMap<ResourceId, Vec<StepId>> = BTreeMap::new();
    let mut removers: BTreeMap<ResourceId, StepId> = BTreeMap::new();
    for step in steps.iter() {
        match &step.change {
            // Whom a trust names that lives is there whatever changes of it; a federation must be what it shall before it is trusted.
            Change::Update { after, .. } if !rewritten.contains(&after.id) || bears_access(&step.change, realize) => {}
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
        let ranks = ranked.get(&a).zip(ranked.get(&b));
        ranks.is_some_and(|(a, b)| a != b) && subject(a) == subject(b)
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
