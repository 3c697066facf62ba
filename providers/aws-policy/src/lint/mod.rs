//! A policy document → findings: what is risky, wrong or redundant. Each finding has a rule with a stable id and a
//! remedy, the statement and a message. Rules that depend on what is granted use the comparison instead of the text, so
//! a wildcard whose actions a Deny takes away is no escalation.

mod conditions;
mod escalation;
mod escalation_paths;
mod grants;
mod redundancy;
mod trust;

use std::fmt;

use serde::Serialize;

use crate::compare::WorkBudget;
use crate::document::{PolicyDocument, PolicyKind};
use crate::principal::AccountId;

pub use escalation_paths::{ESCALATION_PATHS, EscalationGain, EscalationPath};

/// The severity of a finding, from the least to the most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LintSeverity {
    /// No risk: redundant or unusual.
    Low,
    /// Probably grants more or less than intended.
    Medium,
    /// Lets principals gain rights that were not granted to them.
    High,
    /// Grants access to everyone, or grants everything.
    Critical,
}

/// A lint rule. The meaning of a rule's id never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LintRule {
    /// All actions of all services are allowed.
    FullWildcard,
    /// All actions of a service are allowed.
    ServiceWildcard,
    /// Allowed on every resource, although the actions support ARNs.
    ResourceWildcard,
    /// No service has an action of this name.
    UnknownAction,
    /// No service has a condition key of this name.
    UnknownConditionKey,
    /// IAM has no condition operator of this name, or the condition has no values.
    UnknownOperator,
    /// All actions of a known escalation path are granted.
    PrivilegeEscalation,
    /// `iam:PassRole` is allowed for any service.
    PassRoleAnyService,
    /// `Allow` with `NotAction`.
    AllowNotAction,
    /// `Allow` with `NotResource`.
    AllowNotResource,
    /// `Allow` with `NotPrincipal`.
    AllowNotPrincipal,
    /// The document grants the same without this statement.
    RedundantStatement,
    /// The document grants the same without this action or resource.
    RedundantElement,
    /// No request can match this statement.
    NeverMatches,
    /// Every principal is trusted.
    PublicTrust,
    /// Another account is trusted.
    CrossAccountTrust,
    /// Another account is trusted without `sts:ExternalId`.
    MissingExternalId,
    /// A service is trusted without a condition on the account or resource it acts for.
    ConfusedDeputy,
    /// An OIDC provider is trusted without a condition on the subject.
    OidcWithoutSubject,
    /// An OIDC provider is trusted without a condition on the audience.
    OidcWithoutAudience,
    /// An OIDC provider is trusted for all subjects of an organisation, or for more.
    OidcWideSubject,
    /// A condition on MFA that a request without MFA keys passes.
    MfaNotRequired,
    /// A principal that has been deleted.
    DeletedPrincipal,
    /// A wildcard within a principal, where AWS does not support one.
    PrincipalWildcard,
}

impl LintRule {
    /// The stable id, such as `full-wildcard`.
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

    /// The matching risk of OWASP's Non-Human Identities Top 10 of 2025, such as `NHI5:2025`. `None`: no risk matches.
    /// <https://owasp.org/www-project-non-human-identities-top-10/2025/>
    pub fn owasp_risk(self) -> Option<&'static str> {
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

    /// What to do about a finding of this rule.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::FullWildcard => "list only the actions that are needed",
            Self::ServiceWildcard => {
                "list only the actions of the service that are needed, or its read actions by prefix"
            }
            Self::ResourceWildcard => "list the resources by ARN",
            Self::UnknownAction => "correct the spelling, or remove it",
            Self::UnknownConditionKey => {
                "correct the spelling; a condition on a key that no request has always has the same result"
            }
            Self::UnknownOperator => "use an operator that IAM documents, with at least one value",
            Self::PrivilegeEscalation => {
                "remove one of the actions, or limit it to resources that have no additional permissions"
            }
            Self::PassRoleAnyService => "add StringEquals iam:PassedToService with the intended services",
            Self::AllowNotAction => "use Allow with the actions that are needed, or Deny with NotAction for all others",
            Self::AllowNotResource => {
                "use Allow with the resources that are needed, or Deny with NotResource for all others"
            }
            Self::AllowNotPrincipal => "list the trusted principals",
            Self::RedundantStatement | Self::RedundantElement => "remove it",
            Self::NeverMatches => "correct its conditions, or remove it",
            Self::PublicTrust => "list the trusted principals, or add a condition such as aws:PrincipalOrgID",
            Self::CrossAccountTrust => {
                "verify that the account belongs to a partner, and trust one of its roles instead of the whole account"
            }
            Self::MissingExternalId => "add StringEquals sts:ExternalId with a value agreed with the partner",
            Self::ConfusedDeputy => "add a condition on aws:SourceArn or aws:SourceAccount, if the service sends them",
            Self::OidcWithoutSubject => "add StringEquals on the provider's `sub` with the intended workloads",
            Self::OidcWithoutAudience => "add StringEquals on the provider's `aud`",
            Self::OidcWideSubject => "specify the repository or project, and the branch or environment",
            Self::MfaNotRequired => "in an Allow use Bool \"true\"; in a Deny use BoolIfExists \"false\"",
            Self::DeletedPrincipal => "remove it; it does not trust a new principal of the same name",
            Self::PrincipalWildcard => "specify the principal, or use `*` with a condition on aws:PrincipalArn",
        }
    }
}

/// A finding of one rule in a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LintFinding {
    /// The index of the statement, from zero. `None`: the finding is about the whole document.
    pub statement: Option<usize>,
    /// The rule.
    pub rule: LintRule,
    /// The severity, which may differ between findings of one rule.
    pub severity: LintSeverity,
    /// The `Sid` of the statement.
    pub sid: Option<String>,
    /// What was found, in one sentence.
    pub message: String,
}

impl fmt::Display for LintFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.id(), self.message)
    }
}

impl LintFinding {
    /// A JSON object with `id`, `severity`, `statement`, `sid`, `message`, `remedy` and `owasp`.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::json!({
            "id": self.rule.id(),
            "severity": self.severity,
            "statement": self.statement,
            "sid": self.sid,
            "message": self.message,
            "remedy": self.rule.remedy(),
            "owasp": self.rule.owasp_risk(),
        })
    }
}

/// What lint knows about a document besides its text.
#[derive(Debug, Clone)]
pub struct LintContext {
    /// The kind of policy.
    pub kind: PolicyKind,
    /// The account the policy belongs to. `None`: unknown, so every account counts as another account.
    pub account: Option<AccountId>,
}

impl LintContext {
    /// A policy of this kind in an unknown account.
    pub fn for_kind(kind: PolicyKind) -> Self {
        Self { kind, account: None }
    }
}

/// All findings of a document, the most severe first.
///
/// ```
/// use leasehold_policy::{LintContext, PolicyDocument, PolicyKind, lint_policy};
///
/// let text = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
/// let findings = lint_policy(&PolicyDocument::parse(text)?, &LintContext::for_kind(PolicyKind::Identity));
/// assert_eq!(findings[0].rule.id(), "full-wildcard");
/// # Ok::<(), leasehold_policy::PolicyParseError>(())
/// ```
pub fn lint_policy(document: &PolicyDocument, context: &LintContext) -> Vec<LintFinding> {
    let mut out = FindingCollector::new(document);
    apply_rules(&mut out, context);
    redundancy::check_redundancy(&mut out);
    out.into_sorted_findings()
}

/// Like [`lint_policy`] without redundant statements and entries, which need a comparison for each entry of the
/// document.
pub fn lint_risks(document: &PolicyDocument, context: &LintContext) -> Vec<LintFinding> {
    let mut out = FindingCollector::new(document);
    apply_rules(&mut out, context);
    out.into_sorted_findings()
}

fn apply_rules(out: &mut FindingCollector<'_>, context: &LintContext) {
    grants::check_grants(out);
    conditions::check_conditions(out);
    if context.kind == PolicyKind::Identity {
        escalation::check_escalations(out);
    } else {
        trust::check_trust(out, context);
    }
    redundancy::check_never_matching(out);
}

/// Only the privilege escalations. To find paths across policies, pass one document with the statements of all policies
/// of an identity.
pub fn lint_escalations(document: &PolicyDocument) -> Vec<LintFinding> {
    let mut out = FindingCollector::new(document);
    escalation::check_escalations(&mut out);
    out.into_sorted_findings()
}

/// Collects the findings of a document.
struct FindingCollector<'a> {
    document: &'a PolicyDocument,
    found: Vec<LintFinding>,
    /// The rest of the budget for all comparisons of the document. When it is exhausted, escalation rules report a
    /// finding and redundancy rules do not.
    budget: WorkBudget,
}

/// The budget for linting one document, as a number of comparisons.
const COMPARISONS: usize = 3;

impl<'a> FindingCollector<'a> {
    fn new(document: &'a PolicyDocument) -> Self {
        Self { document, found: Vec::new(), budget: WorkBudget::for_comparisons(COMPARISONS) }
    }

    fn into_sorted_findings(mut self) -> Vec<LintFinding> {
        self.found.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.cmp(b)));
        self.found.dedup();
        self.found
    }

    fn add_finding(&mut self, statement: usize, rule: LintRule, severity: LintSeverity, message: String) {
        let sid = self.document.statements.get(statement).and_then(|statement| statement.sid.clone());
        self.found.push(LintFinding { statement: Some(statement), rule, severity, sid, message });
    }
}
