//! Type constraints as `variable` blocks write them: `string`, `list(string)`, `object({ name = string, port = optional(number, 80) })`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Evaluated, Evaluator, Fault, Scope};
use crate::config::syntax::{Expr, ExprKind};
use crate::config::value::convert::convert;
use crate::config::value::types::Field;
use crate::config::value::{Keyword, Type, show::quoted};

const WORDS: &str = "types are string, number, bool, any, list(…), set(…), map(…), object({…}), tuple([…]), and owner, service, scope, identity, template, store for blocks";

/// Reads a type constraint.
pub fn read(expr: &Expr, eval: &Evaluator<'_>, scope: &Scope<'_>) -> Evaluated<Type> {
    let wrong = |label: &str| Fault::at(scope.span(expr.place), "config::type_constraint", "not a type", label);
    match &expr.kind {
        ExprKind::Variable(word) => match &**word {
            "string" => Ok(Type::String),
            "number" => Ok(Type::Number),
            "bool" => Ok(Type::Bool),
            "any" => Ok(Type::Any),
            "owner" | "service" | "scope" | "identity" | "template" | "store" => {
                Keyword::of(word).map(Type::Block).ok_or_else(|| wrong("not known"))
            }
            "list" | "set" | "map" => {
                Err(wrong("of what?").help(format!("write {word}(string), or {word}(any) for elements of one type")))
            }
            "object" | "tuple" => Err(wrong("of what?").help(WORDS)),
            _ => Err(wrong("not known").help(match nearest_type(word) {
                Some(near) => format!("did you mean `{near}`?"),
                None => WORDS.to_owned(),
            })),
        },
        ExprKind::String(word) => Err(wrong("a type stands without quotes").help(format!("write type = {word}"))),
        ExprKind::Call(call) => {
            let [argument] = call.arguments.as_slice() else {
                return Err(wrong("it takes one type").help(WORDS));
            };
            match &*call.name.text {
                "list" => Ok(Type::List(Box::new(read(argument, eval, scope)?))),
                "set" => Ok(Type::Set(Box::new(read(argument, eval, scope)?))),
                "map" => Ok(Type::Map(Box::new(read(argument, eval, scope)?))),
                "object" => match &argument.kind {
                    ExprKind::Object(items) => fields(items, eval, scope).map(Type::Object),
                    _ => Err(wrong("it takes attributes with their types").help("write object({ name = string })")),
                },
                "tuple" => match &argument.kind {
                    ExprKind::Tuple(items) => {
                        items.iter().map(|item| read(item, eval, scope)).collect::<Evaluated<_>>().map(Type::Tuple)
                    }
                    _ => Err(wrong("it takes a list of types").help("write tuple([string, number])")),
                },
                "optional" => Err(wrong("optional() stands only within object({…})")),
                _ => Err(wrong("not known").help(WORDS)),
            }
        }
        _ => Err(wrong("not a type").help(WORDS)),
    }
}

fn nearest_type(word: &str) -> Option<&'static str> {
    match word {
        "str" | "text" => Some("string"),
        "int" | "integer" | "float" | "num" => Some("number"),
        "boolean" => Some("bool"),
        _ => crate::config::eval::suggest::nearest(word, ["string", "number", "bool", "any"].into_iter(), None),
    }
}

fn fields(items: &[(Expr, Expr)], eval: &Evaluator<'_>, scope: &Scope<'_>) -> Evaluated<BTreeMap<Arc<str>, Field>> {
    let mut fields = BTreeMap::new();
    for (key, value) in items {
        let ExprKind::String(name) = &key.kind else {
            return Err(Fault::at(
                scope.span(key.place),
                "config::type_constraint",
                "an attribute's name is a word",
                "not a name",
            ));
        };
        fields.insert(name.clone(), field(name, value, eval, scope)?);
    }
    Ok(fields)
}

fn field(name: &str, value: &Expr, eval: &Evaluator<'_>, scope: &Scope<'_>) -> Evaluated<Field> {
    let call = match &value.kind {
        ExprKind::Call(call) if &*call.name.text == "optional" => call,
        _ => return Ok(Field { of: read(value, eval, scope)?, optional: false, default: None }),
    };
    let (of, default) = match call.arguments.as_slice() {
        [of] => (of, None),
        [of, default] => (of, Some(default)),
        _ => {
            return Err(Fault::at(
                scope.span(value.place),
                "config::type_constraint",
                "optional() takes a type and perhaps a default",
                "not so",
            ));
        }
    };
    let of = read(of, eval, scope)?;
    let Some(expr) = default else { return Ok(Field { of, optional: true, default: None }) };
    let default = eval.eval(expr, &Scope::closed(scope.file))?;
    match convert(&default, &of) {
        Ok(default) => Ok(Field { of, optional: true, default: Some(default) }),
        Err(mismatch) => Err(Fault::at(
            scope.span(expr.place),
            "config::type",
            format!("the default of {} is not {of}", quoted(name)),
            mismatch.to_string(),
        )),
    }
}
