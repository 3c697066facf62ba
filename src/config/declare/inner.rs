//! Reads inner blocks, including those that `dynamic` blocks generate.

use std::sync::Arc;

use super::fields::BlockFields;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::describe_value;
use crate::hcl::syntax::{Block, ExprKind};
use crate::hcl::value::convert::to_text;
use crate::hcl::value::{ConfigValue, Entries, ValueData};

/// The inner blocks of a type, in the order of the file.
pub fn read_inner_blocks<'e, 'a>(fields: &BlockFields<'e, 'a>, keyword: &str) -> Vec<BlockFields<'e, 'a>> {
    let mut found = Vec::new();
    for block in &fields.body().blocks {
        if *block.keyword.text == *keyword {
            let label = block.labels.first().map_or_else(|| Arc::from(""), |label| label.text.clone());
            found.push(fields.for_inner_block(block, label, None));
        } else if &*block.keyword.text == "dynamic" && block.label(0) == keyword {
            expand_dynamic_block(fields, block, &mut found);
        }
    }
    found
}

/// Generates one block for each element of `for_each`. Its content can refer to the element by the name of the iterator.
fn expand_dynamic_block<'e, 'a>(fields: &BlockFields<'e, 'a>, block: &'e Block, found: &mut Vec<BlockFields<'e, 'a>>) {
    let head = fields.for_inner_block(block, Arc::from(""), None);
    let Some(content) = block.body.find_blocks("content").next() else { return };
    let iterator = match head.find_expr("iterator").map(|expr| &expr.kind) {
        None => Arc::from(block.label(0)),
        Some(ExprKind::Variable(name)) => name.clone(),
        Some(_) => {
            let finding = Diagnostic::error("config::type", "`iterator` must be a name")
                .with_location(head.attribute_span("iterator"), "not a name")
                .with_help("write iterator = each_bucket, without quotes");
            return head.report_finding(finding);
        }
    };
    let Some((going, expr)) = head.read_value("for_each") else { return };
    if going.sensitive {
        let finding = Diagnostic::error("config::sensitive", "for_each depends on a sensitive value")
            .with_location(head.expr_span(expr), "sensitive")
            .with_help("use a collection that is not sensitive: the number of blocks would reveal the value");
        return head.report_finding(finding);
    }
    let elements: Vec<(ConfigValue, ConfigValue)> = match (&going.data, going.entries()) {
        (_, Some(entries)) => {
            entries.iter().map(|(key, value)| (ConfigValue::new_string(key.clone()), value.clone())).collect()
        }
        (ValueData::Set(elements), _) => elements.iter().map(|value| (value.clone(), value.clone())).collect(),
        (ValueData::List(elements) | ValueData::Tuple(elements), _) => {
            elements.iter().enumerate().map(|(index, value)| (ConfigValue::new_number(index), value.clone())).collect()
        }
        _ => {
            let finding = Diagnostic::error("config::for_each", "for_each must be a collection")
                .with_location(head.expr_span(expr), format!("this is {}", describe_value(&going)));
            return head.report_finding(finding);
        }
    };
    for (key, value) in elements {
        let entries: Entries = [(Arc::from("key"), key), (Arc::from("value"), value)].into();
        let bound = Some((iterator.clone(), ConfigValue::new_object(entries)));
        let made = head.for_inner_block(content, Arc::from(""), bound);
        match read_dynamic_label(&head, &made) {
            Ok(label) => found.push(made.with_block_label(label)),
            Err(()) => return,
        }
    }
}

/// The label that `labels` computes for a generated block; empty without `labels`.
fn read_dynamic_label(head: &BlockFields<'_, '_>, made: &BlockFields<'_, '_>) -> Result<Arc<str>, ()> {
    let Some(expr) = head.find_expr("labels") else { return Ok(Arc::from("")) };
    let value = match head.eval.evaluate_expr(expr, &made.evaluation_scope()) {
        Ok(value) => value,
        Err(fault) => {
            head.report_fault(fault);
            return Err(());
        }
    };
    let first =
        value.elements().and_then(<[ConfigValue]>::first).and_then(to_text).filter(|_| !value.contains_sensitive());
    first.ok_or_else(|| {
        head.report_finding(
            Diagnostic::error("config::type", "`labels` must be a list of strings")
                .with_location(head.expr_span(expr), format!("this is {}", describe_value(&value))),
        );
    })
}
