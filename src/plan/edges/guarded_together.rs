//! Rule: an identity with a transition guard goes through its phases together with all rewritten objects that are
//! attached to it: each phase waits for all earlier phases of the others. Objects that share a guarded holder also
//! wait for each other.
//!
//! `identity.web` keeps `scope.orders`, and both change (shown for three phases):
//!
//! ```text
//! identity.web:   Narrow ◄─┐ ┌─ Update ◄─┐ ┌─ Widen
//!                          ╳             ╳
//! scope.orders:   Narrow ◄─┘ └─ Update ◄─┘ └─ Widen
//! ```

use std::collections::BTreeSet;

use super::{EdgeContext, edges_between_phases};
use crate::plan::edge_reason::EdgeReason;
use crate::plan::transition::{DraftPhases, Edge, Transition};

pub fn edges(context: &EdgeContext<'_, '_>) -> Vec<Edge> {
    let objects = context.rewritten_by_address();
    let mut edges = Vec::new();
    let mut add_both = |one: &DraftPhases, other: &DraftPhases| {
        edges.extend(edges_between_phases(one, other, EdgeReason::ChangeTogether));
        edges.extend(edges_between_phases(other, one, EdgeReason::ChangeTogether));
    };
    let mut together: BTreeSet<&BTreeSet<String>> = BTreeSet::new();
    let is_guarded = |transition: &Transition| matches!(transition, Transition::GuardedChange(_));
    for (holder, attached) in context.holders_of_rewritten(is_guarded) {
        let attached_objects = attached.iter().filter_map(|address| objects.get(address.as_str())).flatten();
        let phases: Vec<&DraftPhases> = attached_objects.map(|object| &object.phases).collect();
        for object in &phases {
            add_both(&holder.phases, object);
        }
        // Many identities may hold the same objects.
        if together.insert(attached) {
            for (number, one) in phases.iter().enumerate() {
                for other in phases.iter().skip(number + 1) {
                    add_both(one, other);
                }
            }
        }
    }
    edges
}
