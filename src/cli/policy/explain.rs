//! `leasehold policy explain`: shows what policies allow.

use std::path::Path;

use leasehold_policy::explain_reach;

use super::read;
use crate::cli::args::{OutputFormat, PolicyExplainArgs};
use crate::cli::{CommandError, CommandExit, print_json, print_result};
use crate::views::policy::explanation;

/// Prints the access levels that the policies allow for each service.
///
/// # Errors
/// A file cannot be read or is not a policy.
pub fn cmd_explain(here: &Path, args: &PolicyExplainArgs) -> Result<CommandExit, CommandError> {
    let account = args.account.account.as_ref();
    let policy = read::read_policy_file(here, &args.file, account)?;
    let boundary = args.boundary.as_ref().map(|path| read::read_policy_file(here, path, account)).transpose()?;
    let services = explain_reach(&read::combine_access(&[policy], boundary.as_ref()));
    match args.format {
        OutputFormat::Human => print_result(&explanation::render_explanation(&services))?,
        OutputFormat::Json => print_json(&explanation::render_explanation_json(&services))?,
    }
    Ok(CommandExit::Done)
}
