//! Two accesses without what cannot tell them apart, so that a small change of a long policy is a small question.
//!
//! Both steps keep every request that the inner access grants and the outer one refuses, and add none:
//!
//! 1. Where the outer access denies and bounds nothing that the inner one does not, an action that both grant with the same
//!    resources, principals and conditions is no difference.
//! 2. When only a few actions are left to be granted, patterns that match none of them do not matter.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::Access;
use crate::compare::automaton::matches;
use crate::document::{Clause, Condition, Document, Effect, Statement};
use crate::pattern::Pattern;
use crate::principal::Principal;

/// With more actions than this left, the second step is not worth its time.
const FEW: usize = 16;

/// All that a statement asks but for the action.
type Rest<'a> = (Option<&'a Clause<Principal>>, Option<&'a Clause<Pattern>>, &'a [Condition]);

fn rest(statement: &Statement) -> Rest<'_> {
    (statement.principals.as_ref(), statement.resources.as_ref(), &statement.conditions)
}

fn statements(access: &Access, effect: Effect) -> impl Iterator<Item = &Statement> {
    access.policies.iter().flat_map(|document| &document.statements).filter(move |s| s.effect == effect)
}

/// The two accesses, trimmed.
pub(super) fn trimmed(inner: &Access, outer: &Access) -> (Access, Access) {
    let (mut inner, mut outer) = (without_shared_grants(inner, outer), outer.clone());
    if let Some(actions) = few_actions(&inner) {
        for access in [&mut inner, &mut outer] {
            for document in access.policies.iter_mut().chain(access.boundary.iter_mut().flatten()) {
                keep_matching(document, &actions);
            }
        }
    }
    (inner, outer)
}

/// Whether the access grants anything at all, as far as its form tells.
pub(super) fn grants_something(access: &Access) -> bool {
    statements(access, Effect::Allow).next().is_some()
}

fn without_shared_grants(inner: &Access, outer: &Access) -> Access {
    let mut out = inner.clone();
    if !refuses_no_more(outer, inner) {
        return out;
    }
    let mut shared: BTreeMap<Rest<'_>, BTreeSet<&Pattern>> = BTreeMap::new();
    for statement in statements(outer, Effect::Allow).filter(|statement| !statement.actions.negated) {
        shared.entry(rest(statement)).or_default().extend(&statement.actions.items);
    }
    for document in &mut out.policies {
        document.statements.retain_mut(|statement| {
            if statement.effect == Effect::Deny || statement.actions.negated {
                return true;
            }
            let Some(granted) = shared.get(&rest(statement)) else { return true };
            let left = statement.actions.items.iter().filter(|action| !granted.contains(action)).cloned().collect();
            statement.actions.items = left;
            !statement.actions.items.is_empty()
        });
    }
    out
}

/// Whether every request that `a` denies or that lies outside its boundary is one that `b` denies or bounds the same way.
fn refuses_no_more(a: &Access, b: &Access) -> bool {
    let denials: BTreeSet<_> = statements(b, Effect::Deny).map(|s| (&s.actions, rest(s))).collect();
    a.boundary == b.boundary && statements(a, Effect::Deny).all(|s| denials.contains(&(&s.actions, rest(s))))
}

/// The actions that an access grants, where they are few and each is spelled out.
fn few_actions(access: &Access) -> Option<Vec<Pattern>> {
    let mut out: Vec<Pattern> = Vec::new();
    for statement in statements(access, Effect::Allow) {
        let plain = !statement.actions.negated && !statement.actions.items.iter().any(Pattern::has_wildcard);
        if !plain || out.len() + statement.actions.items.len() > FEW {
            return None;
        }
        out.extend(statement.actions.items.iter().cloned());
    }
    Some(out)
}

/// Drops patterns that match none of the actions, and statements that have none left.
fn keep_matching(document: &mut Document, actions: &[Pattern]) {
    document.statements.retain_mut(|statement| {
        if statement.actions.negated {
            return true;
        }
        statement.actions.items.retain(|pattern| actions.iter().any(|action| matches(pattern, action)));
        !statement.actions.items.is_empty()
    });
}
