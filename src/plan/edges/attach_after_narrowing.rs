//! Rule: a shared object is attached only after it has been narrowed.
//!
//! `scope.orders` gets another action, and `identity.api` attaches it. Without a guard, the rewrite is one step, and
//! the attachment waits for it:
//!
//! ```text
//! rewrite scope.orders ◄── attach to identity.api
//! ```
//!
//! With a guard the rewrite is two steps. Only the second one gives access, so the attachment does not wait for it:
//!
//! ```text
//! scope.orders: interim state [Narrow] ◄── attach to identity.api [Attach]
//!                                          scope.orders: final state [Widen]
//! ```

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
        let Change::Create { after } = &*draft.change else { continue };
        for object in
            context.find_attached_objects(draft.subject, &after.depends_on, context.plan.wanted_shared, &shared)
        {
            let narrowed = object.phases.drafts_through(TransitionPhase::Attach);
            edges.extend(edges_between([id], narrowed, EdgeReason::AttachAfterNarrowing));
        }
    }
    edges
}
