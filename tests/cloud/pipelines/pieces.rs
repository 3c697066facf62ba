//! The ready pieces under `examples/pipelines`: their own commands, in their order, with the real program, against an emulator.
//!
//! What stands around them is played here: GitHub's and GitLab's interfaces by small programs that keep comments and issues in files.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use leasehold_emulator::Emulator;
use serde_yaml_ng::Value;
use tempfile::TempDir;

/// `gh`, as far as the pieces use it: one comment, one issue.
const GH: &str = r#"#!/bin/sh
echo "gh $*" >> "$PLAYED/log"
body() { for a in "$@"; do case "$a" in body=@*) cat "${a#body=@}" ;; esac; done; }
file() { while [ $# -gt 0 ]; do [ "$1" = --body-file ] && cat "$2"; shift; done; }
case "$1 $2" in
  "api "*comments) case "$*" in
      *--paginate*) [ -f "$PLAYED/comment" ] && echo 77 || true ;;
      *POST*) body "$@" > "$PLAYED/comment" ;;
    esac ;;
  "api "*comments/77) body "$@" > "$PLAYED/comment" ;;
  "issue list") [ -f "$PLAYED/issue" ] && echo 5 || true ;;
  "issue create" | "issue edit") file "$@" > "$PLAYED/issue" ;;
  "issue close") rm "$PLAYED/issue" ;;
  *) echo "not played: $*" >&2; exit 1 ;;
esac
"#;

/// `curl`, as far as the pieces use it: GitHub's tokens, and GitLab's notes.
const CURL: &str = r#"#!/bin/sh
echo "curl $*" >> "$PLAYED/log"
case "$*" in
  *"&audience=sts.amazonaws.com") echo "{\"value\": \"$(cat "$PLAYED/token" 2> /dev/null || echo a.web.token)\"}" ;;
  *"--request POST"* | *"--request PUT"*) cp note.json "$PLAYED/note"; echo '{}' ;;
  *notes*) if [ -f "$PLAYED/note" ]; then jq '[. + {id: 9}]' "$PLAYED/note"; else echo '[]'; fi ;;
  *) echo "not played: $*" >&2; exit 1 ;;
esac
"#;

/// A repository with the stack `identities`, as a runner has it checked out.
pub struct Runner {
    home: TempDir,
    pub aws: Emulator,
    /// The environment that leads to the account.
    aws_env: Vec<(String, String)>,
}

impl Runner {
    fn new() -> Self {
        let aws = Emulator::moto();
        let env = aws.env();
        Self::on(aws, env, &super::payments())
    }

    /// A runner with that stack, whose jobs reach the account by this environment.
    pub fn on(aws: Emulator, aws_env: Vec<(String, String)>, stack: &str) -> Self {
        let home = TempDir::new().unwrap();
        for dir in ["work/identities", "bin", "temp", "played", "artifacts"] {
            std::fs::create_dir_all(home.path().join(dir)).unwrap();
        }
        let runner = Self { home, aws, aws_env };
        runner.write("work/identities/stack.hcl", stack);
        for (name, text) in [("gh", GH), ("curl", CURL)] {
            runner.write(&format!("bin/{name}"), text);
            let path = runner.path(&format!("bin/{name}"));
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::os::unix::fs::symlink(leasehold_test_harness::program(), runner.path("bin/leasehold")).unwrap();
        runner
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn edit(&self, from: &str, to: &str) {
        let text = self.read("work/identities/stack.hcl");
        assert_eq!(text.matches(from).count(), 1);
        self.write("work/identities/stack.hcl", &text.replace(from, to));
    }

    /// The pieces' account is the emulator's.
    pub fn working_directory(text: &str) -> String {
        text.replace("111122223333", Emulator::ACCOUNT)
    }

    /// Runs a script as a step does. There are no credentials but the token that a step has asked for.
    pub fn run(&self, script: &str, dir: &str, env: &BTreeMap<String, String>) -> (i32, String) {
        let credentials = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let aws = self.aws_env.iter().filter(|(name, _)| !credentials.contains(&name.as_str())).cloned();
        let path = format!("{}:{}:/usr/bin:/bin", self.path("bin").display(), self.path("home/.cargo/bin").display());
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(self.path(dir))
            .env_clear()
            .envs(aws)
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("PLAYED", self.path("played"))
            .envs(env.iter().map(|(name, value)| (name, Self::working_directory(value))))
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap_or(-1), said)
    }
}

fn yaml(path: &str) -> Value {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    serde_yaml_ng::from_str(&text).unwrap()
}

fn map(value: &Value) -> BTreeMap<String, String> {
    let entries = value.as_mapping().into_iter().flatten();
    let text = |value: &Value| {
        value.as_str().map_or_else(|| serde_yaml_ng::to_string(value).unwrap().trim().to_owned(), str::to_owned)
    };
    entries.map(|(name, value)| (text(name), text(value))).collect()
}

/// One run of a GitHub workflow.
pub struct Workflow<'a> {
    runner: &'a Runner,
    document: Value,
    /// What expressions stand for.
    values: BTreeMap<String, String>,
}

impl<'a> Workflow<'a> {
    pub fn new(runner: &'a Runner, name: &str) -> Self {
        let temp = runner.path("temp").display().to_string();
        let values = [
            ("runner.temp", temp.as_str()),
            ("github.token", "github-token"),
            ("github.repository", "acme/identities"),
            ("github.event.pull_request.number", "12"),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { runner, document: yaml(&format!("examples/pipelines/github/{name}.yml")), values }
    }

    fn filled(&self, text: &str) -> String {
        let mut out = text.to_owned();
        while let Some(start) = out.find("${{") {
            let end = start + out[start..].find("}}").unwrap() + 2;
            let name = out[start + 3..end - 2].trim().to_owned();
            let value = self.values.get(&name).unwrap_or_else(|| panic!("{name} has no value"));
            out.replace_range(start..end, value);
        }
        out
    }

    fn env(&self, of: &[&Value]) -> BTreeMap<String, String> {
        let mut env: BTreeMap<String, String> = BTreeMap::new();
        for value in of {
            env.extend(map(value).into_iter().map(|(name, value)| (name, self.filled(&value))));
        }
        let path = |name: &str| self.runner.path(name).display().to_string();
        env.extend([
            ("GITHUB_OUTPUT".to_owned(), path("temp/output")),
            ("GITHUB_STEP_SUMMARY".to_owned(), path("temp/summary")),
            ("GITHUB_REPOSITORY".to_owned(), "acme/identities".to_owned()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), "request-token".to_owned()),
            ("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), "https://token.example/?x=1".to_owned()),
        ]);
        env
    }

    /// Runs the steps of a job in their order. Gives the exit code of the first that failed, and all that was said.
    pub fn job(&mut self, name: &str) -> (i32, String) {
        let job = self.document["jobs"][name].clone();
        let mut said = String::new();
        for step in job["steps"].as_sequence().unwrap() {
            if let Some(action) = step["uses"].as_str() {
                self.action(action, &map(&step["with"]));
                continue;
            }
            std::fs::write(self.runner.path("temp/output"), "").unwrap();
            let env = self.env(&[&self.document["env"], &job["env"], &step["env"]]);
            let script = step["run"].as_str().unwrap();
            assert!(!script.contains("${{"), "an expression in a script: {script}");
            let (code, text) = self.runner.run(script, "work", &env);
            said.push_str(&text);
            if code != 0 {
                return (code, said);
            }
            if let Some(id) = step["id"].as_str() {
                for line in self.runner.read("temp/output").lines() {
                    let (name, value) = line.split_once('=').unwrap();
                    self.values.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
                }
            }
        }
        let outputs = map(&job["outputs"]);
        let outputs: Vec<(String, String)> = outputs
            .into_iter()
            .map(|(output, value)| (format!("needs.{name}.outputs.{output}"), self.filled(&value)))
            .collect();
        self.values.extend(outputs);
        (0, said)
    }

    fn action(&self, action: &str, with: &BTreeMap<String, String>) {
        let plan = |dir: &str| self.runner.path(dir).join("leasehold.plan");
        match action.split('@').next().unwrap() {
            "actions/checkout" => {}
            "your-org/leasehold" => assert_eq!(self.runner.set_up("").0, 0),
            // The plan as JSON, for people: no later job reads it.
            "actions/upload-artifact" if with["path"].ends_with("/plan.json") => {}
            "actions/upload-artifact" => {
                assert_eq!(with["path"], "leasehold.plan");
                std::fs::rename(plan("work"), plan("artifacts")).unwrap();
            }
            "actions/download-artifact" => {
                std::fs::rename(plan("artifacts"), plan("work")).unwrap();
            }
            other => panic!("{other} is not played"),
        }
    }
}

impl Runner {
    /// Runs the composite action's steps, with a program that is there already.
    fn set_up(&self, binary: &str) -> (i32, String) {
        let program = leasehold_test_harness::program();
        let binary = if binary.is_empty() { program.to_str().unwrap() } else { binary };
        let action = yaml("action.yml");
        let mut said = String::new();
        for step in action["runs"]["steps"].as_sequence().unwrap() {
            let runs = match step["if"].as_str() {
                Some("${{ inputs.binary == '' }}") => false,
                Some("${{ inputs.binary != '' }}") | None => true,
                Some(other) => panic!("{other}"),
            };
            if !runs {
                continue;
            }
            assert_eq!(step["shell"], "bash");
            let env = map(&step["env"])
                .into_iter()
                .map(|(name, value)| (name, value.replace("${{ inputs.binary }}", binary)));
            let mut env: BTreeMap<String, String> = env.collect();
            env.insert("GITHUB_OUTPUT".to_owned(), self.path("temp/setup").display().to_string());
            let (code, text) = self.run(step["run"].as_str().unwrap(), "work", &env);
            said.push_str(&text);
            if code != 0 {
                return (code, said);
            }
        }
        (0, said)
    }
}

#[test]
fn the_action_puts_the_program_on_the_path() {
    let runner = Runner::new();
    std::fs::remove_file(runner.path("bin/leasehold")).unwrap();
    assert_eq!(runner.set_up(""), (0, String::new()));
    assert_eq!(runner.read("temp/setup"), format!("version=leasehold {}\n", env!("CARGO_PKG_VERSION")));
    assert_ne!(runner.set_up("/nowhere").0, 0);
}

#[test]
fn github_workflows_plan_comment_apply_drift_and_sweep() {
    let runner = Runner::new();
    // A pull request: planned twice, commented once.
    for _ in 0..2 {
        let (code, said) = Workflow::new(&runner, "plan").job("plan");
        assert_eq!(code, 0, "{said}");
    }
    let comment = runner.read("played/comment");
    assert!(comment.starts_with("<!-- leasehold plan identities -->\n### Leasehold plan"), "{comment}");
    assert!(comment.contains("2 joiners"), "{comment}");
    let log = runner.read("played/log");
    assert_eq!((log.matches("--method POST").count(), log.matches("--method PATCH").count()), (1, 1), "{log}");
    assert_eq!(runner.aws.calls("CreateRole"), 0);
    assert!(runner.aws.calls("AssumeRoleWithWebIdentity") >= 2, "by the token alone");

    // Merged: planned, and that plan applied.
    let mut merge = Workflow::new(&runner, "apply");
    let (code, said) = merge.job("plan");
    assert_eq!(code, 0, "{said}");
    assert_eq!(merge.values["steps.plan.outputs.changes"], "true");
    let (code, said) = merge.job("apply");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Apply complete!"), "{said}");
    let mut again = Workflow::new(&runner, "apply");
    assert_eq!(again.job("plan").0, 0);
    assert_eq!(again.values["steps.plan.outputs.changes"], "false");

    // Drift: one issue, opened, kept, closed.
    let drift = || Workflow::new(&runner, "drift").job("drift");
    assert_eq!(drift().0, 0);
    assert!(!runner.path("played/issue").exists());
    runner
        .aws
        .boto3("iam.attach_user_policy(UserName='reporter', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')");
    assert_eq!((drift().0, drift().0), (0, 0));
    assert!(runner.read("played/issue").contains("AdministratorAccess"));
    let log = runner.read("played/log");
    assert_eq!((log.matches("issue create").count(), log.matches("issue edit").count()), (1, 1), "{log}");
    runner
        .aws
        .boto3("iam.detach_user_policy(UserName='reporter', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')");
    assert_eq!(drift().0, 0);
    assert!(!runner.path("played/issue").exists());

    let (code, said) = Workflow::new(&runner, "sweep").job("sweep");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("No changes. No lease or grace period has expired"), "{said}");
}

/// Another plan of the same configuration, in the place of the reviewed one.
fn replace_plan(runner: &Runner, plan: &str) {
    let env = status(runner);
    let (code, said) =
        runner.run(&format!("leasehold plan identities --target identity.reporter --out {plan}"), "work", &env);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_replaced_artifact_is_not_applied() {
    let runner = Runner::new();
    let mut merge = Workflow::new(&runner, "apply");
    assert_eq!(merge.job("plan").0, 0);
    let reviewed = runner.read("artifacts/leasehold.plan");
    replace_plan(&runner, "../artifacts/leasehold.plan");
    assert_ne!(runner.read("artifacts/leasehold.plan"), reviewed);
    let (code, said) = merge.job("apply");
    assert!(code != 0 && said.contains("leasehold.plan: FAILED"), "{said}");
    assert_eq!(runner.aws.calls("CreateUser") + runner.aws.calls("CreateRole"), 0);
    runner.write("artifacts/leasehold.plan", &reviewed);
    assert_eq!(merge.job("apply").0, 0);
    assert_eq!(runner.aws.calls("CreateUser"), 1);
}

#[test]
fn a_plan_beyond_the_budget_fails_the_plan_job() {
    let runner = Runner::new();
    let more: String = (0..6)
        .map(|n| format!("\nidentity \"old{n}\" {{\n  kind  = \"service\"\n  owner = owner.jane\n}}\n"))
        .collect();
    let stack = runner.read("work/identities/stack.hcl");
    runner.write("work/identities/stack.hcl", &format!("{stack}{more}"));
    assert_eq!(runner.run("leasehold apply identities --auto-approve", "work", &status(&runner)).0, 0);
    runner.write("work/identities/stack.hcl", &stack);
    let (code, said) = Workflow::new(&runner, "apply").job("plan");
    assert!(code == 3 && said.contains("delete-budget"), "{said}");
    assert!(runner.read("temp/summary").contains("Refused: this plan cannot be applied"));
    assert_eq!(gitlab(&runner, "plan", &plan_key(&runner)).0, 3);
}

#[test]
fn github_workflows_fail_loudly() {
    let runner = Runner::new();
    runner.aws.order(leasehold_emulator::Fault::deny("ListRoles"));
    let (code, said) = Workflow::new(&runner, "drift").job("drift");
    assert_eq!(code, 1, "{said}");
    assert!(!runner.path("played/issue").exists() && said.contains("iam:ListRoles"), "{said}");
    assert_eq!(Workflow::new(&runner, "plan").job("plan").0, 1);
    assert!(!runner.path("played/comment").exists());
    runner.aws.clear_faults();
    let mut merge = Workflow::new(&runner, "apply");
    assert_eq!(merge.job("plan").0, 0);
    runner.edit("[\"s3:GetObject\"]", "[\"s3:*\"]");
    let (code, said) = merge.job("apply");
    assert_eq!(code, 3, "a plan that is stale: {said}");
    runner.edit("owner  = owner.jane\n  scopes = [scope.orders_read]\n  trust", "owner  = owner.nobody\n  trust");
    let (code, said) = Workflow::new(&runner, "plan").job("plan");
    assert_eq!(code, 1);
    assert!(said.contains("::error file=identities/stack.hcl,line="), "{said}");
}

/// The scripts of a GitLab job, before_script first, with its variables.
fn gitlab<T: ToString>(runner: &Runner, job: &str, more: &[(&str, T)]) -> (i32, String) {
    let document = yaml("examples/pipelines/gitlab/.gitlab-ci.yml");
    let base = &document[document[job]["extends"].as_str().unwrap()];
    let lines = |value: &Value| -> Vec<String> {
        value.as_sequence().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    };
    let script = [lines(&base["before_script"]), lines(&document[job]["script"])].concat().join("\n");
    let mut env = map(&document["variables"]);
    env.extend(map(&document[job]["variables"]));
    assert!(base["id_tokens"]["AWS_TOKEN"]["aud"].is_string());
    env.insert("AWS_TOKEN".to_owned(), "a.web.token".to_owned());
    env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())));
    runner.run(&script, "work", &env)
}

/// The protected variables of type File with the key that signs plans.
fn plan_key(runner: &Runner) -> [(&'static str, String); 2] {
    let key = ssh_key::PrivateKey::from(ssh_key::private::Ed25519Keypair::from_seed(&[7; 32]));
    runner.write("temp/plan-key", &key.to_openssh(ssh_key::LineEnding::LF).unwrap());
    runner.write("temp/plan-signers", &format!("plans@acme {}\n", key.public_key().to_openssh().unwrap()));
    let path = |name: &str| runner.path(name).display().to_string();
    [("PLAN_KEY", path("temp/plan-key")), ("PLAN_SIGNERS", path("temp/plan-signers"))]
}

#[test]
fn gitlab_applies_only_the_signed_plan() {
    let runner = Runner::new();
    let key = plan_key(&runner);
    assert_eq!(gitlab(&runner, "plan", &key).0, 0);
    let reviewed = runner.read("work/leasehold.plan");
    replace_plan(&runner, "leasehold.plan");
    let (code, said) = gitlab(&runner, "apply", &key);
    assert!(code == 3 && said.contains("no valid signature"), "{said}");
    assert_eq!(runner.aws.calls("CreateUser"), 0);
    runner.write("work/leasehold.plan", &reviewed);
    assert_eq!(gitlab(&runner, "apply", &key).0, 0);
}

#[test]
fn gitlab_jobs_plan_note_apply_drift_and_sweep() {
    let runner = Runner::new();
    let request = [
        ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
        ("CI_PROJECT_ID", "1"),
        ("CI_MERGE_REQUEST_IID", "12"),
        ("COMMENT_TOKEN", "token"),
    ];
    for _ in 0..2 {
        let (code, said) = gitlab(&runner, "merge request", &request);
        assert_eq!(code, 0, "{said}");
    }
    let note: serde_json::Value = serde_json::from_str(&runner.read("played/note")).unwrap();
    assert!(
        note["body"].as_str().unwrap().starts_with("<!-- leasehold plan identities -->\n### Leasehold plan"),
        "{note}"
    );
    let log = runner.read("played/log");
    assert_eq!((log.matches("--request POST").count(), log.matches("--request PUT").count()), (1, 1), "{log}");
    for (job, says) in [("plan", "2 joiners"), ("apply", "Apply complete!"), ("sweep", "No changes.")] {
        let (code, said) = gitlab(&runner, job, &plan_key(&runner));
        assert_eq!(code, 0, "{said}");
        assert!(said.contains(says), "{said}");
    }
    assert_eq!(gitlab::<&str>(&runner, "drift", &[]).0, 0);
    runner.aws.boto3("iam.create_access_key(UserName='reporter')");
    assert_eq!(gitlab::<&str>(&runner, "drift", &[]).0, 2);
    assert_eq!(super::inert::assert_junit(&runner.read("work/drift.xml"), 3), ["identity.reporter"]);
}

/// The environment of a machine that has credentials of its own.
fn status(runner: &Runner) -> BTreeMap<String, String> {
    runner.aws.env().into_iter().collect()
}

#[test]
fn atlantis_plans_and_applies_that_plan() {
    let runner = Runner::new();
    let document = yaml("examples/pipelines/atlantis/atlantis.yaml");
    let project = &document["projects"][0];
    let workflow = &document["workflows"][project["workflow"].as_str().unwrap()];
    let mut env = status(&runner);
    env.insert("PLANFILE".to_owned(), runner.path("temp/identities.tfplan").display().to_string());
    let dir = format!("work/{}", project["dir"].as_str().unwrap());
    let mut said = String::new();
    for stage in ["plan", "apply"] {
        for step in workflow[stage]["steps"].as_sequence().unwrap() {
            let (code, text) = runner.run(step["run"].as_str().unwrap(), &dir, &env);
            assert_eq!(code, 0, "{text}");
            said.push_str(&text);
        }
    }
    assert!(said.contains("2 joiners") && said.contains("Apply complete!"), "{said}");
}

#[test]
fn pre_commit_hooks_run_what_they_name() {
    let runner = Runner::new();
    let hooks = yaml(".pre-commit-hooks.yaml");
    let config = yaml("examples/pipelines/pre-commit/.pre-commit-config.yaml");
    let used = config["repos"][0]["hooks"].as_sequence().unwrap();
    assert!(!used.is_empty());
    let env = BTreeMap::new();
    let entry = |hook: &Value| {
        let defined = hooks.as_sequence().unwrap().iter().find(|defined| defined["id"] == hook["id"]).unwrap();
        defined["entry"].as_str().unwrap().to_owned()
    };
    let run = || -> Vec<i32> {
        let codes = used.iter().map(|hook| {
            let args = hook["args"].as_sequence().unwrap().iter().map(|arg| arg.as_str().unwrap());
            let args: Vec<&str> = args.collect();
            runner.run(&format!("{} {}", entry(hook), args.join(" ")), "work", &env).0
        });
        codes.collect()
    };
    assert!(run().iter().all(|code| *code == 0), "{:?}", run());
    runner.edit("kind   = \"service\"", "kind   = \"nonsense\"");
    assert!(run().contains(&1));
}

/// The seconds that a run may take to stop, lock and all.
const STOPPED: u64 = 28;

#[test]
fn systemd_units_run_their_commands() {
    let runner = Runner::new();
    let env = status(&runner);
    assert_eq!(runner.run("leasehold apply --auto-approve", "work/identities", &env).0, 0);
    for (unit, says) in [("drift", "In sync"), ("sweep", "No changes.")] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/pipelines/systemd");
        let read = |ending: &str| std::fs::read_to_string(dir.join(format!("leasehold-{unit}.{ending}"))).unwrap();
        let service = read("service");
        let value = |name: &str| service.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        assert_eq!(value("WorkingDirectory="), "/srv/identities");
        let start = value("ExecStart=").replace("/usr/local/bin/", "");
        let (code, said) = runner.run(&start, "work/identities", &env);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains(says), "{said}");
        assert!(read("timer").contains("OnCalendar="));
        if unit == "sweep" {
            let stop = value("TimeoutStopSec=");
            assert!(stop.strip_suffix('s').unwrap().parse::<u64>().unwrap() > STOPPED, "{stop}");
            assert_eq!((value("KillSignal="), value("KillMode=")), ("SIGTERM".to_owned(), "mixed".to_owned()));
        }
    }
}

#[test]
fn kubernetes_jobs_run_their_commands() {
    let runner = Runner::new();
    let env = status(&runner);
    assert_eq!(runner.run("leasehold apply --auto-approve", "work/identities", &env).0, 0);
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/pipelines/kubernetes/cronjobs.yaml"),
    )
    .unwrap();
    let jobs: Vec<Value> =
        serde_yaml_ng::Deserializer::from_str(&text).map(|one| serde::Deserialize::deserialize(one).unwrap()).collect();
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        // A shell as process 1 would not pass SIGTERM on.
        assert_eq!(container["command"][0], "leasehold");
        if container["args"][0] == "sweep" {
            assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > STOPPED);
        }
        let mount = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
        let words =
            [&container["command"], &container["args"]].map(|value| value.as_sequence().unwrap().clone()).concat();
        let words: Vec<String> = words.iter().map(|word| word.as_str().unwrap().replace(mount, "identities")).collect();
        let (code, said) = runner.run(&words.join(" "), "work", &env);
        assert_eq!(code, 0, "{said}");
    }
}
