//! The effective access of an identity, and the results of analyzing it: verdicts, findings and answers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Document;

/// All policies that determine what an identity may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// Every policy that is attached to it. Its access is their union.
    pub policies: Vec<Document>,
    /// The permissions boundary that limits the union.
    pub boundary: Option<Document>,
    /// The names of attached policies whose content is not known.
    pub opaque: BTreeSet<String>,
}

/// How a change affects the set of allowed requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessVerdict {
    /// The same requests are allowed.
    Equivalent,
    /// Fewer requests are allowed.
    Narrows,
    /// More requests are allowed.
    Expands,
    /// Some requests are newly allowed, and others are no longer allowed.
    Incomparable,
    /// The comparison could not be decided.
    Unknown,
}

/// A verdict with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The verdict.
    pub verdict: AccessVerdict,
    /// An example of a request that is newly allowed: `s3:PutObject on arn:aws:s3:::acme/x`.
    pub witness: Option<String>,
    /// Why the verdict is [`AccessVerdict::Unknown`].
    pub reason: Option<String>,
}

/// The level of an access, and its findings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Assessment {
    /// The highest level of all actions that it allows.
    pub level: AccessLevel,
    /// The findings, the most severe first.
    pub findings: Vec<AccessFinding>,
}

/// The kind of actions that an access allows, in order of increasing risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessLevel {
    /// No access.
    None,
    /// See that resources exist.
    List,
    /// Read their content.
    Read,
    /// Change tags.
    Tagging,
    /// Create, change and delete resources.
    Write,
    /// At least a part of the access is not known.
    #[default]
    Unknown,
    /// Change permissions.
    PermissionsManagement,
}

/// How severe a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Bad practice.
    Low,
    /// Probably more, or less, is granted than was intended.
    Medium,
    /// A way to gain permissions that were not granted (privilege escalation).
    High,
    /// Access for everybody, or access to everything.
    Critical,
}

/// A problem with an access.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessFinding {
    /// The id of the rule. Its meaning never changes.
    pub id: String,
    /// How severe it is.
    pub severity: Severity,
    /// The index of the policy in [`Access::policies`], from 0. `None`: several policies cause it together.
    pub policy: Option<usize>,
    /// The statement's id.
    pub sid: Option<String>,
    /// What was found and why it matters.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// The matching risk in OWASP's Non-Human Identities Top 10. `None`: no risk matches.
    pub owasp: Option<String>,
}

/// One request: may this action be performed on this resource?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// The action, such as `s3:GetObject`.
    pub action: &'a str,
    /// The resource, by its name in the cloud.
    pub resource: &'a str,
    /// The time of the request, in RFC 3339.
    pub now: &'a str,
    /// The same time, in seconds since 1970-01-01T00:00:00Z.
    pub epoch: i64,
    /// The name of the user that makes the request. `None`: the caller is not a user.
    pub user: Option<&'a str>,
}

/// Whether a request is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Allowed.
    Yes,
    /// Allowed if the request meets conditions.
    OnlyIf,
    /// It depends on policies that are not read.
    #[default]
    Unknown,
    /// Not allowed.
    No,
}

/// Whether an access allows a request, and which statements decide it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The result.
    pub permission: Permission,
    /// The statements that allow it, with or without conditions.
    pub through: Vec<ContributingStatement>,
    /// The statements that deny it under conditions.
    pub unless: Vec<ContributingStatement>,
    /// The names of policies that the result also depends on and that are not read.
    pub unread: BTreeSet<String>,
}

/// A statement that contributes to an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributingStatement {
    /// The index of the policy in [`Access::policies`], from 0.
    pub policy: usize,
    /// The index of the statement in the policy, from 0.
    pub statement: usize,
    /// The statement's id.
    pub sid: Option<String>,
    /// The conditions under which the statement applies, as text for people.
    pub conditions: Vec<String>,
}
