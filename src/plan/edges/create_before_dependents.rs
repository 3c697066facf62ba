//! Rule: an object is created before the writes of objects that depend on it.
//!
//! `identity.api` is new and gets the new `scope.orders`:
//!
//! ```text
//! create role api ◄──────┐
//!                        ├── attach scope.orders to role api
//! create scope.orders ◄──┘
//! ```
//!
//! The update of a rewritten shared object counts as its creation if it neither gives nor takes access: a federation
//! must have its final state before a role trusts it. The other updates of shared objects are a matter of access,
//! which [`super::attach_after_narrowing`] orders.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Change, Resource, ResourceId};

use super::EdgeContext;
use crate::plan::edge_reason::EdgeReason;
use crate::plan::transition::{DraftId, Edge, SubjectKind, TransitionStage};

pub fn edges(context: &EdgeContext<'_, '_>) -> Vec<Edge> {
    let makers = find_makers(context);
    let mut edges = Vec::new();
    for (from, draft) in context.graph.drafts() {
        // A write that only narrows a trust policy does not wait for changes of the principals that it already named.
        let named_before = |id: &ResourceId| {
            draft.stage == Some(TransitionStage::Narrow)
                && draft.change.resource_before().is_some_and(|before| before.depends_on.contains(id))
        };
        let needed = draft.change.resource_after().into_iter().flat_map(|after: &Resource| &after.depends_on);
        for to in needed.filter(|id| !named_before(id)).filter_map(|id| makers.get(id)).flatten() {
            if !context.is_ordered_by_stage(from, *to) {
                edges.push(Edge { from, to: *to, reason: EdgeReason::CreateBeforeDependents });
            }
        }
    }
    edges
}

/// The writes after which an object can be referred to, by object.
fn find_makers<'b>(context: &'b EdgeContext<'_, '_>) -> BTreeMap<&'b ResourceId, Vec<DraftId>> {
    let stays = |kind: &SubjectKind<'_>| matches!(kind, SubjectKind::Shared { stays: true, .. });
    let rewritten: BTreeSet<&ResourceId> =
        context.subjects.iter().filter(|subject| stays(&subject.kind)).map(|subject| subject.facts.id).collect();
    let mut makers: BTreeMap<&ResourceId, Vec<DraftId>> = BTreeMap::new();
    for (id, draft) in context.graph.drafts() {
        let after = match &*draft.change {
            Change::Create { after } => after,
            Change::Update { after, .. } if rewritten.contains(&after.id) && !draft.is_access => after,
            _ => continue,
        };
        makers.entry(&after.id).or_default().push(id);
    }
    makers
}
