//! The order between those that hold what is rewritten, and what is rewritten.
//!
//! What needs an object waits until it says no more than it shall; it says nothing more before those let go that shall not have it any
//! more. Whoever is changed with care goes through its phases together with all it holds: every phase waits for the ones before, here and
//! there. Every wait leads from a phase to an earlier one, or from who joins a group to what the group takes up, so that none closes a
//! circle. A federation and who comes to trust it wait for who stops to, which is a step of its own.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Change, ResourceId};

use super::rank::{StepRank, TransitionPhase};
use super::{Step, StepId};
use crate::diff::access::SharedObjects;

/// The steps of one identity or shared object, by phase.
#[derive(Debug, Clone, Default)]
pub struct StepPhases(BTreeMap<TransitionPhase, Vec<StepId>>);

impl StepPhases {
    /// The phases of these ranks.
    #[must_use]
    pub fn from_ranks(ranks: &BTreeMap<StepRank, Vec<StepId>>) -> Self {
        let mut phases = Self::default();
        for (rank, steps) in ranks {
            phases.0.entry(rank.transition_phase()).or_default().extend(steps);
        }
        phases
    }

    /// These steps, all of one phase.
    #[must_use]
    pub fn for_phase(phase: TransitionPhase, steps: Vec<StepId>) -> Self {
        Self(BTreeMap::from([(phase, steps)]))
    }

    /// The same without some steps.
    #[must_use]
    pub fn without_steps(mut self, left_out: impl Fn(StepId) -> bool) -> Self {
        self.0.values_mut().for_each(|steps| steps.retain(|id| !left_out(*id)));
        self
    }

    /// All of them.
    #[must_use]
    pub fn all_steps(&self) -> Vec<StepId> {
        self.0.values().flatten().copied().collect()
    }

    fn steps_through(&self, last: TransitionPhase) -> impl Iterator<Item = StepId> + Clone {
        self.0.range(..=last).flat_map(|(_, steps)| steps).copied()
    }

    fn steps_since(&self, first: TransitionPhase) -> impl Iterator<Item = StepId> {
        self.0.range(first..).flat_map(|(_, steps)| steps).copied()
    }
}

/// A shared object that is made, says something else, or goes.
pub struct SharedRewrite {
    /// The object.
    pub id: ResourceId,
    /// Its address.
    pub subject: Address,
    /// Whether it was there and stays; or is a federation, which others may name before it is there.
    pub stays: bool,
    /// Whether it is a federation that lets others in than before.
    pub opens: bool,
    /// Its steps. What is not changed with care exchanges all at once.
    pub phases: StepPhases,
}

/// Somebody who holds shared objects that are rewritten.
pub struct SharedHolder<'a> {
    /// Their addresses.
    pub rewritten: &'a BTreeSet<String>,
    /// Its own steps. Of who leaves, the first phase ends with everything denied.
    pub phases: StepPhases,
}

/// By step: those it waits for.
type StepWaits = BTreeMap<StepId, BTreeSet<StepId>>;

/// The waits between these objects and those who take them up, let go of them and hold them.
#[must_use]
pub fn edges_for_shared_objects(
    steps: &[Step],
    rewrites: &[SharedRewrite],
    (holders, leavers): (&[SharedHolder<'_>], &[SharedHolder<'_>]),
    shared: (&SharedObjects<'_>, &SharedObjects<'_>),
) -> StepWaits {
    let mut waits = StepWaits::new();
    if !rewrites.is_empty() {
        add_attachment_edges(&mut waits, steps, rewrites, shared);
        add_trust_edges(&mut waits, steps, rewrites);
        add_holder_edges(&mut waits, rewrites, (holders, leavers));
    }
    waits
}

fn add_attachment_edges(
    waits: &mut StepWaits,
    steps: &[Step],
    rewrites: &[SharedRewrite],
    (live, wanted): (&SharedObjects<'_>, &SharedObjects<'_>),
) {
    let by_id: BTreeMap<&ResourceId, &SharedRewrite> = rewrites.iter().map(|rewrite| (&rewrite.id, rewrite)).collect();
    for step in steps {
        let (needs, shared, takes_up) = match &step.change {
            Change::Create { after } => (&after.depends_on, wanted, true),
            Change::Delete { before } => (&before.depends_on, live, false),
            _ => continue,
        };
        let is_other = |id: &&ResourceId| by_id.get(id).is_none_or(|rewrite| rewrite.subject != step.subject);
        let reached: BTreeSet<&ResourceId> =
            needs.iter().filter(is_other).flat_map(|id| shared.reachable_objects(id)).collect();
        let through = reached.iter().copied().filter(is_other).filter_map(|id| by_id.get(id));
        for SharedRewrite { phases, .. } in through {
            if takes_up {
                add_edges(waits, [step.id], phases.steps_through(TransitionPhase::TakeUp));
            } else {
                add_edges(waits, phases.steps_since(TransitionPhase::Open), [step.id]);
            }
        }
    }
}

/// A federation opens to others after those roles that shall not trust it any more do so no longer.
fn add_trust_edges(waits: &mut StepWaits, steps: &[Step], rewrites: &[SharedRewrite]) {
    let opens = rewrites.iter().filter(|rewrite| rewrite.opens);
    let by_id: BTreeMap<&ResourceId, &SharedRewrite> = opens.map(|rewrite| (&rewrite.id, rewrite)).collect();
    for step in steps {
        let Change::Update { before, after } = &step.change else { continue };
        let let_go = before.depends_on.difference(&after.depends_on).filter_map(|id| by_id.get(id));
        for rewrite in let_go.filter(|rewrite| rewrite.subject != step.subject) {
            add_edges(waits, rewrite.phases.all_steps(), [step.id]);
        }
    }
}

fn add_holder_edges(
    waits: &mut StepWaits,
    rewrites: &[SharedRewrite],
    (holders, leavers): (&[SharedHolder<'_>], &[SharedHolder<'_>]),
) {
    let mut by_subject: BTreeMap<&str, Vec<&StepPhases>> = BTreeMap::new();
    for rewrite in rewrites.iter().filter(|rewrite| rewrite.stays) {
        by_subject.entry(rewrite.subject.as_str()).or_default().push(&rewrite.phases);
    }
    let held = |holder: &SharedHolder<'_>| {
        let of = holder.rewritten.iter().filter_map(|subject| by_subject.get(subject.as_str()));
        of.flatten().copied().collect::<Vec<&StepPhases>>()
    };
    for leaver in leavers {
        for rewrite in held(leaver) {
            add_edges(
                waits,
                rewrite.steps_since(TransitionPhase::Release),
                leaver.phases.steps_through(TransitionPhase::Take),
            );
        }
    }
    let mut together: BTreeSet<&BTreeSet<String>> = BTreeSet::new();
    for holder in holders {
        let rewrites = held(holder);
        for rewrite in &rewrites {
            add_phase_edges(waits, &holder.phases, rewrite);
            add_phase_edges(waits, rewrite, &holder.phases);
        }
        if together.insert(holder.rewritten) {
            for (number, one) in rewrites.iter().enumerate() {
                for other in rewrites.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, other)| other) {
                    add_phase_edges(waits, one, other);
                }
            }
        }
    }
}

/// Lets each phase of `later` wait for those of `earlier` before it.
fn add_phase_edges(waits: &mut StepWaits, earlier: &StepPhases, later: &StepPhases) {
    for (phase, waiters) in &later.0 {
        let before = earlier.0.range(..phase).flat_map(|(_, steps)| steps).copied();
        add_edges(waits, waiters.iter().copied(), before);
    }
}

fn add_edges(
    waits: &mut StepWaits,
    waiters: impl IntoIterator<Item = StepId>,
    waited_for: impl IntoIterator<Item = StepId> + Clone,
) {
    for waiter in waiters {
        waits.entry(waiter).or_default().extend(waited_for.clone());
    }
}
