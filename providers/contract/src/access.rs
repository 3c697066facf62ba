//! Access and what can be said of it: verdicts, findings, answers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Document;

/// An identity's whole effective access.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// Every policy it holds: their union counts.
    pub policies: Vec<Document>,
    /// What the union is cut to.
    pub boundary: Option<Document>,
    /// What it holds and whose content is not known, by name.
    pub opaque: BTreeSet<String>,
}

/// What a change of access means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessVerdict {
    /// The same requests are allowed.
    Equivalent,
    /// Fewer are.
    Narrows,
    /// More are.
    Expands,
    /// Some are that were not, and some no longer.
    Incomparable,
    /// It could not be decided.
    Unknown,
}

/// A verdict with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The verdict.
    pub verdict: AccessVerdict,
    /// A request that is allowed now and was not, in words: `s3:PutObject on arn:aws:s3:::acme/x`.
    pub witness: Option<String>,
    /// Why it is unknown, where it is.
    pub reason: Option<String>,
}

/// What an access amounts to, and what is unwise about it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Assessment {
    /// The highest level of anything it allows.
    pub level: AccessLevel,
    /// What to look at, worst first.
    pub findings: Vec<AccessFinding>,
}

/// What sort of thing an access lets one do, in the order of what is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessLevel {
    /// Nothing at all.
    None,
    /// See that something exists.
    List,
    /// See what is in it.
    Read,
    /// Change tags.
    Tagging,
    /// Create, change, delete.
    Write,
    /// Not known, at least not all of it.
    #[default]
    Unknown,
    /// Decide who may do what.
    PermissionsManagement,
}

/// How much is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Untidy.
    Low,
    /// More is granted than was likely meant, or less.
    Medium,
    /// A way to rights that nobody granted.
    High,
    /// Anybody, or everything.
    Critical,
}

/// Something unwise about an access.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessFinding {
    /// The rule, by an id that never changes its meaning.
    pub id: String,
    /// How much is at stake.
    pub severity: Severity,
    /// Which policy of the access, counted from zero; `None`: it takes several.
    pub policy: Option<usize>,
    /// The statement's label.
    pub sid: Option<String>,
    /// What was found and why it matters.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// The risk it belongs to in OWASP's Non-Human Identities Top 10, where one fits.
    pub owasp: Option<String>,
}

/// Something that somebody may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// The action, such as `s3:GetObject`.
    pub action: &'a str,
    /// The resource, by its name in the cloud.
    pub resource: &'a str,
    /// The instant, in RFC 3339.
    pub now: &'a str,
    /// The same instant, in seconds since 1970.
    pub epoch: i64,
    /// The name of the user who would do it; `None`: it is no user.
    pub user: Option<&'a str>,
}

/// Whether something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// It is.
    Yes,
    /// Under conditions that a request must meet.
    OnlyIf,
    /// It depends on what is not read.
    #[default]
    Unknown,
    /// It is not.
    No,
}

/// Whether an access allows something, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it does.
    pub permission: Permission,
    /// The statements that allow it, some perhaps under conditions.
    pub through: Vec<ContributingStatement>,
    /// The statements that deny it under conditions.
    pub unless: Vec<ContributingStatement>,
    /// What it also depends on and is not read, by name.
    pub unread: BTreeSet<String>,
}

/// A statement that has a part in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributingStatement {
    /// Which policy of the access, counted from zero.
    pub policy: usize,
    /// Which statement of the policy, counted from zero.
    pub statement: usize,
    /// The statement's label.
    pub sid: Option<String>,
    /// The conditions under which it counts, in words.
    pub conditions: Vec<String>,
}
