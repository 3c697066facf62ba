//! What a statement allows: wildcards, negations, names that no service has.

use crate::catalogue::catalogue;
use crate::document::{Clause, Effect, Statement};
use crate::lint::{Findings, Rule, Severity};
use crate::pattern::Pattern;

pub(super) fn check(out: &mut Findings<'_>) {
    let document = out.document;
    for (index, statement) in document.statements.iter().enumerate() {
        names(out, index, &statement.actions);
        if statement.effect == Effect::Allow {
            wildcards(out, index, statement);
            negations(out, index, statement);
        }
    }
}

fn names(out: &mut Findings<'_>, index: usize, actions: &Clause<Pattern>) {
    for action in actions.items.iter().filter(|action| !is_everything(action)) {
        if catalogue().matching(action).next().is_some() {
            continue;
        }
        let service = action.text().split(':').next().unwrap_or_default();
        let message = if service.contains(['*', '?']) || catalogue().service(service).is_some() {
            format!("no action is called `{}`", action.text())
        } else {
            format!("`{}`: no service has the prefix `{service}`", action.text())
        };
        out.at(index, Rule::UnknownAction, Severity::Medium, message);
    }
}

fn is_everything(action: &Pattern) -> bool {
    matches!(action.text(), "*" | "*:*")
}

fn on_everything(statement: &Statement) -> bool {
    let clause = statement.resources.as_ref().filter(|clause| !clause.negated);
    clause.is_some_and(|clause| clause.items.iter().any(Pattern::is_everything))
}

fn wildcards(out: &mut Findings<'_>, index: usize, statement: &Statement) {
    if statement.actions.negated {
        return;
    }
    let everywhere = on_everything(statement) || statement.resources.is_none();
    let mut takes_arns = Vec::new();
    let mut everything = false;
    for action in &statement.actions.items {
        if is_everything(action) {
            everything = true;
            let (severity, on) = if everywhere && statement.conditions.is_empty() {
                (Severity::Critical, "everything")
            } else {
                (Severity::High, "what the statement names")
            };
            out.at(index, Rule::FullWildcard, severity, format!("every action of every service is allowed on {on}"));
            continue;
        }
        if let Some(service) = action.text().strip_suffix(":*") {
            let severity = if everywhere { Severity::High } else { Severity::Medium };
            let message = format!("every action of `{service}` is allowed, those that AWS adds later included");
            out.at(index, Rule::ServiceWildcard, severity, message);
        }
        takes_arns.extend(catalogue().matching(action).filter(|action| !action.resources.is_empty()));
    }
    if on_everything(statement) && !everything && !takes_arns.is_empty() {
        let named: Vec<String> = takes_arns.iter().take(3).map(|action| action.full_name()).collect();
        let more = takes_arns.len().saturating_sub(named.len());
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let message = format!("allowed on every resource, though these take ARNs: {}{more}", named.join(", "));
        let worst = takes_arns.iter().map(|action| action.level).max();
        let severity = if worst > Some(crate::catalogue::AccessLevel::Read) { Severity::Medium } else { Severity::Low };
        out.at(index, Rule::ResourceWildcard, severity, message);
    }
}

fn negations(out: &mut Findings<'_>, index: usize, statement: &Statement) {
    if statement.actions.negated {
        let message = "allows every action but those named, in every service, those that AWS adds later included";
        out.at(index, Rule::AllowNotAction, Severity::High, message.to_owned());
    }
    if statement.resources.as_ref().is_some_and(|clause| clause.negated) {
        let message = "allows on every resource but those named, those of tomorrow included";
        out.at(index, Rule::AllowNotResource, Severity::High, message.to_owned());
    }
    if statement.principals.as_ref().is_some_and(|clause| clause.negated) {
        let message = "allows everybody but those named, anonymous callers included";
        out.at(index, Rule::AllowNotPrincipal, Severity::Critical, message.to_owned());
    }
}
