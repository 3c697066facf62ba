//! `leasehold completions`: prints a completion script for a shell.

use clap::CommandFactory as _;

use super::args::{Cli, CompletionsArgs};
use super::{CommandError, CommandExit};

/// Prints the script for the shell that the arguments name.
///
/// # Errors
/// stdout cannot be written.
pub fn cmd_completions(args: &CompletionsArgs) -> Result<CommandExit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "leasehold", &mut script);
    super::print_result(&String::from_utf8_lossy(&script))?;
    Ok(CommandExit::Done)
}
