//! Rule: if the own policy denies everything while its identity is deleted, all other writes run in between.
//!
//! ```text
//! own policy: deny everything ◄── delete keys, detach scopes ◄── delete own policy ◄── delete the principal
//! ```
//!
//! The last edge comes from [`super::delete_after_detachment`]: the own policy depends on the principal.

use super::{EdgeContext, edges_between};
use crate::plan::edge_reason::EdgeReason;
use crate::plan::transition::{Edge, InterimState, Transition};

pub fn edges(context: &EdgeContext<'_, '_>) -> Vec<Edge> {
    let mut edges = Vec::new();
    for subject in context.subjects {
        let (Transition::Deletion { .. }, [deny, others @ .., delete]) = (&subject.transition, &*subject.drafts) else {
            continue;
        };
        if context.graph[*deny].interim != Some(InterimState::DeniesEverything) {
            continue;
        }
        let reason = EdgeReason::DenyDuringDeletion;
        let waiters = others.iter().chain([delete]).copied();
        edges.extend(edges_between(waiters, [*deny], reason));
        let parts = others.iter().copied().filter(|id| context.graph[*id].change.id() != subject.facts.id);
        edges.extend(edges_between([*delete], parts, reason));
    }
    edges
}
