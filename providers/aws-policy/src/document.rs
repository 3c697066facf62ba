//! A policy document as Rust values. [`PolicyDocument::parse`] builds it from JSON; [`crate::canonical`] gives the form
//! in which two documents are compared.

use crate::operator::ConditionOperator;
use crate::pattern::Pattern;
use crate::principal::PolicyPrincipal;

pub use crate::language_version::LanguageVersion;

/// The `Effect` element: what a statement does to the requests it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatementEffect {
    /// Grants the request, unless another statement denies it.
    Allow,
    /// Denies the request, even if other statements allow it.
    Deny,
}

impl StatementEffect {
    /// The spelling in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// The kind of a policy: which elements its statements must have and may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// An identity policy or a permissions boundary: no `Principal`, but a `Resource`.
    Identity,
    /// A role's trust policy: a `Principal`, no `Resource`.
    Trust,
    /// A resource-based policy: a `Principal` and a `Resource`.
    Resource,
}

/// A list of actions, resources or principals that match, or, when negated (`Not…`), that do not match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clause<T> {
    /// True for `NotAction`, `NotResource` and `NotPrincipal`: everything except the items matches.
    pub negated: bool,
    /// In the order of the document. May be empty only if not negated; the clause then matches nothing.
    pub items: Vec<T>,
}

/// One operator on one key of the request context. All conditions of a statement must hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatementCondition {
    /// How the key's values are tested.
    pub operator: ConditionOperator,
    /// The context key in lower case: AWS ignores the case of condition keys.
    pub key: String,
    /// The values of the policy. One match is enough; under a negated operator no value may match.
    pub values: Vec<Pattern>,
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyStatement {
    /// A label without effect on evaluation; comparisons ignore it.
    pub sid: Option<String>,
    /// The `Effect` element.
    pub effect: StatementEffect,
    /// `Principal` or `NotPrincipal`. `None` in an identity policy, which applies to the identity it is attached to.
    pub principals: Option<Clause<PolicyPrincipal>>,
    /// Action patterns. Their tokens are in lower case, because AWS ignores the case of actions.
    pub actions: Clause<Pattern>,
    /// ARN patterns. `None` in a trust policy, where the resource is the role.
    pub resources: Option<Clause<Pattern>>,
    /// All of them must hold. In the order of the document.
    pub conditions: Vec<StatementCondition>,
}

/// A policy document of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDocument {
    /// The `Version` element.
    pub version: LanguageVersion,
    /// A label without effect on evaluation; comparisons ignore it.
    pub id: Option<String>,
    /// In the order of the document, which has no effect on evaluation.
    pub statements: Vec<PolicyStatement>,
}

impl PolicyDocument {
    /// The unique ids of principals that no longer exist, sorted and without duplicates. AWS replaces the ARN of a
    /// deleted principal by its unique id.
    pub fn deleted_principals(&self) -> Vec<&str> {
        let clauses = self.statements.iter().filter_map(|statement| statement.principals.as_ref());
        let deleted = clauses.flat_map(|clause| &clause.items).filter_map(|principal| match principal {
            PolicyPrincipal::Deleted(id) => Some(id.as_str()),
            _ => None,
        });
        let unique: std::collections::BTreeSet<&str> = deleted.collect();
        unique.into_iter().collect()
    }
}
