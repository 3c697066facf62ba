//! Evaluates templates: quoted strings and heredocs with `${…}`, `%{ if }` and `%{ for }`.

use super::{EvalError, EvalScope, Evaluated, Evaluator, describe_value, explain_too_large};
use crate::hcl::syntax::{ByteRange, TemplatePart};
use crate::hcl::value::convert::to_text;
use crate::hcl::value::{ConfigValue, ValueData};

impl Evaluator<'_> {
    /// Renders a template to a string. The string is sensitive if a value in it is.
    ///
    /// # Errors
    ///
    /// Returns an error if an expression fails, a value has no text form, or the text is too long.
    pub fn evaluate_template(
        &self,
        parts: &[TemplatePart],
        place: ByteRange,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let mut text = String::new();
        let mut mark = false;
        self.render_parts(parts, place, scope, &mut text, &mut mark)?;
        self.charge_result(ConfigValue::new_string(text).with_mark(mark), place, scope)
    }

    fn render_parts(
        &self,
        parts: &[TemplatePart],
        place: ByteRange,
        scope: &EvalScope<'_>,
        out: &mut String,
        mark: &mut bool,
    ) -> Evaluated<()> {
        for part in parts {
            match part {
                TemplatePart::Text(text) => out.push_str(text),
                TemplatePart::Interpolation(expr) => {
                    let value = self.evaluate_expr(expr, scope)?;
                    *mark |= value.sensitive;
                    self.budget.take_steps(|| scope.make_span(expr.place), value.size().steps_to_read())?;
                    match to_text(&value) {
                        Some(text) => out.push_str(&text),
                        None => return Err(explain_not_text(&value, scope.make_span(expr.place))),
                    }
                }
                TemplatePart::If { condition, yes, no } => {
                    let (decided, sensitive) = self.evaluate_condition(condition, scope)?;
                    *mark |= sensitive;
                    self.render_parts(if decided { yes } else { no }, place, scope, out, mark)?;
                }
                TemplatePart::For { key, value, collection, body } => {
                    let going = self.evaluate_expr(collection, scope)?;
                    *mark |= going.sensitive;
                    for (at, element) in self.list_entries(&going, collection, scope)? {
                        let mut bound = vec![(value.clone(), element)];
                        bound.extend(key.clone().map(|key| (key, at)));
                        self.render_parts(body, place, &scope.with_bindings(&bound), out, mark)?;
                    }
                }
            }
            if out.len() > crate::hcl::budget::LONGEST_STRING {
                return Err(explain_too_large(crate::hcl::budget::TooLargeError::String, scope.make_span(place)));
            }
        }
        Ok(())
    }
}

fn explain_not_text(value: &ConfigValue, span: crate::hcl::source::FileSpan) -> EvalError {
    let help = match &value.data {
        ValueData::Null => "set a default for null, for example with coalesce()".to_owned(),
        ValueData::List(_) | ValueData::Set(_) | ValueData::Tuple(_) => {
            "join the elements with join(\", \", …), or encode the value with jsonencode(…)".to_owned()
        }
        ValueData::Block(block) => match block.of.readable.first() {
            Some(name) => format!("use one of its attributes, for example {block}.{name}"),
            None => "it has no attributes that can be read".to_owned(),
        },
        _ => "use one of its attributes, or encode the value with jsonencode(…)".to_owned(),
    };
    EvalError::new(
        span,
        "config::type",
        "only strings, numbers and bools can be inserted into a string",
        format!("this is {}", describe_value(value)),
    )
    .with_help(help)
}
