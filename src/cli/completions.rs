//! `leasehold completions`: completions for a shell, on stdout.

use clap::CommandFactory as _;

use super::args::{Cli, CompletionsArgs};
use super::{Exit, Failure};

pub fn cmd_completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "leasehold", &mut script);
    super::print_result(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
