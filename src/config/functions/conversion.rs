//! Conversions, `try`, `can` and `sensitive`.

use super::Takes::Any;
use super::{Body, Function, Marks, Param, Problem, nullable, pure};
use crate::config::eval::{Evaluated, Evaluator, Fault, Scope};
use crate::config::syntax::{Call, Place};
use crate::config::value::convert::convert;
use crate::config::value::{Type, Value};

const VALUE: &[Param] = &[nullable("value", Any)];

pub(super) const FUNCTIONS: &[Function] = &[
    pure("tobool", VALUE, |args| to(args.get(0)?, &Type::Bool)).keeping_marks(),
    pure("tonumber", VALUE, |args| to(args.get(0)?, &Type::Number)).keeping_marks(),
    pure("tostring", VALUE, |args| to(args.get(0)?, &Type::String)).keeping_marks(),
    pure("tolist", VALUE, |args| to(args.get(0)?, &Type::List(Box::new(Type::Any)))).keeping_marks(),
    pure("toset", VALUE, |args| to(args.get(0)?, &Type::Set(Box::new(Type::Any)))).keeping_marks(),
    pure("tomap", VALUE, |args| to(args.get(0)?, &Type::Map(Box::new(Type::Any)))).keeping_marks(),
    pure("sensitive", VALUE, |args| Ok(args.get(0)?.clone().marked(true))).keeping_marks().cheap(),
    Function {
        name: "try",
        params: &[],
        variadic: Some(VALUE_PARAM),
        marks: Marks::Own,
        cheap: true,
        body: Body::Lazy(attempt),
    },
    Function {
        name: "can",
        params: &[VALUE_PARAM],
        variadic: None,
        marks: Marks::Own,
        cheap: true,
        body: Body::Lazy(can),
    },
];

const VALUE_PARAM: Param = nullable("expression", Any);

fn to(value: &Value, of: &Type) -> Result<Value, Problem> {
    convert(value, of).map_err(|mismatch| Problem::Argument(0, mismatch.to_string()))
}

/// Evaluates without a trace of what goes wrong.
fn quietly(evaluator: &Evaluator<'_>, call: &Call, index: usize, scope: &Scope<'_>) -> Option<Evaluated<Value>> {
    let argument = call.arguments.get(index)?;
    evaluator.quiet.set(evaluator.quiet.get() + 1);
    let value = evaluator.eval(argument, scope);
    evaluator.quiet.set(evaluator.quiet.get() - 1);
    Some(value)
}

/// The first of its arguments that has a value.
fn attempt(evaluator: &Evaluator<'_>, call: &Call, place: Place, scope: &Scope<'_>) -> Evaluated<Value> {
    let mut reasons = Vec::new();
    for index in 0..call.arguments.len() {
        match quietly(evaluator, call, index, scope) {
            Some(Ok(value)) => return Ok(value),
            Some(Err(Fault::Wrong { finding, .. })) => reasons.push(finding.summary),
            Some(Err(fault)) => return Err(fault),
            None => {}
        }
    }
    if call.arguments.is_empty() {
        let summary = "try() takes at least 1 argument, not 0";
        return Err(Fault::at(scope.span(call.name.place), "config::function", summary, "try(expressions...)"));
    }
    let reasons: Vec<String> = reasons.iter().enumerate().map(|(at, reason)| format!("{}. {reason}", at + 1)).collect();
    let fault =
        Fault::at(scope.span(place), "config::function", "no argument of try() has a value", "all of them fail");
    Err(fault.help(format!("the arguments fail for these reasons:\n{}", reasons.join("\n"))))
}

/// Whether its argument has a value.
fn can(evaluator: &Evaluator<'_>, call: &Call, _place: Place, scope: &Scope<'_>) -> Evaluated<Value> {
    if call.arguments.len() != 1 {
        let summary = format!("can() takes 1 argument, not {}", call.arguments.len());
        return Err(Fault::at(scope.span(call.name.place), "config::function", summary, "can(expression)"));
    }
    match quietly(evaluator, call, 0, scope) {
        Some(Ok(value)) => Ok(Value::bool(true).marked(value.sensitive)),
        Some(Err(Fault::Wrong { .. })) => Ok(Value::bool(false)),
        Some(Err(fault)) => Err(fault),
        None => Err(Fault::Told),
    }
}
