//! AWS's managed policies, and what is done to them: a copy in another order, and the same without one action.

use std::collections::BTreeMap;

use leasehold_policy::{Document, Effect};
use serde_json::{Value, json};

use super::Random;

/// All that the emulator's package carries.
pub fn policies() -> BTreeMap<String, Value> {
    leasehold_emulator::managed_policies()
}

/// The same document with its statements and lists in another order.
pub fn shuffled(random: &mut Random, value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| shuffled(random, item)).collect();
            for index in (1..items.len()).rev() {
                items.swap(index, random.below(index + 1));
            }
            json!(items)
        }
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), shuffled(random, v))).collect(),
        other => other.clone(),
    }
}

/// An element of an `Action` or `NotAction`: the place of its statement and its own.
pub type Element = (usize, usize);

/// All elements of a document, in its order.
pub fn elements(document: &Document) -> Vec<Element> {
    let statements = document.statements.iter().enumerate();
    statements
        .flat_map(|(index, statement)| (0..statement.actions.items.len()).map(move |item| (index, item)))
        .collect()
}

/// Whether the document says less without the element: an action that is allowed, or an exemption from a denial. The
/// others take a denial back, or an exemption from what is allowed.
pub fn grants(document: &Document, (statement, _): Element) -> bool {
    let statement = &document.statements[statement];
    (statement.effect == Effect::Allow) != statement.actions.negated
}

/// The document without one element. Without the last of its `Action` a statement goes; without the last of its
/// `NotAction` it speaks of every action.
pub fn without(document: &Document, (statement, item): Element) -> Document {
    let mut out = document.clone();
    let actions = &mut out.statements[statement].actions;
    if actions.items.len() > 1 {
        actions.items.remove(item);
    } else if actions.negated {
        let all = Document::parse(r#"{"Statement": {"Effect": "Allow", "Action": "*"}}"#).unwrap();
        *actions = all.statements[0].actions.clone();
    } else {
        out.statements.remove(statement);
    }
    out
}
