//! A path through the cells → a request, and the replay that makes it a witness.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::Access;
use crate::compare::cell::{Cell, Sample};
use crate::evaluate::{Truth, evaluate};
use crate::request::{Caller, Request};

/// The context keys that policy variables of either side read.
pub(super) fn variable_keys(accesses: [&Access; 2]) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for access in accesses {
        for statement in access.policies.iter().chain(access.boundary.iter().flatten()).flat_map(|d| &d.statements) {
            let resources = statement.resources.iter().flat_map(|clause| &clause.items);
            let values = statement.conditions.iter().flat_map(|condition| &condition.values);
            keys.extend(resources.chain(values).flat_map(|pattern| pattern.variables()).map(str::to_owned));
        }
    }
    keys
}

/// A request that `granting` allows and `refusing` does not, both for certain, built from the cells of a path.
pub(super) fn replay(
    path: &[&Cell],
    variables: &BTreeSet<String>,
    granting: &Access,
    refusing: &Access,
) -> Option<Request> {
    let base = request(path);
    let mut wanted: BTreeMap<&String, &String> = BTreeMap::new();
    for (key, value) in path.iter().flat_map(|cell| &cell.bindings) {
        wanted.insert(key, value);
    }
    let mut tried: Vec<Request> = Vec::new();
    for bindings_win in [true, false] {
        for fill in [true, false] {
            let mut attempt = base.clone();
            for (key, value) in &wanted {
                if bindings_win || !attempt.context.contains_key(*key) {
                    attempt.context.insert((*key).clone(), vec![(*value).clone()]);
                }
            }
            if fill {
                for key in variables.iter().filter(|key| !path_fixes(path, key)) {
                    attempt.context.entry(key.clone()).or_insert_with(|| vec!["example".to_owned()]);
                }
            }
            if tried.contains(&attempt) {
                continue;
            }
            if separates(&attempt, granting, refusing) {
                return Some(attempt);
            }
            tried.push(attempt);
        }
    }
    None
}

/// Whether the request is granted by the one and not by the other, without any doubt.
pub(super) fn separates(request: &Request, granting: &Access, refusing: &Access) -> bool {
    evaluate(granting, request).allowed() == Truth::Yes && evaluate(refusing, request).allowed() == Truth::No
}

fn path_fixes(path: &[&Cell], key: &str) -> bool {
    path.iter().any(|cell| matches!(&cell.sample, Sample::Key(fixed, _) if fixed == key))
}

fn request(path: &[&Cell]) -> Request {
    let caller = Caller::Aws("arn:aws:iam::111122223333:user/example".to_owned());
    let mut request = Request::new(caller, "*", "*");
    for cell in path {
        match &cell.sample {
            Sample::Nothing => {}
            Sample::Action(text) => request.action.clone_from(text),
            Sample::Resource(text) => request.resource.clone_from(text),
            Sample::Principal(caller) => request.principal = caller.clone(),
            Sample::Key(key, values) if !values.is_empty() => drop(request.context.insert(key.clone(), values.clone())),
            Sample::Key(..) => {}
        }
    }
    request
}
