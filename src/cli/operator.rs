//! The operator's bounds of this process: reads the file that `--operator` or `LEASEHOLD_OPERATOR` names, once, before the command runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use leasehold_files::read_argument;

use super::CommandError;
use crate::config::SourceFile;
use crate::config::operator::{OperatorBounds, read_operator_file};
use crate::workflow::WorkflowError;

/// The bounds of this process. They are global because the environment of a process is; they are set once.
static CURRENT: OnceLock<Arc<OperatorBounds>> = OnceLock::new();

/// The largest operator's file, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// Reads the bounds of this process. `None`: there is no operator's file.
///
/// # Errors
/// The file cannot be read, or has an error.
pub fn load_bounds(working_directory: &Path, file: Option<&Path>) -> Result<(), CommandError> {
    let Some(file) = file else { return Ok(()) };
    let path = super::resolve_path(working_directory, file);
    let bytes = read_argument(&path, LARGEST_FILE)
        .with_context(|| format!("cannot read the operator's file {}", path.display()))?;
    let source = SourceFile { name: path.display().to_string(), bytes: bytes.into() };
    let bounds = read_operator_file(&path, source, jiff::Timestamp::now())
        .map_err(|(findings, sources)| WorkflowError::Findings { findings, sources })?;
    // An error is impossible: this is called once, at the start of the process.
    let _ = CURRENT.set(Arc::new(bounds));
    Ok(())
}

/// The bounds of this process.
pub fn current_bounds() -> Arc<OperatorBounds> {
    CURRENT.get().cloned().unwrap_or_default()
}

/// The file of signers to require: that of the operator, else that of the option. `None`: no signature is required.
///
/// # Errors
/// Both name a file, and not the same one.
pub fn find_required_signers(
    working_directory: &Path,
    option: Option<&PathBuf>,
) -> Result<Option<PathBuf>, CommandError> {
    let given = option.map(|file| super::resolve_path(working_directory, file));
    let bounds = current_bounds();
    let (Some(required), Some(file)) = (&bounds.signers, &bounds.file) else { return Ok(given) };
    let own = file.parent().unwrap_or(Path::new(".")).join(&required.value);
    let is_other = |given: &PathBuf| given.canonicalize().ok() != own.canonicalize().ok();
    match given.filter(is_other) {
        Some(given) => Err(WorkflowError::Refused {
            what: format!(
                "--signers names {}, but the operator requires the signers in {} ({})",
                given.display(),
                own.display(),
                required.place
            ),
            help: "Leave out --signers: the signers of the operator apply.".to_owned(),
        }
        .into()),
        None => Ok(Some(own)),
    }
}
