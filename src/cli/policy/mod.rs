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
    /// Say what a change of access means: less, more, both or the same, with an example
    Compare(PolicyCompareArgs),
    /// Say what is unwise about policies
    Lint(PolicyLintArgs),
    /// Decide one request
    Simulate(PolicySimulateArgs),
    /// Say what policies let one do, by service and access level
    Explain(PolicyExplainArgs),
}

/// Whose policies they are.
#[derive(Debug, Clone, Args)]
pub struct AccountArgs {
    /// The account that placeholders such as ${AWS::AccountId} and ACCOUNT_ID stand for
    #[arg(long, value_name = "ID", value_parser = parse_account_id)]
    pub account: Option<AccountId>,
}

fn parse_account_id(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text).ok_or_else(|| "an account id is twelve digits".to_owned())
}

/// Runs a subcommand of `leasehold policy`.
///
/// # Errors
/// The error of the subcommand.
pub fn cmd_policy(here: &Path, command: &PolicyCommand) -> Result<CommandExit, CommandError> {
    match command {
        PolicyCommand::Compare(args) => compare::cmd_compare(here, args),
        PolicyCommand::Lint(args) => lint::cmd_lint(here, args),
        PolicyCommand::Simulate(args) => simulate::cmd_simulate(here, args),
        PolicyCommand::Explain(args) => explain::cmd_explain(here, args),
    }
}
