//! How each identity and shared object changes: which writes, in which stages, through which interim states.
//!
//! In: the deltas of a plan and the facts about their changes. Out: one [`Subject`] for each delta, with its
//! [`Transition`], and the [`StepGraph`] with a [`Draft`] of each write. The edges between the drafts are made later
//! ([`super::edges`]); this module decides only what each subject does by itself.
//!
//! [`decide`] chooses the transition of each subject, [`draft`] turns it into writes, [`guard`] says when a transition
//! needs interim states, and [`interim`] builds them.

mod changes;
mod decide;
mod deletion;
mod draft;
mod graph;
mod guard;
mod interim;
mod stage;
mod staged_change;

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::Address;

use crate::diff::Lifecycle;

pub use decide::decide_transitions;
pub use draft::draft_transitions;
pub use graph::{Draft, DraftId, Edge, StepGraph};
pub use guard::TransitionGuard;
pub use stage::{TransitionPhase, TransitionStage};
pub use staged_change::InterimState;

use super::classify::SubjectFacts;

/// How an identity or a shared object changes. It decides the order of its writes.
#[derive(Debug)]
pub enum Transition {
    /// The subject is created, and what it depends on decides the order: a joiner without a guard, or a new shared
    /// object.
    Creation,
    /// The subject changes or is released: each [`TransitionStage`] waits for the earlier ones.
    Change,
    /// As [`Self::Change`], through the interim states of the guard. Also for joiners.
    GuardedChange(Box<TransitionGuard>),
    /// The subject is imported: it must keep working, so it gets its new policies before it loses the old ones that
    /// allow the same.
    Import,
    /// The identity goes into quarantine: its trust policy is replaced, everything is denied, its credentials are
    /// disabled, the rest is detached, the marks are written.
    Quarantine,
    /// The subject is deleted: attachments and keys first, the subject last.
    Deletion {
        /// Whether the deletion removes a Deny. The own policy then denies everything until all else is deleted.
        removes_denial: bool,
    },
}

/// An identity or a shared object that changes.
pub struct Subject<'a> {
    /// Its changes, and the facts about them.
    pub facts: SubjectFacts<'a>,
    /// Whether it is an identity or a shared object.
    pub kind: SubjectKind<'a>,
    /// How it changes.
    pub transition: Transition,
    /// Its writes, in the order of its changes, which is the order of their ids. The two writes of a change through an
    /// interim state follow each other.
    pub drafts: Vec<DraftId>,
    /// Its writes by phase, if they are ordered together with those of other subjects: for shared objects, and for
    /// identities to which a rewritten shared object is attached.
    pub phases: DraftPhases,
}

/// Whether a subject is an identity or a shared object.
pub enum SubjectKind<'a> {
    /// An identity.
    Identity {
        /// Its lifecycle event.
        lifecycle: Lifecycle,
        /// The addresses of the rewritten shared objects that are attached to it before and after.
        rewritten: Option<&'a BTreeSet<String>>,
    },
    /// A scope, group or federation.
    Shared {
        /// Whether it exists before and after the plan; also true for a new federation that admits others, which
        /// roles may name before it exists.
        stays: bool,
        /// Whether it is a federation that admits other principals than before.
        admits_others: bool,
    },
}

impl Subject<'_> {
    /// The address of the subject. Two subjects may have the same one: a scope in two accounts, or an identity that
    /// leaves and one with another name that joins in its place.
    #[must_use]
    pub fn address(&self) -> &Address {
        self.facts.address
    }

    /// Whether a draft is one of its writes.
    #[must_use]
    pub fn contains_draft(&self, draft: DraftId) -> bool {
        self.drafts.binary_search(&draft).is_ok()
    }
}

/// The writes of one subject, by phase.
#[derive(Debug, Clone, Default)]
pub struct DraftPhases(BTreeMap<TransitionPhase, Vec<DraftId>>);

impl DraftPhases {
    /// Adds a write to a phase.
    pub fn add_draft(&mut self, phase: TransitionPhase, draft: DraftId) {
        self.0.entry(phase).or_default().push(draft);
    }

    /// Each phase that has writes, in order.
    pub fn phases(&self) -> impl Iterator<Item = (TransitionPhase, &[DraftId])> {
        self.0.iter().map(|(phase, drafts)| (*phase, drafts.as_slice()))
    }

    /// The writes of all phases, in the order of the phases.
    pub fn all_drafts(&self) -> impl Iterator<Item = DraftId> {
        self.0.values().flatten().copied()
    }

    /// The writes of the phases before this one.
    pub fn drafts_before(&self, phase: TransitionPhase) -> impl Iterator<Item = DraftId> + Clone {
        self.0.range(..phase).flat_map(|(_, drafts)| drafts).copied()
    }

    /// The writes up to and including a phase.
    pub fn drafts_through(&self, last: TransitionPhase) -> impl Iterator<Item = DraftId> + Clone {
        self.0.range(..=last).flat_map(|(_, drafts)| drafts).copied()
    }

    /// The writes of a phase and of all later ones.
    pub fn drafts_since(&self, first: TransitionPhase) -> impl Iterator<Item = DraftId> {
        self.0.range(first..).flat_map(|(_, drafts)| drafts).copied()
    }
}
