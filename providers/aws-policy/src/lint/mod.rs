//! A document → what is unwise or wrong about it. Each finding has a stable id, the statement, why it matters and what
//! to do. Whether something can be done is asked of the comparison, not of the text: a wildcard that a Deny takes back
//! is no finding.

mod conditions;
mod escalation;
mod grants;
mod paths;
mod redundancy;
mod trust;

use std::fmt;

use serde::Serialize;

use crate::compare::Budget;
use crate::document::{Document, PolicyKind};
use crate::principal::AccountId;

pub use paths::{Gain, PATHS, Path};

/// How much is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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

/// The rules. A rule's id never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Every action is allowed.
    FullWildcard,
    /// Every action of a service is allowed.
    ServiceWildcard,
    /// Allowed on every resource, though the actions take ARNs.
    ResourceWildcard,
    /// No service has such an action.
    UnknownAction,
    /// No service has such a condition key.
    UnknownConditionKey,
    /// No such condition operator, or no values for it.
    UnknownOperator,
    /// All actions of a known escalation path are granted.
    PrivilegeEscalation,
    /// A role can be handed to any service.
    PassRoleAnyService,
    /// `Allow` with `NotAction`.
    AllowNotAction,
    /// `Allow` with `NotResource`.
    AllowNotResource,
    /// `Allow` with `NotPrincipal`.
    AllowNotPrincipal,
    /// Without this statement the document says the same.
    RedundantStatement,
    /// Without this entry the document says the same.
    RedundantElement,
    /// No request can match this statement.
    NeverMatches,
    /// Everybody is trusted.
    PublicTrust,
    /// Another account is trusted.
    CrossAccountTrust,
    /// Another account is trusted without `sts:ExternalId`.
    MissingExternalId,
    /// A service is trusted on whoever's behalf it calls.
    ConfusedDeputy,
    /// An OIDC provider is trusted whatever the subject.
    OidcWithoutSubject,
    /// An OIDC provider is trusted whatever the audience.
    OidcWithoutAudience,
    /// An OIDC provider is trusted for every subject of an organisation, or more.
    OidcWideSubject,
    /// A condition on MFA that passes when the request says nothing of MFA.
    MfaNotRequired,
    /// A principal that no longer exists.
    DeletedPrincipal,
    /// A wildcard within a principal, where AWS takes none.
    PrincipalWildcard,
}

impl Rule {
    /// The stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::FullWildcard => "full-wildcard",
            Self::ServiceWildcard => "service-wildcard",
            Self::ResourceWildcard => "resource-wildcard",
            Self::UnknownAction => "unknown-action",
            Self::UnknownConditionKey => "unknown-condition-key",
            Self::UnknownOperator => "unknown-operator",
            Self::PrivilegeEscalation => "privilege-escalation",
            Self::PassRoleAnyService => "pass-role-any-service",
            Self::AllowNotAction => "allow-not-action",
            Self::AllowNotResource => "allow-not-resource",
            Self::AllowNotPrincipal => "allow-not-principal",
            Self::RedundantStatement => "redundant-statement",
            Self::RedundantElement => "redundant-element",
            Self::NeverMatches => "never-matches",
            Self::PublicTrust => "public-trust",
            Self::CrossAccountTrust => "cross-account-trust",
            Self::MissingExternalId => "missing-external-id",
            Self::ConfusedDeputy => "confused-deputy",
            Self::OidcWithoutSubject => "oidc-without-subject",
            Self::OidcWithoutAudience => "oidc-without-audience",
            Self::OidcWideSubject => "oidc-wide-subject",
            Self::MfaNotRequired => "mfa-not-required",
            Self::DeletedPrincipal => "deleted-principal",
            Self::PrincipalWildcard => "principal-wildcard",
        }
    }

    /// The risk it belongs to in OWASP's Non-Human Identities Top 10 of 2025, where one fits.
    /// <https://owasp.org/www-project-non-human-identities-top-10/2025/>
    pub fn owasp(self) -> Option<&'static str> {
        match self {
            Self::FullWildcard
            | Self::ServiceWildcard
            | Self::ResourceWildcard
            | Self::PrivilegeEscalation
            | Self::PassRoleAnyService
            | Self::AllowNotAction
            | Self::AllowNotResource => Some("NHI5:2025"),
            Self::CrossAccountTrust | Self::MissingExternalId => Some("NHI3:2025"),
            Self::MfaNotRequired | Self::PublicTrust | Self::AllowNotPrincipal | Self::ConfusedDeputy => {
                Some("NHI4:2025")
            }
            Self::OidcWithoutSubject | Self::OidcWithoutAudience | Self::OidcWideSubject => Some("NHI6:2025"),
            Self::DeletedPrincipal => Some("NHI1:2025"),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::FullWildcard => "name the actions that are needed",
            Self::ServiceWildcard => "name the service's actions that are needed, or its read actions by prefix",
            Self::ResourceWildcard => "name the resources by ARN",
            Self::UnknownAction => "correct the spelling, or remove it",
            Self::UnknownConditionKey => "correct the spelling; a key that no request carries makes the test constant",
            Self::UnknownOperator => "use an operator that IAM documents, with a value",
            Self::PrivilegeEscalation => {
                "take one of the actions away, or limit it to resources that hold no more rights"
            }
            Self::PassRoleAnyService => "add StringEquals iam:PassedToService with the services that are meant",
            Self::AllowNotAction => "allow the actions that are needed; or deny the others with NotAction",
            Self::AllowNotResource => "allow on the resources that are needed; or deny the others with NotResource",
            Self::AllowNotPrincipal => "name the principals that are trusted",
            Self::RedundantStatement | Self::RedundantElement => "remove it",
            Self::NeverMatches => "correct its conditions, or remove it",
            Self::PublicTrust => "name the principals, or add a condition such as aws:PrincipalOrgID",
            Self::CrossAccountTrust => {
                "make sure that the account is a partner's, and name one of its roles instead of the whole account"
            }
            Self::MissingExternalId => "add StringEquals sts:ExternalId with a value agreed with the partner",
            Self::ConfusedDeputy => "add aws:SourceArn or aws:SourceAccount, where the service sends them",
            Self::OidcWithoutSubject => "add StringEquals on the provider's `sub` with the workloads that are meant",
            Self::OidcWithoutAudience => "add StringEquals on the provider's `aud`",
            Self::OidcWideSubject => "name the repository or project, and the branch or environment",
            Self::MfaNotRequired => "in an Allow use Bool \"true\"; in a Deny use BoolIfExists \"false\"",
            Self::DeletedPrincipal => "remove it; a new principal of the same name is not trusted by it",
            Self::PrincipalWildcard => "name the principal, or use `*` with a condition on aws:PrincipalArn",
        }
    }
}

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The statement, counted from zero; none for findings about the whole document.
    pub statement: Option<usize>,
    /// Which rule.
    pub rule: Rule,
    /// How much is at stake.
    pub severity: Severity,
    /// The statement's label.
    pub sid: Option<String>,
    /// What was found and why it matters, in one sentence.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.id(), self.message)
    }
}

impl Finding {
    /// `id`, `severity`, `statement`, `sid`, `message`, `remedy`, `owasp`.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::json!({
            "id": self.rule.id(),
            "severity": self.severity,
            "statement": self.statement,
            "sid": self.sid,
            "message": self.message,
            "remedy": self.rule.remedy(),
            "owasp": self.rule.owasp(),
        })
    }
}

/// What is known besides the document.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The kind of policy.
    pub kind: PolicyKind,
    /// The account it belongs to; without it every account is a stranger that may be one's own.
    pub account: Option<AccountId>,
}

impl Setting {
    /// A kind of policy in an account that is not known.
    pub fn of(kind: PolicyKind) -> Self {
        Self { kind, account: None }
    }
}

/// The findings, worst first.
pub fn lint(document: &Document, setting: &Setting) -> Vec<Finding> {
    let mut out = Findings::of(document);
    check(&mut out, setting);
    redundancy::check(&mut out);
    out.worst_first()
}

/// The findings but for those of redundancy, which take a comparison for each entry of the document.
pub fn risks(document: &Document, setting: &Setting) -> Vec<Finding> {
    let mut out = Findings::of(document);
    check(&mut out, setting);
    out.worst_first()
}

fn check(out: &mut Findings<'_>, setting: &Setting) {
    grants::check(out);
    conditions::check(out);
    if setting.kind == PolicyKind::Identity {
        escalation::check(out);
    } else {
        trust::check(out, setting);
    }
    redundancy::never_matching(out);
}

/// The ways to more rights alone, of a document that stands for all that an identity holds.
pub fn escalations(document: &Document) -> Vec<Finding> {
    let mut out = Findings::of(document);
    escalation::check(&mut out);
    out.worst_first()
}

/// Findings while they are gathered.
struct Findings<'a> {
    document: &'a Document,
    found: Vec<Finding>,
    /// What all questions about the document may still take. A question that is not answered for lack of it is a finding where
    /// rights are at stake, and none where it is about tidiness.
    budget: Budget,
}

/// The questions about one document take as much work as so many comparisons.
const COMPARISONS: usize = 3;

impl<'a> Findings<'a> {
    fn of(document: &'a Document) -> Self {
        Self { document, found: Vec::new(), budget: Budget::of_comparisons(COMPARISONS) }
    }

    fn worst_first(mut self) -> Vec<Finding> {
        self.found.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.cmp(b)));
        self.found.dedup();
        self.found
    }

    fn at(&mut self, statement: usize, rule: Rule, severity: Severity, message: String) {
        let sid = self.document.statements.get(statement).and_then(|statement| statement.sid.clone());
        self.found.push(Finding { statement: Some(statement), rule, severity, sid, message });
    }
}
