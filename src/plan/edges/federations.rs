//! Rule: a federation admits others only after the roles that must not trust it any more have stopped trusting it.
//!
//! ```text
//! role deploy: stop trusting federation.ci ◄── federation.ci: admit other callers
//! ```
//!
//! Roles that start to trust the federation wait for it by [`super::create_before_dependents`].

use leasehold_provider::Change;

use super::{EdgeContext, edges_between};
use crate::plan::edge_reason::EdgeReason;
use crate::plan::transition::{Edge, SubjectKind};

pub fn edges(context: &EdgeContext<'_, '_>) -> Vec<Edge> {
    let admitting = context.shared_by_id(|kind| matches!(kind, SubjectKind::Shared { admits_others: true, .. }));
    if admitting.is_empty() {
        return Vec::new();
    }
    let mut edges = Vec::new();
    for (id, draft) in context.graph.drafts() {
        let Change::Update { before, after } = &*draft.change else { continue };
        let no_longer_trusted = before.depends_on.difference(&after.depends_on).filter_map(|id| admitting.get(id));
        for federation in no_longer_trusted.filter(|federation| federation.address() != draft.subject) {
            edges.extend(edges_between(federation.phases.all_drafts(), [id], EdgeReason::AdmitAfterTrustEnds));
        }
    }
    edges
}
