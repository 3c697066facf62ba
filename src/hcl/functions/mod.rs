//! The built-in functions of the language, with the names and behaviour of Terraform's functions. Input: arguments, converted to the
//! types of the parameters. Output: a value, or a [`FunctionError`].
//!
//! All functions are in one table, which [`find_function`] searches; each submodule contributes a family. A function has no access to a
//! clock or to the environment. It reads files only through [`Args::files`]. So a call gives the same result for the same plan time and the
//! same files.

mod args;
mod collections;
mod conversion;
mod digests;
mod encoding;
mod files;
mod format;
mod numeric;
mod pattern_cache;
mod patterns;
mod rescan;
mod sets;
mod strings;
mod time;
mod yaml;
mod yaml_value;

pub use args::{Args, FunctionError};
pub use encoding::write_json;
pub use files::read_text_file;
pub use pattern_cache::PatternCache;

use super::value::ConfigValue;

/// A built-in function.
pub struct Function {
    /// Its name in expressions.
    pub name: &'static str,
    /// The required parameters, in order.
    pub params: &'static [Param],
    /// The parameter that accepts any number of further arguments. `None`: the function has a fixed number of arguments.
    pub variadic: Option<Param>,
    /// How sensitive arguments affect the result.
    pub marks: MarkHandling,
    /// The time and the size of the result do not depend on the arguments, so a call is not charged to the budget.
    pub cheap: bool,
    /// The implementation.
    pub body: FunctionBody,
}

/// A parameter of a function.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name, for diagnostics and signatures.
    pub name: &'static str,
    /// The type that arguments are converted to.
    pub takes: ParamType,
    /// Whether it accepts `null`.
    pub nullable: bool,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// Any value, without conversion.
    Any,
    /// A string, or a value that converts to one.
    Text,
    /// A number, or a string that contains one.
    Number,
    /// A list, set or tuple, without conversion.
    Elements,
    /// A list, set or tuple, converted to a list whose elements have one type.
    List,
    /// A list, set or tuple, converted to a list of strings.
    Texts,
    /// A list, set or tuple, converted to a set.
    Set,
    /// A map or object, without conversion.
    Entries,
}

/// How sensitive arguments affect the result of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkHandling {
    /// The result is sensitive if an argument, or any value inside one, is sensitive.
    Spread,
    /// The result is sensitive if an argument itself is. Elements that are passed on keep their own marks.
    Kept,
    /// The function gets its arguments with their marks, and marks its result itself.
    Own,
}

/// The implementation of a function.
#[derive(Clone, Copy)]
pub enum FunctionBody {
    /// Depends only on what [`Args`] contains.
    Direct(fn(&Args<'_>) -> Result<ConfigValue, FunctionError>),
    /// Evaluates expressions, so the evaluator implements it.
    Evaluating(EvaluatingFunction),
}

/// The functions that evaluate expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvaluatingFunction {
    /// `try`: the first argument that can be evaluated.
    Try,
    /// `can`: whether its argument can be evaluated.
    Can,
    /// `templatefile`: renders a file.
    TemplateFile,
}

/// The function named `name`. `None` if there is none.
#[must_use]
pub fn find_function(name: &str) -> Option<&'static Function> {
    FAMILIES.iter().flat_map(|family| family.iter()).find(|function| function.name == name)
}

/// The names of all functions.
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

/// Functions of Terraform that this language does not have, each with the reason that the diagnostic gives.
pub const EXCLUDED_FUNCTIONS: &[(&str, &str)] = &[
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
    Function {
        name,
        params,
        variadic: None,
        marks: MarkHandling::Spread,
        cheap: false,
        body: FunctionBody::Direct(body),
    }
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
        assert!(EXCLUDED_FUNCTIONS.iter().all(|(name, _)| find_function(name).is_none()));
    }
}
