//! Functions on numbers, with the behaviour of Terraform's functions of the same names.

use super::ParamType::Number as Num;
use super::{Args, Function, FunctionError, declare_function, declare_param};
use crate::hcl::value::{ConfigValue, Number};

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("abs", &[declare_param("number", Num)], |args| {
        Ok(ConfigValue::new_number(args.expect_number(0)?.abs()))
    }),
    declare_function("ceil", &[declare_param("number", Num)], |args| {
        Ok(ConfigValue::new_number(args.expect_number(0)?.ceil()))
    }),
    declare_function("floor", &[declare_param("number", Num)], |args| {
        Ok(ConfigValue::new_number(args.expect_number(0)?.floor()))
    }),
    declare_function("max", &[], |args| find_extreme(args, |a, b| a > b)).with_variadic(declare_param("numbers", Num)),
    declare_function("min", &[], |args| find_extreme(args, |a, b| a < b)).with_variadic(declare_param("numbers", Num)),
];

fn find_extreme(args: &Args<'_>, better: fn(&Number, &Number) -> bool) -> Result<ConfigValue, FunctionError> {
    let mut best: Option<&Number> = None;
    for index in 0..args.values.len() {
        let number = args.expect_number(index)?;
        if best.is_none_or(|best| better(number, best)) {
            best = Some(number);
        }
    }
    match best {
        Some(best) => Ok(ConfigValue::new_number(best.clone())),
        None => FunctionError::reject_call("at least one number is required"),
    }
}
