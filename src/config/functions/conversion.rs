//! Functions that convert between types, and `try`, `can` and `sensitive`.

use super::ParamType::Any;
use super::{Function, FunctionBody, FunctionError, MarkHandling, Param, declare_function, declare_nullable};
use crate::config::eval::{EvalError, EvalScope, Evaluated, Evaluator};
use crate::config::syntax::{ByteRange, FunctionCall};
use crate::config::value::convert::convert_value;
use crate::config::value::{ConfigValue, Type};

const VALUE: &[Param] = &[declare_nullable("value", Any)];

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("tobool", VALUE, |args| convert_first_argument(args.get(0)?, &Type::Bool)).with_kept_marks(),
    declare_function("tonumber", VALUE, |args| convert_first_argument(args.get(0)?, &Type::Number)).with_kept_marks(),
    declare_function("tostring", VALUE, |args| convert_first_argument(args.get(0)?, &Type::String)).with_kept_marks(),
    declare_function("tolist", VALUE, |args| convert_first_argument(args.get(0)?, &Type::List(Box::new(Type::Any))))
        .with_kept_marks(),
    declare_function("toset", VALUE, |args| convert_first_argument(args.get(0)?, &Type::Set(Box::new(Type::Any))))
        .with_kept_marks(),
    declare_function("tomap", VALUE, |args| convert_first_argument(args.get(0)?, &Type::Map(Box::new(Type::Any))))
        .with_kept_marks(),
    declare_function("sensitive", VALUE, |args| Ok(args.get(0)?.clone().with_mark(true)))
        .with_kept_marks()
        .with_constant_cost(),
    Function {
        name: "try",
        params: &[],
        variadic: Some(VALUE_PARAM),
        marks: MarkHandling::Own,
        cheap: true,
        body: FunctionBody::Lazy(evaluate_try),
    },
    Function {
        name: "can",
        params: &[VALUE_PARAM],
        variadic: None,
        marks: MarkHandling::Own,
        cheap: true,
        body: FunctionBody::Lazy(evaluate_can),
    },
];

const VALUE_PARAM: Param = declare_nullable("expression", Any);

fn convert_first_argument(value: &ConfigValue, of: &Type) -> Result<ConfigValue, FunctionError> {
    convert_value(value, of).map_err(|mismatch| FunctionError::Argument(0, mismatch.to_string()))
}

/// Evaluates the argument at `index` without notes on its errors, because `try` and `can` do not show them. `None`: there is no such
/// argument.
fn evaluate_quietly(
    evaluator: &Evaluator<'_>,
    call: &FunctionCall,
    index: usize,
    scope: &EvalScope<'_>,
) -> Option<Evaluated<ConfigValue>> {
    let argument = call.arguments.get(index)?;
    evaluator.quiet.set(evaluator.quiet.get() + 1);
    let value = evaluator.evaluate_expr(argument, scope);
    evaluator.quiet.set(evaluator.quiet.get() - 1);
    Some(value)
}

/// `try`: the value of the first argument that can be evaluated. An exceeded budget is not caught.
fn evaluate_try(
    evaluator: &Evaluator<'_>,
    call: &FunctionCall,
    place: ByteRange,
    scope: &EvalScope<'_>,
) -> Evaluated<ConfigValue> {
    let mut reasons = Vec::new();
    for index in 0..call.arguments.len() {
        match evaluate_quietly(evaluator, call, index, scope) {
            Some(Ok(value)) => return Ok(value),
            Some(Err(EvalError::Wrong { finding, .. })) => reasons.push(finding.summary),
            Some(Err(fault)) => return Err(fault),
            None => {}
        }
    }
    if call.arguments.is_empty() {
        let summary = "try() takes at least 1 argument, not 0";
        return Err(EvalError::new(
            scope.make_span(call.name.place),
            "config::function",
            summary,
            "try(expressions...)",
        ));
    }
    let reasons: Vec<String> = reasons.iter().enumerate().map(|(at, reason)| format!("{}. {reason}", at + 1)).collect();
    let fault = EvalError::new(
        scope.make_span(place),
        "config::function",
        "no argument of try() has a value",
        "all of them fail",
    );
    Err(fault.with_help(format!("the arguments fail for these reasons:\n{}", reasons.join("\n"))))
}

/// `can`: whether the argument can be evaluated. An exceeded budget is not caught.
fn evaluate_can(
    evaluator: &Evaluator<'_>,
    call: &FunctionCall,
    _place: ByteRange,
    scope: &EvalScope<'_>,
) -> Evaluated<ConfigValue> {
    if call.arguments.len() != 1 {
        let summary = format!("can() takes 1 argument, not {}", call.arguments.len());
        return Err(EvalError::new(scope.make_span(call.name.place), "config::function", summary, "can(expression)"));
    }
    match evaluate_quietly(evaluator, call, 0, scope) {
        Some(Ok(value)) => Ok(ConfigValue::new_bool(true).with_mark(value.sensitive)),
        Some(Err(EvalError::Wrong { .. })) => Ok(ConfigValue::new_bool(false)),
        Some(Err(fault)) => Err(fault),
        None => Err(EvalError::Told),
    }
}
