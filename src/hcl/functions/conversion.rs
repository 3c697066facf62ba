//! Functions that convert between types, and `try`, `can` and `sensitive`.

use super::ParamType::Any;
use super::{
    EvaluatingFunction, Function, FunctionBody, FunctionError, MarkHandling, Param, declare_function, declare_nullable,
};
use crate::hcl::value::convert::convert_value;
use crate::hcl::value::{ConfigValue, Type};

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
        body: FunctionBody::Evaluating(EvaluatingFunction::Try),
    },
    Function {
        name: "can",
        params: &[VALUE_PARAM],
        variadic: None,
        marks: MarkHandling::Own,
        cheap: true,
        body: FunctionBody::Evaluating(EvaluatingFunction::Can),
    },
];

const VALUE_PARAM: Param = declare_nullable("expression", Any);

fn convert_first_argument(value: &ConfigValue, of: &Type) -> Result<ConfigValue, FunctionError> {
    convert_value(value, of).map_err(|mismatch| FunctionError::Argument(0, mismatch.to_string()))
}
