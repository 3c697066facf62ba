//! Whether a statement applies to a request.

use std::collections::BTreeMap;

use crate::document::{Clause, PolicyStatement};
use crate::evaluate::conditions::condition_matches;
use crate::evaluate::glob::{arn_matches, glob_matches, resolve_variables};
use crate::evaluate::truth::Truth;
use crate::pattern::{Pattern, PatternToken};
use crate::principal::PolicyPrincipal;
use crate::request::{AccessRequest, RequestCaller};

/// Whether principal, action, resource and every condition of the statement match the request.
pub(super) fn statement_applies(statement: &PolicyStatement, request: &AccessRequest) -> Truth {
    let action = action_matches(&statement.actions, &request.action);
    if !action {
        return Truth::No;
    }
    let principal =
        statement.principals.as_ref().map_or(Truth::Yes, |clause| principal_matches(clause, &request.principal));
    let resource = statement.resources.as_ref().map_or(Truth::Yes, |clause| resource_matches(clause, request));
    let conditions =
        Truth::all(statement.conditions.iter().map(|condition| condition_matches(condition, &request.context)));
    principal.and(resource).and(conditions)
}

fn action_matches(clause: &Clause<Pattern>, action: &str) -> bool {
    clause.items.iter().any(|pattern| action_pattern_matches(pattern, action)) != clause.negated
}

/// Whether the `Action` or `NotAction` of a statement matches the action.
pub(crate) fn names_action(statement: &PolicyStatement, action: &str) -> bool {
    statement.actions.items.iter().any(|pattern| action_pattern_matches(pattern, action)) != statement.actions.negated
}

/// Whether an action pattern matches an action.
pub(crate) fn action_pattern_matches(pattern: &Pattern, action: &str) -> bool {
    if !literal_prefix_matches(pattern, action) {
        return false;
    }
    let folded: Vec<char> = action.to_lowercase().chars().collect();
    resolve_variables(pattern, &BTreeMap::new()).is_some_and(|pieces| glob_matches(&pieces, &folded))
}

/// Whether a pattern and an action agree up to the first wildcard. Most pairs differ in the first letter, and this
/// check needs no allocation.
fn literal_prefix_matches(pattern: &Pattern, action: &str) -> bool {
    let mut letters = pattern.tokens().iter().map_while(|token| match token {
        PatternToken::Literal(letter) => Some(*letter),
        _ => None,
    });
    let mut folded = action.chars().flat_map(char::to_lowercase);
    letters.all(|letter| folded.next() == Some(letter))
}

fn resource_matches(clause: &Clause<Pattern>, request: &AccessRequest) -> Truth {
    let text: Vec<char> = request.resource.chars().collect();
    let mut has_unresolved = false;
    let mut matched = Truth::No;
    for pattern in &clause.items {
        match resolve_variables(pattern, &request.context) {
            None => has_unresolved = true,
            Some(pieces) => matched = matched.or(arn_matches(&pieces, &text)),
        }
    }
    let truth = if clause.negated { matched.not() } else { matched };
    // AWS does not document whether an unresolved variable invalidates only its own entry or the whole statement.
    if has_unresolved { truth.and(Truth::Unknown) } else { truth }
}

/// How precisely a principal of a policy matches a caller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PrincipalFit {
    /// It does not match.
    None,
    /// It matches the caller as one of several: everyone, the principals of an account, the sessions of a role.
    Covered,
    /// It names this caller.
    Named,
}

pub(super) fn match_principal(principal: &PolicyPrincipal, caller: &RequestCaller) -> PrincipalFit {
    match (principal, caller) {
        (PolicyPrincipal::Everyone, _) => PrincipalFit::Covered,
        (PolicyPrincipal::Account(account), RequestCaller::Aws(arn)) => {
            let mut parts = arn.splitn(6, ':').skip(4);
            match (parts.next() == Some(account.as_str()), parts.next()) {
                (true, Some("root")) => PrincipalFit::Named,
                (true, _) => PrincipalFit::Covered,
                (false, _) => PrincipalFit::None,
            }
        }
        (PolicyPrincipal::Aws(name), RequestCaller::Aws(arn)) if name == arn => PrincipalFit::Named,
        (PolicyPrincipal::Aws(name), RequestCaller::Aws(arn)) if is_session_of(arn, name) => PrincipalFit::Covered,
        (PolicyPrincipal::Service(a), RequestCaller::Service(b))
        | (PolicyPrincipal::Federated(a), RequestCaller::Federated(b))
        | (PolicyPrincipal::CanonicalUser(a), RequestCaller::CanonicalUser(b))
            if a == b =>
        {
            PrincipalFit::Named
        }
        _ => PrincipalFit::None,
    }
}

/// `arn:aws:sts::1:assumed-role/Name/session` is a session of `arn:aws:iam::1:role/any/path/Name`.
fn is_session_of(session: &str, role: &str) -> bool {
    let (session, role): (Vec<&str>, Vec<&str>) = (session.splitn(6, ':').collect(), role.splitn(6, ':').collect());
    let ([_, partition, "sts", "", account, session], [_, of_partition, "iam", "", of_account, role]) =
        (session.as_slice(), role.as_slice())
    else {
        return false;
    };
    let name = session.strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/')).map(|(name, _)| name);
    let of_name = role.strip_prefix("role/").and_then(|path| path.rsplit('/').next());
    partition == of_partition && account == of_account && name.is_some() && name == of_name
}

fn principal_matches(clause: &Clause<PolicyPrincipal>, caller: &RequestCaller) -> Truth {
    let best =
        clause.items.iter().map(|principal| match_principal(principal, caller)).max().unwrap_or(PrincipalFit::None);
    if !clause.negated {
        return (best > PrincipalFit::None).into();
    }
    // NotPrincipal exempts the callers it names. Whether it also exempts a session of a named role, or a user of a
    // named account, depends on the other entries; AWS only documents that all of them must be listed.
    let everyone = clause.items.contains(&PolicyPrincipal::Everyone);
    match best {
        _ if everyone => Truth::No,
        PrincipalFit::Named => Truth::No,
        PrincipalFit::Covered => Truth::Unknown,
        PrincipalFit::None => Truth::Yes,
    }
}
