//! Calls a function. Input: the syntax of a call and its scope. Output: the value of the call, or an error with the range of the argument
//! it concerns.
//!
//! A call evaluates the arguments, expands `xs...`, checks their number, converts each to the type of its parameter and removes sensitive
//! marks. After the call, the marks are added to the result. The invariant is that no diagnostic shows a sensitive argument. Functions
//! such as `try` evaluate their arguments themselves instead.

use std::sync::Arc;

use super::{EvalError, EvalScope, Evaluated, Evaluator, ModuleId, describe_value, explain_too_large};
use crate::hcl::functions::{
    Args, EXCLUDED_FUNCTIONS, EvaluatingFunction, Function, FunctionBody, FunctionError, MarkHandling, Param,
    ParamType, find_function, list_function_names,
};
use crate::hcl::suggest::find_nearest;
use crate::hcl::syntax::{ByteRange, FunctionCall};
use crate::hcl::value::convert::{ConversionError, convert_value};
use crate::hcl::value::{ConfigValue, Type};

/// The implementation of a function whose arguments are values.
type ValueFunction<'f> = dyn Fn(&Args<'_>) -> Result<ConfigValue, FunctionError> + 'f;

impl Evaluator<'_> {
    /// Evaluates a call.
    ///
    /// # Errors
    ///
    /// Returns an error if the function is unknown, an argument is wrong, or a budget is exceeded.
    pub(super) fn call_function(
        &self,
        call: &FunctionCall,
        place: ByteRange,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let Some(function) = find_function(&call.name.text) else {
            return Err(self.explain_unknown_function(call, scope));
        };
        match function.body {
            FunctionBody::Direct(body) => self.call_with_values(function, &body, call, place, scope),
            FunctionBody::Evaluating(EvaluatingFunction::TemplateFile) => {
                self.call_with_values(function, &|args| self.render_template_file(args), call, place, scope)
            }
            FunctionBody::Evaluating(EvaluatingFunction::Try) => self.evaluate_try(call, place, scope),
            FunctionBody::Evaluating(EvaluatingFunction::Can) => self.evaluate_can(call, scope),
        }
    }

    /// Calls a function with the values of the arguments.
    fn call_with_values(
        &self,
        function: &Function,
        body: &ValueFunction<'_>,
        call: &FunctionCall,
        place: ByteRange,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let (given, spread_mark) = self.evaluate_call_arguments(call, scope)?;
        let mut mark = spread_mark;
        let span = scope.make_span(place);
        check_argument_count(function, given.len(), call, scope)?;
        if !function.cheap {
            // The time of a call grows with the size of its arguments, and each call also has a fixed cost.
            self.budget.take_steps(
                || span.clone(),
                given.iter().map(|value| value.size().steps_to_read()).fold(CALL, u64::saturating_add),
            )?;
        }
        let mut values = Vec::with_capacity(given.len());
        let mut marked = Vec::new();
        for (index, value) in given.into_iter().enumerate() {
            let (value, sensitive) = prepare_argument(function, index, value)
                .map_err(|problem| explain_argument(function, call, index, &problem, scope))?;
            marked.push(sensitive);
            mark |= sensitive && function.marks != MarkHandling::Own;
            values.push(value);
        }
        let args = Args {
            span: &span,
            values: &values,
            budget: &self.budget,
            patterns: &self.patterns,
            files: self.files,
            now: self.now,
            directory: self.module(scope.module).directory,
            in_root: scope.module == ModuleId::ROOT,
        };
        match body(&args) {
            Ok(value) => {
                if !function.cheap {
                    self.budget.take_steps(|| span.clone(), value.size().steps_to_read())?;
                    self.budget.charge_value(&value).map_err(|large| explain_too_large(large, span))?;
                }
                Ok(value.with_mark(mark))
            }
            Err(FunctionError::TooLarge(large)) => Err(explain_too_large(large, span)),
            Err(FunctionError::Inner(fault)) => Err(fault),
            Err(FunctionError::Argument(index, _)) if marked.get(index) == Some(&true) => {
                let problem = "the argument is sensitive, so the reason is not shown";
                Err(explain_argument(function, call, index, problem, scope))
            }
            Err(FunctionError::Argument(index, problem)) => {
                Err(explain_argument(function, call, index, &problem, scope))
            }
            Err(FunctionError::Call(problem)) => {
                let problem =
                    if mark { "an argument is sensitive, so the reason is not shown".to_owned() } else { problem };
                Err(EvalError::new(span, "config::function", format!("{}() failed", function.name), problem))
            }
        }
    }

    /// Evaluates the arguments and expands `xs...`. The flag is true if the expanded collection is sensitive.
    fn evaluate_call_arguments(
        &self,
        call: &FunctionCall,
        scope: &EvalScope<'_>,
    ) -> Evaluated<(Vec<ConfigValue>, bool)> {
        let mut values = Vec::with_capacity(call.arguments.len());
        let mut mark = false;
        for (index, argument) in call.arguments.iter().enumerate() {
            let value = self.evaluate_expr(argument, scope)?;
            if !(call.spread && index + 1 == call.arguments.len()) {
                values.push(value);
                continue;
            }
            match value.elements() {
                Some(elements) => {
                    let count = u64::try_from(elements.len()).unwrap_or(u64::MAX);
                    self.budget.take_steps(|| scope.make_span(argument.place), count)?;
                    values.extend(elements.iter().cloned());
                }
                None => {
                    return Err(EvalError::new(
                        scope.make_span(argument.place),
                        "config::type",
                        "only a list, set or tuple can be expanded with `...`",
                        format!("this is {}", describe_value(&value)),
                    ));
                }
            }
            mark = value.sensitive;
        }
        Ok((values, mark))
    }

    fn explain_unknown_function(&self, call: &FunctionCall, scope: &EvalScope<'_>) -> EvalError {
        let name = &*call.name.text;
        let fault = EvalError::new(
            scope.make_span(call.name.place),
            "config::unknown_function",
            format!("there is no function `{name}`"),
            "not known",
        );
        if let Some((_, reason)) = EXCLUDED_FUNCTIONS.iter().find(|(left, _)| *left == name) {
            return fault.with_help(*reason);
        }
        match find_nearest(name, list_function_names(), Some(&self.budget)) {
            Some(near) => fault.with_help(format!("did you mean {near}()?")),
            None => fault.with_help("see the language reference for all functions"),
        }
    }
}

/// The fixed cost of a call, in steps.
const CALL: u64 = 3;

/// Converts an argument and removes the marks that the function does not handle itself. The flag is true if the argument was sensitive.
fn prepare_argument(function: &Function, index: usize, value: ConfigValue) -> Result<(ConfigValue, bool), String> {
    let param = function.params.get(index).or(function.variadic.as_ref());
    let value = convert_argument(value, param.ok_or_else(|| "unexpected argument".to_owned())?)?;
    let sensitive = match function.marks {
        MarkHandling::Spread => value.contains_sensitive(),
        MarkHandling::Kept | MarkHandling::Own => value.sensitive,
    };
    let value = match function.marks {
        MarkHandling::Spread => value.without_marks(),
        MarkHandling::Kept => value.without_own_mark(),
        MarkHandling::Own => value,
    };
    Ok((value, sensitive))
}

fn convert_argument(value: ConfigValue, param: &Param) -> Result<ConfigValue, String> {
    if value.is_null() {
        return if param.nullable { Ok(value) } else { Err("it must not be null".to_owned()) };
    }
    let any = || Box::new(Type::Any);
    let converted = match param.takes {
        ParamType::Any => return Ok(value),
        ParamType::Text => convert_value(&value, &Type::String),
        ParamType::Number => convert_value(&value, &Type::Number),
        ParamType::List => convert_value(&value, &Type::List(any())),
        ParamType::Texts => convert_value(&value, &Type::List(Box::new(Type::String))),
        ParamType::Set => convert_value(&value, &Type::Set(any())),
        ParamType::Elements if value.elements().is_some() => return Ok(value),
        ParamType::Entries if value.entries().is_some() => return Ok(value),
        ParamType::Elements => return Err(format!("a list, set or tuple is required, not {}", value.describe_form())),
        ParamType::Entries => return Err(format!("a map or object is required, not {}", value.describe_form())),
    };
    converted.map_err(|mismatch: ConversionError| mismatch.to_string())
}

fn check_argument_count(
    function: &Function,
    given: usize,
    call: &FunctionCall,
    scope: &EvalScope<'_>,
) -> Evaluated<()> {
    let desired = function.params.len();
    let enough = given >= desired && (given == desired || function.variadic.is_some());
    if enough {
        return Ok(());
    }
    let count = if desired == 1 { "1 argument".to_owned() } else { format!("{desired} arguments") };
    let least = if function.variadic.is_some() { "at least " } else { "" };
    Err(EvalError::new(
        scope.make_span(call.name.place),
        "config::function",
        format!("{}() takes {least}{count}, not {given}", function.name),
        render_signature(function),
    ))
}

fn explain_argument(
    function: &Function,
    call: &FunctionCall,
    index: usize,
    problem: &str,
    scope: &EvalScope<'_>,
) -> EvalError {
    let last = call.arguments.len().saturating_sub(1);
    let place = call.arguments.get(index.min(last)).map_or(call.name.place, |argument| argument.place);
    let param = function.params.get(index).or(function.variadic.as_ref()).map_or("", |param| param.name);
    let summary = format!("{}(): {} is not valid", function.name, describe_argument(param, index));
    EvalError::new(scope.make_span(place), "config::function", summary, problem).with_help(render_signature(function))
}

/// The signature for diagnostics, such as `replace(string, substring, replacement)`.
fn render_signature(function: &Function) -> String {
    let names: Vec<&str> = function.params.iter().chain(&function.variadic).map(|param| param.name).collect();
    let dots = if function.variadic.is_some() { "..." } else { "" };
    format!("{}({}{dots})", function.name, names.join(", "))
}

fn describe_argument(param: &str, index: usize) -> Arc<str> {
    if param.is_empty() { format!("argument {}", index + 1).into() } else { format!("`{param}`").into() }
}
