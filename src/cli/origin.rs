//! Who runs this, where, and from which commit: for the lock and the ledger. Nothing here decides anything.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::store::lock::Holder;

/// Where a run comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    pub host: String,
    pub commit: Option<String>,
    pub dirty: Option<bool>,
    pub pipeline: BTreeMap<String, String>,
}

/// A system that runs pipelines: how it is known, and the variables that say what.
struct System {
    name: &'static str,
    known_by: &'static str,
    says: &'static [(&'static str, &'static str)],
}

/// The variables are those that each system documents for its jobs.
const SYSTEMS: [System; 8] = [
    System {
        name: "github",
        known_by: "GITHUB_ACTIONS",
        says: &[
            ("actor", "GITHUB_ACTOR"),
            ("repository", "GITHUB_REPOSITORY"),
            ("ref", "GITHUB_REF"),
            ("commit", "GITHUB_SHA"),
        ],
    },
    System {
        name: "gitlab",
        known_by: "GITLAB_CI",
        says: &[
            ("run", "CI_JOB_URL"),
            ("actor", "GITLAB_USER_LOGIN"),
            ("repository", "CI_PROJECT_PATH"),
            ("ref", "CI_COMMIT_REF_NAME"),
            ("pull_request", "CI_MERGE_REQUEST_IID"),
            ("commit", "CI_COMMIT_SHA"),
        ],
    },
    System {
        name: "atlantis",
        known_by: "ATLANTIS_TERRAFORM_VERSION",
        says: &[
            ("actor", "USER_NAME"),
            ("repository", "BASE_REPO_NAME"),
            ("pull_request", "PULL_NUM"),
            ("run", "PULL_URL"),
        ],
    },
    System {
        name: "buildkite",
        known_by: "BUILDKITE",
        says: &[
            ("run", "BUILDKITE_BUILD_URL"),
            ("actor", "BUILDKITE_BUILD_CREATOR"),
            ("ref", "BUILDKITE_BRANCH"),
            ("pull_request", "BUILDKITE_PULL_REQUEST"),
            ("commit", "BUILDKITE_COMMIT"),
        ],
    },
    System {
        name: "circleci",
        known_by: "CIRCLECI",
        says: &[
            ("run", "CIRCLE_BUILD_URL"),
            ("actor", "CIRCLE_USERNAME"),
            ("ref", "CIRCLE_BRANCH"),
            ("pull_request", "CIRCLE_PULL_REQUEST"),
            ("commit", "CIRCLE_SHA1"),
        ],
    },
    System {
        name: "azure",
        known_by: "TF_BUILD",
        says: &[
            ("run", "BUILD_BUILDID"),
            ("actor", "BUILD_REQUESTEDFOR"),
            ("repository", "BUILD_REPOSITORY_NAME"),
            ("ref", "BUILD_SOURCEBRANCH"),
            ("pull_request", "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER"),
            ("commit", "BUILD_SOURCEVERSION"),
        ],
    },
    System {
        name: "jenkins",
        known_by: "JENKINS_URL",
        says: &[("run", "BUILD_URL"), ("ref", "BRANCH_NAME"), ("pull_request", "CHANGE_ID"), ("commit", "GIT_COMMIT")],
    },
    System { name: "ci", known_by: "CI", says: &[] },
];

impl Origin {
    /// Asks the environment, and git in the stack's directory.
    pub fn of(directory: &Path) -> Self {
        let pipeline = pipeline(super::environment::variable);
        let commit = git(directory, &["rev-parse", "HEAD"]).or_else(|| pipeline.get("commit").cloned());
        let dirty = git(directory, &["status", "--porcelain"]).map(|changes| !changes.is_empty());
        Self { host: host(), commit, dirty, pipeline }
    }

    /// As whom the lock is held.
    pub fn holder(&self, actor: &str) -> Holder {
        Holder {
            actor: actor.to_owned(),
            host: self.host.clone(),
            process: std::process::id(),
            pipeline: self.pipeline.get("run").or_else(|| self.pipeline.get("system")).cloned(),
        }
    }
}

/// What the pipeline says of itself; empty where there is none.
fn pipeline(variable: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let Some(system) = SYSTEMS.iter().find(|system| variable(system.known_by).is_some()) else {
        return BTreeMap::new();
    };
    let mut says: BTreeMap<String, String> =
        system.says.iter().filter_map(|(what, name)| Some(((*what).to_owned(), variable(name)?))).collect();
    says.insert("system".to_owned(), system.name.to_owned());
    if system.name == "github" {
        says.extend(github(&variable));
    }
    says.retain(|_, value| value != "false");
    says
}

/// GitHub names the parts of a run's address, and the pull request only within the ref: `refs/pull/7/merge`.
fn github(variable: &impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    let mut says = Vec::new();
    if let (Some(server), Some(repository), Some(run)) =
        (variable("GITHUB_SERVER_URL"), variable("GITHUB_REPOSITORY"), variable("GITHUB_RUN_ID"))
    {
        says.push(("run".to_owned(), format!("{server}/{repository}/actions/runs/{run}")));
    }
    let reference = variable("GITHUB_REF").unwrap_or_default();
    if let Some(number) = reference.strip_prefix("refs/pull/").and_then(|rest| rest.split('/').next()) {
        says.push(("pull_request".to_owned(), number.to_owned()));
    }
    says
}

/// What git prints; `None` where there is no git, or no repository.
fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(directory).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn host() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_of_github_names_its_run_and_pull_request() {
        let variables = BTreeMap::from([
            ("GITHUB_ACTIONS", "true"),
            ("CI", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/iam"),
            ("GITHUB_RUN_ID", "42"),
            ("GITHUB_REF", "refs/pull/7/merge"),
        ]);
        let said = pipeline(|name| variables.get(name).map(ToString::to_string));
        assert_eq!(said["run"], "https://github.com/acme/iam/actions/runs/42");
        assert_eq!(said["pull_request"], "7");
        assert_eq!(said["system"], "github");
        assert!(pipeline(|_| None).is_empty());
    }
}
