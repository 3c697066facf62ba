//! `leasehold validate`: reports every error of a stack that can be found without access to the cloud.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::args::VariableArgs;
use super::as_joiners::plan_as_joiners;
use super::{CommandError, CommandExit, invocation, session};
use crate::config::{Diagnostic, DiagnosticSeverity};
use crate::views::diagnostics;
use crate::views::style::{ADD, paint_text};
use crate::workflow::{LoadedStack, WorkflowError};

/// `leasehold validate`
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = FindingsFormat::Human)]
    pub format: FindingsFormat,
}

/// A form of output for findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FindingsFormat {
    /// For people
    Human,
    /// For machines, with Terraform's keys
    Json,
    /// Annotations of a GitHub workflow
    Github,
    /// SARIF 2.1.0
    Sarif,
}

/// Reads the stack, checks the sizes of its objects against the provider's limits, and prints the findings.
///
/// # Errors
/// The stack is not valid.
pub fn cmd_validate(working_directory: &Path, args: &ValidateArgs) -> Result<CommandExit, CommandError> {
    let now = session::current_time(None);
    let (directory, loaded) = session::load_stack(working_directory, args.dir.as_deref(), &args.variables, now)?;
    let LoadedStack { sources, declared, mut findings, .. } = loaded;
    let failed = |findings: &[Diagnostic]| findings.iter().any(|finding| finding.severity == DiagnosticSeverity::Error);
    if let Some(declared) = declared.as_ref().filter(|_| !failed(&findings)) {
        findings.extend(plan_as_joiners(declared, now).1);
    }
    let valid = !failed(&findings);
    // Formats for machines use the file names of the code host.
    let named = || directory.repository().name_files(&sources);
    let completed = || invocation::current_invocation().complete_findings(&findings);
    match args.format {
        FindingsFormat::Json => super::print_json(&diagnostics::render_diagnostics_json(&completed(), &named()))?,
        FindingsFormat::Github => super::print_result(&diagnostics::render_diagnostics_github(&completed(), &named()))?,
        FindingsFormat::Sarif => super::print_json(&diagnostics::render_diagnostics_sarif(&completed(), &named()))?,
        FindingsFormat::Human if !valid => {
            return Err(WorkflowError::Findings { findings, sources }.into());
        }
        FindingsFormat::Human => {
            if !findings.is_empty() {
                super::print_message(&super::failure::render_findings(&findings, &sources));
            }
            let count = declared.map_or(0, |declared| declared.identities.len());
            let noun = if count == 1 { "identity" } else { "identities" };
            super::print_result(&format!(
                "{} The configuration is valid: {count} {noun}.\n",
                paint_text(ADD, "Success!")
            ))?;
        }
    }
    if valid { Ok(CommandExit::Done) } else { Err(WorkflowError::Unfinished.into()) }
}
