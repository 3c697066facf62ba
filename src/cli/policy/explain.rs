//! `leasehold policy explain`: shows what policies allow.

use std::path::{Path, PathBuf};

use clap::Args;
use leasehold_policy::explain_reach;

use super::{AccountArgs, read};
use crate::cli::args::OutputFormat;
use crate::cli::{CommandError, CommandExit, print_json, print_result};
use crate::views::policy::explanation;

/// `leasehold policy explain`
#[derive(Debug, Args)]
pub struct PolicyExplainArgs {
    /// A policy document, or a JSON list of them
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The permissions boundary
    #[arg(long, value_name = "FILE")]
    pub boundary: Option<PathBuf>,
    #[command(flatten)]
    pub account: AccountArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// Prints the access levels that the policies allow for each service.
///
/// # Errors
/// A file cannot be read or is not a policy.
pub fn cmd_explain(working_directory: &Path, args: &PolicyExplainArgs) -> Result<CommandExit, CommandError> {
    let account = args.account.account.as_ref();
    let policy = read::read_policy_file(working_directory, &args.file, account)?;
    let boundary =
        args.boundary.as_ref().map(|path| read::read_policy_file(working_directory, path, account)).transpose()?;
    let services = explain_reach(&read::combine_access(&[policy], boundary.as_ref()));
    match args.format {
        OutputFormat::Human => print_result(&explanation::render_explanation(&services))?,
        OutputFormat::Json => print_json(&explanation::render_explanation_json(&services))?,
    }
    Ok(CommandExit::Done)
}
