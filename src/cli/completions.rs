//! `leasehold completions`: completions for a shell, on stdout.

use clap::CommandFactory as _;

use super::args::{Cli, CompletionsArgs};
use super::{CommandError, CommandExit};

pub fn cmd_completions(args: &CompletionsArgs) -> Result<CommandExit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "leasehold", &mut script);
    super::print_result(&String::from_utf8_lossy(&script))?;
    Ok(CommandExit::Done)
}
