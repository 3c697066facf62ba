//! Objects and for expressions.

use std::sync::Arc;

use super::{Evaluated, Evaluator, Fault, Scope, with_value};
use crate::config::syntax::{Expr, For};
use crate::config::value::convert::to_text;
use crate::config::value::show::quoted;
use crate::config::value::{Data, Entries, Value};

impl Evaluator<'_> {
    pub(super) fn object(&self, items: &[(Expr, Expr)], expr: &Expr, scope: &Scope<'_>) -> Evaluated<Value> {
        let mut entries = Entries::new();
        let mut mark = false;
        for (key, value) in items {
            let (name, sensitive) = self.key(key, scope)?;
            mark |= sensitive;
            entries.insert(name, self.eval(value, scope)?);
        }
        self.made(Value::object(entries).marked(mark), expr.place, scope)
    }

    fn key(&self, key: &Expr, scope: &Scope<'_>) -> Evaluated<(Arc<str>, bool)> {
        let value = self.eval(key, scope)?;
        match to_text(&value) {
            Some(name) => Ok((name, value.sensitive)),
            None => Err(Fault::at(
                scope.span(key.place),
                "config::type",
                "a key must be a string",
                format!("this is {}", with_value(&value)),
            )),
        }
    }

    /// Keys and values to go through, in order: of lists the index, of sets the element itself, of maps the key.
    pub(super) fn iterate(&self, going: &Value, expr: &Expr, scope: &Scope<'_>) -> Evaluated<Vec<(Value, Value)>> {
        match &going.data {
            Data::List(elements) | Data::Tuple(elements) => {
                Ok(elements.iter().enumerate().map(|(index, value)| (Value::number(index), value.clone())).collect())
            }
            Data::Set(elements) => Ok(elements.iter().map(|value| (value.clone(), value.clone())).collect()),
            Data::Map(entries) | Data::Object(entries) => {
                Ok(entries.iter().map(|(key, value)| (Value::string(key.clone()), value.clone())).collect())
            }
            _ => Err(Fault::at(
                scope.span(expr.place),
                "config::type",
                "only lists, sets, maps and objects have elements to go through",
                format!("this is {}", with_value(going)),
            )),
        }
    }

    pub(super) fn for_expression(&self, each: &For, expr: &Expr, scope: &Scope<'_>) -> Evaluated<Value> {
        let going = self.eval(&each.collection, scope)?;
        let mut mark = going.sensitive;
        let mut elements = Vec::new();
        let mut entries = Entries::new();
        let mut groups: std::collections::BTreeMap<Arc<str>, Vec<Value>> = std::collections::BTreeMap::new();
        let mut bound = vec![(each.value.clone(), Value::NULL)];
        bound.extend(each.key.clone().map(|key| (key, Value::NULL)));
        for (at, element) in self.iterate(&going, &each.collection, scope)? {
            self.budget.step(|| scope.span(expr.place), 1)?;
            for ((_, slot), value) in bound.iter_mut().zip([element, at]) {
                *slot = value;
            }
            let inner = scope.within(&bound);
            if let Some(condition) = &each.condition {
                let (kept, sensitive) = self.condition(condition, &inner)?;
                mark |= sensitive;
                if !kept {
                    continue;
                }
            }
            let Some(result_key) = &each.result_key else {
                elements.push(self.eval(&each.result, &inner)?);
                continue;
            };
            let (key, sensitive) = self.key(result_key, &inner)?;
            mark |= sensitive;
            let value = self.eval(&each.result, &inner)?;
            if each.group {
                groups.entry(key).or_default().push(value);
            } else if entries.insert(key.clone(), value).is_some() {
                let shown = if sensitive { "(sensitive value)".to_owned() } else { quoted(&key) };
                return Err(Fault::at(
                    scope.span(result_key.place),
                    "config::duplicate_key",
                    format!("two elements have the key {shown}"),
                    "of this key",
                )
                .help("make keys that differ, or gather the values of one key with `...` after the value"));
            }
        }
        let value = match (&each.result_key, each.group) {
            (None, _) => Value::tuple(elements),
            (Some(_), true) => {
                Value::object(groups.into_iter().map(|(key, values)| (key, Value::tuple(values))).collect())
            }
            (Some(_), false) => Value::object(entries),
        };
        self.made(value.marked(mark), expr.place, scope)
    }
}
