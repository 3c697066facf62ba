//! The policies that apply to an identity: the union of its identity policies, limited by its permissions boundary.

use crate::document::PolicyDocument;

/// All policies of one identity. A request is granted when a policy allows it, the boundary (if any) allows it, and no
/// statement of either denies it. To evaluate a trust or resource policy, put only that document in `policies`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySet {
    /// Inline and attached policies of the identity and of its groups.
    pub policies: Vec<PolicyDocument>,
    /// The permissions boundary. `None`: no boundary. An empty list: a boundary that allows nothing.
    pub boundary: Option<Vec<PolicyDocument>>,
}

impl PolicySet {
    /// Policies without a boundary.
    pub fn new(policies: Vec<PolicyDocument>) -> Self {
        Self { policies, boundary: None }
    }

    /// The same policies with this boundary; it replaces an earlier one.
    #[must_use]
    pub fn with_boundary(self, boundary: Vec<PolicyDocument>) -> Self {
        Self { boundary: Some(boundary), ..self }
    }
}
