//! The arguments of a call, and the reasons why a function has no value. Input: values that are already converted to the types of the
//! parameters. Output: typed access to each of them.

use jiff::Timestamp;

use super::pattern_cache::PatternCache;
use crate::hcl::budget::{EvalBudget, TooLargeError};
use crate::hcl::eval_error::EvalError;
use crate::hcl::files::ReadableFiles;
use crate::hcl::source::FileSpan;
use crate::hcl::value::{ConfigValue, Entries, Number, ValueData};

/// The reason why a function has no value.
#[derive(Debug)]
pub enum FunctionError {
    /// The argument at this index, counted from 0, is not acceptable; and why.
    Argument(usize, String),
    /// The call fails for a reason that no single argument explains.
    Call(String),
    /// The result would exceed a limit of the budget.
    TooLarge(TooLargeError),
    /// Something evaluated by the function failed, such as an expression in a template; it has its own diagnostic.
    Inner(EvalError),
}

impl FunctionError {
    /// Rejects the argument at `index`.
    ///
    /// # Errors
    ///
    /// Always returns [`FunctionError::Argument`].
    pub fn reject_argument<T>(index: usize, problem: impl Into<String>) -> Result<T, Self> {
        Err(Self::Argument(index, problem.into()))
    }

    /// Rejects the call as a whole.
    ///
    /// # Errors
    ///
    /// Always returns [`FunctionError::Call`].
    pub fn reject_call<T>(problem: impl Into<String>) -> Result<T, Self> {
        Err(Self::Call(problem.into()))
    }
}

/// The arguments of one call, converted to the types of the parameters.
pub struct Args<'v> {
    /// The place of the call.
    pub span: &'v FileSpan,
    /// The values, in the order of the parameters.
    pub values: &'v [ConfigValue],
    /// The remaining budget, for checks before a large result is built.
    pub budget: &'v EvalBudget,
    /// Compiled regular expressions.
    pub patterns: &'v PatternCache,
    /// The files that functions may read.
    pub files: &'v dyn ReadableFiles,
    /// The time of the plan.
    pub now: Timestamp,
    /// The directory of the module that contains the call, relative to the root's.
    pub directory: &'v str,
    /// Whether the root module contains the call.
    pub in_root: bool,
}

impl<'v> Args<'v> {
    /// The arguments from `index` on; empty if there are fewer.
    #[must_use]
    pub fn remaining_values(&self, index: usize) -> &'v [ConfigValue] {
        self.values.get(index..).unwrap_or_default()
    }

    /// Charges steps for work that the sizes of the arguments and of the result do not bound.
    ///
    /// # Errors
    ///
    /// Returns [`FunctionError::Inner`] if the budget has fewer steps left.
    pub fn take_steps(&self, count: u64) -> Result<(), FunctionError> {
        self.budget.take_steps(|| self.span.clone(), count).map_err(FunctionError::Inner)
    }

    /// The argument at `index`.
    ///
    /// # Errors
    ///
    /// Returns [`FunctionError::Argument`] if there is no such argument.
    pub fn get(&self, index: usize) -> Result<&'v ConfigValue, FunctionError> {
        self.values.get(index).ok_or_else(|| FunctionError::Argument(index, "it is missing".to_owned()))
    }

    /// The string at `index`.
    ///
    /// # Errors
    ///
    /// Returns [`FunctionError::Argument`] if the argument is missing or not a string.
    pub fn expect_text(&self, index: usize) -> Result<&'v str, FunctionError> {
        self.get(index)?.as_str().ok_or_else(|| FunctionError::Argument(index, "a string is required".to_owned()))
    }

    /// The number at `index`.
    ///
    /// # Errors
    ///
    /// Returns [`FunctionError::Argument`] if the argument is missing or not a number.
    pub fn expect_number(&self, index: usize) -> Result<&'v Number, FunctionError> {
        match &self.get(index)?.data {
            ValueData::Number(number) => Ok(number),
            _ => FunctionError::reject_argument(index, "a number is required"),
        }
    }

    /// The whole number at `index`.
    ///
    /// # Errors
    ///
    /// Returns [`FunctionError::Argument`] if the argument is missing, not whole, or does not fit 64 bits.
    pub fn expect_integer(&self, index: usize) -> Result<i64, FunctionError> {
        let number = self.expect_number(index)?;
        number.to_i64().ok_or_else(|| FunctionError::Argument(index, "a whole number is required".to_owned()))
    }

    /// The elements of the list, set or tuple at `index`.
    ///
    /// # Errors
    ///
    /// Returns [`FunctionError::Argument`] if the argument is missing or of another form.
    pub fn expect_elements(&self, index: usize) -> Result<&'v [ConfigValue], FunctionError> {
        let elements = self.get(index)?.elements();
        elements.ok_or_else(|| FunctionError::Argument(index, "a list, set or tuple is required".to_owned()))
    }

    /// The entries of the map or object at `index`.
    ///
    /// # Errors
    ///
    /// Returns [`FunctionError::Argument`] if the argument is missing or of another form.
    pub fn expect_entries(&self, index: usize) -> Result<&'v Entries, FunctionError> {
        let entries = self.get(index)?.entries();
        entries.ok_or_else(|| FunctionError::Argument(index, "a map or object is required".to_owned()))
    }

    /// The strings of the list, set or tuple at `index`.
    ///
    /// # Errors
    ///
    /// Returns [`FunctionError::Argument`] if the argument is missing, or an element is not a string.
    pub fn expect_texts(&self, index: usize) -> Result<Vec<&'v str>, FunctionError> {
        let text = |value: &'v ConfigValue| {
            value.as_str().ok_or_else(|| FunctionError::Argument(index, "an element is null".to_owned()))
        };
        self.expect_elements(index)?.iter().map(text).collect()
    }
}

impl From<TooLargeError> for FunctionError {
    fn from(large: TooLargeError) -> Self {
        Self::TooLarge(large)
    }
}
