//! A team's week on an emulator that enforces policies and trusts. Each job of the GitHub pieces assumes the role that the piece names, with the
//! policy and the trust that `examples/pipelines/README.md` says, and no other credentials. Nothing it asks may be refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use leasehold_emulator::Emulator;
use leasehold_fault_proxy::FaultProxy;
use serde_json::{Value, json};

use super::pieces::{Runner, Workflow};
use leasehold_test_harness::granted::{assert_granted, checked};
use leasehold_test_harness::{Stack, with_expired_lease, without_grace_periods};

const ISSUER: &str = "token.actions.githubusercontent.com";
const ON_MAIN: &str = "repo:acme/identities:ref:refs/heads/main";
const PULL_REQUEST: &str = "repo:acme/identities:pull_request";
const ENVIRONMENT: &str = "repo:acme/identities:environment:identities";

/// A role of the README's table.
struct Role {
    name: String,
    /// The arguments that print its policy.
    prints: Vec<String>,
    /// The subjects that may assume it.
    subjects: Vec<String>,
}

/// The rows of the table of roles.
fn documented() -> Vec<Role> {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/pipelines/README.md")).unwrap();
    let quoted = |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let rows = text.lines().filter(|line| line.starts_with("| `leasehold-"));
    let roles: Vec<Role> = rows
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let command = quoted(cells[1]).remove(0);
            Role {
                name: quoted(cells[0]).remove(0),
                prints: command.split(' ').skip(1).map(str::to_owned).collect(),
                subjects: quoted(cells[2]),
            }
        })
        .collect();
    assert_eq!(roles.len(), 4, "{text}");
    roles
}

/// A stack whose records lie in S3, with a sensitive value, so that a saved plan has something to seal.
fn stack() -> String {
    let backend = "leasehold {\n  stack = \"payments\"\n  backend \"s3\" {\n    bucket = \"records\"\n    prefix = \"iam/payments\"\n  }\n";
    let sensitive = r#"
identity "old_bot" {
  kind  = "service"
  owner = owner.jane
  statement {
    actions   = ["s3:GetObject"]
    resources = [sensitive("arn:aws:s3:::acme-hidden/*")]
  }
}
"#;
    super::payments().replace("leasehold {\n  stack = \"payments\"\n", backend) + sensitive
}

/// The account, the runner, and the roles.
struct Team {
    runner: Runner,
    proxy: FaultProxy,
    policies: BTreeMap<String, Value>,
}

impl Team {
    fn new() -> Self {
        let aws = Emulator::ministack_with_auth();
        let proxy = FaultProxy::start_for_emulator(&aws);
        let described = Stack::empty();
        described.write("identities/stack.hcl", &stack());
        let mut policies = BTreeMap::new();
        aws.boto3("client('s3').create_bucket(Bucket='records')");
        for role in documented() {
            let args: Vec<&str> = role.prints.iter().map(String::as_str).collect();
            let policy = described.ok(&args).json();
            let trust = json!({ "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": { "Federated": format!("arn:aws:iam::{}:oidc-provider/{ISSUER}", Emulator::ACCOUNT) },
                "Condition": { "StringEquals": {
                    format!("{ISSUER}:aud"): "sts.amazonaws.com",
                    format!("{ISSUER}:sub"): role.subjects,
                } },
            }] });
            aws.boto3(&format!(
                "
                iam.create_role(RoleName='{0}', AssumeRolePolicyDocument=json.dumps({trust}))
                iam.put_role_policy(RoleName='{0}', PolicyName='leasehold', PolicyDocument=json.dumps({policy}))
                ",
                role.name
            ));
            policies.insert(role.name, policy);
        }
        let env = proxy.env();
        Self { runner: Runner::on(aws, env, &stack()), proxy, policies }
    }

    /// The token that the CI system gives a job.
    fn token_of(&self, subject: &str) {
        let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({ "iss": format!("https://{ISSUER}"), "aud": "sts.amazonaws.com", "sub": subject });
        let token = format!("{}.{}.signature", part(json!({ "alg": "RS256" })), part(claims));
        self.runner.write("played/token", &token);
        self.runner.write("temp/aws-token", &token);
    }

    /// Runs a job of a workflow with a token of that subject. No request may be refused.
    #[track_caller]
    fn job(&self, workflow: &mut Workflow<'_>, name: &str, role: &str, subject: &str) -> String {
        self.token_of(subject);
        let (code, said) = self.watched(role, || workflow.job(name));
        assert_eq!(code, 0, "{name}: {said}");
        said
    }

    /// Runs a command as a person or a job does that has the token of that subject.
    fn run(&self, command: &str, role: &str, subject: &str) -> (i32, String) {
        self.token_of(subject);
        let arn = format!("arn:aws:iam::{}:role/{role}", Emulator::ACCOUNT);
        let token = self.runner.path("temp/aws-token").display().to_string();
        let env = [("AWS_ROLE_ARN", arn), ("AWS_WEB_IDENTITY_TOKEN_FILE", token)];
        self.proxy.clear_requests();
        self.runner.run(command, "work", &env.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// Runs something that must assume that role alone and be refused nothing, by the emulator or by AWS's rules on missing keys.
    #[track_caller]
    fn watched<T>(&self, role: &str, run: impl FnOnce() -> T) -> T {
        self.proxy.clear_requests();
        let ended = run();
        let requests = self.proxy.requests();
        let refused: Vec<_> = requests.iter().filter(|request| request.client_status == Some(403)).collect();
        assert!(refused.is_empty(), "{role}: {refused:#?}");
        let assumed: BTreeSet<&str> =
            requests.iter().map(|it| it.parameter("RoleArn")).filter(|it| !it.is_empty()).collect();
        assert_eq!(assumed, [format!("arn:aws:iam::{}:role/{role}", Emulator::ACCOUNT).as_str()].into());
        assert_granted(&self.policies[role], &checked(&requests, None), role);
        ended
    }

    fn users(&self) -> Value {
        self.runner.aws.boto3("print(sorted(user['UserName'] for user in iam.list_users()['Users']))")
    }

    /// Plans and applies what was merged.
    fn merge(&self) -> String {
        let mut workflow = Workflow::new(&self.runner, "apply");
        self.job(&mut workflow, "plan", "leasehold-plan", ON_MAIN);
        self.job(&mut workflow, "apply", "leasehold-apply", ENVIRONMENT)
    }

    fn drift(&self) -> String {
        self.job(&mut Workflow::new(&self.runner, "drift"), "drift", "leasehold-drift", ON_MAIN);
        self.runner.read("played/issue")
    }

    fn sweep(&self) -> String {
        self.job(&mut Workflow::new(&self.runner, "sweep"), "sweep", "leasehold-sweep", ON_MAIN)
    }
}

#[test]
fn each_job_of_a_week_does_its_work_with_its_own_role() {
    let team = Team::new();
    let runner = &team.runner;
    // Monday: a pull request, and its merge.
    team.job(&mut Workflow::new(runner, "plan"), "plan", "leasehold-plan", PULL_REQUEST);
    assert!(runner.read("played/comment").contains("3 joiners"));
    assert_eq!(team.users(), json!([]));
    assert!(team.merge().contains("Apply complete!"));
    assert_eq!(team.drift(), "");
    let sealed = runner.aws.boto3(
        "print([found['Key'] for found in client('s3').list_objects_v2(Bucket='records', Prefix='iam/payments/keys/')['Contents']])",
    );
    assert_eq!(sealed.as_array().unwrap().len(), 1, "the plan's key was written by one role and read by the other");

    // Tuesday: somebody attaches a policy by hand, and deletes a user. Another merge puts things right.
    runner.aws.boto3(
        "
        iam.attach_user_policy(UserName='reporter', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')
        iam.delete_user_policy(UserName='old_bot', PolicyName='leasehold')
        iam.delete_user(UserName='old_bot')
        ",
    );
    let issue = team.drift();
    assert!(issue.contains("AdministratorAccess") && issue.contains("old&#95;bot"), "{issue}");
    team.merge();
    assert_eq!(team.drift(), "");

    // Wednesday: a lease ends. Thursday: its block is taken out, and its grace ends.
    let text = runner.read("work/identities/stack.hcl");
    runner.write("work/identities/stack.hcl", &with_expired_lease(&text, "old_bot"));
    assert!(team.sweep().contains("identity.old_bot"));
    let text = runner.read("work/identities/stack.hcl");
    let rest = text.split("\nidentity \"old_bot\"").next().unwrap();
    runner.write("work/identities/stack.hcl", &without_grace_periods(rest));
    assert!(team.sweep().contains("identity.old_bot"));
    assert_eq!(team.users(), json!(["reporter"]));

    // Friday: one identity is stopped at once, and given back.
    for command in
        ["revoke identity.reporter identities --reason leaked", "restore identity.reporter identities --auto-approve"]
    {
        let (code, said) = team
            .watched("leasehold-apply", || team.run(&format!("leasehold {command}"), "leasehold-apply", ENVIRONMENT));
        assert_eq!(code, 0, "{said}");
    }
    assert_eq!(team.drift(), "");
}

#[test]
fn no_role_does_the_work_of_another() {
    let team = Team::new();
    let writes_nothing = |what: &str| {
        assert_eq!(team.proxy.committed_writes(), [], "{what}");
        let records = team.runner.aws.boto3("print(client('s3').list_objects_v2(Bucket='records')['KeyCount'])");
        assert_eq!(records, json!(0), "{what}");
    };
    // To read is not to write: neither the account nor the records.
    for role in ["leasehold-plan", "leasehold-drift"] {
        for command in ["apply identities --auto-approve", "sweep identities --auto-approve"] {
            let (code, said) = team.run(&format!("leasehold {command}"), role, ON_MAIN);
            assert_eq!(code, 1, "{role}: {said}");
            writes_nothing(&format!("{role}: {command}"));
        }
    }
    let (code, said) = team.run("leasehold plan identities --out x.plan", "leasehold-drift", ON_MAIN);
    assert_eq!(code, 1, "the key of a saved plan is written by who plans: {said}");
    writes_nothing("plan with the role for drift");
    // To sweep is not to make anything, not even by a plan that was made by who may.
    let text = stack();
    team.runner.write("work/identities/stack.hcl", text.split("\nidentity \"old_bot\"").next().unwrap());
    let (code, said) = team.run("leasehold plan identities --out x.plan", "leasehold-plan", ON_MAIN);
    assert_eq!(code, 0, "{said}");
    for command in ["apply identities --auto-approve", "apply x.plan --auto-approve"] {
        let (code, said) = team.run(&format!("leasehold {command}"), "leasehold-sweep", ON_MAIN);
        assert_eq!(code, 1, "{said}");
        assert_eq!(team.proxy.committed_writes(), [], "{said}");
    }
    let refused = team.proxy.requests().into_iter().filter(|request| request.client_status == Some(403));
    let refused: BTreeSet<String> = refused.map(|request| request.action).collect();
    // The quotas of the account are read before the first write, and only the role that may create objects may read them.
    assert_eq!(refused, BTreeSet::from(["GetAccountSummary".to_owned()]));
    // A token assumes no role but its own.
    for (role, subject) in [
        ("leasehold-apply", ON_MAIN),
        ("leasehold-apply", PULL_REQUEST),
        ("leasehold-sweep", PULL_REQUEST),
        ("leasehold-drift", PULL_REQUEST),
        ("leasehold-plan", "repo:acme/other:pull_request"),
    ] {
        let (code, said) = team.run("leasehold plan identities", role, subject);
        assert_eq!(code, 1, "{role} for {subject}: {said}");
        assert!(
            !team.proxy.requests().iter().any(leasehold_fault_proxy::RecordedRequest::is_committed),
            "{role} for {subject}"
        );
    }
}

/// What each piece says of the role it assumes stands in the table of roles.
#[test]
fn pieces_name_the_roles_of_the_table() {
    let roles = documented();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/pipelines");
    for piece in ["plan", "apply", "drift", "sweep"] {
        let text = std::fs::read_to_string(directory.join(format!("github/{piece}.yml"))).unwrap();
        let mut trusts = None;
        for line in text.lines() {
            trusts = line.split_once("trusts ").map(|(_, subject)| subject.trim_end_matches('.')).or(trusts);
            let Some((_, name)) = line.split_once("AWS_ROLE_ARN: arn:aws:iam::111122223333:role/") else { continue };
            let role = roles.iter().find(|role| role.name == name).unwrap_or_else(|| panic!("{piece}: {name}"));
            let subject = trusts.take().unwrap_or_else(|| panic!("{piece}: {name} says nothing of its trust"));
            assert!(role.subjects.iter().any(|known| known == subject), "{piece}: {name} trusts {subject}");
        }
    }
    for piece in ["gitlab/.gitlab-ci.yml", "kubernetes/cronjobs.yaml"] {
        let text = std::fs::read_to_string(directory.join(piece)).unwrap();
        let words = text.split(|sign: char| !(sign.is_alphanumeric() || sign == '-' || sign == '/' || sign == ':'));
        let named = words.filter_map(|word| word.strip_prefix("arn:aws:iam::111122223333:role/"));
        let accounts = text.lines().filter_map(|line| line.trim().strip_prefix("serviceAccountName: "));
        let names: BTreeSet<&str> = named.chain(accounts).collect();
        assert!(names.len() >= 2, "{piece}: {names:?}");
        assert!(names.iter().all(|name| roles.iter().any(|role| role.name == *name)), "{piece}: {names:?}");
    }
}
