//! `--target` and `--exclude`: select a part of a plan that is still a valid plan.
//!
//! In: the writes of a whole plan and a [`PlanSelection`]. Out: the [`SelectedSubjects`]. The invariant: no write of a
//! kept subject needs a write of a subject that is left out.
//!
//! # Example
//!
//! `identity.api` needs `scope.orders`. `--target identity.api` keeps both; `--exclude scope.orders` leaves out both.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Alias, ResourceId};
use serde::{Deserialize, Serialize};

use super::transition::{Draft, StepGraph};
use crate::diff::{IdentityDelta, SharedDelta};

/// The subjects of a plan to keep.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSelection {
    /// Addresses to keep, together with what they need. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Addresses to leave out, together with what needs them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<String>,
}

impl PlanSelection {
    /// Whether nothing is selected: the plan stays whole.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.targets.is_empty() && self.excludes.is_empty()
    }
}

/// Whether `pattern` names `address`: it is the address itself, or the address of a block with `for_each` or of a
/// module that contains it.
#[must_use]
pub fn is_named_by(pattern: &str, address: &Address) -> bool {
    let text = address.as_str();
    text == pattern || text.strip_prefix(pattern).is_some_and(|rest| rest.starts_with('[') || rest.starts_with('.'))
}

/// The subjects of a plan that are kept.
pub(super) enum SelectedSubjects {
    /// All.
    All,
    /// These.
    Only(BTreeSet<SelectedSubject>),
}

/// What is kept or left out as a whole. A scope that exists in several accounts is one subject in each.
type SelectedSubject = (Address, Option<Alias>);

/// Selects subjects. A subject is kept or left out as a whole, so that its marks stay true. A target also keeps every
/// subject that its writes need; an exclusion also leaves out every subject whose writes need it.
pub(super) fn select_subjects(
    identities: &[IdentityDelta],
    shared: &[SharedDelta],
    graph: &StepGraph<'_>,
    selection: &PlanSelection,
) -> SelectedSubjects {
    if selection.is_everything() {
        return SelectedSubjects::All;
    }
    let any = |patterns: &[String], (address, _): &SelectedSubject| {
        patterns.iter().any(|pattern| is_named_by(pattern, address))
    };
    let subject = |address: &Address, id: &ResourceId| (address.clone(), id.account.clone());
    let of_identities = identities.iter().map(|delta| subject(&delta.address, &delta.id));
    let subjects: BTreeSet<SelectedSubject> =
        of_identities.chain(shared.iter().map(|delta| subject(&delta.address, &delta.id))).collect();
    let needs = subject_edges(graph);
    let chosen = if selection.targets.is_empty() {
        subjects.clone()
    } else {
        let start = subjects.iter().filter(|subject| any(&selection.targets, subject)).cloned().collect();
        transitive_closure(start, &needs)
    };
    let dropped = transitive_closure(
        subjects.iter().filter(|subject| any(&selection.excludes, subject)).cloned().collect(),
        &reverse_edges(&needs),
    );
    SelectedSubjects::Only(chosen.difference(&dropped).cloned().collect())
}

impl SelectedSubjects {
    /// Whether the subject of a draft is kept.
    pub(super) fn contains_draft(&self, draft: &Draft<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Only(subjects) => subjects.contains(&draft_subject(draft)),
        }
    }

    /// The deltas of the identities that are kept.
    pub(super) fn retain_identities(&self, mut deltas: Vec<IdentityDelta>) -> Vec<IdentityDelta> {
        if let Self::Only(subjects) = self {
            deltas.retain(|delta| subjects.contains(&(delta.address.clone(), delta.id.account.clone())));
        }
        deltas
    }

    /// The deltas of the shared objects that are kept.
    pub(super) fn retain_shared(&self, mut deltas: Vec<SharedDelta>) -> Vec<SharedDelta> {
        if let Self::Only(subjects) = self {
            deltas.retain(|delta| subjects.contains(&(delta.address.clone(), delta.id.account.clone())));
        }
        deltas
    }
}

fn draft_subject(draft: &Draft<'_>) -> SelectedSubject {
    (draft.subject.clone(), draft.change.id().account.clone())
}

/// By subject: the other subjects whose writes its own writes wait for.
type SubjectEdges = BTreeMap<SelectedSubject, BTreeSet<SelectedSubject>>;

fn subject_edges(graph: &StepGraph<'_>) -> SubjectEdges {
    let mut needs = SubjectEdges::new();
    for (id, draft) in graph.drafts() {
        let own = draft_subject(draft);
        let others = graph.needs_of_draft(id).map(|(need, _)| draft_subject(&graph[need]));
        let others: Vec<SelectedSubject> = others.filter(|subject| *subject != own).collect();
        needs.entry(own).or_default().extend(others);
    }
    needs
}

fn reverse_edges(needs: &SubjectEdges) -> SubjectEdges {
    let mut reversed = SubjectEdges::new();
    for (subject, others) in needs {
        for other in others {
            reversed.entry(other.clone()).or_default().insert(subject.clone());
        }
    }
    reversed
}

fn transitive_closure(start: BTreeSet<SelectedSubject>, edges: &SubjectEdges) -> BTreeSet<SelectedSubject> {
    let mut reached = start.clone();
    let mut frontier: Vec<SelectedSubject> = start.into_iter().collect();
    while let Some(subject) = frontier.pop() {
        for next in edges.get(&subject).into_iter().flatten() {
            if reached.insert(next.clone()) {
                frontier.push(next.clone());
            }
        }
    }
    reached
}
