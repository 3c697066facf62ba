//! The CI systems that Leasehold recognizes, and the variables that each documents for its jobs.
//!
//! In: a function that reads environment variables. Out: what the job reports about itself, cleaned and limited in length, under the keys
//! that [`crate::ledger::record::RunStarted::pipeline`] lists.
//!
//! A field of a row is a list of templates. The first template whose variables are all set gives the value. An empty variable counts as
//! unset.

use std::collections::BTreeMap;

use super::clean::{clean_link, clean_name, clean_text, encode_path_part, parse_commit_id, parse_repository_path};

/// A CI system.
pub struct CiSystem {
    /// The value of the key `system`. It never changes.
    pub id: &'static str,
    /// The value of the key `name`: the usual name of the system.
    pub name: &'static str,
    /// The variable by which the system is recognized: it must be set, and not to `false` or `0`.
    known_by: &'static str,
    /// The URL of the run. A variable at the start is a URL itself; the other variables are parts of a path.
    run: &'static [&'static str],
    /// The pull or merge request: a variable, and the text in front of the number in its value.
    pull_request: &'static [(&'static str, &'static str)],
    /// The account that started the run.
    actor: &'static [&'static str],
    /// The repository: `owner/name`, or a URL with this path.
    repository: &'static [&'static str],
    /// The branch, the tag or the full ref.
    reference: &'static [&'static str],
    /// The commit that is checked out.
    commit: &'static [&'static str],
}

/// The most specific system comes first, because a system may run inside another: Atlantis can run in any of them, and AWS CodeBuild hosts
/// runners of GitHub, GitLab and Buildkite and agents of Jenkins.
pub const SYSTEMS: [CiSystem; 10] = [
    // https://www.runatlantis.io/docs/custom-workflows.html#native-environment-variables
    CiSystem {
        id: "atlantis",
        name: "Atlantis",
        known_by: "ATLANTIS_TERRAFORM_VERSION",
        run: &["{PULL_URL}"],
        pull_request: &[("PULL_NUM", "")],
        actor: &["{USER_NAME}"],
        repository: &["{BASE_REPO_OWNER}/{BASE_REPO_NAME}", "{BASE_REPO_NAME}"],
        reference: &["{HEAD_BRANCH_NAME}"],
        commit: &["{HEAD_COMMIT}"],
    },
    // https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    CiSystem {
        id: "github",
        name: "GitHub Actions",
        known_by: "GITHUB_ACTIONS",
        run: &[
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}/attempts/{GITHUB_RUN_ATTEMPT}",
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
        ],
        pull_request: &[("GITHUB_REF", "refs/pull/")],
        // The account that re-ran the workflow, if it was re-run.
        actor: &["{GITHUB_TRIGGERING_ACTOR}", "{GITHUB_ACTOR}"],
        repository: &["{GITHUB_REPOSITORY}"],
        reference: &["{GITHUB_REF}"],
        commit: &["{GITHUB_SHA}"],
    },
    // https://docs.gitlab.com/ci/variables/predefined_variables/
    CiSystem {
        id: "gitlab",
        name: "GitLab CI/CD",
        known_by: "GITLAB_CI",
        run: &["{CI_JOB_URL}", "{CI_PIPELINE_URL}"],
        pull_request: &[("CI_MERGE_REQUEST_IID", "")],
        actor: &["{GITLAB_USER_LOGIN}"],
        repository: &["{CI_PROJECT_PATH}"],
        reference: &["{CI_COMMIT_REF_NAME}"],
        commit: &["{CI_COMMIT_SHA}"],
    },
    // https://buildkite.com/docs/pipelines/configure/environment-variables
    CiSystem {
        id: "buildkite",
        name: "Buildkite",
        known_by: "BUILDKITE",
        run: &["{BUILDKITE_BUILD_URL}#{BUILDKITE_JOB_ID}", "{BUILDKITE_BUILD_URL}"],
        pull_request: &[("BUILDKITE_PULL_REQUEST", "")],
        actor: &["{BUILDKITE_BUILD_CREATOR}"],
        repository: &["{BUILDKITE_REPO}"],
        reference: &["{BUILDKITE_BRANCH}", "{BUILDKITE_TAG}"],
        commit: &["{BUILDKITE_COMMIT}"],
    },
    // https://circleci.com/docs/reference/variables/
    CiSystem {
        id: "circleci",
        name: "CircleCI",
        known_by: "CIRCLECI",
        run: &["{CIRCLE_BUILD_URL}"],
        pull_request: &[
            ("CIRCLE_PR_NUMBER", ""),
            ("CIRCLE_PULL_REQUEST", "/pull/"),
            ("CIRCLE_PULL_REQUEST", "/pull-requests/"),
        ],
        actor: &["{CIRCLE_USERNAME}"],
        repository: &["{CIRCLE_PROJECT_USERNAME}/{CIRCLE_PROJECT_REPONAME}", "{CIRCLE_REPOSITORY_URL}"],
        reference: &["{CIRCLE_BRANCH}", "{CIRCLE_TAG}"],
        commit: &["{CIRCLE_SHA1}"],
    },
    // https://learn.microsoft.com/azure/devops/pipelines/build/variables
    CiSystem {
        id: "azure",
        name: "Azure Pipelines",
        known_by: "TF_BUILD",
        run: &[
            "{SYSTEM_COLLECTIONURI}/{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
            "{SYSTEM_TEAMFOUNDATIONCOLLECTIONURI}/{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
        ],
        // The number is the one that GitHub uses. Azure Repos has only the id.
        pull_request: &[
            ("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", ""),
            ("SYSTEM_PULLREQUEST_PULLREQUESTID", ""),
            ("BUILD_SOURCEBRANCH", "refs/pull/"),
        ],
        actor: &["{BUILD_REQUESTEDFOR}"],
        repository: &["{BUILD_REPOSITORY_NAME}"],
        reference: &["{BUILD_SOURCEBRANCH}"],
        commit: &["{BUILD_SOURCEVERSION}"],
    },
    // https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
    CiSystem {
        id: "bitbucket",
        name: "Bitbucket Pipelines",
        known_by: "BITBUCKET_BUILD_NUMBER",
        run: &[
            "{BITBUCKET_GIT_HTTP_ORIGIN}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",
            "https://bitbucket.org/{BITBUCKET_REPO_FULL_NAME}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",
        ],
        pull_request: &[("BITBUCKET_PR_ID", "")],
        actor: &["{BITBUCKET_STEP_TRIGGERER_UUID}"],
        repository: &["{BITBUCKET_REPO_FULL_NAME}"],
        reference: &["{BITBUCKET_BRANCH}", "{BITBUCKET_TAG}"],
        commit: &["{BITBUCKET_COMMIT}"],
    },
    // https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables
    CiSystem {
        id: "jenkins",
        name: "Jenkins",
        known_by: "JENKINS_URL",
        run: &["{BUILD_URL}"],
        pull_request: &[("CHANGE_ID", "")],
        // Jenkins itself does not report who started a build. The first variable comes from the plugin Build User Vars.
        actor: &["{BUILD_USER_ID}", "{CHANGE_AUTHOR}"],
        repository: &["{GIT_URL}"],
        reference: &["{BRANCH_NAME}", "{GIT_BRANCH}"],
        commit: &["{GIT_COMMIT}"],
    },
    // https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
    CiSystem {
        id: "codebuild",
        name: "AWS CodeBuild",
        known_by: "CODEBUILD_BUILD_ID",
        run: &["{CODEBUILD_BUILD_URL}", "{CODEBUILD_PUBLIC_BUILD_URL}"],
        pull_request: &[("CODEBUILD_WEBHOOK_TRIGGER", "pr/"), ("CODEBUILD_SOURCE_VERSION", "pr/")],
        actor: &["{CODEBUILD_INITIATOR}"],
        repository: &["{CODEBUILD_SOURCE_REPO_URL}"],
        reference: &["{CODEBUILD_WEBHOOK_HEAD_REF}"],
        commit: &["{CODEBUILD_RESOLVED_SOURCE_VERSION}"],
    },
    CiSystem {
        id: "ci",
        name: "an unknown CI system",
        known_by: "CI",
        run: &[],
        pull_request: &[],
        actor: &[],
        repository: &[],
        reference: &[],
        commit: &[],
    },
];

/// What the job reports about itself. Empty outside CI.
pub fn describe_job(variable: &impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let is_known = |system: &&CiSystem| variable(system.known_by).is_some_and(|value| value != "false" && value != "0");
    let Some(system) = SYSTEMS.iter().find(is_known) else { return BTreeMap::new() };
    let first =
        |templates: &[&str]| templates.iter().find_map(|template| fill_template(template, &variable, clean_text));
    let run = system.run.iter().find_map(|template| clean_link(&fill_template(template, &variable, encode_path_part)?));
    let number = |(name, before): &(&str, &str)| parse_pull_request_number(&variable(name)?, before);
    let fields = [
        ("system", Some(system.id.to_owned())),
        ("name", Some(system.name.to_owned())),
        ("run", run),
        ("pull_request", system.pull_request.iter().find_map(number)),
        ("actor", first(system.actor).map(|text| clean_name(&text))),
        ("repository", first(system.repository).and_then(|text| parse_repository_path(&text))),
        ("ref", first(system.reference).map(|text| clean_name(&text))),
        ("commit", first(system.commit).and_then(|text| parse_commit_id(&text))),
    ];
    fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// The template with its variables filled in. `None`: one of them is not set. All variables except one at the start are passed through
/// `part`; a base URL loses its trailing slashes.
fn fill_template(
    template: &str,
    variable: &impl Fn(&str) -> Option<String>,
    part: impl Fn(&str) -> String,
) -> Option<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let value = variable(name)?;
        filled.push_str(before);
        if filled.is_empty() && !after.is_empty() {
            filled.push_str(value.trim_end_matches('/'));
        } else if filled.is_empty() {
            filled.push_str(&value);
        } else {
            filled.push_str(&part(&value));
        }
        rest = after;
    }
    filled.push_str(rest);
    let filled = clean_text(&filled);
    (!filled.is_empty()).then_some(filled)
}

/// The number after `before`, which is the start of the value or a part of its path. If `before` is empty, the whole value is used: Jenkins
/// has changes without numbers. Buildkite writes `false` if there is no pull request.
fn parse_pull_request_number(value: &str, before: &str) -> Option<String> {
    if before.is_empty() {
        let value = clean_name(value);
        return (!value.is_empty() && value != "false").then_some(value);
    }
    let rest = match before.strip_prefix('/') {
        Some(_) => value.split_once(before)?.1,
        None => value.strip_prefix(before)?,
    };
    let number = rest.split(['/', '?', '#']).next()?;
    (!number.is_empty() && number.len() <= 20 && number.bytes().all(|b| b.is_ascii_digit())).then(|| number.to_owned())
}
