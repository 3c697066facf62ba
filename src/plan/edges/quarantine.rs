//! Rule: a shared object is rewritten only after the identities that leave, and to which it is attached, are denied
//! everything. A quarantine does not detach it.
//!
//! ```text
//! identity.report: deny everything ◄── rewrite scope.orders
//! ```
//!
//! A rewrite that only narrows has the phase [`TransitionPhase::Narrow`] and does not wait.

use super::{EdgeContext, edges_between};
use crate::plan::edge_reason::EdgeReason;
use crate::plan::transition::{Edge, Transition, TransitionPhase};

pub fn edges(context: &EdgeContext<'_, '_>) -> Vec<Edge> {
    let objects = context.rewritten_by_address();
    let mut edges = Vec::new();
    for (leaver, attached) in context.holders_of_rewritten(|transition| matches!(transition, Transition::Quarantine)) {
        for object in attached.iter().filter_map(|address| objects.get(address.as_str())).flatten() {
            let rewrite = object.phases.drafts_since(TransitionPhase::DetachDenying);
            let denied = leaver.phases.drafts_through(TransitionPhase::Narrow);
            edges.extend(edges_between(rewrite, denied, EdgeReason::RewriteAfterQuarantine));
        }
    }
    edges
}
