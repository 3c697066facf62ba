//! The CI job that a run belongs to, in words.

use std::collections::BTreeMap;

use crate::store::lock::LockHolder;

/// What a job says about itself, as [`crate::ledger::record::RunStarted::pipeline`] has it: the system, the address of the run, the pull
/// request, and the account that started it. `None` outside of CI.
#[must_use]
pub fn describe_pipeline(job: &BTreeMap<String, String>) -> Option<String> {
    let system = job.get("name").or_else(|| job.get("system"))?;
    let prefixes = [("run", ""), ("pull_request", "pull request "), ("actor", "started by ")];
    let parts = prefixes.iter().filter_map(|(key, prefix)| Some(format!("{prefix}{}", job.get(*key)?)));
    Some(std::iter::once(system.clone()).chain(parts).collect::<Vec<_>>().join(", "))
}

/// The beginning of a commit's id.
#[must_use]
pub fn shorten_commit(commit: &str) -> String {
    format!("commit {}", commit.chars().take(12).collect::<String>())
}

/// The CI job of a lock's holder, with the commit. `None` outside of CI.
#[must_use]
pub fn describe_holder_job(holder: &LockHolder) -> Option<String> {
    let words = describe_pipeline(&holder.job).or_else(|| holder.pipeline.clone())?;
    let commit = holder.job.get("commit").map(|commit| format!(", {}", shorten_commit(commit)));
    Some(format!("{words}{}", commit.unwrap_or_default()))
}
