//! Reads the origin of a run, for the lock and the ledger: the machine, the CI job and the commit. This starts no process.

mod clean;
mod git;
mod systems;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::workflow::RunOrigin;

/// Reads the environment, and the `.git` at or above the stack's directory.
pub fn read_origin(directory: &Path) -> RunOrigin {
    let pipeline = systems::describe_job(&|name: &str| std::env::var(name).ok());
    let commit = pipeline.get("commit").cloned().or_else(|| git::read_commit(directory));
    let host = clean::clean_name(&gethostname::gethostname().to_string_lossy());
    RunOrigin { host, process: std::process::id(), commit, pipeline }
}
