//! Turns transitions into drafts.
//!
//! In: the [`Subject`]s. Out: a [`StepGraph`] with the drafts of all subjects, one subject after the other, without
//! edges. Each subject then knows its drafts and their phases.

use std::collections::BTreeSet;

use leasehold_provider::{Change, ResourceId};

use super::changes::{stage_changes, stage_quarantine};
use super::deletion::draft_deletion;
use super::graph::{Draft, StepGraph};
use super::stage::{TransitionPhase, TransitionStage};
use super::staged_change::StagedChange;
use super::{Subject, SubjectKind, Transition, interim};
use crate::plan::context::PlanContext;

/// The drafts of all subjects. Fills [`Subject::drafts`] and [`Subject::phases`].
pub fn draft_transitions<'a>(subjects: &mut [Subject<'a>], context: &PlanContext<'a>) -> StepGraph<'a> {
    let widened: BTreeSet<&ResourceId> = subjects
        .iter()
        .filter(|subject| matches!(subject.kind, SubjectKind::Shared { admits_others: true, .. }))
        .map(|subject| subject.facts.id)
        .collect();
    let mut graph = StepGraph::default();
    for subject in subjects {
        let only_phase = find_only_phase(subject, context);
        for draft in draft_subject(subject, &widened, context) {
            let phase = match subject.kind {
                SubjectKind::Identity { rewritten: None, .. } => None,
                SubjectKind::Shared { .. } if draft.change.is_marks_only() => None,
                _ => only_phase.or(draft.stage.map(TransitionStage::transition_phase)),
            };
            let id = graph.push_draft(draft);
            subject.drafts.push(id);
            if let Some(phase) = phase {
                subject.phases.add_draft(phase, id);
            }
        }
    }
    graph
}

/// The phase of all writes of a shared object that changes without a guard. `None` if each write has the phase of its
/// stage: for identities, for guarded objects, and for federations that admit others, which change together with the
/// roles that trust them.
fn find_only_phase(subject: &Subject<'_>, context: &PlanContext<'_>) -> Option<TransitionPhase> {
    let SubjectKind::Shared { admits_others, .. } = subject.kind else { return None };
    match (&subject.transition, admits_others) {
        (Transition::Creation | Transition::Deletion { .. }, true) => Some(TransitionPhase::ChangePrincipal),
        (Transition::Creation | Transition::Deletion { .. }, false) => Some(TransitionPhase::Update),
        (Transition::GuardedChange(_), _) | (_, true) => None,
        // A rewrite that only narrows takes access away, so it does not wait for detachments.
        (_, false) if interim::is_only_narrowed(&subject.facts, context.realize) => Some(TransitionPhase::Narrow),
        (_, false) => Some(TransitionPhase::Update),
    }
}

fn draft_subject<'a>(
    subject: &Subject<'a>,
    widened: &BTreeSet<&ResourceId>,
    context: &PlanContext<'a>,
) -> Vec<Draft<'a>> {
    let (facts, realize, address) = (&subject.facts, context.realize, subject.facts.address);
    let staged = |changes: Vec<StagedChange<'a>>| -> Vec<Draft<'a>> {
        let draft = |StagedChange { stage, change, is_access, interim }| Draft {
            subject: address,
            change,
            is_access,
            interim,
            stage: Some(stage),
        };
        changes.into_iter().map(draft).collect()
    };
    match &subject.transition {
        Transition::Creation => Draft::for_changes(facts).collect(),
        Transition::Deletion { removes_denial } => draft_deletion(facts, *removes_denial, realize),
        Transition::Quarantine => staged(stage_quarantine(facts)),
        Transition::Change => staged(stage_changes(facts, None, widened, realize)),
        Transition::GuardedChange(guard) => staged(stage_changes(facts, Some(guard), widened, realize)),
        Transition::Import => {
            let mut changes = stage_changes(facts, None, widened, realize);
            for staged in changes.iter_mut().filter(|staged| staged.stage == TransitionStage::Detach) {
                if !detaches_shared_object(&staged.change, context) {
                    staged.stage = TransitionStage::Widen;
                }
            }
            staged(changes)
        }
    }
}

/// Whether a change detaches a shared object. A rewrite of that object may wait for the detachment, so it must come
/// early.
fn detaches_shared_object(change: &Change, context: &PlanContext<'_>) -> bool {
    let attached = change.resource_before().into_iter().flat_map(|before| &before.depends_on);
    attached.flat_map(|id| context.live_shared.reachable_objects(id)).next().is_some()
}
