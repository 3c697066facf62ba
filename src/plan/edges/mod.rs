//! Which write waits for which, and why: one rule a file, run from one list.
//!
//! In: the drafts of all subjects ([`StepGraph`]) and the context of the plan. Out: the same graph with edges. An
//! [`Edge`] goes from the draft that waits to the draft that it waits for. The invariant that the edges ensure: between
//! two steps, no identity is allowed more than the union of before and after.
//!
//! [`REQUIRED_RULES`] is the list. To add a rule, write a file with a function from [`EdgeContext`] to edges, and add
//! it to the list with a reason of its own.
//!
//! # Example
//!
//! `identity.api` replaces `scope.orders_read` by `scope.orders_write`; `scope.orders_write` gets another action, and
//! `identity.report` loses it. An arrow points from a step to the step that it waits for:
//!
//! ```text
//! detach orders_write from report ◄── rewrite orders_write ◄──┐
//!                                                             ├── attach orders_write to api ◄── write the marks of api
//! detach orders_read from api ◄───────────────────────────────┘
//! ```
//!
//! The left edge ([`widen_after_detachment`]): `report` must not get the added action. The edge to the rewrite
//! ([`attach_after_narrowing`]): `api` never has an old state of the scope attached. The lower edge and the right one
//! ([`stages`]): `api` gives up access before it gets any, and the marks record a completed change.
//!
//! # Why there are no cycles
//!
//! Each edge of the rules about shared objects leads from a phase to an earlier one, or from an identity that joins a
//! group to the attachments of the group. A role that stops trusting one federation and starts trusting another does
//! this in two steps (see [`super::transition::interim`]), so that the rule on federations closes no cycle either. Only
//! the configuration can ask for a cycle, by new identities that trust each other; [`super::order`] reports it.

mod attach_after_narrowing;
mod create_before_dependents;
mod delete_after_detachment;
mod deletion;
mod depends_on;
mod federations;
mod guarded_together;
mod quarantine;
mod stages;
mod widen_after_detachment;

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, ResourceId};

use super::context::PlanContext;
use super::edge_reason::EdgeReason;
use super::transition::{DraftId, DraftPhases, Edge, StepGraph, Subject, SubjectKind, Transition};
use crate::diff::access::SharedObjects;

/// What the rules read.
pub struct EdgeContext<'a, 'b> {
    /// The drafts.
    pub graph: &'b StepGraph<'a>,
    /// The subjects, each with its drafts.
    pub subjects: &'b [Subject<'a>],
    /// The shared objects and the other inputs of the plan.
    pub plan: &'b PlanContext<'a>,
}

/// A rule: the edges that it asks for.
type EdgeRule = fn(&EdgeContext<'_, '_>) -> Vec<Edge>;

/// The rules that every plan obeys.
const REQUIRED_RULES: &[EdgeRule] = &[
    stages::edges,
    deletion::edges,
    create_before_dependents::edges,
    delete_after_detachment::edges,
    attach_after_narrowing::edges,
    widen_after_detachment::edges,
    federations::edges,
    quarantine::edges,
    guarded_together::edges,
];

/// Adds the edges of all rules. Those of [`depends_on`] come last: safety does not need them, and those that are on a
/// cycle with the required edges are left out.
pub fn connect_drafts<'a>(graph: &mut StepGraph<'a>, subjects: &[Subject<'a>], plan: &PlanContext<'a>) {
    let context = EdgeContext { graph, subjects, plan };
    let required: Vec<Edge> = REQUIRED_RULES.iter().flat_map(|rule| rule(&context)).collect();
    graph.set_edges(required.clone());
    let mut optional = depends_on::edges(&EdgeContext { graph, subjects, plan });
    if optional.is_empty() {
        return;
    }
    graph.set_edges([required.as_slice(), &optional].concat());
    let cycles = graph.find_cycles();
    if !cycles.is_empty() {
        optional.retain(|edge| !cycles.iter().any(|cycle| cycle.contains(&edge.from) && cycle.contains(&edge.to)));
        graph.set_edges([required, optional].concat());
    }
}

impl<'a> EdgeContext<'a, '_> {
    /// The shared objects that change, by id.
    fn shared_by_id(&self, is_meant: impl Fn(&SubjectKind<'_>) -> bool) -> BTreeMap<&'a ResourceId, &Subject<'a>> {
        let shared = self
            .subjects
            .iter()
            .filter(|subject| matches!(subject.kind, SubjectKind::Shared { .. }) && is_meant(&subject.kind));
        shared.map(|subject| (subject.facts.id, subject)).collect()
    }

    /// The shared objects that exist before and after the plan, by address. Two objects have the same address if they
    /// are the same scope in two accounts.
    fn rewritten_by_address(&self) -> BTreeMap<&'a str, Vec<&Subject<'a>>> {
        let mut objects: BTreeMap<&str, Vec<&Subject<'a>>> = BTreeMap::new();
        let stays = |kind: &SubjectKind<'_>| matches!(kind, SubjectKind::Shared { stays: true, .. });
        for subject in self.subjects.iter().filter(|subject| stays(&subject.kind)) {
            objects.entry(subject.facts.address.as_str()).or_default().push(subject);
        }
        objects
    }

    /// The identities with such a transition to which rewritten shared objects are attached, with the addresses of
    /// these objects.
    fn holders_of_rewritten(
        &self,
        is_meant: impl Fn(&Transition) -> bool,
    ) -> impl Iterator<Item = (&Subject<'a>, &'a BTreeSet<String>)> {
        self.subjects.iter().filter(move |subject| is_meant(&subject.transition)).filter_map(|subject| {
            match subject.kind {
                SubjectKind::Identity { rewritten, .. } => Some((subject, rewritten?)),
                SubjectKind::Shared { .. } => None,
            }
        })
    }

    /// The changing shared objects of other subjects that an object with these dependencies attaches, directly or
    /// through a group. `side` is the state of the shared objects to look at.
    fn find_attached_objects<'s>(
        &self,
        subject: &Address,
        depends_on: &BTreeSet<ResourceId>,
        side: &SharedObjects<'a>,
        changing: &BTreeMap<&'a ResourceId, &'s Subject<'a>>,
    ) -> Vec<&'s Subject<'a>> {
        let is_other = |id: &&ResourceId| changing.get(id).is_none_or(|object| object.facts.address != subject);
        let reached: BTreeSet<&ResourceId> =
            depends_on.iter().filter(is_other).flat_map(|id| side.reachable_objects(id)).collect();
        reached.iter().filter(|id| is_other(id)).filter_map(|id| changing.get(*id).copied()).collect()
    }

    /// Whether stages alone decide the order of two drafts: they are of one subject and in different stages. The
    /// object that one needs exists already then, and the order is a matter of access, not of existence.
    fn is_ordered_by_stage(&self, one: DraftId, other: DraftId) -> bool {
        let (one, other) = (&self.graph[one], &self.graph[other]);
        let stages = one.stage.zip(other.stage);
        one.subject == other.subject && stages.is_some_and(|(one, other)| one != other)
    }
}

/// Edges from each of `waiters` to each of `waited_for`.
fn edges_between(
    waiters: impl IntoIterator<Item = DraftId>,
    waited_for: impl IntoIterator<Item = DraftId> + Clone,
    reason: EdgeReason,
) -> impl Iterator<Item = Edge> {
    let to_each = move |from| waited_for.clone().into_iter().map(move |to| Edge { from, to, reason });
    waiters.into_iter().flat_map(to_each)
}

/// Edges that make each phase of `later` wait for all phases of `earlier` that precede it.
fn edges_between_phases<'b>(
    earlier: &'b DraftPhases,
    later: &'b DraftPhases,
    reason: EdgeReason,
) -> impl Iterator<Item = Edge> + 'b {
    later
        .phases()
        .flat_map(move |(phase, waiters)| edges_between(waiters.iter().copied(), earlier.drafts_before(phase), reason))
}
