//! What policies take away, and what stands in for them while they change.

use crate::{Document, Resource};

/// Whether a resource takes access away today. A lease's fence, which does so at its time, does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DenyExtent {
    /// It takes nothing away.
    Nothing,
    /// It takes away, and gives nothing: put on, or made longer, it can only narrow.
    Only,
    /// It takes everything away, whatever else it says.
    Everything,
    /// It takes away and gives. The one cannot be put on, or taken off, without the other.
    Besides,
}

/// A principal while it is trusted by others than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarrowedPrincipal {
    /// As before, but trusted only by those whom it shall trust afterwards, too.
    pub principal: Resource,
    /// Whether that is nobody.
    pub closed: bool,
}

/// What a policy shall deny for a moment, beside its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InterimDeny {
    /// Everything: for where it is not known what must be denied.
    pub everything: bool,
    /// What the statements of these deny.
    pub documents: Vec<Document>,
}

impl InterimDeny {
    /// Whether nothing is.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        !self.everything && self.documents.is_empty()
    }

    /// Adds what `other` says. What is said already is not said twice.
    pub fn merge_denials(&mut self, other: &Self) {
        self.everything |= other.everything;
        for document in &other.documents {
            if !self.documents.contains(document) {
                self.documents.push(document.clone());
            }
        }
    }
}
