//! A path of cells → a request, verified by the evaluator.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::{CatalogueAction, CatalogueService, ResourceType, embedded_catalogue};
use crate::compare::cell::{CellSample, RequestCell};
use crate::evaluate::{Truth, evaluate_request};
use crate::pattern::{Pattern, PatternToken};
use crate::policy_set::PolicySet;
use crate::request::{AccessRequest, RequestCaller};

/// The context keys of all policy variables of both sides.
pub(super) fn variable_keys(accesses: [&PolicySet; 2]) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for access in accesses {
        for statement in access.policies.iter().chain(access.boundary.iter().flatten()).flat_map(|d| &d.statements) {
            let resources = statement.resources.iter().flat_map(|clause| &clause.items);
            let values = statement.conditions.iter().flat_map(|condition| &condition.values);
            keys.extend(resources.chain(values).flat_map(|pattern| pattern.variable_keys()).map(str::to_owned));
        }
    }
    keys
}

/// A request from the samples of a path that `granting` certainly grants and `refusing` certainly does not. With policy
/// variables there are several ways to choose their values; returns the first that the evaluator confirms.
pub(super) fn find_replayable_request(
    path: &[&RequestCell],
    variables: &BTreeSet<String>,
    granting: &PolicySet,
    refusing: &PolicySet,
) -> Option<AccessRequest> {
    let base = request_from_path(path);
    let mut attempts = Vec::new();
    if !variables.is_empty() {
        let readable: BTreeMap<String, String> =
            variables.iter().map(|key| (key.clone(), example_value(key))).collect();
        let mut fixed = readable.clone();
        let mut bound = readable.clone();
        for cell in path {
            bound.extend(cell.bindings.clone());
            if let CellSample::Key(key, values) = &cell.sample
                && let ([value], true) = (values.as_slice(), variables.contains(key))
            {
                fixed.insert(key.clone(), value.clone());
            }
        }
        let exact = path.iter().flat_map(|cell| cell.bindings.clone()).collect();
        for values in [&readable, &fixed, &bound, &exact] {
            for (rewrite, keep_absent) in [(true, true), (true, false), (false, true), (false, false)] {
                attempts.push(fill_variables(base.clone(), path, values, rewrite, keep_absent));
            }
        }
    }
    attempts.push(base);
    let found = attempts.into_iter().find(|attempt| is_witness(attempt, granting, refusing))?;
    Some(with_catalogue_names(found, |request| is_witness(request, granting, refusing)))
}

/// The most actions of the catalogue that are tried in place of an invented one.
const MOST_ACTIONS: usize = 40;

/// The witness with an action and a resource of the catalogue, if that is a witness, too.
fn with_catalogue_names(mut found: AccessRequest, holds: impl Fn(&AccessRequest) -> bool) -> AccessRequest {
    let (service, name) = found.action.split_once(':').unwrap_or_default();
    let of_service = embedded_catalogue().find_service(service).into_iter().flat_map(|service| service.actions.iter());
    let (similar, others): (Vec<_>, Vec<_>) = of_service.partition(|(known, _)| known.starts_with(name));
    let common = COMMON.iter().filter_map(|name| embedded_catalogue().find_action(name));
    let candidates = similar.into_iter().chain(others).map(|(_, action)| action).chain(common);
    for action in candidates.take(MOST_ACTIONS) {
        let real = AccessRequest { action: action.full_name(), ..found.clone() };
        if holds(&real) {
            found = real;
            break;
        }
    }
    if found.resource == "*" || found.resource.starts_with("arn::") {
        let service = embedded_catalogue()
            .find_action(&found.action)
            .and_then(|action| Some((action, embedded_catalogue().find_service(action.service)?)));
        let example_arns = |(action, service): (&CatalogueAction, &'static CatalogueService)| {
            action
                .resources
                .iter()
                .filter_map(|place| service.resources.get(*place))
                .map(example_arn)
                .collect::<Vec<_>>()
        };
        for resource in service.map(example_arns).unwrap_or_default() {
            let real = AccessRequest { resource, ..found.clone() };
            if holds(&real) {
                return real;
            }
        }
    }
    found
}

/// Well-known actions, for witnesses that are independent of the action.
const COMMON: &[&str] = &["s3:GetObject", "s3:PutObject", "iam:PassRole", "ec2:RunInstances", "sts:AssumeRole"];

/// An ARN of this resource type, with example values for its variable parts.
fn example_arn(resource: &ResourceType) -> String {
    let segments = resource.arn.text().splitn(6, ':').enumerate();
    let filled = segments.map(|(index, segment)| match index {
        1 => segment.replace('*', "aws"),
        3 => segment.replace('*', "us-east-1"),
        4 => segment.replace('*', "111122223333"),
        _ => segment.replace('*', "example"),
    });
    filled.collect::<Vec<_>>().join(":")
}

/// The request with these values of variables. With `rewrite`, values that must match a pattern with variables are
/// replaced by the expanded pattern. With `keep_absent`, a key that is absent in the path stays absent.
fn fill_variables(
    mut request: AccessRequest,
    path: &[&RequestCell],
    values: &BTreeMap<String, String>,
    rewrite: bool,
    keep_absent: bool,
) -> AccessRequest {
    for (key, value) in values {
        let absent = |cell: &&RequestCell| matches!(&cell.sample, CellSample::Key(k, v) if k == key && v.is_empty());
        if !(keep_absent && path.iter().any(absent)) {
            request.context.insert(key.clone(), vec![value.clone()]);
        }
    }
    for cell in path.iter().filter(|_| rewrite) {
        let Some(text) = cell.variable_patterns.first().and_then(|pattern| expand_pattern(pattern, values)) else {
            continue;
        };
        match &cell.sample {
            CellSample::Resource(_) => request.resource = text,
            CellSample::Key(key, old) if old.len() == 1 => drop(request.context.insert(key.clone(), vec![text])),
            _ => {}
        }
    }
    request
}

fn expand_pattern(pattern: &Pattern, values: &BTreeMap<String, String>) -> Option<String> {
    let mut out = String::new();
    for token in pattern.tokens() {
        match token {
            PatternToken::Literal(c) => out.push(*c),
            PatternToken::One => out.push('x'),
            PatternToken::Many => {}
            PatternToken::Variable { key, default } => out.push_str(values.get(key).or(default.as_ref())?),
        }
    }
    Some(out)
}

/// A readable example value for a variable: the last part of its key, so that it differs between variables.
fn example_value(key: &str) -> String {
    if key.ends_with("account") {
        return "111122223333".to_owned();
    }
    key.rsplit([':', '/']).next().unwrap_or(key).to_owned()
}

/// Whether `granting` certainly grants the request and `refusing` certainly does not.
pub(super) fn is_witness(request: &AccessRequest, granting: &PolicySet, refusing: &PolicySet) -> bool {
    evaluate_request(granting, request).is_allowed() == Truth::Yes
        && evaluate_request(refusing, request).is_allowed() == Truth::No
}

fn request_from_path(path: &[&RequestCell]) -> AccessRequest {
    let caller = RequestCaller::Aws("arn:aws:iam::111122223333:user/example".to_owned());
    let mut request = AccessRequest::new(caller, "*", "*");
    for cell in path {
        match &cell.sample {
            CellSample::Nothing => {}
            CellSample::Action(text) => request.action.clone_from(text),
            CellSample::Resource(text) => request.resource.clone_from(text),
            CellSample::Principal(caller) => request.principal = caller.clone(),
            CellSample::Key(key, values) if !values.is_empty() => {
                request.context.insert(key.clone(), values.clone());
            }
            CellSample::Key(..) => {}
        }
    }
    request
}
