//! `leasehold completions`: prints a completion script for a shell.

use clap::Args;

use super::{CommandError, CommandExit};

/// `leasehold completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Prints the script for the shell that the arguments name. `program` is the description of the command line.
///
/// # Errors
/// stdout cannot be written.
pub fn cmd_completions(args: &CompletionsArgs, mut program: clap::Command) -> Result<CommandExit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "leasehold", &mut script);
    super::print_result(&String::from_utf8_lossy(&script))?;
    Ok(CommandExit::Done)
}
