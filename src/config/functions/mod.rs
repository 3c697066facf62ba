//! The functions of the language, by Terraform's names and with its behaviour. One table; the families are files.
//!
//! A function gets its arguments converted to its parameters' types and gives a value or a problem. It knows no clock and no
//! environment; what it reads, it reads through the evaluator, which keeps account of it.

mod calling;
mod collections;
mod conversion;
mod digests;
mod encoding;
mod files;
mod format;
#[cfg(test)]
mod golden;
mod numeric;
mod patterns;
mod sets;
mod strings;
mod time;
mod yaml;

pub use calling::{Args, FunctionError};
pub use patterns::PatternCache;

use super::eval::budget::TooLargeError;
use super::eval::{EvalScope, Evaluated, Evaluator};
use super::syntax::{ByteRange, FunctionCall};
use super::value::ConfigValue;

/// A function of the language.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The parameters it always takes.
    pub params: &'static [Param],
    /// The parameter that may be given any number of times after them.
    pub variadic: Option<Param>,
    /// What becomes of sensitive arguments.
    pub marks: MarkHandling,
    /// Its work and its result do not grow with its arguments.
    pub cheap: bool,
    /// What it does.
    pub body: FunctionBody,
}

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name, for diagnostics.
    pub name: &'static str,
    /// What it takes.
    pub takes: ParamType,
    /// Whether it takes `null`.
    pub nullable: bool,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// Anything.
    Any,
    /// A string, or what converts to one.
    Text,
    /// A number.
    Number,
    /// A list, set or tuple as it is.
    Elements,
    /// A list, set or tuple, made a list of one type.
    List,
    /// A list of strings.
    Texts,
    /// A set.
    Set,
    /// A map or object as it is.
    Entries,
}

/// What becomes of sensitive arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkHandling {
    /// The result is sensitive when anything in an argument is.
    Spread,
    /// The result is sensitive when an argument itself is; elements that it passes on keep their own marks.
    Kept,
    /// The function sees to it.
    Own,
}

/// What a function does.
pub enum FunctionBody {
    /// A function of its arguments.
    Pure(fn(&Args<'_>) -> Result<ConfigValue, FunctionError>),
    /// It reads files, or the instant of the plan.
    Reads(fn(&Args<'_>, &Evaluator<'_>) -> Result<ConfigValue, FunctionError>),
    /// It evaluates its arguments itself.
    Lazy(fn(&Evaluator<'_>, &FunctionCall, ByteRange, &EvalScope<'_>) -> Evaluated<ConfigValue>),
}

/// The function of that name.
#[must_use]
pub fn find_function(name: &str) -> Option<&'static Function> {
    FAMILIES.iter().flat_map(|family| family.iter()).find(|function| function.name == name)
}

/// Every function's name.
pub fn list_function_names() -> impl Iterator<Item = &'static str> + Clone {
    FAMILIES.iter().flat_map(|family| family.iter()).map(|function| function.name)
}

const FAMILIES: &[&[Function]] = &[
    numeric::FUNCTIONS,
    strings::FUNCTIONS,
    patterns::FUNCTIONS,
    format::FUNCTIONS,
    collections::FUNCTIONS,
    sets::FUNCTIONS,
    encoding::FUNCTIONS,
    yaml::FUNCTIONS,
    files::FUNCTIONS,
    digests::FUNCTIONS,
    time::FUNCTIONS,
    conversion::FUNCTIONS,
];

/// Functions of Terraform that this language leaves out, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("timestamp", "its second run differs from its first; plantimestamp() is the plan's instant"),
    ("uuid", "its second run differs from its first"),
    ("bcrypt", "its second run differs from its first"),
    ("nonsensitive", "a sensitive value stays sensitive"),
    ("abspath", "paths are relative to the stack's directory"),
    ("pathexpand", "paths are relative to the stack's directory"),
];

const fn declare_param(name: &'static str, takes: ParamType) -> Param {
    Param { name, takes, nullable: false }
}

const fn declare_nullable(name: &'static str, takes: ParamType) -> Param {
    Param { name, takes, nullable: true }
}

const fn declare_function(
    name: &'static str,
    params: &'static [Param],
    body: fn(&Args<'_>) -> Result<ConfigValue, FunctionError>,
) -> Function {
    Function { name, params, variadic: None, marks: MarkHandling::Spread, cheap: false, body: FunctionBody::Pure(body) }
}

impl Function {
    const fn with_variadic(self, param: Param) -> Self {
        Self { variadic: Some(param), ..self }
    }

    const fn with_kept_marks(self) -> Self {
        Self { marks: MarkHandling::Kept, ..self }
    }

    const fn with_constant_cost(self) -> Self {
        Self { cheap: true, ..self }
    }
}

impl From<TooLargeError> for FunctionError {
    fn from(large: TooLargeError) -> Self {
        Self::TooLarge(large)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_nothing_left_out_is_there() {
        let mut all: Vec<_> = list_function_names().collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(LEFT_OUT.iter().all(|(name, _)| find_function(name).is_none()));
    }
}
