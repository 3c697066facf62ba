//! `leasehold policy lint`: reports unwise statements in policies.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use leasehold_policy::{LintContext, lint_policy};

use super::{AccountArgs, read};
use crate::cli::{CommandError, CommandExit, print_json, print_result};
use crate::views::policy::{FileFinding, findings, sarif};
use crate::workflow::Repository;

/// `leasehold policy lint`
#[derive(Debug, Args)]
pub struct PolicyLintArgs {
    /// Policy documents, or JSON lists of them
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub account: AccountArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = LintFormat::Human)]
    pub format: LintFormat,
}

/// A form of output for what is unwise about policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// For people
    Human,
    /// For machines
    Json,
    /// SARIF 2.1.0
    Sarif,
}

/// Checks every policy in the files and prints the findings.
///
/// # Errors
/// A file cannot be read or is not a policy.
pub fn cmd_lint(working_directory: &Path, args: &PolicyLintArgs) -> Result<CommandExit, CommandError> {
    let account = args.account.account.as_ref();
    let files: Result<Vec<_>, CommandError> =
        args.files.iter().map(|path| read::read_policy_file(working_directory, path, account)).collect();
    let mut files = files?;
    if args.format == LintFormat::Sarif {
        let repository = Repository::find_for_directory(working_directory, working_directory);
        files.iter_mut().for_each(|policy| policy.file.name = repository.path_from_root(Path::new(&policy.file.name)));
    }
    let found: Vec<FileFinding<'_>> = files
        .iter()
        .flat_map(|file| file.documents.iter().map(move |placed| (file, placed)))
        .flat_map(|(file, placed)| {
            let setting = LintContext { account: account.cloned(), ..LintContext::for_kind(placed.infer_kind()) };
            lint_policy(&placed.document, &setting).into_iter().map(move |finding| FileFinding {
                file,
                placed,
                finding,
            })
        })
        .collect();
    match args.format {
        LintFormat::Human => print_result(&findings::render_lint(&found))?,
        LintFormat::Json => print_json(&findings::render_lint_json(&found))?,
        LintFormat::Sarif => print_json(&sarif::render_lint_sarif(&found))?,
    }
    Ok(CommandExit::Done)
}
