//! Rules for principals: which callers a trust or resource policy trusts, and under which conditions.

use crate::document::{Clause, PolicyKind, PolicyStatement, StatementEffect};
use crate::evaluate::action_pattern_matches;
use crate::lint::{FindingCollector, LintContext, LintRule, LintSeverity};
use crate::operator::{ConditionOperator, Quantifier};
use crate::pattern::{Pattern, PatternToken};
use crate::principal::{AccountId, PolicyPrincipal};

/// Keys that identify the origin of a request. A required condition on one of them limits a `*` principal.
const NARROWS: &[&str] = &[
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceip",
    "aws:sourceowner",
    "aws:userid",
    "aws:principaltag/",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
];

/// Keys that identify the resource or account a service acts for.
const BEHALF: &[&str] =
    &["aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner"];

pub(super) fn check_trust(out: &mut FindingCollector<'_>, context: &LintContext) {
    let document = out.document;
    for (index, statement) in document.statements.iter().enumerate() {
        let Some(clause) = &statement.principals else { continue };
        for principal in &clause.items {
            match principal {
                PolicyPrincipal::Deleted(id) => {
                    let message = format!("`{id}` is the id of a deleted principal");
                    out.add_finding(index, LintRule::DeletedPrincipal, LintSeverity::Medium, message);
                }
                PolicyPrincipal::Aws(text) if text.contains(['*', '?']) => {
                    let message =
                        format!("`{text}` matches no principal: AWS does not support wildcards within a principal");
                    out.add_finding(index, LintRule::PrincipalWildcard, LintSeverity::Medium, message);
                }
                _ => {}
            }
        }
        if statement.effect == StatementEffect::Allow && !clause.negated {
            check_allowed_principals(out, index, statement, clause, context);
        }
    }
}

fn check_allowed_principals(
    out: &mut FindingCollector<'_>,
    index: usize,
    statement: &PolicyStatement,
    clause: &Clause<PolicyPrincipal>,
    context: &LintContext,
) {
    for principal in &clause.items {
        match principal {
            PolicyPrincipal::Everyone => {
                if !requires_any_key(statement, NARROWS) {
                    let message = "every principal is trusted, and no condition limits the callers".to_owned();
                    out.add_finding(index, LintRule::PublicTrust, LintSeverity::Critical, message);
                }
            }
            PolicyPrincipal::Account(account) => check_cross_account(out, index, statement, account, context),
            PolicyPrincipal::Aws(arn) => {
                if let Some(account) = arn.split(':').nth(4).and_then(AccountId::parse) {
                    check_cross_account(out, index, statement, &account, context);
                }
            }
            PolicyPrincipal::Service(service) => {
                if !requires_any_key(statement, BEHALF) {
                    let severity =
                        if context.kind == PolicyKind::Trust { LintSeverity::Low } else { LintSeverity::Medium };
                    let message = format!("`{service}` is trusted regardless of the account it acts for");
                    out.add_finding(index, LintRule::ConfusedDeputy, severity, message);
                }
            }
            PolicyPrincipal::Federated(provider) => check_oidc(out, index, statement, provider),
            PolicyPrincipal::Deleted(_) | PolicyPrincipal::CanonicalUser(_) => {}
        }
    }
}

fn check_cross_account(
    out: &mut FindingCollector<'_>,
    index: usize,
    statement: &PolicyStatement,
    account: &AccountId,
    context: &LintContext,
) {
    if context.account.as_ref() == Some(account)
        || requires_any_key(statement, &["aws:principalorgid", "aws:principalorgpaths"])
    {
        return;
    }
    let (severity, unless) = match &context.account {
        Some(_) => (LintSeverity::Medium, ""),
        None => (LintSeverity::Low, ", unless it is this account"),
    };
    let message = format!("another account, {account}, is trusted{unless}");
    out.add_finding(index, LintRule::CrossAccountTrust, severity, message);
    let assumes = statement.actions.items.iter().any(|action| action_pattern_matches(action, "sts:AssumeRole"));
    if context.kind == PolicyKind::Trust && assumes && !requires_any_key(statement, &["sts:externalid"]) {
        let message = format!(
            "account {account}{unless}, can be tricked into using the role for another customer (confused deputy): no sts:ExternalId is required"
        );
        out.add_finding(index, LintRule::MissingExternalId, severity, message);
    }
}

/// Whether some condition on one of the keys is required: a request without the key does not meet it.
fn requires_any_key(statement: &PolicyStatement, keys: &[&str]) -> bool {
    let one_of = |key: &str| keys.iter().any(|known| *known == key || (known.ends_with('/') && key.starts_with(known)));
    statement.conditions.iter().any(|condition| one_of(&condition.key) && operator_requires_key(&condition.operator))
}

fn operator_requires_key(operator: &ConditionOperator) -> bool {
    match operator {
        ConditionOperator::Test { quantifier, negated, if_exists, .. } => {
            !negated && !if_exists && *quantifier != Quantifier::All
        }
        ConditionOperator::Null | ConditionOperator::Unknown(_) => false,
    }
}

/// The host of an OIDC provider in lower case. `None` for a SAML provider.
fn oidc_host(provider: &str) -> Option<String> {
    if provider.contains(":saml-provider/") {
        return None;
    }
    let host = provider.split_once(":oidc-provider/").map_or(provider, |(_, host)| host);
    Some(host.to_lowercase())
}

fn check_oidc(out: &mut FindingCollector<'_>, index: usize, statement: &PolicyStatement, provider: &str) {
    let Some(host) = oidc_host(provider) else { return };
    let mut subject = false;
    let mut audience = false;
    for condition in statement.conditions.iter().filter(|condition| operator_requires_key(&condition.operator)) {
        match condition.key.strip_prefix(&host) {
            Some(":sub" | ":repository" | ":repository_owner_id" | ":repository_id" | ":job_workflow_ref") => {
                subject = true;
                for value in condition.values.iter().filter(|value| is_wide_subject(value)) {
                    let message = format!("`{}` trusts all workloads of an organization, or more", value.text());
                    out.add_finding(index, LintRule::OidcWideSubject, LintSeverity::High, message);
                }
            }
            Some(":aud" | ":azp" | ":oaud" | ":amr") => audience = true,
            _ => {}
        }
    }
    if !subject {
        let message = format!("every token of `{host}` is trusted, regardless of its subject");
        out.add_finding(index, LintRule::OidcWithoutSubject, LintSeverity::Critical, message);
    }
    if !audience {
        let message = format!("tokens that `{host}` issued for another audience are trusted");
        out.add_finding(index, LintRule::OidcWithoutAudience, LintSeverity::Medium, message);
    }
}

/// Whether a wildcard occurs before the repository or project of a subject is complete: `repo:org/*`, `repo:org/na*` or
/// `*`. Subjects of clouds and clusters have other forms; for them only a wildcard within the first six characters
/// counts.
fn is_wide_subject(value: &Pattern) -> bool {
    let tokens = value.tokens();
    let Some(at) = tokens.iter().position(|token| matches!(token, PatternToken::One | PatternToken::Many)) else {
        return false;
    };
    let fixed: String =
        tokens.iter().take(at).filter_map(|t| if let PatternToken::Literal(c) = t { Some(*c) } else { None }).collect();
    let by_project =
        ["repo:", "project_path:", "organization:", "repository:"].iter().find_map(|p| fixed.strip_prefix(p));
    match by_project {
        Some(rest) => !rest.contains(':'),
        None => fixed.len() < 6,
    }
}
