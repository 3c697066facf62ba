//! How a call comes about: arguments evaluated, counted, converted; marks taken off and put back; problems placed.

use std::sync::Arc;

use super::{Body, Function, LEFT_OUT, Marks, Param, Takes, find_function, list_function_names};
use crate::config::eval::budget::{Budget, TooLarge};
use crate::config::eval::suggest::find_nearest;
use crate::config::eval::{Evaluated, Evaluator, Fault, ModuleId, Scope, describe_value, explain_too_large};
use crate::config::source::FileId;
use crate::config::syntax::{Call, Place};
use crate::config::value::convert::{Mismatch, convert_value};
use crate::config::value::{Data, Entries, Number, Type, Value};

/// Why a function gives no value.
#[derive(Debug)]
pub enum Problem {
    /// An argument, by its index, is not what it must be.
    Argument(usize, String),
    /// The call as a whole.
    Call(String),
    /// The result would be too large.
    TooLarge(TooLarge),
    /// Something inside it, such as a template's expression, with its own diagnostic.
    Inner(Fault),
}

impl Problem {
    /// An argument is not what it must be.
    pub fn reject_argument<T>(index: usize, problem: impl Into<String>) -> Result<T, Self> {
        Err(Self::Argument(index, problem.into()))
    }

    /// The call has no value.
    pub fn reject_call<T>(problem: impl Into<String>) -> Result<T, Self> {
        Err(Self::Call(problem.into()))
    }
}

/// The arguments of one call, converted.
pub struct Args<'v> {
    values: &'v [Value],
    /// Room for the result.
    pub budget: &'v Budget,
    /// The module that the call stands in.
    pub module: ModuleId,
}

impl<'v> Args<'v> {
    /// All of them.
    #[must_use]
    pub fn all_values(&self) -> &'v [Value] {
        self.values
    }

    /// All from `index` on.
    #[must_use]
    pub fn remaining_values(&self, index: usize) -> &'v [Value] {
        self.values.get(index..).unwrap_or_default()
    }

    /// Takes steps for work that goes with no argument's size. The caller places what is found then.
    pub fn take_steps(&self, count: u64) -> Result<(), Problem> {
        let nowhere = || Place::default().to_span(FileId(u32::MAX));
        self.budget.take_steps(nowhere, count).map_err(Problem::Inner)
    }

    /// The argument at `index`.
    pub fn get(&self, index: usize) -> Result<&'v Value, Problem> {
        self.values.get(index).ok_or_else(|| Problem::Argument(index, "it is missing".to_owned()))
    }

    /// The text at `index`.
    pub fn expect_text(&self, index: usize) -> Result<&'v str, Problem> {
        self.get(index)?.as_str().ok_or_else(|| Problem::Argument(index, "a string is required".to_owned()))
    }

    /// The number at `index`.
    pub fn expect_number(&self, index: usize) -> Result<&'v Number, Problem> {
        match &self.get(index)?.data {
            Data::Number(number) => Ok(number),
            _ => Problem::reject_argument(index, "a number is required"),
        }
    }

    /// The whole number at `index`.
    pub fn expect_integer(&self, index: usize) -> Result<i64, Problem> {
        let number = self.expect_number(index)?;
        number.to_i64().ok_or_else(|| Problem::Argument(index, "a whole number is required".to_owned()))
    }

    /// The elements at `index`.
    pub fn expect_elements(&self, index: usize) -> Result<&'v [Value], Problem> {
        let elements = self.get(index)?.elements();
        elements.ok_or_else(|| Problem::Argument(index, "a list, set or tuple is required".to_owned()))
    }

    /// The entries at `index`.
    pub fn expect_entries(&self, index: usize) -> Result<&'v Entries, Problem> {
        let entries = self.get(index)?.entries();
        entries.ok_or_else(|| Problem::Argument(index, "a map or object is required".to_owned()))
    }

    /// The strings at `index`.
    pub fn expect_texts(&self, index: usize) -> Result<Vec<&'v str>, Problem> {
        let text =
            |value: &'v Value| value.as_str().ok_or_else(|| Problem::Argument(index, "an element is null".to_owned()));
        self.expect_elements(index)?.iter().map(text).collect()
    }
}

impl Evaluator<'_> {
    /// The value of a call.
    pub(in crate::config) fn call_function(&self, call: &Call, place: Place, scope: &Scope<'_>) -> Evaluated<Value> {
        let Some(function) = find_function(&call.name.text) else {
            return Err(self.explain_unknown_function(call, scope));
        };
        if let Body::Lazy(body) = function.body {
            return body(self, call, place, scope);
        }
        let (given, spread_mark) = self.evaluate_call_arguments(call, scope)?;
        let mut mark = spread_mark;
        let span = scope.make_span(place);
        check_argument_count(function, given.len(), call, scope)?;
        if !function.cheap {
            // The work of a function goes with the size of what it is given, and each takes some for itself.
            self.budget.take_steps(|| span.clone(), given.iter().map(estimate_work).fold(CALL, u64::saturating_add))?;
        }
        let mut values = Vec::with_capacity(given.len());
        let mut marked = Vec::new();
        for (index, value) in given.into_iter().enumerate() {
            let (value, sensitive) = prepare_argument(function, index, value)
                .map_err(|problem| explain_argument(function, call, index, &problem, scope))?;
            marked.push(sensitive);
            mark |= sensitive && function.marks != Marks::Own;
            values.push(value);
        }
        let args = Args { values: &values, budget: &self.budget, module: scope.module };
        let outcome = match function.body {
            Body::Pure(body) => body(&args),
            Body::Reads(body) => body(&args, self),
            Body::Lazy(_) => return Err(Fault::Told),
        };
        match outcome {
            Ok(value) => {
                if !function.cheap {
                    self.budget.take_steps(|| span.clone(), estimate_work(&value))?;
                    self.budget.charge_value(&value).map_err(|large| explain_too_large(large, span))?;
                }
                Ok(value.with_mark(mark))
            }
            Err(Problem::TooLarge(large)) => Err(explain_too_large(large, span)),
            Err(Problem::Inner(fault)) => Err(fault),
            Err(Problem::Argument(index, _)) if marked.get(index) == Some(&true) => {
                let problem = "it is sensitive, so what is wrong with it is not shown";
                Err(explain_argument(function, call, index, problem, scope))
            }
            Err(Problem::Argument(index, problem)) => Err(explain_argument(function, call, index, &problem, scope)),
            Err(Problem::Call(problem)) => {
                let problem =
                    if mark { "an argument is sensitive, so the reason is not shown".to_owned() } else { problem };
                Err(Fault::new(span, "config::function", format!("{}() has no value here", function.name), problem))
            }
        }
    }

    /// The arguments as they are given, with `xs...` laid out.
    fn evaluate_call_arguments(&self, call: &Call, scope: &Scope<'_>) -> Evaluated<(Vec<Value>, bool)> {
        let mut values = Vec::with_capacity(call.arguments.len());
        let mut mark = false;
        for (index, argument) in call.arguments.iter().enumerate() {
            let value = self.evaluate_expr(argument, scope)?;
            if !(call.spread && index + 1 == call.arguments.len()) {
                values.push(value);
                continue;
            }
            match value.elements() {
                Some(elements) => values.extend(elements.iter().cloned()),
                None => {
                    return Err(Fault::new(
                        scope.make_span(argument.place),
                        "config::type",
                        "only a list, set or tuple can be laid out with `...`",
                        format!("this is {}", describe_value(&value)),
                    ));
                }
            }
            mark = value.sensitive;
        }
        Ok((values, mark))
    }

    fn explain_unknown_function(&self, call: &Call, scope: &Scope<'_>) -> Fault {
        let name = &*call.name.text;
        let fault = Fault::new(
            scope.make_span(call.name.place),
            "config::unknown_function",
            format!("there is no function `{name}`"),
            "not known",
        );
        if let Some((_, reason)) = LEFT_OUT.iter().find(|(left, _)| *left == name) {
            return fault.with_help(*reason);
        }
        match find_nearest(name, list_function_names(), Some(&self.budget)) {
            Some(near) => fault.with_help(format!("did you mean {near}()?")),
            None => fault.with_help("the language's reference lists all functions"),
        }
    }
}

/// Steps that a call counts for beside the work on its arguments.
const CALL: u64 = 3;

/// Steps that going over a value once counts for.
fn estimate_work(value: &Value) -> u64 {
    match &value.data {
        Data::String(text) => u64::try_from(text.len() / 64).unwrap_or(u64::MAX),
        _ => u64::from(value.weight() / 4),
    }
}

/// An argument as a function gets it, with the marks it shall not see taken off, and whether it was sensitive.
fn prepare_argument(function: &Function, index: usize, value: Value) -> Result<(Value, bool), String> {
    let param = function.params.get(index).or(function.variadic.as_ref());
    let value = convert_argument(value, param.ok_or_else(|| "it is one too many".to_owned())?)?;
    let sensitive = match function.marks {
        Marks::Spread => value.contains_sensitive(),
        Marks::Kept | Marks::Own => value.sensitive,
    };
    let value = match function.marks {
        Marks::Spread => value.without_marks(),
        Marks::Kept => value.without_own_mark(),
        Marks::Own => value,
    };
    Ok((value, sensitive))
}

fn convert_argument(value: Value, param: &Param) -> Result<Value, String> {
    if value.is_null() {
        return if param.nullable { Ok(value) } else { Err("it must not be null".to_owned()) };
    }
    let any = || Box::new(Type::Any);
    let converted = match param.takes {
        Takes::Any => return Ok(value),
        Takes::Text => convert_value(&value, &Type::String),
        Takes::Number => convert_value(&value, &Type::Number),
        Takes::List => convert_value(&value, &Type::List(any())),
        Takes::Texts => convert_value(&value, &Type::List(Box::new(Type::String))),
        Takes::Set => convert_value(&value, &Type::Set(any())),
        Takes::Elements if value.elements().is_some() => return Ok(value),
        Takes::Entries if value.entries().is_some() => return Ok(value),
        Takes::Elements => return Err(format!("a list, set or tuple is required, not {}", value.describe_form())),
        Takes::Entries => return Err(format!("a map or object is required, not {}", value.describe_form())),
    };
    converted.map_err(|mismatch: Mismatch| mismatch.to_string())
}

fn check_argument_count(function: &Function, given: usize, call: &Call, scope: &Scope<'_>) -> Evaluated<()> {
    let wanted = function.params.len();
    let enough = given >= wanted && (given == wanted || function.variadic.is_some());
    if enough {
        return Ok(());
    }
    let count = if wanted == 1 { "1 argument".to_owned() } else { format!("{wanted} arguments") };
    let least = if function.variadic.is_some() { "at least " } else { "" };
    Err(Fault::new(
        scope.make_span(call.name.place),
        "config::function",
        format!("{}() takes {least}{count}, not {given}", function.name),
        render_signature(function),
    ))
}

fn explain_argument(function: &Function, call: &Call, index: usize, problem: &str, scope: &Scope<'_>) -> Fault {
    let last = call.arguments.len().saturating_sub(1);
    let place = call.arguments.get(index.min(last)).map_or(call.name.place, |argument| argument.place);
    let param = function.params.get(index).or(function.variadic.as_ref()).map_or("", |param| param.name);
    let summary = format!("{}(): {} is not what it must be", function.name, describe_argument(param, index));
    Fault::new(scope.make_span(place), "config::function", summary, problem).with_help(render_signature(function))
}

/// `replace(string, substring, replacement)`.
fn render_signature(function: &Function) -> String {
    let names: Vec<&str> = function.params.iter().chain(&function.variadic).map(|param| param.name).collect();
    let dots = if function.variadic.is_some() { "..." } else { "" };
    format!("{}({}{dots})", function.name, names.join(", "))
}

fn describe_argument(param: &str, index: usize) -> Arc<str> {
    if param.is_empty() { format!("argument {}", index + 1).into() } else { format!("`{param}`").into() }
}
