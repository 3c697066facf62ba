//! A policy document as Rust values. Reading is in [`crate::parse`], the form that is compared in [`crate::canonical`].

use crate::operator::Operator;
use crate::pattern::Pattern;
use crate::principal::Principal;

/// The language version. It decides whether `${…}` is a variable or text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// `2008-10-17`, also what a document without `Version` has: no variables.
    #[default]
    V2008,
    /// `2012-10-17`.
    V2012,
}

impl Version {
    /// As a policy spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2008 => "2008-10-17",
            Self::V2012 => "2012-10-17",
        }
    }
}

/// What a statement does where it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Refuses, whatever else grants.
    Deny,
}

impl Effect {
    /// As a policy spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// Which of the three grammars a document follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// Attached to a user, group or role, or a boundary: no principal, a resource.
    Identity,
    /// A role's trust: a principal, no resource.
    Trust,
    /// Attached to a resource: a principal and a resource.
    Resource,
}

/// A list of things that match, or (`Not…`) that do not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clause<T> {
    /// Written `NotAction`, `NotResource` or `NotPrincipal`: everything but the items.
    pub negated: bool,
    /// In the order of the document. Empty only where not negated; it then matches nothing.
    pub items: Vec<T>,
}

/// One test on one key of the request's context. A statement's conditions must all hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// How the key is tested.
    pub operator: Operator,
    /// The context key in lower case: AWS does not tell `aws:SourceIp` from `aws:sourceip`.
    pub key: String,
    /// The values. One that matches suffices; under a negated operator none may match.
    pub values: Vec<Pattern>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// A label; it means nothing to AWS and is not compared.
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Whom it speaks of; none in an identity policy, where it is whoever holds the policy.
    pub principals: Option<Clause<Principal>>,
    /// Action patterns; their tokens are in lower case, since AWS ignores the case of actions.
    pub actions: Clause<Pattern>,
    /// ARN patterns; none in a trust policy, where the resource is the role.
    pub resources: Option<Clause<Pattern>>,
    /// All must hold. Ordered as written.
    pub conditions: Vec<Condition>,
}

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The language version.
    pub version: Version,
    /// A label for the document; it means nothing to AWS and is not compared.
    pub id: Option<String>,
    /// In the order of the text, which has no meaning.
    pub statements: Vec<Statement>,
}

impl Document {
    /// Principals that no longer exist: AWS shows their unique id in place of the ARN.
    pub fn deleted_principals(&self) -> Vec<&str> {
        let clauses = self.statements.iter().filter_map(|statement| statement.principals.as_ref());
        let deleted = clauses.flat_map(|clause| &clause.items).filter_map(|principal| match principal {
            Principal::Deleted(id) => Some(id.as_str()),
            _ => None,
        });
        let unique: std::collections::BTreeSet<&str> = deleted.collect();
        unique.into_iter().collect()
    }
}
