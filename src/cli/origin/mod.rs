//! Where a run comes from: the machine, the CI job and the commit, for the lock and the ledger. Nothing here decides anything, and no
//! process is started.

mod clean;
mod git;
mod systems;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use crate::store::lock::LockHolder;

/// Where a run comes from.
#[derive(Debug, Clone, Default)]
pub struct RunOrigin {
    /// The name of the machine.
    pub host: String,
    /// The commit of the configuration: as the CI system says, else as the `.git` at or above the stack says.
    pub commit: Option<String>,
    /// What the CI job says about itself; empty outside of CI.
    pub pipeline: BTreeMap<String, String>,
}

impl RunOrigin {
    /// Reads the environment, and the `.git` at or above the stack's directory.
    pub fn for_directory(directory: &Path) -> Self {
        let pipeline = systems::describe_job(&|name: &str| std::env::var(name).ok());
        let commit = pipeline.get("commit").cloned().or_else(|| git::read_commit(directory));
        Self { host: clean::clean_name(&gethostname::gethostname().to_string_lossy()), commit, pipeline }
    }

    /// As whom the lock is held.
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
