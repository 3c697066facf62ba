//! Whether a statement speaks of a request.

use std::collections::BTreeMap;

use crate::document::{Clause, Statement};
use crate::evaluate::conditions::holds;
use crate::evaluate::text::{arn, glob, resolve};
use crate::evaluate::truth::Truth;
use crate::pattern::{Pattern, Token};
use crate::principal::Principal;
use crate::request::{Caller, Request};

/// Principal, action, resource and every condition match.
pub(super) fn applies(statement: &Statement, request: &Request) -> Truth {
    let action = action_matches(&statement.actions, &request.action);
    if !action {
        return Truth::No;
    }
    let principal =
        statement.principals.as_ref().map_or(Truth::Yes, |clause| principal_matches(clause, &request.principal));
    let resource = statement.resources.as_ref().map_or(Truth::Yes, |clause| resource_matches(clause, request));
    let conditions = Truth::all(statement.conditions.iter().map(|condition| holds(condition, &request.context)));
    principal.and(resource).and(conditions)
}

fn action_matches(clause: &Clause<Pattern>, action: &str) -> bool {
    clause.items.iter().any(|pattern| action_is(pattern, action)) != clause.negated
}

/// Whether an action pattern names an action.
pub(crate) fn action_is(pattern: &Pattern, action: &str) -> bool {
    if !may_be(pattern, action) {
        return false;
    }
    let folded: Vec<char> = action.to_lowercase().chars().collect();
    resolve(pattern, &BTreeMap::new()).is_some_and(|pieces| glob(&pieces, &folded))
}

/// Whether a pattern and an action have the same letters up to the first wildcard. Most differ in the first one, and nothing needs to
/// be laid out to see that.
fn may_be(pattern: &Pattern, action: &str) -> bool {
    let mut letters = pattern.tokens().iter().map_while(|token| match token {
        Token::Literal(letter) => Some(*letter),
        _ => None,
    });
    let mut folded = action.chars().flat_map(char::to_lowercase);
    letters.all(|letter| folded.next() == Some(letter))
}

fn resource_matches(clause: &Clause<Pattern>, request: &Request) -> Truth {
    let text: Vec<char> = request.resource.chars().collect();
    let mut lost = false;
    let mut matched = Truth::No;
    for pattern in &clause.items {
        match resolve(pattern, &request.context) {
            None => lost = true,
            Some(pieces) => matched = matched.or(arn(&pieces, &text)),
        }
    }
    let truth = if clause.negated { matched.not() } else { matched };
    // Whether an unresolved variable spoils only its own entry or the whole statement is not documented.
    if lost { truth.and(Truth::Unknown) } else { truth }
}

/// How well a principal of a policy fits a caller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Not at all.
    None,
    /// As one of many: everyone, an account's principals, a role's sessions.
    Covered,
    /// By its very name.
    Named,
}

pub(super) fn fit(principal: &Principal, caller: &Caller) -> Fit {
    match (principal, caller) {
        (Principal::Everyone, _) => Fit::Covered,
        (Principal::Account(account), Caller::Aws(arn)) => {
            let mut parts = arn.splitn(6, ':').skip(4);
            match (parts.next() == Some(account.as_str()), parts.next()) {
                (true, Some("root")) => Fit::Named,
                (true, _) => Fit::Covered,
                (false, _) => Fit::None,
            }
        }
        (Principal::Aws(name), Caller::Aws(arn)) if name == arn => Fit::Named,
        (Principal::Aws(name), Caller::Aws(arn)) if is_session_of(arn, name) => Fit::Covered,
        (Principal::Service(a), Caller::Service(b))
        | (Principal::Federated(a), Caller::Federated(b))
        | (Principal::CanonicalUser(a), Caller::CanonicalUser(b))
            if a == b =>
        {
            Fit::Named
        }
        _ => Fit::None,
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

fn principal_matches(clause: &Clause<Principal>, caller: &Caller) -> Truth {
    let best = clause.items.iter().map(|principal| fit(principal, caller)).max().unwrap_or(Fit::None);
    if !clause.negated {
        return (best > Fit::None).into();
    }
    // NotPrincipal exempts whom it names. Whether it also exempts a session of a named role, or a user of a named
    // account, depends on what else is listed; AWS only says to list all of them.
    let everyone = clause.items.contains(&Principal::Everyone);
    match best {
        _ if everyone => Truth::No,
        Fit::Named => Truth::No,
        Fit::Covered => Truth::Unknown,
        Fit::None => Truth::Yes,
    }
}
