//! Rule: a shared object is widened only after its former holders have detached it.
//!
//! `scope.orders` gets another action, and `identity.report` detaches it. Without a guard, the rewrite is one step. With
//! a guard it is two steps, and only the second one gives access:
//!
//! ```text
//! detach from identity.report ◄── rewrite scope.orders
//! detach from identity.report ◄── scope.orders: final state [Widen]
//! ```
//!
//! A rewrite that only narrows has the phase [`TransitionPhase::Narrow`] and does not wait.

use leasehold_provider::Change;

use super::{EdgeContext, edges_between};
use crate::plan::edge_reason::EdgeReason;
use crate::plan::transition::{Edge, TransitionPhase};

pub fn edges(context: &EdgeContext<'_, '_>) -> Vec<Edge> {
    let shared = context.shared_by_id(|_| true);
    if shared.is_empty() {
        return Vec::new();
    }
    let mut edges = Vec::new();
    for (id, draft) in context.graph.drafts() {
        let Change::Delete { before } = &*draft.change else { continue };
        for object in
            context.find_attached_objects(draft.subject, &before.depends_on, context.plan.live_shared, &shared)
        {
            let widening = object.phases.drafts_since(TransitionPhase::ChangePrincipal);
            edges.extend(edges_between(widening, [id], EdgeReason::WidenAfterDetachment));
        }
    }
    edges
}
