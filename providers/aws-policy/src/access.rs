//! What an identity holds: the union of its policies, within its boundary.

use crate::document::Document;

/// An identity's whole access. A request is granted when a policy allows it, the boundary (if any) allows it, and
/// nothing in either denies it. For a trust or resource policy, the one document stands alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The policies, inline and attached, the groups' included.
    pub policies: Vec<Document>,
    /// The permissions boundary. `None`: no limit. An empty list: nothing is within it.
    pub boundary: Option<Vec<Document>>,
}

impl Access {
    /// Access without a boundary.
    pub fn of(policies: Vec<Document>) -> Self {
        Self { policies, boundary: None }
    }

    /// The same access within a boundary.
    #[must_use]
    pub fn within(self, boundary: Vec<Document>) -> Self {
        Self { boundary: Some(boundary), ..self }
    }
}
