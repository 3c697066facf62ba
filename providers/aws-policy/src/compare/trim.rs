//! Removes from two policy sets what cannot distinguish them, so that a small change of a long policy is a small
//! comparison.
//!
//! The result has the same requests that the inner policies grant and the outer ones do not. Two steps:
//!
//! 1. If the outer policies deny nothing that the inner ones do not, and have the same boundary, then an action that
//!    both allow with the same resources, principals and conditions makes no difference. It is removed from the inner
//!    policies.
//! 2. If the inner policies then allow only a few actions, patterns that match none of them are removed from both.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::automaton::matches_plain_text;
use crate::document::{Clause, PolicyDocument, PolicyStatement, StatementCondition, StatementEffect};
use crate::pattern::Pattern;
use crate::policy_set::PolicySet;
use crate::principal::PolicyPrincipal;

/// The most actions for the second step. With more, it takes longer than it saves.
const FEW: usize = 16;

/// The parts of a statement other than action and effect.
type StatementRest<'a> = (Option<&'a Clause<PolicyPrincipal>>, Option<&'a Clause<Pattern>>, &'a [StatementCondition]);

fn statement_rest(statement: &PolicyStatement) -> StatementRest<'_> {
    (statement.principals.as_ref(), statement.resources.as_ref(), &statement.conditions)
}

fn statements_with_effect(access: &PolicySet, effect: StatementEffect) -> impl Iterator<Item = &PolicyStatement> {
    access.policies.iter().flat_map(|document| &document.statements).filter(move |s| s.effect == effect)
}

/// Both policy sets after both steps.
pub(super) fn trim_policies(inner: &PolicySet, outer: &PolicySet) -> (PolicySet, PolicySet) {
    let (mut inner, mut outer) = (without_shared_grants(inner, outer), outer.clone());
    if let Some(actions) = few_actions(&inner) {
        for access in [&mut inner, &mut outer] {
            for document in access.policies.iter_mut().chain(access.boundary.iter_mut().flatten()) {
                keep_matching_actions(document, &actions);
            }
        }
    }
    (inner, outer)
}

/// Whether the policies have any Allow statement. Without one they grant nothing.
pub(super) fn has_allow_statement(access: &PolicySet) -> bool {
    statements_with_effect(access, StatementEffect::Allow).next().is_some()
}

fn without_shared_grants(inner: &PolicySet, outer: &PolicySet) -> PolicySet {
    let mut out = inner.clone();
    if !refuses_no_more(outer, inner) {
        return out;
    }
    let mut shared: BTreeMap<StatementRest<'_>, BTreeSet<&Pattern>> = BTreeMap::new();
    for statement in
        statements_with_effect(outer, StatementEffect::Allow).filter(|statement| !statement.actions.negated)
    {
        shared.entry(statement_rest(statement)).or_default().extend(&statement.actions.items);
    }
    for document in &mut out.policies {
        document.statements.retain_mut(|statement| {
            if statement.effect == StatementEffect::Deny || statement.actions.negated {
                return true;
            }
            let Some(granted) = shared.get(&statement_rest(statement)) else { return true };
            let left = statement.actions.items.iter().filter(|action| !granted.contains(action)).cloned().collect();
            statement.actions.items = left;
            !statement.actions.items.is_empty()
        });
    }
    out
}

/// Whether `a` and `b` have the same boundary, and every Deny statement of `a` is also one of `b`.
fn refuses_no_more(a: &PolicySet, b: &PolicySet) -> bool {
    let denials: BTreeSet<_> =
        statements_with_effect(b, StatementEffect::Deny).map(|s| (&s.actions, statement_rest(s))).collect();
    a.boundary == b.boundary
        && statements_with_effect(a, StatementEffect::Deny).all(|s| denials.contains(&(&s.actions, statement_rest(s))))
}

/// The actions that the policies allow. `None`: there are many, or some have wildcards.
fn few_actions(access: &PolicySet) -> Option<Vec<Pattern>> {
    let mut out: Vec<Pattern> = Vec::new();
    for statement in statements_with_effect(access, StatementEffect::Allow) {
        let plain = !statement.actions.negated && !statement.actions.items.iter().any(Pattern::has_wildcard);
        if !plain || out.len() + statement.actions.items.len() > FEW {
            return None;
        }
        out.extend(statement.actions.items.iter().cloned());
    }
    Some(out)
}

/// Removes action patterns that match none of the actions, and statements without patterns.
fn keep_matching_actions(document: &mut PolicyDocument, actions: &[Pattern]) {
    document.statements.retain_mut(|statement| {
        if statement.actions.negated {
            return true;
        }
        statement.actions.items.retain(|pattern| actions.iter().any(|action| matches_plain_text(pattern, action)));
        !statement.actions.items.is_empty()
    });
}
