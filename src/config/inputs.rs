//! The inputs of evaluation other than the stack's files.

use jiff::Timestamp;

use super::sources::StackFiles;
use crate::hcl::budget::EvalLimits;

/// The inputs of evaluation other than the stack's files.
#[derive(Clone)]
pub struct ConfigInputs<'a> {
    /// Values for variables. Of several for one variable, the last wins. Terraform's order is: the environment, then `*.auto.hclvars` by
    /// name, then `--var` and `--var-file` in the order of the command line.
    pub variables: Vec<VariableAssignment>,
    /// The result of `plantimestamp()`.
    pub now: Timestamp,
    /// The files that `file()` and similar functions read.
    pub files: &'a dyn StackFiles,
    /// The maximum size of the stack.
    pub limits: StackLimits,
}

/// The maximum size of one stack. Memory and time grow with the size of the stack; these limits bound them for any `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StackLimits {
    /// The maximum number of identities, and of all instances of blocks with `for_each` or `count` together.
    pub identities: usize,
    /// The maximum number of module instances.
    pub modules: usize,
}

impl Default for StackLimits {
    fn default() -> Self {
        Self { identities: 250_000, modules: 10_000 }
    }
}

impl From<StackLimits> for EvalLimits {
    fn from(limits: StackLimits) -> Self {
        Self { instances: limits.identities, modules: limits.modules }
    }
}

/// A value for a variable, or a file of such values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableAssignment {
    /// `LEASEHOLD_VAR_name=value`. A variable that is not declared is ignored.
    Environment {
        /// The variable's name.
        name: String,
        /// The text, not yet parsed.
        value: String,
    },
    /// `--var name=value`. A variable that is not declared is an error.
    CommandLine {
        /// The variable's name.
        name: String,
        /// The text, not yet parsed.
        value: String,
    },
    /// A file of `name = value` lines, by the name of one of the variable files in [`super::Sources`].
    File(String),
}
