//! Reads `statement` blocks and their `condition` blocks.

use leasehold_provider::{Condition, Effect, Statement};

use super::fields::BlockFields;
use super::inner;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::value::show::quote_text;

/// Reads the statements of an identity, a group or a scope.
pub fn read_statements(fields: &BlockFields<'_, '_>) -> Vec<Statement> {
    inner::read_inner_blocks(fields, "statement").iter().map(read_statement).collect()
}

const EFFECTS: &[(&str, Effect)] =
    &[("allow", Effect::Allow), ("deny", Effect::Deny), ("Allow", Effect::Allow), ("Deny", Effect::Deny)];

fn read_statement(fields: &BlockFields<'_, '_>) -> Statement {
    let mut sensitive = false;
    let mut texts = |name: &str| {
        let (texts, mark) = fields.read_marked_texts(name, true)?;
        sensitive |= mark;
        if texts.is_empty() {
            fields.report_finding(
                Diagnostic::error("config::empty", format!("`{name}` is empty"))
                    .with_location(fields.attribute_span(name), "matches nothing")
                    .with_help("add at least one element, or remove the statement"),
            );
        }
        Some(texts)
    };
    let (actions, not_actions) = (texts("actions"), texts("not_actions"));
    let (resources, not_resources) = (texts("resources"), texts("not_resources"));
    check_exactly_one(fields, "actions", "not_actions");
    check_exactly_one(fields, "resources", "not_resources");
    let mut conditions = Vec::new();
    for condition in inner::read_inner_blocks(fields, "condition") {
        let (Some(test), Some(variable)) = (condition.read_filled_text("test"), condition.read_filled_text("variable"))
        else {
            continue;
        };
        let Some((values, mark)) = condition.read_marked_texts("values", true) else { continue };
        sensitive |= mark;
        conditions.push(Condition { test, variable, values });
    }
    let effect = if fields.find_expr("effect").is_some() { fields.read_word("effect", EFFECTS) } else { None };
    Statement {
        sid: read_sid(fields),
        effect: effect.unwrap_or(Effect::Allow),
        actions: actions.unwrap_or_default(),
        not_actions: not_actions.unwrap_or_default(),
        resources: resources.unwrap_or_default(),
        not_resources: not_resources.unwrap_or_default(),
        conditions,
        sensitive,
    }
}

fn check_exactly_one(fields: &BlockFields<'_, '_>, positive: &str, negative: &str) {
    match (fields.find_expr(positive), fields.find_expr(negative)) {
        (Some(first), Some(second)) => fields.report_finding(
            Diagnostic::error(
                "config::conflict",
                format!("a statement cannot have both `{positive}` and `{negative}`"),
            )
            .with_location(fields.expr_span(second), "conflicts with the other")
            .with_related(fields.expr_span(first), format!("`{positive}` is set here"))
            .with_help("split it into two statements"),
        ),
        (None, None) => fields.report_finding(
            Diagnostic::error(
                "config::missing_attribute",
                format!("a statement requires `{positive}` or `{negative}`"),
            )
            .with_location(fields.block.span(), format!("`{positive}` is missing"))
            .with_help(if positive == "actions" {
                "for example actions = [\"s3:GetObject\"]"
            } else {
                "for example resources = [\"arn:aws:s3:::acme-orders/*\"], or [\"*\"] for all"
            }),
        ),
        _ => {}
    }
}

fn read_sid(fields: &BlockFields<'_, '_>) -> Option<String> {
    let sid = fields.read_text("sid")?;
    if sid.is_empty() || !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        fields.report_finding(
            Diagnostic::error("config::sid", format!("{} is not a valid sid", quote_text(&sid)))
                .with_location(fields.attribute_span("sid"), "only letters and digits are allowed")
                .with_help("use only letters and digits, such as \"ReadOrders\""),
        );
    }
    Some(sid)
}
