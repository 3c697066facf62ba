//! Numbers.

use super::Takes::Number as Num;
use super::{Args, Function, Problem, param, pure};
use crate::config::value::{Number, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    pure("abs", &[param("number", Num)], |args| Ok(Value::number(args.number(0)?.abs()))),
    pure("ceil", &[param("number", Num)], |args| Ok(Value::number(args.number(0)?.ceil()))),
    pure("floor", &[param("number", Num)], |args| Ok(Value::number(args.number(0)?.floor()))),
    pure("max", &[], |args| extreme(args, |a, b| a > b)).variadic(param("numbers", Num)),
    pure("min", &[], |args| extreme(args, |a, b| a < b)).variadic(param("numbers", Num)),
];

fn extreme(args: &Args<'_>, better: fn(&Number, &Number) -> bool) -> Result<Value, Problem> {
    let mut best: Option<&Number> = None;
    for index in 0..args.all().len() {
        let number = args.number(index)?;
        if best.is_none_or(|best| better(number, best)) {
            best = Some(number);
        }
    }
    match best {
        Some(best) => Ok(Value::number(best.clone())),
        None => Problem::call("it takes at least one number"),
    }
}
