//! Edges between the steps of shared objects that the plan rewrites and the steps of identities that use them.
//!
//! In: all steps, the rewritten objects ([`SharedRewrite`]) and the identities that have them attached
//! ([`SharedHolder`]). Out: for each step, the steps that it waits for.
//!
//! The rules:
//!
//! 1. Attach a scope only after it has been narrowed; widen it only after former holders have detached.
//! 2. An identity with a transition guard goes through its phases together with all rewritten objects that it has
//!    attached: each phase waits for all earlier phases of the others.
//! 3. A rewrite that does more than narrow waits until the holders that leave have been denied everything.
//! 4. A federation admits others only after the roles that stop trusting it have done so. Roles that start to trust
//!    it wait for both.
//!
//! # Example
//!
//! `scope.orders` gets another action. `identity.report` detaches it, `identity.api` attaches it. An arrow points
//! from a step to the step that it waits for:
//!
//! ```text
//! detach from identity.report ◄── rewrite scope.orders ◄── attach to identity.api
//!        [Take]                        [Exchange]               [TakeUp]
//! ```
//!
//! With a guard the rewrite is two steps. Only the second one gives access, so only that one waits for the
//! detachment:
//!
//! ```text
//! scope.orders: interim state [Take] ◄── attach to identity.api [TakeUp]
//! detach from identity.report [Take] ◄── scope.orders: final state [Give]
//! ```
//!
//! An identity that keeps the scope and has a guard moves in step with it (rule 2, shown for three phases):
//!
//! ```text
//! identity.web:   Take ◄─┐ ┌─ Exchange ◄─┐ ┌─ Give
//!                        ╳               ╳
//! scope.orders:   Take ◄─┘ └─ Exchange ◄─┘ └─ Give
//! ```
//!
//! # Why there are no cycles
//!
//! Each edge leads from a phase to an earlier one, or from an identity that joins a group to the attachments of the
//! group. A role that stops trusting one federation and starts trusting another does this in two steps (see
//! `split_trust_change` in [`crate::plan::transition::changes`]), so that rule 4 closes no cycle either.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Change, ResourceId};

use crate::diff::access::SharedObjects;
use crate::plan::transition::changes::{StepRank, TransitionPhase};
use crate::plan::{Step, StepId};

/// The steps of one identity or shared object, by phase.
#[derive(Debug, Clone, Default)]
pub struct StepPhases(BTreeMap<TransitionPhase, Vec<StepId>>);

impl StepPhases {
    /// Groups steps by the phase of their rank.
    #[must_use]
    pub fn from_ranks(ranks: &BTreeMap<StepRank, Vec<StepId>>) -> Self {
        let mut phases = Self::default();
        for (rank, steps) in ranks {
            phases.0.entry(rank.transition_phase()).or_default().extend(steps);
        }
        phases
    }

    /// Puts all steps into one phase.
    #[must_use]
    pub fn for_phase(phase: TransitionPhase, steps: Vec<StepId>) -> Self {
        Self(BTreeMap::from([(phase, steps)]))
    }

    /// Removes the steps for which `left_out` is true.
    #[must_use]
    pub fn without_steps(mut self, left_out: impl Fn(StepId) -> bool) -> Self {
        self.0.values_mut().for_each(|steps| steps.retain(|id| !left_out(*id)));
        self
    }

    /// The steps of all phases, in the order of the phases.
    #[must_use]
    pub fn all_steps(&self) -> Vec<StepId> {
        self.0.values().flatten().copied().collect()
    }

    /// The steps up to and including a phase.
    fn steps_through(&self, last: TransitionPhase) -> impl Iterator<Item = StepId> + Clone {
        self.0.range(..=last).flat_map(|(_, steps)| steps).copied()
    }

    /// The steps of a phase and of all later ones.
    fn steps_since(&self, first: TransitionPhase) -> impl Iterator<Item = StepId> {
        self.0.range(first..).flat_map(|(_, steps)| steps).copied()
    }
}

/// A shared object that the plan creates, changes or deletes.
pub struct SharedRewrite {
    /// The id of the object.
    pub id: ResourceId,
    /// The address of the object.
    pub subject: Address,
    /// Whether it exists before and after the plan; also true for a new federation, which roles may name before it
    /// exists.
    pub stays: bool,
    /// Whether it is a federation that admits other principals than before.
    pub opens: bool,
    /// Its steps by phase. Without a guard, all of them are in one phase.
    pub phases: StepPhases,
}

/// An identity to which rewritten shared objects are attached.
pub struct SharedHolder<'a> {
    /// The addresses of these objects.
    pub rewritten: &'a BTreeSet<String>,
    /// The steps of the identity itself. For a leaver, everything is denied after [`TransitionPhase::Take`].
    pub phases: StepPhases,
}

/// For each step, the steps that it waits for.
type StepWaits = BTreeMap<StepId, BTreeSet<StepId>>;

/// The edges between these objects and the identities that attach, detach or keep them. `shared` is the live state
/// and the wanted state.
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

/// Rule 1: an attachment waits for the rewrite up to [`TransitionPhase::TakeUp`]; the rewrite, from
/// [`TransitionPhase::Open`] on, waits for a detachment.
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

/// A federation admits others only after the roles that must not trust it any more have stopped trusting it.
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

/// Rules 2 and 3. Objects that share a guarded holder also wait for each other, phase by phase.
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

/// Makes each phase of `later` wait for all phases of `earlier` that precede it.
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
