//! `leasehold policy compare`: shows how access differs between two policies, each with an optional boundary.

use std::path::{Path, PathBuf};

use clap::Args;
use leasehold_policy::{ComparisonVerdict, PolicySet};

use super::{AccountArgs, read};
use crate::cli::args::OutputFormat;
use crate::cli::{CommandError, CommandExit, print_json, print_result};
use crate::views;

/// `leasehold policy compare`
#[derive(Debug, Args)]
pub struct PolicyCompareArgs {
    /// The old access: a policy document, or a JSON list of them
    #[arg(value_name = "OLD.json")]
    pub old: PathBuf,
    /// The new access: a policy document, or a JSON list of them
    #[arg(value_name = "NEW.json")]
    pub new: PathBuf,
    /// The old permissions boundary
    #[arg(long, value_name = "FILE")]
    pub boundary_old: Option<PathBuf>,
    /// The new permissions boundary
    #[arg(long, value_name = "FILE")]
    pub boundary_new: Option<PathBuf>,
    #[command(flatten)]
    pub account: AccountArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// Exit with 2 unless the access is equivalent or narrower
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// Compares two sets of policies and prints the verdict.
///
/// # Errors
/// A file cannot be read or is not a policy.
pub fn cmd_compare(working_directory: &Path, args: &PolicyCompareArgs) -> Result<CommandExit, CommandError> {
    let side = |policy: &Path, boundary: Option<&PathBuf>| -> Result<PolicySet, CommandError> {
        let account = args.account.account.as_ref();
        let policy = read::read_policy_file(working_directory, policy, account)?;
        let boundary =
            boundary.map(|boundary| read::read_policy_file(working_directory, boundary, account)).transpose()?;
        Ok(read::combine_access(&[policy], boundary.as_ref()))
    };
    let old = side(&args.old, args.boundary_old.as_ref())?;
    let new = side(&args.new, args.boundary_new.as_ref())?;
    let comparison = leasehold_policy::compare_policies(&old, &new);
    match args.format {
        OutputFormat::Human => print_result(&views::policy::render_comparison(&comparison))?,
        OutputFormat::Json => print_json(&comparison.to_value())?,
    }
    let grows = !matches!(comparison.verdict(), ComparisonVerdict::Equivalent | ComparisonVerdict::Narrows);
    if args.detailed_exitcode && grows { Ok(CommandExit::Changes) } else { Ok(CommandExit::Done) }
}
