//! `leasehold init`: writes an example stack to start from.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use leasehold_files::{create_private_folder, write_output};

use super::{CommandError, CommandExit, invocation};
use crate::views::style::{ADD, paint_text};
use crate::workflow::{Interruption, WorkflowError};

/// `leasehold init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The directory to create the stack in
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

const STARTER: &str = include_str!("starter.hcl");
const IGNORE: &str = "# The embedded directory and the records of its runs.\n.leasehold/\n";

/// Writes `stack.hcl`, and a `.gitignore` if there is none, and prints the next commands.
///
/// # Errors
/// A file exists already or cannot be written.
pub fn cmd_init(
    working_directory: &Path,
    args: &InitArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let dir = args
        .dir
        .as_deref()
        .map_or_else(|| working_directory.to_path_buf(), |dir| super::resolve_path(working_directory, dir));
    create_private_folder(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let stack = dir.join("stack.hcl");
    let entries = std::fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot list {}", dir.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "hcl") {
            let what = format!("{} already exists; init does not change an existing stack", path.display());
            return Err(WorkflowError::Refused { what, help: "Choose an empty directory.".to_owned() }.into());
        }
    }
    let _both_files = interruption.defer_first_signal("")?;
    let name = dir.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let text = STARTER.replace("STACK_NAME", &derive_stack_name(&name.unwrap_or_default()));
    write_output(&stack, text.as_bytes()).with_context(|| format!("cannot write {}", stack.display()))?;
    let ignore = dir.join(".gitignore");
    if ignore.symlink_metadata().is_err() {
        write_output(&ignore, IGNORE.as_bytes()).with_context(|| format!("cannot write {}", ignore.display()))?;
    }
    let next = ["plan", "apply"].map(|word| invocation::current_invocation().follow_up_command(&[word]));
    super::print_result(&format!(
        "{} {}\n\nNext:\n  {}\n  {}\n",
        paint_text(ADD, "Wrote"),
        stack.display(),
        next[0],
        next[1]
    ))?;
    Ok(CommandExit::Done)
}

/// Turns a directory's name into a valid stack name.
fn derive_stack_name(directory: &str) -> String {
    let plain: String = directory
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect();
    let name: String = plain.trim_matches('-').chars().take(32).collect();
    if name.is_empty() { "main".to_owned() } else { name }
}
