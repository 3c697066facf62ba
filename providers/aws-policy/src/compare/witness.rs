//! A path through the cells → a request, and the replay that makes it a witness.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::Access;
use crate::catalogue::{Action, ResourceType, Service, catalogue};
use crate::compare::cell::{Cell, Sample};
use crate::evaluate::{Truth, evaluate};
use crate::pattern::{Pattern, Token};
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

/// A request that `granting` allows and `refusing` does not, both for certain, built from the cells of a path. Where
/// variables are in play there are several ways to fill them in; the evaluator says which of them does it.
pub(super) fn replay(
    path: &[&Cell],
    variables: &BTreeSet<String>,
    granting: &Access,
    refusing: &Access,
) -> Option<Request> {
    let base = request(path);
    let mut attempts = Vec::new();
    if !variables.is_empty() {
        let readable: BTreeMap<String, String> = variables.iter().map(|key| (key.clone(), readable(key))).collect();
        let mut fixed = readable.clone();
        let mut bound = readable.clone();
        for cell in path {
            bound.extend(cell.bindings.clone());
            if let Sample::Key(key, values) = &cell.sample
                && let ([value], true) = (values.as_slice(), variables.contains(key))
            {
                fixed.insert(key.clone(), value.clone());
            }
        }
        let exact = path.iter().flat_map(|cell| cell.bindings.clone()).collect();
        for values in [&readable, &fixed, &bound, &exact] {
            for (rewrite, keep_absent) in [(true, true), (true, false), (false, true), (false, false)] {
                attempts.push(filled(base.clone(), path, values, rewrite, keep_absent));
            }
        }
    }
    attempts.push(base);
    let found = attempts.into_iter().find(|attempt| separates(attempt, granting, refusing))?;
    Some(in_plain_words(found, |request| separates(request, granting, refusing)))
}

/// The most real actions that are tried in place of a made-up one.
const MOST_ACTIONS: usize = 40;

/// The same witness with an action and a resource that exist, where such a one is a witness, too.
fn in_plain_words(mut found: Request, holds: impl Fn(&Request) -> bool) -> Request {
    let (service, name) = found.action.split_once(':').unwrap_or_default();
    let of_service = catalogue().service(service).into_iter().flat_map(|service| service.actions.iter());
    let (similar, others): (Vec<_>, Vec<_>) = of_service.partition(|(known, _)| known.starts_with(name));
    let common = COMMON.iter().filter_map(|name| catalogue().action(name));
    let candidates = similar.into_iter().chain(others).map(|(_, action)| action).chain(common);
    for action in candidates.take(MOST_ACTIONS) {
        let real = Request { action: action.full_name(), ..found.clone() };
        if holds(&real) {
            found = real;
            break;
        }
    }
    if found.resource == "*" || found.resource.starts_with("arn::") {
        let service =
            catalogue().action(&found.action).and_then(|action| Some((action, catalogue().service(action.service)?)));
        let of = |(action, service): (&Action, &'static Service)| {
            action.resources.iter().filter_map(|place| service.resources.get(*place)).map(example).collect::<Vec<_>>()
        };
        for resource in service.map(of).unwrap_or_default() {
            let real = Request { resource, ..found.clone() };
            if holds(&real) {
                return real;
            }
        }
    }
    found
}

/// Actions that readers know, for witnesses of which any action would do.
const COMMON: &[&str] = &["s3:GetObject", "s3:PutObject", "iam:PassRole", "ec2:RunInstances", "sts:AssumeRole"];

/// An ARN of this type: `arn:aws:…`, with an example where something varies.
fn example(resource: &ResourceType) -> String {
    let segments = resource.arn.text().splitn(6, ':').enumerate();
    let filled = segments.map(|(index, segment)| match index {
        1 => segment.replace('*', "aws"),
        3 => segment.replace('*', "us-east-1"),
        4 => segment.replace('*', "111122223333"),
        _ => segment.replace('*', "example"),
    });
    filled.collect::<Vec<_>>().join(":")
}

/// The request with these variables. Where `rewrite`, what has to match a pattern with variables is written anew from
/// it; where `keep_absent`, a key that the path leaves out stays out.
fn filled(
    mut request: Request,
    path: &[&Cell],
    values: &BTreeMap<String, String>,
    rewrite: bool,
    keep_absent: bool,
) -> Request {
    for (key, value) in values {
        let absent = |cell: &&Cell| matches!(&cell.sample, Sample::Key(k, v) if k == key && v.is_empty());
        if !(keep_absent && path.iter().any(absent)) {
            request.context.insert(key.clone(), vec![value.clone()]);
        }
    }
    for cell in path.iter().filter(|_| rewrite) {
        let Some(text) = cell.holding.first().and_then(|pattern| written(pattern, values)) else { continue };
        match &cell.sample {
            Sample::Resource(_) => request.resource = text,
            Sample::Key(key, old) if old.len() == 1 => drop(request.context.insert(key.clone(), vec![text])),
            _ => {}
        }
    }
    request
}

fn written(pattern: &Pattern, values: &BTreeMap<String, String>) -> Option<String> {
    let mut out = String::new();
    for token in pattern.tokens() {
        match token {
            Token::Literal(c) => out.push(*c),
            Token::One => out.push('x'),
            Token::Many => {}
            Token::Variable { key, default } => out.push_str(values.get(key).or(default.as_ref())?),
        }
    }
    Some(out)
}

/// A value that a reader takes for what it is, another one for each variable.
fn readable(key: &str) -> String {
    if key.ends_with("account") {
        return "111122223333".to_owned();
    }
    key.rsplit([':', '/']).next().unwrap_or(key).to_owned()
}

/// Whether the request is granted by the one and not by the other, without any doubt.
pub(super) fn separates(request: &Request, granting: &Access, refusing: &Access) -> bool {
    evaluate(granting, request).allowed() == Truth::Yes && evaluate(refusing, request).allowed() == Truth::No
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
