//! Reads type constraints of `variable` blocks: `string`, `list(string)`, `object({ name = string, port = optional(number, 80) })`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{EvalError, EvalScope, Evaluated, Evaluator};
use crate::hcl::suggest::find_nearest;
use crate::hcl::syntax::{Expr, ExprKind};
use crate::hcl::value::convert::convert_value;
use crate::hcl::value::types::ObjectField;
use crate::hcl::value::{BlockType, BlockVisibility, Type, show::quote_text};

/// The types of the language, for diagnostics.
const TYPES: &str = "types are string, number, bool, any, list(…), set(…), map(…), object({…}), tuple([…])";

impl Evaluator<'_> {
    /// The types of blocks that a variable can hand over to a module. Blocks that every module sees need no variable.
    fn constraint_types(&self) -> impl Iterator<Item = &'static BlockType> {
        self.visible_types().filter(|of| of.visibility == BlockVisibility::Module)
    }

    fn list_types(&self) -> String {
        let words: Vec<&str> = self.constraint_types().map(|of| of.word).collect();
        if words.is_empty() { TYPES.to_owned() } else { format!("{TYPES}, and {} for blocks", words.join(", ")) }
    }
}

/// Converts the syntax of a type constraint to a type.
///
/// # Errors
///
/// Returns an error with a suggestion if the expression is not a type.
pub fn read_type(expr: &Expr, eval: &Evaluator<'_>, scope: &EvalScope<'_>) -> Evaluated<Type> {
    let wrong =
        |label: &str| EvalError::new(scope.make_span(expr.place), "config::type_constraint", "not a type", label);
    match &expr.kind {
        ExprKind::Variable(word) => match &**word {
            "string" => Ok(Type::String),
            "number" => Ok(Type::Number),
            "bool" => Ok(Type::Bool),
            "any" => Ok(Type::Any),
            "list" | "set" | "map" => Err(wrong("missing element type")
                .with_help(format!("write {word}(string), or {word}(any) if all elements have one type"))),
            "object" | "tuple" => Err(wrong("missing element type").with_help(eval.list_types())),
            _ => match eval.constraint_types().find(|of| of.word == &**word) {
                Some(of) => Ok(Type::Block(of)),
                None => Err(wrong("unknown type").with_help(match suggest_type(word) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => eval.list_types(),
                })),
            },
        },
        ExprKind::String(word) => {
            Err(wrong("a type is written without quotes").with_help(format!("write type = {word}")))
        }
        ExprKind::Call(call) => {
            let [argument] = call.arguments.as_slice() else {
                return Err(wrong("it requires one type").with_help(eval.list_types()));
            };
            match &*call.name.text {
                "list" => Ok(Type::List(Box::new(read_type(argument, eval, scope)?))),
                "set" => Ok(Type::Set(Box::new(read_type(argument, eval, scope)?))),
                "map" => Ok(Type::Map(Box::new(read_type(argument, eval, scope)?))),
                "object" => {
                    match &argument.kind {
                        ExprKind::Object(items) => read_fields(items, eval, scope).map(Type::Object),
                        _ => Err(wrong("it requires attributes with their types")
                            .with_help("write object({ name = string })")),
                    }
                }
                "tuple" => match &argument.kind {
                    ExprKind::Tuple(items) => {
                        items.iter().map(|item| read_type(item, eval, scope)).collect::<Evaluated<_>>().map(Type::Tuple)
                    }
                    _ => Err(wrong("it requires a list of types").with_help("write tuple([string, number])")),
                },
                "optional" => Err(wrong("optional() is only allowed in object({…})")),
                _ => Err(wrong("unknown type").with_help(eval.list_types())),
            }
        }
        _ => Err(wrong("not a type").with_help(eval.list_types())),
    }
}

fn suggest_type(word: &str) -> Option<&'static str> {
    match word {
        "str" | "text" => Some("string"),
        "int" | "integer" | "float" | "num" => Some("number"),
        "boolean" => Some("bool"),
        _ => find_nearest(word, ["string", "number", "bool", "any"].into_iter(), None),
    }
}

fn read_fields(
    items: &[(Expr, Expr)],
    eval: &Evaluator<'_>,
    scope: &EvalScope<'_>,
) -> Evaluated<BTreeMap<Arc<str>, ObjectField>> {
    let mut fields = BTreeMap::new();
    for (key, value) in items {
        let ExprKind::String(name) = &key.kind else {
            return Err(EvalError::new(
                scope.make_span(key.place),
                "config::type_constraint",
                "an attribute name must be an identifier",
                "not a name",
            ));
        };
        fields.insert(name.clone(), read_field(name, value, eval, scope)?);
    }
    Ok(fields)
}

fn read_field(name: &str, value: &Expr, eval: &Evaluator<'_>, scope: &EvalScope<'_>) -> Evaluated<ObjectField> {
    let call = match &value.kind {
        ExprKind::Call(call) if &*call.name.text == "optional" => call,
        _ => return Ok(ObjectField { of: read_type(value, eval, scope)?, optional: false, default: None }),
    };
    let (of, default) = match call.arguments.as_slice() {
        [of] => (of, None),
        [of, default] => (of, Some(default)),
        _ => {
            return Err(EvalError::new(
                scope.make_span(value.place),
                "config::type_constraint",
                "optional() takes a type and an optional default",
                "invalid arguments",
            ));
        }
    };
    let of = read_type(of, eval, scope)?;
    let Some(expr) = default else { return Ok(ObjectField { of, optional: true, default: None }) };
    let default = eval.evaluate_expr(expr, &EvalScope::for_literals(scope.file))?;
    match convert_value(&default, &of) {
        Ok(default) => Ok(ObjectField { of, optional: true, default: Some(default) }),
        Err(mismatch) => Err(EvalError::new(
            scope.make_span(expr.place),
            "config::type",
            format!("the default of {} is not {of}", quote_text(name)),
            mismatch.to_string(),
        )),
    }
}
