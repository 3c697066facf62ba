//! AWS managed policies, and their variants: a shuffled copy, and the policy without one action.

use std::collections::BTreeMap;

use leasehold_policy::{PolicyDocument, StatementEffect};
use serde_json::{Value, json};

use super::Random;

/// All managed policies that the emulator's package contains, by name.
pub fn policies() -> BTreeMap<String, Value> {
    leasehold_emulator::managed_policies()
}

/// The document with its statements and lists in random order.
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

/// An element of an `Action` or `NotAction`: the index of its statement and its own index.
pub type Element = (usize, usize);

/// All action elements of a document, in its order.
pub fn elements(document: &PolicyDocument) -> Vec<Element> {
    let statements = document.statements.iter().enumerate();
    statements
        .flat_map(|(index, statement)| (0..statement.actions.items.len()).map(move |item| (index, item)))
        .collect()
}

/// Whether the document grants less without the element: an action of an Allow, or an exemption of a Deny
/// (`NotAction`). Without any other element it grants more.
pub fn grants(document: &PolicyDocument, (statement, _): Element) -> bool {
    let statement = &document.statements[statement];
    (statement.effect == StatementEffect::Allow) != statement.actions.negated
}

/// The document without one element. A statement without any `Action` is removed; a statement without any `NotAction`
/// applies to every action.
pub fn without(document: &PolicyDocument, (statement, item): Element) -> PolicyDocument {
    let mut out = document.clone();
    let actions = &mut out.statements[statement].actions;
    if actions.items.len() > 1 {
        actions.items.remove(item);
    } else if actions.negated {
        let all = PolicyDocument::parse(r#"{"Statement": {"Effect": "Allow", "Action": "*"}}"#).unwrap();
        *actions = all.statements[0].actions.clone();
    } else {
        out.statements.remove(statement);
    }
    out
}
