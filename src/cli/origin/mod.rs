//! The origin of a run, for the lock and the ledger: the machine, the CI job and the commit. Nothing is decided by it, and reading it
//! starts no process.

mod clean;
mod git;
mod systems;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use crate::store::lock::LockHolder;

/// The origin of a run.
#[derive(Debug, Clone, Default)]
pub struct RunOrigin {
    /// The host name of the machine.
    pub host: String,
    /// The commit of the configuration: from the CI system, otherwise from the `.git` at or above the stack. `None`: neither has one.
    pub commit: Option<String>,
    /// What the CI job reports about itself. Empty outside CI.
    pub pipeline: BTreeMap<String, String>,
}

impl RunOrigin {
    /// Reads the environment, and the `.git` at or above the stack's directory.
    pub fn for_directory(directory: &Path) -> Self {
        let pipeline = systems::describe_job(&|name: &str| std::env::var(name).ok());
        let commit = pipeline.get("commit").cloned().or_else(|| git::read_commit(directory));
        Self { host: clean::clean_name(&gethostname::gethostname().to_string_lossy()), commit, pipeline }
    }

    /// The holder that is written into the lock.
    pub fn to_lock_holder(&self, actor: &str) -> LockHolder {
        LockHolder {
            actor: actor.to_owned(),
            host: self.host.clone(),
            process: std::process::id(),
            pipeline: self.pipeline.get("run").or_else(|| self.pipeline.get("name")).cloned(),
            job: self.pipeline.clone(),
        }
    }
}
