//! The CI job that a run belongs to, as text.

use std::collections::BTreeMap;

use crate::store::lock::LockHolder;

/// What a job reports about itself, from [`crate::ledger::record::RunStarted::pipeline`]: the system, the URL of the run, the pull request,
/// and the account that started it. `None` outside CI.
#[must_use]
pub fn describe_pipeline(job: &BTreeMap<String, String>) -> Option<String> {
    let system = job.get("name").or_else(|| job.get("system"))?;
    let prefixes = [("run", ""), ("pull_request", "pull request "), ("actor", "started by ")];
    let parts = prefixes.iter().filter_map(|(key, prefix)| Some(format!("{prefix}{}", job.get(*key)?)));
    Some(std::iter::once(system.clone()).chain(parts).collect::<Vec<_>>().join(", "))
}

/// The abbreviated id of a commit.
#[must_use]
pub fn shorten_commit(commit: &str) -> String {
    format!("commit {}", commit.chars().take(12).collect::<String>())
}

/// The CI job of the holder of a lock, with the commit. `None` outside CI.
#[must_use]
pub fn describe_holder_job(holder: &LockHolder) -> Option<String> {
    let words = describe_pipeline(&holder.job).or_else(|| holder.pipeline.clone())?;
    let commit = holder.job.get("commit").map(|commit| format!(", {}", shorten_commit(commit)));
    Some(format!("{words}{}", commit.unwrap_or_default()))
}
