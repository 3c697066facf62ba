//! Applies the steps of a traversal to a value: `.name`, `[key]`, `.*` and `[*]`. Input: a value and steps. Output: the value at the end
//! of the steps.

use super::{EvalError, EvalScope, Evaluated, Evaluator, describe_value};
use crate::hcl::source::FileSpan;
use crate::hcl::suggest::{find_nearest, join_names};
use crate::hcl::syntax::{ByteRange, Expr, TraversalStep, TraversalStepKind};
use crate::hcl::value::convert::{convert_value, to_text};
use crate::hcl::value::{ConfigValue, Type, ValueData, show::quote_text};

impl Evaluator<'_> {
    /// Applies steps to a value.
    pub(super) fn walk_steps(
        &self,
        mut value: ConfigValue,
        steps: &[TraversalStep],
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let mut steps = steps.iter();
        while let Some(step) = steps.next() {
            let rest = steps.as_slice();
            value = match &step.kind {
                TraversalStepKind::Name(name) => self.read_attribute(&value, name, step.place, scope)?,
                TraversalStepKind::Index(index) => self.evaluate_index(&value, index, step.place, scope)?,
                TraversalStepKind::FullSplat => return self.evaluate_splat(&value, rest, step.place, scope),
                TraversalStepKind::AttributeSplat => {
                    let names = rest.iter().take_while(|step| matches!(step.kind, TraversalStepKind::Name(_))).count();
                    let (each, after) = rest.split_at(names.min(rest.len()));
                    let splat = self.evaluate_splat(&value, each, step.place, scope)?;
                    return self.walk_steps(splat, after, scope);
                }
            };
        }
        Ok(value)
    }

    fn evaluate_splat(
        &self,
        value: &ConfigValue,
        steps: &[TraversalStep],
        place: ByteRange,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let single;
        let (elements, list) = match &value.data {
            ValueData::Null => (&[][..], false),
            ValueData::List(elements) | ValueData::Set(elements) => (elements.as_slice(), true),
            ValueData::Tuple(elements) => (elements.as_slice(), false),
            _ => {
                single = [value.clone()];
                (&single[..], false)
            }
        };
        let mut results = Vec::with_capacity(elements.len());
        self.budget.take_steps(|| scope.make_span(place), u64::try_from(elements.len()).unwrap_or(u64::MAX))?;
        for element in elements {
            results.push(self.walk_steps(element.clone(), steps, scope)?);
        }
        let made = ConfigValue::new_tuple(results);
        // A splat over a list or set gives a list if the results have a common type. To find it, each value within them is read.
        if list {
            self.budget.take_steps(|| scope.make_span(place), made.size().steps_to_read())?;
        }
        let listed = list.then(|| convert_value(&made, &Type::List(Box::new(Type::Any))).ok()).flatten();
        self.charge_result(listed.unwrap_or(made).with_mark(value.sensitive), place, scope)
    }

    fn read_attribute(
        &self,
        value: &ConfigValue,
        name: &str,
        place: ByteRange,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let span = scope.make_span(place);
        match &value.data {
            ValueData::Map(entries) | ValueData::Object(entries) => match entries.get(name) {
                Some(inner) => Ok(inner.clone().with_mark(value.sensitive)),
                None => Err(self.explain_missing_key(value, name, span)),
            },
            ValueData::Block(block) => self.read_block_attribute(block, name, span),
            ValueData::List(_) | ValueData::Set(_) | ValueData::Tuple(_) => Err(EvalError::new(
                span,
                "config::type",
                format!("{} has no attribute `{name}`", value.describe_form()),
                "its elements may have it",
            )
            .with_help(format!("to read the attribute of each element, write [*].{name}"))),
            _ => Err(EvalError::new(
                span,
                "config::type",
                format!("{} has no attribute `{name}`", value.describe_form()),
                format!("taken from {}", describe_value(value)),
            )),
        }
    }

    fn explain_missing_key(&self, value: &ConfigValue, name: &str, span: FileSpan) -> EvalError {
        let what = if matches!(value.data, ValueData::Map(_)) { "element" } else { "attribute" };
        if value.sensitive {
            return EvalError::new(
                span,
                "config::no_attribute",
                format!("a sensitive value has no such {what}"),
                "not found",
            );
        }
        let names = || value.entries().into_iter().flat_map(|entries| entries.keys()).map(|key| &**key);
        let summary = format!("{} has no {what} {}", value.describe_form(), quote_text(name));
        let fault = EvalError::new(span, "config::no_attribute", summary, "not found");
        if self.is_quiet() {
            return fault;
        }
        match find_nearest(name, names(), Some(&self.budget)) {
            Some(near) => fault.with_help(format!("did you mean {}?", quote_text(near))),
            None if names().next().is_none() => fault.with_help("it is empty"),
            None => fault.with_help(format!("it has {}", join_names(names()))),
        }
    }

    fn evaluate_index(
        &self,
        value: &ConfigValue,
        index: &Expr,
        place: ByteRange,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let key = self.evaluate_expr(index, scope)?;
        self.budget.take_steps(|| scope.make_span(index.place), key.size().steps_to_read())?;
        let mark = value.sensitive || key.sensitive;
        let span = scope.make_span(place);
        if let ValueData::Block(block) = &value.data {
            return self.select_instance(block, &key, span);
        }
        if let Some(entries) = value.entries() {
            let Some(name) = to_text(&key) else {
                let label = format!("this is {}", describe_value(&key));
                return Err(EvalError::new(
                    scope.make_span(index.place),
                    "config::type",
                    "a key must be a string",
                    label,
                ));
            };
            return match entries.get(&name) {
                Some(inner) => Ok(inner.clone().with_mark(mark)),
                None if key.sensitive => Err(EvalError::new(
                    span,
                    "config::no_attribute",
                    "there is no element with this sensitive key",
                    "not found",
                )),
                None => Err(self.explain_missing_key(value, &name, span)),
            };
        }
        self.index_elements(value, &key, scope.make_span(index.place), span)
    }

    /// The element of a list or tuple at the index `key`, whose place is `index`.
    fn index_elements(
        &self,
        value: &ConfigValue,
        key: &ConfigValue,
        index: FileSpan,
        span: FileSpan,
    ) -> Evaluated<ConfigValue> {
        let mark = value.sensitive || key.sensitive;
        match &value.data {
            ValueData::List(elements) | ValueData::Tuple(elements) => {
                let Ok(ConfigValue { data: ValueData::Number(number), .. }) = convert_value(key, &Type::Number) else {
                    let label = format!("this is {}", describe_value(key));
                    return Err(EvalError::new(index, "config::type", "an index must be a whole number", label));
                };
                let element = number.to_i64().and_then(|at| usize::try_from(at).ok()).and_then(|at| elements.get(at));
                match element {
                    Some(element) => Ok(element.clone().with_mark(mark)),
                    None => Err(EvalError::new(
                        span,
                        "config::index",
                        format!(
                            "there is no element {}",
                            if mark { "of that index".to_owned() } else { number.to_string() }
                        ),
                        match elements.len() {
                            0 => format!("{} without elements", value.describe_form()),
                            1 => format!("{} with 1 element, of index 0", value.describe_form()),
                            count => {
                                format!("{} with {count} elements, of index 0 to {}", value.describe_form(), count - 1)
                            }
                        },
                    )),
                }
            }
            ValueData::Set(_) => {
                Err(EvalError::new(span, "config::type", "the elements of a set have no index", "a set has no order")
                    .with_help("convert it with tolist(), or use a `for` expression"))
            }
            _ => Err(EvalError::new(
                span,
                "config::type",
                format!("{} has no elements", value.describe_form()),
                format!("taken from {}", describe_value(value)),
            )),
        }
    }
}
