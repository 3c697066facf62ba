//! Inner blocks, those that `dynamic` makes among them.

use std::sync::Arc;

use super::fields::Fields;
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::with_value;
use crate::config::syntax::{Block, ExprKind};
use crate::config::value::convert::to_text;
use crate::config::value::{Data, Entries, Value};

/// The inner blocks of a type, in the order they are written.
pub fn blocks<'e, 'a>(fields: &Fields<'e, 'a>, keyword: &str) -> Vec<Fields<'e, 'a>> {
    let mut found = Vec::new();
    for block in &fields.body().blocks {
        if *block.keyword.text == *keyword {
            let label = block.labels.first().map_or_else(|| Arc::from(""), |label| label.text.clone());
            found.push(fields.within(block, label, None));
        } else if &*block.keyword.text == "dynamic" && block.label(0) == keyword {
            dynamic(fields, block, &mut found);
        }
    }
    found
}

/// One block for each element of `for_each`; its content sees the element under the iterator's name.
fn dynamic<'e, 'a>(fields: &Fields<'e, 'a>, block: &'e Block, found: &mut Vec<Fields<'e, 'a>>) {
    let head = fields.within(block, Arc::from(""), None);
    let Some(content) = block.body.blocks_of("content").next() else { return };
    let iterator = match head.expr("iterator").map(|expr| &expr.kind) {
        None => Arc::from(block.label(0)),
        Some(ExprKind::Variable(name)) => name.clone(),
        Some(_) => {
            let finding = Diagnostic::error("config::type", "`iterator` is a name")
                .at(head.place("iterator"), "not a name")
                .help("write iterator = each_bucket, without quotes");
            return head.find(finding);
        }
    };
    let Some((going, expr)) = head.value("for_each") else { return };
    if going.sensitive {
        let finding = Diagnostic::error("config::sensitive", "for_each depends on a sensitive value")
            .at(head.span(expr), "sensitive")
            .help("the number of blocks would show it; go through a collection that is not sensitive");
        return head.find(finding);
    }
    let elements: Vec<(Value, Value)> = match (&going.data, going.entries()) {
        (_, Some(entries)) => entries.iter().map(|(key, value)| (Value::string(key.clone()), value.clone())).collect(),
        (Data::Set(elements), _) => elements.iter().map(|value| (value.clone(), value.clone())).collect(),
        (Data::List(elements) | Data::Tuple(elements), _) => {
            elements.iter().enumerate().map(|(index, value)| (Value::number(index), value.clone())).collect()
        }
        _ => {
            let finding = Diagnostic::error("config::for_each", "for_each goes through a collection")
                .at(head.span(expr), format!("this is {}", with_value(&going)));
            return head.find(finding);
        }
    };
    for (key, value) in elements {
        let entries: Entries = [(Arc::from("key"), key), (Arc::from("value"), value)].into();
        let bound = Some((iterator.clone(), Value::object(entries)));
        let made = head.within(content, Arc::from(""), bound);
        match label(&head, &made) {
            Ok(label) => found.push(made.labelled(label)),
            Err(()) => return,
        }
    }
}

/// The label that `labels` computes for one of the blocks; empty without one.
fn label(head: &Fields<'_, '_>, made: &Fields<'_, '_>) -> Result<Arc<str>, ()> {
    let Some(expr) = head.expr("labels") else { return Ok(Arc::from("")) };
    let value = match head.eval.eval(expr, &made.scope()) {
        Ok(value) => value,
        Err(fault) => {
            head.fault(fault);
            return Err(());
        }
    };
    let first = value.elements().and_then(<[Value]>::first).and_then(to_text).filter(|_| !value.any_sensitive());
    first.ok_or_else(|| {
        head.find(
            Diagnostic::error("config::type", "`labels` is a list of strings")
                .at(head.span(expr), format!("this is {}", with_value(&value))),
        );
    })
}
