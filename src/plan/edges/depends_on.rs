//! Rule: a joiner waits until the identities that it names in `depends_on` are complete.
//!
//! `identity.api` depends on `identity.db`:
//!
//! ```text
//! create role db ◄── attach scope to db ◄── create role api ◄── attach scope to api
//! ```
//!
//! The first writes of the joiner wait for the last writes of the identities that it names, except those that leave.
//! Only joiners wait: writes that take access away or change a live identity must not depend on the success of another
//! identity.

use std::collections::BTreeMap;

use leasehold_provider::Address;

use super::{EdgeContext, edges_between};
use crate::diff::Lifecycle;
use crate::plan::edge_reason::EdgeReason;
use crate::plan::transition::{DraftId, Edge, Subject, SubjectKind};

pub fn edges(context: &EdgeContext<'_, '_>) -> Vec<Edge> {
    let names_of = |subject: &Subject<'_>| context.plan.depends_on.get(subject.address()).copied();
    let joins = |subject: &&Subject<'_>| {
        matches!(subject.kind, SubjectKind::Identity { lifecycle: Lifecycle::Joiner, .. })
            && names_of(subject).is_some_and(|names| !names.is_empty())
    };
    if !context.subjects.iter().any(|subject| joins(&subject)) {
        return Vec::new();
    }
    let stays = |subject: &&Subject<'_>| match subject.kind {
        SubjectKind::Identity { lifecycle, .. } => !matches!(lifecycle, Lifecycle::Leaver | Lifecycle::Released),
        SubjectKind::Shared { .. } => false,
    };
    let mut staying: BTreeMap<&Address, Vec<&Subject<'_>>> = BTreeMap::new();
    for subject in context.subjects.iter().filter(stays) {
        staying.entry(subject.address()).or_default().push(subject);
    }
    let mut edges = Vec::new();
    for joiner in context.subjects.iter().filter(joins) {
        let first = context.first_drafts(joiner);
        let named = names_of(joiner).into_iter().flatten().filter_map(|name| staying.get(name)).flatten();
        for other in named {
            edges.extend(edges_between(first.iter().copied(), context.last_drafts(other), EdgeReason::DependsOn));
        }
    }
    edges
}

impl EdgeContext<'_, '_> {
    /// The drafts of a subject that wait for none of its other drafts.
    fn first_drafts(&self, subject: &Subject<'_>) -> Vec<DraftId> {
        let waits_for_own = |id: &DraftId| self.graph.needs_of_draft(*id).any(|(need, _)| subject.contains_draft(need));
        subject.drafts.iter().copied().filter(|id| !waits_for_own(id)).collect()
    }

    /// The drafts of a subject that none of its other drafts waits for.
    fn last_drafts(&self, subject: &Subject<'_>) -> Vec<DraftId> {
        let is_waited_for =
            |id: &DraftId| self.graph.waiters_of_draft(*id).any(|waiter| subject.contains_draft(waiter));
        subject.drafts.iter().copied().filter(|id| !is_waited_for(id)).collect()
    }
}
