//! Rules for what statements allow: wildcards, negations, and action names that no service has.

use crate::catalogue::embedded_catalogue;
use crate::document::{Clause, PolicyStatement, StatementEffect};
use crate::lint::{FindingCollector, LintRule, LintSeverity};
use crate::pattern::Pattern;

pub(super) fn check_grants(out: &mut FindingCollector<'_>) {
    let document = out.document;
    for (index, statement) in document.statements.iter().enumerate() {
        check_action_names(out, index, &statement.actions);
        if statement.effect == StatementEffect::Allow {
            check_wildcards(out, index, statement);
            check_negations(out, index, statement);
        }
    }
}

fn check_action_names(out: &mut FindingCollector<'_>, index: usize, actions: &Clause<Pattern>) {
    for action in actions.items.iter().filter(|action| !is_every_action(action)) {
        if embedded_catalogue().matching_actions(action).next().is_some() {
            continue;
        }
        let service = action.text().split(':').next().unwrap_or_default();
        let message = if service.contains(['*', '?']) || embedded_catalogue().find_service(service).is_some() {
            format!("there is no action `{}`", action.text())
        } else {
            format!("`{}`: there is no service with the prefix `{service}`", action.text())
        };
        out.add_finding(index, LintRule::UnknownAction, LintSeverity::Medium, message);
    }
}

fn is_every_action(action: &Pattern) -> bool {
    matches!(action.text(), "*" | "*:*")
}

fn covers_every_resource(statement: &PolicyStatement) -> bool {
    let clause = statement.resources.as_ref().filter(|clause| !clause.negated);
    clause.is_some_and(|clause| clause.items.iter().any(Pattern::is_everything))
}

fn check_wildcards(out: &mut FindingCollector<'_>, index: usize, statement: &PolicyStatement) {
    if statement.actions.negated {
        return;
    }
    let everywhere = covers_every_resource(statement) || statement.resources.is_none();
    let mut takes_arns = Vec::new();
    let mut everything = false;
    for action in &statement.actions.items {
        if is_every_action(action) {
            everything = true;
            let (severity, on) = if everywhere && statement.conditions.is_empty() {
                (LintSeverity::Critical, "everything")
            } else {
                (LintSeverity::High, "the resources of the statement")
            };
            out.add_finding(
                index,
                LintRule::FullWildcard,
                severity,
                format!("every action of every service is allowed on {on}"),
            );
            continue;
        }
        if let Some(service) = action.text().strip_suffix(":*") {
            let severity = if everywhere { LintSeverity::High } else { LintSeverity::Medium };
            let message = format!("every action of `{service}` is allowed, including actions that AWS adds later");
            out.add_finding(index, LintRule::ServiceWildcard, severity, message);
        }
        takes_arns.extend(embedded_catalogue().matching_actions(action).filter(|action| !action.resources.is_empty()));
    }
    if covers_every_resource(statement) && !everything && !takes_arns.is_empty() {
        let named: Vec<String> = takes_arns.iter().take(3).map(|action| action.full_name()).collect();
        let more = takes_arns.len().saturating_sub(named.len());
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let message = format!(
            "allowed on every resource, although these actions support resource ARNs: {}{more}",
            named.join(", ")
        );
        let worst = takes_arns.iter().map(|action| action.level).max();
        let severity = if worst > Some(crate::catalogue::ActionAccessLevel::Read) {
            LintSeverity::Medium
        } else {
            LintSeverity::Low
        };
        out.add_finding(index, LintRule::ResourceWildcard, severity, message);
    }
}

fn check_negations(out: &mut FindingCollector<'_>, index: usize, statement: &PolicyStatement) {
    if statement.actions.negated {
        let message =
            "allows every action except those listed, in every service, including actions that AWS adds later";
        out.add_finding(index, LintRule::AllowNotAction, LintSeverity::High, message.to_owned());
    }
    if statement.resources.as_ref().is_some_and(|clause| clause.negated) {
        let message = "allows on every resource except those listed, including resources created later";
        out.add_finding(index, LintRule::AllowNotResource, LintSeverity::High, message.to_owned());
    }
    if statement.principals.as_ref().is_some_and(|clause| clause.negated) {
        let message = "allows every principal except those listed, including anonymous callers";
        out.add_finding(index, LintRule::AllowNotPrincipal, LintSeverity::Critical, message.to_owned());
    }
}
