//! What evaluation takes beside the stack's files.

use jiff::Timestamp;

use super::source::StackFiles;

/// What evaluation takes beside the stack's files.
#[derive(Clone)]
pub struct ConfigInputs<'a> {
    /// Values for variables; of two for one variable, the later wins. Terraform's order is: the environment, then
    /// `*.auto.hclvars` by name, then `--var` and `--var-file` as they stand on the command line.
    pub variables: Vec<VariableAssignment>,
    /// What `plantimestamp()` gives.
    pub now: Timestamp,
    /// The files that `file()` and its kin read.
    pub files: &'a dyn StackFiles,
    /// How large the stack may be.
    pub limits: StackLimits,
}

/// How much one stack may hold. What it takes to read a stack goes with its size; these bound it whatever a `count` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StackLimits {
    /// Identities, and instances of all blocks with `for_each` or `count` together.
    pub identities: usize,
    /// Instances of modules.
    pub modules: usize,
}

impl Default for StackLimits {
    fn default() -> Self {
        Self { identities: 250_000, modules: 10_000 }
    }
}

/// One value, or one file of values, for variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableAssignment {
    /// `LEASEHOLD_VAR_name=value`. A variable that is not declared is passed over.
    Environment {
        /// The variable's name.
        name: String,
        /// The text as it is given.
        value: String,
    },
    /// `--var name=value`. A variable that is not declared is an error.
    CommandLine {
        /// The variable's name.
        name: String,
        /// The text as it is given.
        value: String,
    },
    /// A file of `name = value` lines: the name of one of the sources' variable files.
    File(String),
}
