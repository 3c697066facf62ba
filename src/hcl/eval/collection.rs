//! Evaluates object constructors and for expressions.

use std::sync::Arc;

use super::{EvalError, EvalScope, Evaluated, Evaluator, describe_value};
use crate::hcl::syntax::{Expr, ForExpr};
use crate::hcl::value::convert::to_text;
use crate::hcl::value::show::quote_text;
use crate::hcl::value::{ConfigValue, Entries, ValueData};

impl Evaluator<'_> {
    pub(super) fn evaluate_object(
        &self,
        items: &[(Expr, Expr)],
        expr: &Expr,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let mut entries = Entries::new();
        let mut mark = false;
        for (key, value) in items {
            let (name, sensitive) = self.evaluate_key(key, scope)?;
            mark |= sensitive;
            entries.insert(name, self.evaluate_expr(value, scope)?);
        }
        self.charge_result(ConfigValue::new_object(entries).with_mark(mark), expr.place, scope)
    }

    fn evaluate_key(&self, key: &Expr, scope: &EvalScope<'_>) -> Evaluated<(Arc<str>, bool)> {
        let value = self.evaluate_expr(key, scope)?;
        self.budget.take_steps(|| scope.make_span(key.place), value.size().steps_to_read())?;
        match to_text(&value) {
            Some(name) => Ok((name, value.sensitive)),
            None => Err(EvalError::new(
                scope.make_span(key.place),
                "config::type",
                "a key must be a string",
                format!("this is {}", describe_value(&value)),
            )),
        }
    }

    /// The keys and values to iterate over, in order. The key of a list element is its index, that of a set element the element itself.
    /// All of them are charged before the first is visited: an iteration that stops early has made the whole list.
    pub(super) fn list_entries(
        &self,
        going: &ConfigValue,
        expr: &Expr,
        scope: &EvalScope<'_>,
    ) -> Evaluated<Vec<(ConfigValue, ConfigValue)>> {
        let count = going.elements().map_or_else(|| going.entries().map_or(0, Entries::len), <[ConfigValue]>::len);
        self.budget.take_steps(|| scope.make_span(expr.place), u64::try_from(count).unwrap_or(u64::MAX))?;
        match &going.data {
            ValueData::List(elements) | ValueData::Tuple(elements) => Ok(elements
                .iter()
                .enumerate()
                .map(|(index, value)| (ConfigValue::new_number(index), value.clone()))
                .collect()),
            ValueData::Set(elements) => Ok(elements.iter().map(|value| (value.clone(), value.clone())).collect()),
            ValueData::Map(entries) | ValueData::Object(entries) => {
                Ok(entries.iter().map(|(key, value)| (ConfigValue::new_string(key.clone()), value.clone())).collect())
            }
            _ => Err(EvalError::new(
                scope.make_span(expr.place),
                "config::type",
                "a `for` expression requires a list, set, map or object",
                format!("this is {}", describe_value(going)),
            )),
        }
    }

    pub(super) fn evaluate_for(&self, each: &ForExpr, expr: &Expr, scope: &EvalScope<'_>) -> Evaluated<ConfigValue> {
        let going = self.evaluate_expr(&each.collection, scope)?;
        let mut mark = going.sensitive;
        let mut elements = Vec::new();
        let mut entries = Entries::new();
        let mut groups: std::collections::BTreeMap<Arc<str>, Vec<ConfigValue>> = std::collections::BTreeMap::new();
        let mut bound = vec![(each.value.clone(), ConfigValue::NULL)];
        bound.extend(each.key.clone().map(|key| (key, ConfigValue::NULL)));
        for (at, element) in self.list_entries(&going, &each.collection, scope)? {
            for ((_, slot), value) in bound.iter_mut().zip([element, at]) {
                *slot = value;
            }
            let inner = scope.with_bindings(&bound);
            if let Some(condition) = &each.condition {
                let (kept, sensitive) = self.evaluate_condition(condition, &inner)?;
                mark |= sensitive;
                if !kept {
                    continue;
                }
            }
            let Some(result_key) = &each.result_key else {
                elements.push(self.evaluate_expr(&each.result, &inner)?);
                continue;
            };
            let (key, sensitive) = self.evaluate_key(result_key, &inner)?;
            mark |= sensitive;
            let value = self.evaluate_expr(&each.result, &inner)?;
            if each.group {
                groups.entry(key).or_default().push(value);
            } else if entries.insert(key.clone(), value).is_some() {
                let shown = if sensitive { "(sensitive value)".to_owned() } else { quote_text(&key) };
                return Err(EvalError::new(
                    scope.make_span(result_key.place),
                    "config::duplicate_key",
                    format!("two elements have the key {shown}"),
                    "duplicate key",
                )
                .with_help("use unique keys, or group the values of a key with `...` after the value"));
            }
        }
        let value = match (&each.result_key, each.group) {
            (None, _) => ConfigValue::new_tuple(elements),
            (Some(_), true) => ConfigValue::new_object(
                groups.into_iter().map(|(key, values)| (key, ConfigValue::new_tuple(values))).collect(),
            ),
            (Some(_), false) => ConfigValue::new_object(entries),
        };
        self.charge_result(value.with_mark(mark), expr.place, scope)
    }
}
