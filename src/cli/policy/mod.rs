//! `leasehold policy`: answers questions about policy documents in files. It needs no stack and no access to the cloud.

mod compare;
mod explain;
mod lint;
mod read;
mod simulate;

pub use simulate::check_single_action;

use std::path::Path;

use super::args::PolicyCommand;
use super::{CommandError, CommandExit};

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
