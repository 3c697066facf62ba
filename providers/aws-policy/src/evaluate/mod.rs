//! A request and policies → whether the request is granted, and by which statements. The evaluator visits every
//! statement and follows the steps of the AWS documentation. It is deliberately simple: every witness of a comparison
//! is verified with it, so it shares no code with the comparison.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

mod conditions;
mod glob;
mod layers;
mod statement;
mod truth;

use serde::Serialize;

pub(crate) use conditions::condition_matches;
pub(crate) use statement::{action_pattern_matches, names_action};

pub use layers::{PolicyLayers, evaluate_layers};
pub use truth::Truth;

use crate::document::{PolicyDocument, StatementEffect};
use crate::policy_set::PolicySet;
use crate::request::AccessRequest;

/// The result for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationOutcome {
    /// Granted by an Allow statement.
    Allow,
    /// Denied by a Deny statement.
    ExplicitDeny,
    /// Denied because no policy allows it, or the boundary does not.
    ImplicitDeny,
    /// The result depends on an operator, a value or a rule that AWS does not document.
    Undecided,
}

/// The kind of policy a statement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyLayer {
    /// A policy of the identity or of its groups.
    Policy,
    /// The permissions boundary.
    Boundary,
    /// The policy of the resource.
    Resource,
}

/// A statement that contributed to an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct MatchedStatement {
    /// The kind of policy it belongs to.
    pub layer: PolicyLayer,
    /// The index of the document in its layer, from zero.
    pub document: usize,
    /// The index of the statement in its document, from zero.
    pub statement: usize,
    /// The `Sid` of the statement.
    pub sid: Option<String>,
}

/// The result for a request and the statements that led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    /// The result.
    pub outcome: EvaluationOutcome,
    /// The Deny statements of an explicit deny, the Allow statements of an allow, the statements whose match is unknown
    /// of an undecided request. Empty for an implicit deny.
    pub because: Vec<MatchedStatement>,
}

impl Evaluation {
    /// Whether the request is granted. Unknown if the outcome is undecided.
    pub fn is_allowed(&self) -> Truth {
        match self.outcome {
            EvaluationOutcome::Allow => Truth::Yes,
            EvaluationOutcome::Undecided => Truth::Unknown,
            EvaluationOutcome::ExplicitDeny | EvaluationOutcome::ImplicitDeny => Truth::No,
        }
    }
}

/// Evaluates a request against the policies of an identity, within its boundary.
///
/// ```
/// use leasehold_policy::{AccessRequest, PolicyDocument, PolicySet, RequestCaller, Truth, evaluate_request};
///
/// let text = r#"{"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}"#;
/// let policies = PolicySet::new(vec![PolicyDocument::parse(text)?]);
/// let request = AccessRequest::new(RequestCaller::Anonymous, "s3:GetObject", "arn:aws:s3:::reports/2026");
/// assert_eq!(evaluate_request(&policies, &request).is_allowed(), Truth::Yes);
/// # Ok::<(), leasehold_policy::PolicyParseError>(())
/// ```
pub fn evaluate_request(access: &PolicySet, request: &AccessRequest) -> Evaluation {
    evaluate_layers(
        &PolicyLayers {
            policies: &access.policies,
            boundary: access.boundary.as_deref(),
            resource_policy: None,
            resource_account: None,
        },
        request,
    )
}

/// The statements of one layer and one effect that match a request, or whose match is unknown.
struct LayerMatches {
    truth: Truth,
    reasons: Vec<(Truth, MatchedStatement)>,
}

impl LayerMatches {
    fn collect_matches(
        documents: &[PolicyDocument],
        layer: PolicyLayer,
        effect: StatementEffect,
        request: &AccessRequest,
    ) -> Self {
        let mut found = Self { truth: Truth::No, reasons: Vec::new() };
        for (d, document) in documents.iter().enumerate() {
            for (s, statement) in document.statements.iter().enumerate().filter(|(_, s)| s.effect == effect) {
                let truth = statement::statement_applies(statement, request);
                if truth != Truth::No {
                    found.truth = found.truth.or(truth);
                    found.reasons.push((
                        truth,
                        MatchedStatement { layer, document: d, statement: s, sid: statement.sid.clone() },
                    ));
                }
            }
        }
        found
    }

    fn statements_with_truth(&self, desired: Truth) -> impl Iterator<Item = MatchedStatement> + '_ {
        self.reasons.iter().filter(move |(truth, _)| *truth == desired).map(|(_, reason)| reason.clone())
    }
}
