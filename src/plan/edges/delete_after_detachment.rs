//! Rule: an object is deleted after the writes of objects that depend on it.
//!
//! `identity.report` loses `scope.old`, which is deleted:
//!
//! ```text
//! detach scope.old from role report ◄── delete scope.old
//! ```

use std::collections::BTreeMap;

use leasehold_provider::{Change, ResourceId};

use super::EdgeContext;
use crate::plan::edge_reason::EdgeReason;
use crate::plan::transition::{DraftId, Edge};

pub fn edges(context: &EdgeContext<'_, '_>) -> Vec<Edge> {
    let mut deletions: BTreeMap<&ResourceId, DraftId> = BTreeMap::new();
    for (id, draft) in context.graph.drafts() {
        if let Change::Delete { before } = &*draft.change {
            deletions.insert(&before.id, id);
        }
    }
    let mut edges = Vec::new();
    for (to, draft) in context.graph.drafts() {
        let referred_to = draft.change.resource_before().into_iter().flat_map(|before| &before.depends_on);
        for from in referred_to.filter_map(|id| deletions.get(id)) {
            if !context.is_ordered_by_stage(*from, to) {
                edges.push(Edge { from: *from, to, reason: EdgeReason::DeleteAfterDetachment });
            }
        }
    }
    edges
}
