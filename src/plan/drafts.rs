//! The steps of one object: its changes, in ranks.
//!
//! In: the delta of one identity or shared object. Out: its steps, with the edges between them. Edges between objects
//! are added later ([`super::dependencies`], [`super::shared_edges`]).
//!
//! # Example
//!
//! An identity is deleted while an attached scope denies it something. Detaching the scope first would allow what it
//! denies, so the own policy denies everything until all else is gone. An arrow points from a step to the step that
//! it waits for:
//!
//! ```text
//! own policy: deny everything ◄── delete keys, detach scopes ◄── delete own policy ◄── delete the principal
//! ```

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Change, DenyExtent, Digest, InterimDeny, Realizer, Resource, ResourceId};

use super::rank::{RankedChange, StepRank, TransitionPhase, deny_in_own_policy, find_quarantine_rank, rank_change};
use super::sequence::{find_step, find_step_mut};
use super::shared_edges::{SharedRewrite, StepPhases};
use super::transition_guard::TransitionGuard;
use super::{InterimState, Step, StepId};
use crate::diff::access::SharedObjects;
use crate::diff::{IdentityDelta, Lifecycle, SharedDelta};

/// The object whose changes become steps.
#[derive(Clone, Copy)]
struct DraftSubject<'a> {
    address: &'a Address,
    /// The id of the principal or shared object.
    id: &'a ResourceId,
    changes: &'a [Change],
}

/// What happens to an object that is not deleted: it decides how its changes are ranked.
#[derive(Clone, Copy)]
enum DraftCourse<'a> {
    /// The identity goes into quarantine.
    Leaves,
    /// The object is kept, with the transition guard of its changes, if they need one.
    Stays(Option<&'a TransitionGuard>),
}

/// The steps so far. Each waits only for steps of its own object.
pub struct StepDrafts<'a> {
    /// The steps, each at the index that is its number. The numbers say nothing about the order yet.
    pub steps: Vec<Step>,
    /// The rank of each step that has one.
    pub ranked: BTreeMap<StepId, StepRank>,
    /// The federations that admit other principals than before.
    opening: BTreeSet<&'a ResourceId>,
    /// The live shared objects.
    live: &'a SharedObjects<'a>,
    realize: &'a Realizer,
    digest_of: &'a dyn Fn(&ResourceId) -> Option<Digest>,
}

impl<'a> StepDrafts<'a> {
    /// Starts with no steps. `opening` are the federations that admit other principals than before.
    pub fn new(
        opening: BTreeSet<&'a ResourceId>,
        live: &'a SharedObjects<'a>,
        realize: &'a Realizer,
        digest_of: &'a dyn Fn(&ResourceId) -> Option<Digest>,
    ) -> Self {
        Self { steps: Vec::new(), ranked: BTreeMap::new(), opening, live, realize, digest_of }
    }

    /// Adds the steps of a shared object. Without a guard, all its steps are in one phase. A new federation counts as
    /// kept, because roles may name it already.
    pub fn draft_shared_object(&mut self, delta: &SharedDelta, care: Option<&TransitionGuard>) -> SharedRewrite {
        let subject = DraftSubject { address: &delta.address, id: &delta.id, changes: &delta.changes };
        let opens = self.opening.contains(&delta.id);
        let phases = match (delta.is_kept(), opens) {
            (true, _) => self.push_by_rank(subject, DraftCourse::Stays(care)),
            (false, true) => StepPhases::for_phase(TransitionPhase::Open, self.push_unranked(subject)),
            (false, false) => StepPhases::for_phase(TransitionPhase::Exchange, self.push_unranked(subject)),
        };
        let phases =
            phases.without_steps(|id| find_step(&self.steps, id).is_some_and(|step| step.change.is_marks_only()));
        // A rewrite that only narrows takes access away, so it does not wait for detachments.
        let at_once = if self.is_narrowed_only(subject) { TransitionPhase::Take } else { TransitionPhase::Exchange };
        let phases = if care.is_some() || opens { phases } else { StepPhases::for_phase(at_once, phases.all_steps()) };
        SharedRewrite {
            id: delta.id.clone(),
            subject: delta.address.clone(),
            stays: delta.is_kept() || opens,
            opens,
            phases,
        }
    }

    /// Adds the steps of an identity. `denied`: something denies a part of what the identity is allowed. Returns the
    /// phases of its steps; `None` if the identity is deleted, or joins without a guard.
    pub fn draft_identity(
        &mut self,
        delta: &IdentityDelta,
        care: Option<&TransitionGuard>,
        denied: bool,
    ) -> Option<StepPhases> {
        let is_end = |change: &Change| matches!(change, Change::Delete { before } if before.id == delta.id);
        let subject = DraftSubject { address: &delta.address, id: &delta.id, changes: &delta.changes };
        if delta.changes.iter().any(is_end) {
            self.draft_removal(subject, denied);
            return None;
        }
        if delta.lifecycle == Lifecycle::Joiner && care.is_none() {
            self.push_unranked(subject);
            return None;
        }
        let course = if delta.leaving.is_some() { DraftCourse::Leaves } else { DraftCourse::Stays(care) };
        Some(self.push_by_rank(subject, course))
    }

    /// Whether the changes of a shared object only narrow it, or leave its content as it was.
    fn is_narrowed_only(&self, subject: DraftSubject<'_>) -> bool {
        let narrows = |change: &Change| {
            let Change::Update { before, after } = change else { return change.is_marks_only() };
            let tight = self.realize.build_interim_policy(Some(before), Some(after), &InterimDeny::default());
            tight.is_some_and(|tight| tight.attributes == after.attributes)
        };
        subject.changes.iter().all(narrows)
    }

    /// Adds the steps that delete an identity. If something denies a part of what it is allowed, and its own policy
    /// does not deny everything as in a quarantine, its own policy is made to deny everything first.
    fn draft_removal(&mut self, subject: DraftSubject<'_>, denied: bool) {
        let own = self.realize.empty_own_policy(subject.id);
        let is_own = |change: &&Change| own.as_ref().is_some_and(|own| own.id == *change.id());
        let live = subject.changes.iter().find(is_own).and_then(Change::resource_before);
        let is_shut = live.is_some_and(|live| self.realize.semantics.classify_denial(live) == DenyExtent::Everything);
        let everything = InterimDeny { everything: true, ..InterimDeny::default() };
        let says = live.or(own.as_ref()).filter(|_| denied && !is_shut);
        let Some(shut) = says.and_then(|says| self.realize.build_interim_policy(Some(says), Some(says), &everything))
        else {
            self.push_unranked(subject);
            return;
        };
        let shut = Resource { identity: Some(subject.address.clone()), ..shut };
        let first = match live {
            Some(live) => Change::Update { before: Box::new(live.clone()), after: Box::new(shut.clone()) },
            None => Change::Create { after: Box::new(shut.clone()) },
        };
        let mut changes: Vec<Change> = subject.changes.iter().filter(|change| !is_own(change)).cloned().collect();
        changes.push(Change::Delete { before: Box::new(shut) });
        let first = self.push_step(subject.address, &first, Some(InterimState::Shut));
        let ids = self.push_unranked(DraftSubject { changes: &changes, ..subject });
        for id in &ids {
            if let Some(step) = find_step_mut(&mut self.steps, *id) {
                step.needs.insert(first);
            }
        }
        // The own policy goes after all other parts; the principal waits for it.
        let is_end = |id: &StepId| find_step(&self.steps, *id).is_some_and(|step| step.change.id() == subject.id);
        let parts: Vec<StepId> = ids.iter().copied().filter(|id| !is_end(id)).collect();
        if let Some((last, others)) = parts.split_last()
            && let Some(step) = find_step_mut(&mut self.steps, *last)
        {
            step.needs.extend(others);
        }
    }

    /// Adds one step that needs nothing yet.
    fn push_step(&mut self, subject: &Address, change: &Change, meanwhile: Option<InterimState>) -> StepId {
        let id = StepId(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        self.steps.push(Step {
            id,
            subject: subject.clone(),
            note: self.realize.semantics.describe_change(change),
            precondition: (self.digest_of)(change.id()),
            change: change.clone(),
            meanwhile,
            needs: BTreeSet::new(),
        });
        id
    }

    /// Adds changes without ranks: only the marks wait for the rest.
    fn push_unranked(&mut self, subject: DraftSubject<'_>) -> Vec<StepId> {
        let ids: Vec<StepId> =
            subject.changes.iter().map(|change| self.push_step(subject.address, change, None)).collect();
        self.order_marks_last(&ids);
        ids
    }

    /// Adds the changes rank by rank. Each rank waits for all steps of the rank before.
    fn push_by_rank(&mut self, subject: DraftSubject<'_>, course: DraftCourse<'_>) -> StepPhases {
        let mut ranks: BTreeMap<StepRank, Vec<StepId>> = BTreeMap::new();
        let adopts = subject.changes.iter().any(|change| matches!(change, Change::Adopt { .. }));
        let mut changes: Vec<RankedChange> = Vec::new();
        for change in subject.changes {
            match course {
                DraftCourse::Leaves => {
                    changes.push(RankedChange::from_change(
                        find_quarantine_rank(change, subject.id, self.realize),
                        change.clone(),
                    ));
                }
                DraftCourse::Stays(care) => {
                    changes.extend(rank_change(change, subject.id, care, &self.opening, self.realize));
                }
            }
        }
        if let DraftCourse::Stays(Some(care)) = course {
            let is_own = |change: &Change| care.own.as_ref().is_some_and(|(_, own)| own.id == *change.id());
            if !subject.changes.iter().any(is_own) {
                changes.extend(deny_in_own_policy(care, self.realize));
            }
        }
        for RankedChange { rank, change, meanwhile } in changes {
            // An imported identity must keep working: it gets its new policies before it loses the old ones that say
            // the same.
            let works_on = adopts && matches!(course, DraftCourse::Stays(None)) && !self.is_shared_detachment(&change);
            let rank = if rank == StepRank::GiveUp && works_on { StepRank::Loosen } else { rank };
            let id = self.push_step(subject.address, &change, meanwhile);
            self.ranked.insert(id, rank);
            ranks.entry(rank).or_default().push(id);
        }
        let phases = StepPhases::from_ranks(&ranks);
        let groups: Vec<Vec<StepId>> = ranks.into_values().collect();
        for (earlier, later) in groups.iter().zip(groups.iter().skip(1)) {
            for id in later {
                if let Some(step) = find_step_mut(&mut self.steps, *id) {
                    step.needs.extend(earlier.iter().copied());
                }
            }
        }
        groups.iter().for_each(|group| self.order_marks_last(group));
        phases
    }

    /// Whether a change detaches a shared object. A rewrite of that object may wait for the detachment, so it must
    /// come early.
    fn is_shared_detachment(&self, change: &Change) -> bool {
        let held = change.resource_before().into_iter().flat_map(|before| &before.depends_on);
        held.flat_map(|id| self.live.reachable_objects(id)).next().is_some()
    }

    /// Makes the steps that write marks wait for the other steps of the group.
    fn order_marks_last(&mut self, group: &[StepId]) {
        let is_mark =
            |id: &StepId| find_step(&self.steps, *id).is_some_and(|step| matches!(step.change, Change::Mark { .. }));
        let (marks, rest): (Vec<StepId>, Vec<StepId>) = group.iter().copied().partition(is_mark);
        for id in marks {
            if let Some(step) = find_step_mut(&mut self.steps, id) {
                step.needs.extend(rest.iter().copied());
            }
        }
    }
}
