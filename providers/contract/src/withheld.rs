//! What policies deny, and the interim states of policies and trusts while they change.

use crate::{Document, Resource};

/// How much a resource denies now. A lease deny, which takes effect at its deadline, does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DenyExtent {
    /// It denies nothing.
    Nothing,
    /// It denies something and allows nothing: to attach or extend it can only narrow access.
    Only,
    /// It denies everything, whatever else it contains.
    Everything,
    /// It denies something and allows something. It cannot be attached or detached without doing both.
    Besides,
}

/// A principal in the interim state between two trust policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarrowedPrincipal {
    /// The principal as before, with its trust narrowed to the principals that the new trust policy also trusts.
    pub principal: Resource,
    /// Whether it trusts no principal.
    pub closed: bool,
}

/// What a policy must deny in an interim state, in addition to its own statements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InterimDeny {
    /// Deny everything. Used if it is not known what must be denied.
    pub everything: bool,
    /// Deny what the statements of these documents deny.
    pub documents: Vec<Document>,
}

impl InterimDeny {
    /// Whether it denies nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        !self.everything && self.documents.is_empty()
    }

    /// Adds the denials of `other`. A document that is already included is not added again.
    pub fn merge_denials(&mut self, other: &Self) {
        self.everything |= other.everything;
        for document in &other.documents {
            if !self.documents.contains(document) {
                self.documents.push(document.clone());
            }
        }
    }
}
