//! `"…${…}…"`, heredocs, `%{ if }` and `%{ for }`.

use super::{Evaluated, Evaluator, Fault, Scope, too_large, with_value};
use crate::config::syntax::{Part, Place};
use crate::config::value::Value;
use crate::config::value::convert::to_text;

impl Evaluator<'_> {
    /// The text of a template.
    pub fn template(&self, parts: &[Part], place: Place, scope: &Scope<'_>) -> Evaluated<Value> {
        let mut text = String::new();
        let mut mark = false;
        self.render(parts, place, scope, &mut text, &mut mark)?;
        self.made(Value::string(text).marked(mark), place, scope)
    }

    fn render(
        &self,
        parts: &[Part],
        place: Place,
        scope: &Scope<'_>,
        out: &mut String,
        mark: &mut bool,
    ) -> Evaluated<()> {
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Interpolation(expr) => {
                    let value = self.eval(expr, scope)?;
                    *mark |= value.sensitive;
                    match to_text(&value) {
                        Some(text) => out.push_str(&text),
                        None => return Err(not_text(&value, scope.span(expr.place))),
                    }
                }
                Part::If { condition, yes, no } => {
                    let (decided, sensitive) = self.condition(condition, scope)?;
                    *mark |= sensitive;
                    self.render(if decided { yes } else { no }, place, scope, out, mark)?;
                }
                Part::For { key, value, collection, body } => {
                    let going = self.eval(collection, scope)?;
                    *mark |= going.sensitive;
                    for (at, element) in self.iterate(&going, collection, scope)? {
                        self.budget.step(|| scope.span(collection.place), 1)?;
                        let mut bound = vec![(value.clone(), element)];
                        bound.extend(key.clone().map(|key| (key, at)));
                        self.render(body, place, &scope.within(&bound), out, mark)?;
                    }
                }
            }
            if out.len() > super::budget::LONGEST_STRING {
                return Err(too_large(super::budget::TooLarge::String, scope.span(place)));
            }
        }
        Ok(())
    }
}

fn not_text(value: &Value, span: crate::config::source::Span) -> Fault {
    let help = match value.form() {
        "null" => "give it a value for this case, for example with coalesce()",
        "a list" | "a set" | "a tuple" => "join the elements with join(\", \", …), or write them with jsonencode(…)",
        "a map" | "an object" => "name one of its attributes, or write it with jsonencode(…)",
        _ => "name one of its attributes, for example owner.jane.email",
    };
    Fault::at(
        span,
        "config::type",
        "only strings, numbers and bools go into a string",
        format!("this is {}", with_value(value)),
    )
    .help(help)
}
