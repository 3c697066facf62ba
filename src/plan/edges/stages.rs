//! Rule: each stage of a subject waits for all steps of its previous stage.
//!
//! ```text
//! detach scope.a ◄── update the policy ◄── attach scope.b ◄── write the marks
//!    [Detach]             [Update]             [Attach]            [Mark]
//! ```
//!
//! [`crate::plan::transition::TransitionStage`] is the order. The rule applies to subjects that change or go into
//! quarantine; creations and deletions have no stages.

use std::collections::BTreeMap;

use super::{EdgeContext, edges_between};
use crate::plan::edge_reason::EdgeReason;
use crate::plan::transition::{DraftId, Edge, TransitionStage};

pub fn edges(context: &EdgeContext<'_, '_>) -> Vec<Edge> {
    let mut edges = Vec::new();
    for subject in context.subjects {
        let mut by_stage: BTreeMap<TransitionStage, Vec<DraftId>> = BTreeMap::new();
        for id in &subject.drafts {
            if let Some(stage) = context.graph[*id].stage {
                by_stage.entry(stage).or_default().push(*id);
            }
        }
        for (earlier, later) in by_stage.iter().zip(by_stage.iter().skip(1)) {
            let ((earlier, waited_for), (later, waiters)) = (earlier, later);
            let reason = explain_stages(*earlier, *later);
            edges.extend(edges_between(waiters.iter().copied(), waited_for.iter().copied(), reason));
        }
    }
    edges
}

/// Why a stage waits for the previous one.
fn explain_stages(earlier: TransitionStage, later: TransitionStage) -> EdgeReason {
    match (earlier, later) {
        (_, TransitionStage::Mark) => EdgeReason::MarksLast,
        (_, TransitionStage::Disable(_)) => EdgeReason::DenyBeforeDisabling,
        (TransitionStage::Establish, _) => EdgeReason::PrincipalFirst,
        _ => EdgeReason::NarrowBeforeWidening,
    }
}
