//! Request + policies → decision, by walking the statements one after the other, the way the documentation tells it.
//! Slow and plain on purpose: it is the reference that every verdict of the comparison is held against, and shares no
//! code with it.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

mod conditions;
mod layers;
mod statement;
mod text;
mod truth;

use serde::Serialize;

pub(crate) use conditions::holds as condition_holds;
pub(crate) use statement::action_is;

pub use layers::{Layers, simulate};
pub use truth::Truth;

use crate::access::Access;
use crate::document::{Document, Effect};
use crate::request::Request;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Granted.
    Allow,
    /// Refused by a Deny.
    ExplicitDeny,
    /// Refused because nothing grants it, or the boundary does not.
    ImplicitDeny,
    /// It depends on an operator, a value or a rule whose meaning AWS does not document.
    Undecided,
}

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Among the identity's own policies.
    Policy,
    /// In the permissions boundary.
    Boundary,
    /// In the policy of the resource.
    Resource,
}

/// A statement that had a part in a decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reason {
    /// The kind of policy.
    pub layer: Layer,
    /// Which document of that layer, counted from zero.
    pub document: usize,
    /// Which statement of the document, counted from zero.
    pub statement: usize,
    /// The statement's label.
    pub sid: Option<String>,
}

/// An outcome and the statements that brought it about: the Denies of an explicit deny, the Allows of an allow, those
/// that are not decided of an undecided; none where nothing matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What becomes of the request.
    pub outcome: Outcome,
    /// Why.
    pub because: Vec<Reason>,
}

impl Decision {
    /// Whether the request is granted; not known where the decision is not.
    pub fn allowed(&self) -> Truth {
        match self.outcome {
            Outcome::Allow => Truth::Yes,
            Outcome::Undecided => Truth::Unknown,
            Outcome::ExplicitDeny | Outcome::ImplicitDeny => Truth::No,
        }
    }
}

/// Decides a request against an identity's whole access: its policies, within its boundary.
pub fn evaluate(access: &Access, request: &Request) -> Decision {
    simulate(
        &Layers {
            policies: &access.policies,
            boundary: access.boundary.as_deref(),
            resource_policy: None,
            resource_account: None,
        },
        request,
    )
}

/// Which statements of an effect match, in one layer.
struct Matches {
    truth: Truth,
    reasons: Vec<(Truth, Reason)>,
}

impl Matches {
    fn of(documents: &[Document], layer: Layer, effect: Effect, request: &Request) -> Self {
        let mut found = Self { truth: Truth::No, reasons: Vec::new() };
        for (d, document) in documents.iter().enumerate() {
            for (s, statement) in document.statements.iter().enumerate().filter(|(_, s)| s.effect == effect) {
                let truth = statement::applies(statement, request);
                if truth != Truth::No {
                    found.truth = found.truth.or(truth);
                    found
                        .reasons
                        .push((truth, Reason { layer, document: d, statement: s, sid: statement.sid.clone() }));
                }
            }
        }
        found
    }

    fn with(&self, wanted: Truth) -> impl Iterator<Item = Reason> + '_ {
        self.reasons.iter().filter(move |(truth, _)| *truth == wanted).map(|(_, reason)| reason.clone())
    }
}
