//! The writes of a plan before they are ordered, and the edges between them.
//!
//! A [`DraftId`] is made only by [`StepGraph::push_draft`], so each id has a draft, and an edge cannot get lost
//! because its id is unknown.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::{Index, IndexMut};

use leasehold_provider::{Address, Change};
use petgraph::graph::{DiGraph, NodeIndex};

use super::stage::TransitionStage;
use super::staged_change::InterimState;
use crate::plan::classify::SubjectFacts;
use crate::plan::edge_reason::{EdgeReason, EdgeReasons};

/// The number of a draft. It says nothing about the order, except that the smallest number comes first among the
/// drafts that are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DraftId(NodeIndex);

/// One write that is not ordered yet.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The address of the subject.
    pub subject: &'a Address,
    /// The write.
    pub change: Cow<'a, Change>,
    /// Whether it attaches, detaches, creates, deletes or updates something that allows or denies access.
    pub is_access: bool,
    /// The interim state in which it leaves the object; `None` if it completes the change.
    pub interim: Option<InterimState>,
    /// The stage among the writes of its subject; `None` if the subject does not change in stages.
    pub stage: Option<TransitionStage>,
}

impl<'a> Draft<'a> {
    /// One draft for each change of a subject that does not change in stages.
    pub fn for_changes(subject: &SubjectFacts<'a>) -> impl Iterator<Item = Self> {
        subject.changes.iter().map(|facts| Self {
            subject: subject.address,
            change: Cow::Borrowed(facts.change),
            is_access: facts.is_access,
            interim: None,
            stage: None,
        })
    }
}

/// One write waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The draft that waits.
    pub from: DraftId,
    /// The draft that it waits for.
    pub to: DraftId,
    /// Why it waits.
    pub reason: EdgeReason,
}

/// The drafts, and what each waits for: an edge goes from the draft that waits to the draft that it waits for.
#[derive(Debug, Default)]
pub struct StepGraph<'a> {
    graph: DiGraph<Draft<'a>, EdgeReasons>,
}

impl<'a> StepGraph<'a> {
    /// Adds a draft that waits for nothing yet.
    pub fn push_draft(&mut self, draft: Draft<'a>) -> DraftId {
        DraftId(self.graph.add_node(draft))
    }

    /// All drafts, in the order in which they were added.
    pub fn drafts(&self) -> impl Iterator<Item = (DraftId, &Draft<'a>)> {
        self.graph.node_indices().map(|id| (DraftId(id), &self.graph[id]))
    }

    /// What a draft waits for, and why.
    pub fn needs_of_draft(&self, id: DraftId) -> impl Iterator<Item = (DraftId, EdgeReasons)> {
        use petgraph::visit::EdgeRef as _;
        self.graph.edges(id.0).map(|edge| (DraftId(edge.target()), *edge.weight()))
    }

    /// The drafts that wait for a draft.
    pub fn waiters_of_draft(&self, id: DraftId) -> impl Iterator<Item = DraftId> {
        self.graph.neighbors_directed(id.0, petgraph::Direction::Incoming).map(DraftId)
    }

    /// Replaces all edges. Edges between the same drafts become one with all their reasons. An edge from a draft to
    /// itself is left out: a write does not wait for itself.
    pub fn set_edges(&mut self, mut edges: Vec<Edge>) {
        edges.retain(|edge| edge.from != edge.to);
        edges.sort_unstable();
        self.graph.clear_edges();
        for same in edges.chunk_by(|one, other| (one.from, one.to) == (other.from, other.to)) {
            let reasons: EdgeReasons = same.iter().map(|edge| edge.reason).collect();
            if let Some(edge) = same.first() {
                self.graph.add_edge(edge.from.0, edge.to.0, reasons);
            }
        }
    }

    /// The graph with only the drafts for which `is_kept` is true, and the edges between them. Their ids change; their
    /// order does not.
    #[must_use]
    pub fn retain_drafts(self, is_kept: impl Fn(&Draft<'a>) -> bool) -> Self {
        Self { graph: self.graph.filter_map_owned(|_, draft| is_kept(&draft).then_some(draft), |_, edge| Some(edge)) }
    }

    /// The sets of drafts that wait for each other: one set for each cycle.
    #[must_use]
    pub fn find_cycles(&self) -> Vec<BTreeSet<DraftId>> {
        let components = petgraph::algo::tarjan_scc(&self.graph).into_iter();
        components.filter(|cycle| cycle.len() > 1).map(|cycle| cycle.into_iter().map(DraftId).collect()).collect()
    }

    /// A table with one value for each draft.
    pub fn new_table<T>(&self, value: impl Fn(DraftId) -> T) -> DraftTable<T> {
        DraftTable(self.graph.node_indices().map(|id| value(DraftId(id))).collect())
    }
}

impl<'a> Index<DraftId> for StepGraph<'a> {
    type Output = Draft<'a>;

    fn index(&self, id: DraftId) -> &Draft<'a> {
        &self.graph[id.0]
    }
}

/// One value for each draft of a graph.
#[derive(Debug)]
pub struct DraftTable<T>(Vec<T>);

#[expect(clippy::indexing_slicing, reason = "a table has a value for each id of its graph")]
impl<T> Index<DraftId> for DraftTable<T> {
    type Output = T;

    fn index(&self, id: DraftId) -> &T {
        &self.0[id.0.index()]
    }
}

#[expect(clippy::indexing_slicing, reason = "a table has a value for each id of its graph")]
impl<T> IndexMut<DraftId> for DraftTable<T> {
    fn index_mut(&mut self, id: DraftId) -> &mut T {
        &mut self.0[id.0.index()]
    }
}
