use std::collections::BTreeMap;

use super::systems::{SYSTEMS, describe_job};
use crate::views::job::{describe_holder_job, describe_pipeline};

const COMMIT: &str = "ffac537e6cbbf934b08745a378932722df287a53";

fn describe(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    describe_job(&|name: &str| variables.get(name).map(ToString::to_string))
}

/// The variables that each system sets for a job, in the forms of its documentation, and the expected result.
struct Row {
    variables: &'static [(&'static str, &'static str)],
    system: &'static str,
    words: &'static str,
    repository: &'static str,
    reference: &'static str,
}

const ROWS: [Row; 11] = [
    Row {
        variables: &[
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "octocat/Hello-World"),
            ("GITHUB_RUN_ID", "1658821493"),
            ("GITHUB_RUN_ATTEMPT", "3"),
            ("GITHUB_REF", "refs/pull/7/merge"),
            ("GITHUB_ACTOR", "octocat"),
            ("GITHUB_TRIGGERING_ACTOR", "hubot"),
            ("GITHUB_SHA", COMMIT),
        ],
        system: "github",
        words: "GitHub Actions, https://github.com/octocat/Hello-World/actions/runs/1658821493/attempts/3, \
                pull request 7, started by hubot",
        repository: "octocat/Hello-World",
        reference: "refs/pull/7/merge",
    },
    Row {
        variables: &[
            ("CI", "true"),
            ("GITLAB_CI", "true"),
            ("CI_JOB_URL", "https://gitlab.example/group/iam/-/jobs/15"),
            ("CI_PIPELINE_URL", "https://gitlab.example/group/iam/-/pipelines/9"),
            ("CI_PROJECT_PATH", "group/iam"),
            ("CI_MERGE_REQUEST_IID", "4"),
            ("CI_COMMIT_REF_NAME", "topic"),
            ("GITLAB_USER_LOGIN", "jane"),
            ("CI_COMMIT_SHA", COMMIT),
        ],
        system: "gitlab",
        words: "GitLab CI/CD, https://gitlab.example/group/iam/-/jobs/15, pull request 4, started by jane",
        repository: "group/iam",
        reference: "topic",
    },
    Row {
        variables: &[
            ("TF_BUILD", "True"),
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/fabrikam/"),
            ("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI", "https://fabrikam.visualstudio.com/"),
            ("SYSTEM_TEAMPROJECT", "My Project"),
            ("BUILD_BUILDID", "239"),
            ("BUILD_REQUESTEDFOR", "Jane Doe"),
            ("BUILD_REPOSITORY_NAME", "fabrikam/iam"),
            ("BUILD_SOURCEBRANCH", "refs/pull/17/merge"),
            ("SYSTEM_PULLREQUEST_PULLREQUESTID", "1234567"),
            ("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "17"),
            ("BUILD_SOURCEVERSION", COMMIT),
        ],
        system: "azure",
        words: "Azure Pipelines, https://dev.azure.com/fabrikam/My%20Project/_build/results?buildId=239, pull request 17, \
                started by Jane Doe",
        repository: "fabrikam/iam",
        reference: "refs/pull/17/merge",
    },
    // Azure DevOps Server with Azure Repos.
    Row {
        variables: &[
            ("TF_BUILD", "True"),
            ("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI", "https://tfs.example/tfs/Default Collection/"),
            ("SYSTEM_TEAMPROJECT", "iam"),
            ("BUILD_BUILDID", "8"),
            ("BUILD_REQUESTEDFOR", "Jane Doe"),
            ("BUILD_REPOSITORY_NAME", "iam"),
            ("BUILD_SOURCEBRANCH", "refs/pull/5/merge"),
            ("SYSTEM_PULLREQUEST_PULLREQUESTID", "5"),
            ("BUILD_SOURCEVERSION", COMMIT),
        ],
        system: "azure",
        words: "Azure Pipelines, https://tfs.example/tfs/Default%20Collection/iam/_build/results?buildId=8, pull request 5, \
                started by Jane Doe",
        repository: "iam",
        reference: "refs/pull/5/merge",
    },
    Row {
        variables: &[
            ("CI", "true"),
            ("CODEBUILD_CI", "true"),
            ("CODEBUILD_BUILD_ID", "iam:cf59169d-ddc7-4292-a5ab-06e6f5b8c8c4"),
            (
                "CODEBUILD_BUILD_URL",
                "https://eu-west-1.console.aws.amazon.com/codebuild/home?region=eu-west-1#/builds/iam:cf59169d/view/new",
            ),
            ("CODEBUILD_INITIATOR", "codepipeline/my-demo-pipeline"),
            ("CODEBUILD_SOURCE_REPO_URL", "https://github.com/acme/iam.git"),
            ("CODEBUILD_SOURCE_VERSION", "pr/12"),
            ("CODEBUILD_WEBHOOK_HEAD_REF", "refs/heads/topic"),
            ("CODEBUILD_RESOLVED_SOURCE_VERSION", COMMIT),
        ],
        system: "codebuild",
        words: "AWS CodeBuild, https://eu-west-1.console.aws.amazon.com/codebuild/home?region=eu-west-1#/builds/iam:cf59169d/view/new, \
                pull request 12, started by codepipeline/my-demo-pipeline",
        repository: "acme/iam",
        reference: "refs/heads/topic",
    },
    Row {
        variables: &[
            ("CI", "true"),
            ("CIRCLECI", "true"),
            ("CIRCLE_BUILD_URL", "https://circleci.com/gh/acme/iam/42"),
            ("CIRCLE_PULL_REQUEST", "https://github.com/acme/iam/pull/31"),
            ("CIRCLE_USERNAME", "jane"),
            ("CIRCLE_PROJECT_USERNAME", "acme"),
            ("CIRCLE_PROJECT_REPONAME", "iam"),
            ("CIRCLE_BRANCH", "topic"),
            ("CIRCLE_SHA1", COMMIT),
        ],
        system: "circleci",
        words: "CircleCI, https://circleci.com/gh/acme/iam/42, pull request 31, started by jane",
        repository: "acme/iam",
        reference: "topic",
    },
    Row {
        variables: &[
            ("CI", "true"),
            ("BUILDKITE", "true"),
            ("BUILDKITE_BUILD_URL", "https://buildkite.com/acme/iam/builds/59034"),
            ("BUILDKITE_JOB_ID", "d593f546-8c9a-45f8-8701-a2b92fbea9a7"),
            ("BUILDKITE_PULL_REQUEST", "8"),
            ("BUILDKITE_BUILD_CREATOR", "Jane Doe"),
            ("BUILDKITE_REPO", "git@github.com:acme/iam.git"),
            ("BUILDKITE_BRANCH", "topic"),
            ("BUILDKITE_COMMIT", COMMIT),
        ],
        system: "buildkite",
        words: "Buildkite, https://buildkite.com/acme/iam/builds/59034#d593f546-8c9a-45f8-8701-a2b92fbea9a7, pull request 8, \
                started by Jane Doe",
        repository: "acme/iam",
        reference: "topic",
    },
    Row {
        variables: &[
            ("JENKINS_URL", "https://ci.example/"),
            ("BUILD_URL", "https://ci.example/job/iam/job/PR-24/3/"),
            ("BRANCH_NAME", "PR-24"),
            ("CHANGE_ID", "24"),
            ("CHANGE_AUTHOR", "jane"),
            ("GIT_URL", "https://token@git.example/acme/iam.git"),
            ("GIT_COMMIT", COMMIT),
        ],
        system: "jenkins",
        words: "Jenkins, https://ci.example/job/iam/job/PR-24/3/, pull request 24, started by jane",
        repository: "acme/iam",
        reference: "PR-24",
    },
    // This system runs within a job of GitHub, whose variables are set as well.
    Row {
        variables: &[
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "acme/atlantis-host"),
            ("GITHUB_SHA", "0000000000000000000000000000000000000000"),
            ("ATLANTIS_TERRAFORM_VERSION", "1.11.0"),
            ("BASE_REPO_OWNER", "runatlantis"),
            ("BASE_REPO_NAME", "atlantis"),
            ("HEAD_BRANCH_NAME", "topic"),
            ("HEAD_COMMIT", COMMIT),
            ("PULL_NUM", "2"),
            ("PULL_URL", "https://github.com/runatlantis/atlantis/pull/2"),
            ("PULL_AUTHOR", "somebody-else"),
            ("USER_NAME", "acme-user"),
        ],
        system: "atlantis",
        words: "Atlantis, https://github.com/runatlantis/atlantis/pull/2, pull request 2, started by acme-user",
        repository: "runatlantis/atlantis",
        reference: "topic",
    },
    Row {
        variables: &[
            ("CI", "true"),
            ("BITBUCKET_BUILD_NUMBER", "77"),
            ("BITBUCKET_GIT_HTTP_ORIGIN", "http://bitbucket.org/acme/iam"),
            ("BITBUCKET_REPO_FULL_NAME", "acme/iam"),
            ("BITBUCKET_PR_ID", "6"),
            ("BITBUCKET_BRANCH", "topic"),
            ("BITBUCKET_STEP_TRIGGERER_UUID", "{deadbeef-cafe-1234-5678-abcdef012345}"),
            ("BITBUCKET_COMMIT", COMMIT),
        ],
        system: "bitbucket",
        words: "Bitbucket Pipelines, http://bitbucket.org/acme/iam/pipelines/results/77, pull request 6, \
                started by {deadbeef-cafe-1234-5678-abcdef012345}",
        repository: "acme/iam",
        reference: "topic",
    },
    // A GitHub runner hosted by AWS CodeBuild; no pull request, first attempt.
    Row {
        variables: &[
            ("CODEBUILD_BUILD_ID", "runner:1"),
            ("CODEBUILD_BUILD_URL", "https://eu-west-1.console.aws.amazon.com/codebuild/home"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.example"),
            ("GITHUB_REPOSITORY", "acme/iam"),
            ("GITHUB_RUN_ID", "1"),
            ("GITHUB_RUN_ATTEMPT", ""),
            ("GITHUB_REF", "refs/heads/pull/9"),
            ("GITHUB_ACTOR", "jane"),
            ("GITHUB_SHA", COMMIT),
        ],
        system: "github",
        words: "GitHub Actions, https://github.example/acme/iam/actions/runs/1, started by jane",
        repository: "acme/iam",
        reference: "refs/heads/pull/9",
    },
];

#[test]
fn each_system_names_run_pull_request_actor_and_commit() {
    for row in &ROWS {
        let job = describe(row.variables);
        assert_eq!(job["system"], row.system);
        assert_eq!(describe_pipeline(&job).as_deref(), Some(row.words), "{}", row.system);
        assert_eq!(job["repository"], row.repository, "{}", row.system);
        assert_eq!(job["ref"], row.reference, "{}", row.system);
        assert_eq!(job["commit"], COMMIT, "{}", row.system);
        let origin = super::RunOrigin { pipeline: job, ..super::RunOrigin::default() };
        let shown = describe_holder_job(&origin.to_lock_holder("jane")).unwrap();
        assert_eq!(shown, format!("{}, commit ffac537e6cbb", row.words));
    }
    let tested: std::collections::BTreeSet<&str> = ROWS.iter().map(|row| row.system).collect();
    assert!(SYSTEMS.iter().all(|system| system.id == "ci" || tested.contains(system.id)));
}

#[test]
fn unset_empty_and_false_are_no_system() {
    assert!(describe(&[]).is_empty());
    assert!(describe(&[("CI", ""), ("GITHUB_ACTIONS", " "), ("BUILDKITE", "false"), ("TF_BUILD", "0")]).is_empty());
    let unknown = describe(&[("CI", "true"), ("GITHUB_ACTIONS", "false"), ("GITHUB_SHA", COMMIT)]);
    assert_eq!(describe_pipeline(&unknown).as_deref(), Some("an unknown CI system"));
    assert_eq!(unknown["system"], "ci");
}

#[test]
fn a_build_without_a_pull_request_or_commit_names_none() {
    let job = describe(&[("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "false"), ("BUILDKITE_COMMIT", "HEAD")]);
    assert_eq!(describe_pipeline(&job).as_deref(), Some("Buildkite"));
    assert!(!job.contains_key("commit"));
}

#[test]
fn hostile_values_are_bounded_and_steer_nothing() {
    let long = format!("refs/heads/{}", "x".repeat(100_000));
    let job = describe(&[
        ("GITLAB_CI", "true"),
        ("CI_JOB_URL", "javascript:alert(1)"),
        ("CI_PIPELINE_URL", "https://root:secret@gitlab.example/\u{1b}]8;;\n-/pipelines/1"),
        ("GITLAB_USER_LOGIN", "\u{202e}ja\u{1b}[31mne\r\n"),
        ("CI_COMMIT_REF_NAME", &long),
        ("CI_COMMIT_SHA", "$(touch x)"),
    ]);
    assert_eq!(job["run"], "https://gitlab.example/]8;;-/pipelines/1");
    assert_eq!(job["actor"], "ja[31mne");
    assert!(job["ref"].len() < 300);
    assert!(!job.contains_key("commit"));
}
