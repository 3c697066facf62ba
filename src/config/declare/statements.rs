//! `statement` blocks with their `condition`s.

use leasehold_provider::{Condition, Effect, Statement};

use super::fields::Fields;
use super::inner;
use crate::config::diagnostic::Diagnostic;
use crate::config::value::show::quoted;

/// The statements of an identity or a scope.
pub fn statements(fields: &Fields<'_, '_>) -> Vec<Statement> {
    inner::blocks(fields, "statement").iter().map(statement).collect()
}

const EFFECTS: &[(&str, Effect)] =
    &[("allow", Effect::Allow), ("deny", Effect::Deny), ("Allow", Effect::Allow), ("Deny", Effect::Deny)];

fn statement(fields: &Fields<'_, '_>) -> Statement {
    let mut sensitive = false;
    let mut texts = |name: &str| {
        let (texts, mark) = fields.marked_texts(name, true)?;
        sensitive |= mark;
        if texts.is_empty() {
            fields.find(
                Diagnostic::error("config::empty", format!("`{name}` is empty"))
                    .at(fields.place(name), "covers nothing")
                    .help("name at least one, or leave the statement out"),
            );
        }
        Some(texts)
    };
    let (actions, not_actions) = (texts("actions"), texts("not_actions"));
    let (resources, not_resources) = (texts("resources"), texts("not_resources"));
    exactly_one(fields, "actions", "not_actions");
    exactly_one(fields, "resources", "not_resources");
    let mut conditions = Vec::new();
    for condition in inner::blocks(fields, "condition") {
        let (Some(test), Some(variable)) = (condition.filled_text("test"), condition.filled_text("variable")) else {
            continue;
        };
        let Some((values, mark)) = condition.marked_texts("values", true) else { continue };
        sensitive |= mark;
        conditions.push(Condition { test, variable, values });
    }
    let effect = if fields.expr("effect").is_some() { fields.word("effect", EFFECTS) } else { None };
    Statement {
        sid: sid(fields),
        effect: effect.unwrap_or(Effect::Allow),
        actions: actions.unwrap_or_default(),
        not_actions: not_actions.unwrap_or_default(),
        resources: resources.unwrap_or_default(),
        not_resources: not_resources.unwrap_or_default(),
        conditions,
        sensitive,
    }
}

fn exactly_one(fields: &Fields<'_, '_>, positive: &str, negative: &str) {
    match (fields.expr(positive), fields.expr(negative)) {
        (Some(first), Some(second)) => fields.find(
            Diagnostic::error("config::conflict", format!("a statement has `{positive}` or `{negative}`, not both"))
                .at(fields.span(second), "this excludes the other")
                .related(fields.span(first), format!("`{positive}` is here"))
                .help("make two statements of it"),
        ),
        (None, None) => fields.find(
            Diagnostic::error("config::missing_attribute", format!("a statement needs `{positive}` or `{negative}`"))
                .at(fields.block.span(), format!("`{positive}` is missing"))
                .help(if positive == "actions" {
                    "for example actions = [\"s3:GetObject\"]"
                } else {
                    "for example resources = [\"arn:aws:s3:::acme-orders/*\"], or [\"*\"] for all"
                }),
        ),
        _ => {}
    }
}

fn sid(fields: &Fields<'_, '_>) -> Option<String> {
    let sid = fields.text("sid")?;
    if sid.is_empty() || !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        fields.find(
            Diagnostic::error("config::sid", format!("{} cannot be a sid", quoted(&sid)))
                .at(fields.place("sid"), "letters and digits only")
                .help("a sid has letters and digits, such as \"ReadOrders\""),
        );
    }
    Some(sid)
}
