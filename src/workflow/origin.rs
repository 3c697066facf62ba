//! The origin of a run, for the lock and the ledger. Nothing is decided by it. The caller reads it.

use std::collections::BTreeMap;

use crate::store::lock::LockHolder;

/// The origin of a run.
#[derive(Debug, Clone, Default)]
pub struct RunOrigin {
    /// The host name of the machine.
    pub host: String,
    /// The id of the process.
    pub process: u32,
    /// The commit of the configuration: from the CI system, otherwise from the `.git` at or above the stack. `None`: neither has one.
    pub commit: Option<String>,
    /// What the CI job reports about itself. Empty outside CI.
    pub pipeline: BTreeMap<String, String>,
}

impl RunOrigin {
    /// The holder that is written into the lock.
    #[must_use]
    pub fn to_lock_holder(&self, actor: &str) -> LockHolder {
        LockHolder {
            actor: actor.to_owned(),
            host: self.host.clone(),
            process: self.process,
            pipeline: self.pipeline.get("run").or_else(|| self.pipeline.get("name")).cloned(),
            job: self.pipeline.clone(),
        }
    }
}
