//! What each command begins with: the present moment, the values of the environment, and the stack.
//!
//! These are the edges of the workflow: it reads neither the clock nor the environment itself.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::args::{SelectionArgs, VariableArgs};
use super::failure::{self, CommandError};
use super::terminal::{RunOutput, Terminal};
use super::{environment, operator, print_message};
use crate::config::essentials::StackEssentials;
use crate::plan::select::PlanSelection;
use crate::workflow::{Connection, LoadedStack, Stack, StackDirectory, VariableInputs, WorkflowContext};

/// The largest saved plan that is read, in bytes.
pub const LARGEST_PLAN: u64 = 1 << 30;

/// The present moment in whole seconds, or the instant that `--now` gives.
pub fn current_time(rehearsed: Option<Timestamp>) -> Timestamp {
    let now = rehearsed.unwrap_or_else(Timestamp::now);
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// The context of a command that only reads.
pub fn reading_context() -> WorkflowContext {
    workflow_context(None)
}

/// The context of a command whose plan and result are printed as `output` says.
pub fn changing_context(output: RunOutput) -> WorkflowContext {
    workflow_context(Some(output))
}

fn workflow_context(output: Option<RunOutput>) -> WorkflowContext {
    WorkflowContext {
        observer: Arc::new(Terminal::new(output)),
        user: environment::read_variable("USER"),
        bounds: operator::current_bounds(),
    }
}

/// Reads the stack in `dir`, which is relative to `here`.
///
/// # Errors
/// The configuration has an error, or a file cannot be read.
pub fn read_stack(
    working_directory: &Path,
    dir: Option<&Path>,
    variables: &VariableArgs,
    now: Timestamp,
) -> Result<Stack, CommandError> {
    Ok(Stack::read_stack(working_directory, dir, &read_variables(variables)?, now, &reading_context())?)
}

/// Reads the stack for a command that only reads, or only takes access away: the operator's requirements on leases do not stop it.
///
/// # Errors
/// As [`read_stack`].
pub fn read_stack_without_requirements(
    working_directory: &Path,
    dir: Option<&Path>,
    variables: &VariableArgs,
    now: Timestamp,
) -> Result<Stack, CommandError> {
    let context = reading_context();
    let context = WorkflowContext { bounds: Arc::new(context.bounds.without_requirements()), ..context };
    Ok(Stack::read_stack(working_directory, dir, &read_variables(variables)?, now, &context)?)
}

/// Reads the stack and returns all findings, errors and warnings.
///
/// # Errors
/// A file cannot be read.
pub fn load_stack(
    working_directory: &Path,
    dir: Option<&Path>,
    variables: &VariableArgs,
    now: Timestamp,
) -> Result<(StackDirectory, LoadedStack), CommandError> {
    Ok(Stack::load_stack(working_directory, dir, &read_variables(variables)?, now, &reading_context())?)
}

/// Reads only the stack's name, provider and backend.
///
/// # Errors
/// One of these parts is not valid, or a file cannot be read.
pub fn load_essentials(
    working_directory: &Path,
    dir: Option<&Path>,
    variables: &VariableArgs,
    now: Timestamp,
) -> Result<(StackDirectory, StackEssentials), CommandError> {
    Ok(Stack::load_essentials(working_directory, dir, &read_variables(variables)?, now, &reading_context())?)
}

/// Connects to the providers of a stack, for a command that only reads.
///
/// # Errors
/// A provider cannot be reached.
pub async fn connect_to_read(stack: &Stack) -> Result<Connection, CommandError> {
    Ok(stack.connect_to_read(&reading_context()).await?)
}

/// The values of variables from the options and from the environment (`LEASEHOLD_VAR_name`).
///
/// # Errors
/// Such a variable of the environment is not UTF-8.
pub fn read_variables(args: &VariableArgs) -> Result<VariableInputs, CommandError> {
    let mut environment = Vec::new();
    for (key, value) in std::env::vars_os() {
        let key = key.to_string_lossy().into_owned();
        if let Some(name) = key.strip_prefix("LEASEHOLD_VAR_") {
            let value = value
                .into_string()
                .map_err(|_| anyhow::anyhow!("the environment variable {key} is not valid UTF-8"))?;
            environment.push((name.to_owned(), value));
        }
    }
    Ok(VariableInputs { environment, files: args.var_file.clone(), assignments: args.var.clone() })
}

/// Prints the warnings about a stack.
pub fn print_warnings(stack: &Stack) {
    if !stack.warnings.is_empty() {
        print_message(&failure::render_findings(&stack.warnings, &stack.sources));
    }
}

impl SelectionArgs {
    /// The part of a plan that the options name.
    pub fn to_selection(&self) -> PlanSelection {
        PlanSelection { targets: self.target.clone(), excludes: self.exclude.clone() }
    }
}
