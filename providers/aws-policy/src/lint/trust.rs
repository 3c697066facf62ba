//! Who is trusted, and under which conditions: trusts of roles, policies of resources.

use crate::document::{Clause, Effect, PolicyKind, Statement};
use crate::evaluate::action_is;
use crate::lint::{Findings, Rule, Setting, Severity};
use crate::operator::{Operator, Quantifier};
use crate::pattern::{Pattern, Token};
use crate::principal::{AccountId, Principal};

/// Keys that say who or what stands behind a request; a test on one of them narrows `*` down.
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

const BEHALF: &[&str] =
    &["aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner"];

pub(super) fn check(out: &mut Findings<'_>, setting: &Setting) {
    let document = out.document;
    for (index, statement) in document.statements.iter().enumerate() {
        let Some(clause) = &statement.principals else { continue };
        for principal in &clause.items {
            match principal {
                Principal::Deleted(id) => {
                    let message = format!("`{id}` names a principal that was deleted");
                    out.at(index, Rule::DeletedPrincipal, Severity::Medium, message);
                }
                Principal::Aws(text) if text.contains(['*', '?']) => {
                    let message = format!("`{text}` matches nobody: AWS takes no wildcard within a principal");
                    out.at(index, Rule::PrincipalWildcard, Severity::Medium, message);
                }
                _ => {}
            }
        }
        if statement.effect == Effect::Allow && !clause.negated {
            allowed(out, index, statement, clause, setting);
        }
    }
}

fn allowed(out: &mut Findings<'_>, index: usize, statement: &Statement, clause: &Clause<Principal>, setting: &Setting) {
    for principal in &clause.items {
        match principal {
            Principal::Everyone => {
                if !requires_any(statement, NARROWS) {
                    let message = "everybody is trusted, and no condition says whom it is meant for".to_owned();
                    out.at(index, Rule::PublicTrust, Severity::Critical, message);
                }
            }
            Principal::Account(account) => stranger(out, index, statement, account, setting),
            Principal::Aws(arn) => {
                if let Some(account) = arn.split(':').nth(4).and_then(AccountId::read) {
                    stranger(out, index, statement, &account, setting);
                }
            }
            Principal::Service(service) => {
                if !requires_any(statement, BEHALF) {
                    let severity = if setting.kind == PolicyKind::Trust { Severity::Low } else { Severity::Medium };
                    let message = format!("`{service}` is trusted on behalf of whichever account makes it call");
                    out.at(index, Rule::ConfusedDeputy, severity, message);
                }
            }
            Principal::Federated(provider) => oidc(out, index, statement, provider),
            Principal::Deleted(_) | Principal::CanonicalUser(_) => {}
        }
    }
}

fn stranger(out: &mut Findings<'_>, index: usize, statement: &Statement, account: &AccountId, setting: &Setting) {
    if setting.account.as_ref() == Some(account)
        || requires_any(statement, &["aws:principalorgid", "aws:principalorgpaths"])
    {
        return;
    }
    let (severity, unless) = match &setting.account {
        Some(_) => (Severity::Medium, ""),
        None => (Severity::Low, ", unless it is this one"),
    };
    let message = format!("another account, {account}, is trusted{unless}");
    out.at(index, Rule::CrossAccountTrust, severity, message);
    let assumes = statement.actions.items.iter().any(|action| action_is(action, "sts:AssumeRole"));
    if setting.kind == PolicyKind::Trust && assumes && !requires_any(statement, &["sts:externalid"]) {
        let message = format!(
            "account {account}{unless}, may assume the role for whoever asks it to: no sts:ExternalId is required"
        );
        out.at(index, Rule::MissingExternalId, severity, message);
    }
}

/// Whether some condition on one of the keys must be met, and is not met by a request without the key.
fn requires_any(statement: &Statement, keys: &[&str]) -> bool {
    let one_of = |key: &str| keys.iter().any(|known| *known == key || (known.ends_with('/') && key.starts_with(known)));
    statement.conditions.iter().any(|condition| one_of(&condition.key) && requires(&condition.operator))
}

fn requires(operator: &Operator) -> bool {
    match operator {
        Operator::Test { quantifier, negated, if_exists, .. } => {
            !negated && !if_exists && *quantifier != Quantifier::All
        }
        Operator::Null | Operator::Unknown(_) => false,
    }
}

/// The host of an OIDC provider; none for SAML.
fn host(provider: &str) -> Option<String> {
    if provider.contains(":saml-provider/") {
        return None;
    }
    let host = provider.split_once(":oidc-provider/").map_or(provider, |(_, host)| host);
    Some(host.to_lowercase())
}

fn oidc(out: &mut Findings<'_>, index: usize, statement: &Statement, provider: &str) {
    let Some(host) = host(provider) else { return };
    let mut subject = false;
    let mut audience = false;
    for condition in statement.conditions.iter().filter(|condition| requires(&condition.operator)) {
        match condition.key.strip_prefix(&host) {
            Some(":sub" | ":repository" | ":repository_owner_id" | ":repository_id" | ":job_workflow_ref") => {
                subject = true;
                for value in condition.values.iter().filter(|value| is_wide(value)) {
                    let message = format!("`{}` trusts every workload of an organisation, or more", value.text());
                    out.at(index, Rule::OidcWideSubject, Severity::High, message);
                }
            }
            Some(":aud" | ":azp" | ":oaud" | ":amr") => audience = true,
            _ => {}
        }
    }
    if !subject {
        let message = format!("every token of `{host}` is trusted, whoever it was issued to");
        out.at(index, Rule::OidcWithoutSubject, Severity::Critical, message);
    }
    if !audience {
        let message = format!("tokens that `{host}` issued for somebody else are trusted");
        out.at(index, Rule::OidcWithoutAudience, Severity::Medium, message);
    }
}

/// Whether a wildcard stands before the repository or project of a subject is complete: `repo:org/*`, `repo:org/na*`,
/// `*`. A subject of a cloud or cluster is of another form; there only a wildcard at the beginning counts.
fn is_wide(value: &Pattern) -> bool {
    let tokens = value.tokens();
    let Some(at) = tokens.iter().position(|token| matches!(token, Token::One | Token::Many)) else { return false };
    let fixed: String =
        tokens.iter().take(at).filter_map(|t| if let Token::Literal(c) = t { Some(*c) } else { None }).collect();
    let by_project =
        ["repo:", "project_path:", "organization:", "repository:"].iter().find_map(|p| fixed.strip_prefix(p));
    match by_project {
        Some(rest) => !rest.contains(':'),
        None => fixed.len() < 6,
    }
}
