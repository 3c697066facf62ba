//! `leasehold policy`: answers questions about policy documents in files. It needs no stack and no access to the cloud.

mod compare;
mod explain;
mod lint;
mod read;
mod simulate;

use std::path::Path;

use clap::{Args, Subcommand};
use leasehold_policy::AccountId;

use super::{CommandError, CommandExit};
use compare::PolicyCompareArgs;
use explain::PolicyExplainArgs;
use lint::PolicyLintArgs;
use simulate::PolicySimulateArgs;

pub use simulate::check_single_action;

/// The commands on policy documents.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Compare the access of two policies: narrower, wider, both or equivalent, with an example
    Compare(PolicyCompareArgs),
    /// Report risky statements in policies
    Lint(PolicyLintArgs),
    /// Evaluate one request against policies
    Simulate(PolicySimulateArgs),
    /// List the access that policies grant, by service and access level
    Explain(PolicyExplainArgs),
}

/// Whose policies they are.
#[derive(Debug, Clone, Args)]
pub struct AccountArgs {
    /// The account ID to use for placeholders such as ${AWS::AccountId} and ACCOUNT_ID
    #[arg(long, value_name = "ID", value_parser = parse_account_id)]
    pub account: Option<AccountId>,
}

fn parse_account_id(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text).ok_or_else(|| "an account ID has 12 digits".to_owned())
}

/// Runs a subcommand of `leasehold policy`.
///
/// # Errors
/// The error of the subcommand.
pub fn cmd_policy(working_directory: &Path, command: &PolicyCommand) -> Result<CommandExit, CommandError> {
    match command {
        PolicyCommand::Compare(args) => compare::cmd_compare(working_directory, args),
        PolicyCommand::Lint(args) => lint::cmd_lint(working_directory, args),
        PolicyCommand::Simulate(args) => simulate::cmd_simulate(working_directory, args),
        PolicyCommand::Explain(args) => explain::cmd_explain(working_directory, args),
    }
}
