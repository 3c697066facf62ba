//! What evaluation takes beside the stack's files.

use jiff::Timestamp;

use super::source::StackFiles;

/// What evaluation takes beside the stack's files.
#[derive(Clone)]
pub struct Inputs<'a> {
    /// Values for variables; of two for one variable, the later wins. Terraform's order is: the environment, then
    /// `*.auto.hclvars` by name, then `--var` and `--var-file` as they stand on the command line.
    pub variables: Vec<Assignment>,
    /// What `plantimestamp()` gives.
    pub now: Timestamp,
    /// The files that `file()` and its kin read.
    pub files: &'a dyn StackFiles,
}

/// One value, or one file of values, for variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
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
