//! What is secret stays where it belongs: in no plan, log, ledger or piece of evidence, and on no terminal.

use std::path::Path;

use leasehold_emulator::Emulator;

use crate::records::{head, objects};
use leasehold_test_harness::{Ran, Stack};

const CANARY: &str = "canary-7f3a91";

/// Statements and tags of an identity and of a scope are made from a sensitive value.
const SECRETIVE: &str = r#"variable "secret" {
  type      = string
  sensitive = true
}

scope "hush" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::${var.secret}/*"]
  }
}

identity "quiet" {
  kind   = "service"
  owner  = owner.jane
  scopes = [scope.hush]
  tags   = { project = var.secret }
  statement {
    actions   = ["iam:*", "s3:PutObject"]
    resources = ["arn:aws:s3:::${var.secret}/out/*", "*"]
  }
}
"#;

/// A scope that gives, and denies what is made from the value.
const KEEP: &str = r#"
scope "keep" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = ["*"]
  }
  statement {
    effect    = "deny"
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::${var.secret}/kept/*"]
  }
}
"#;

struct Watched<'a> {
    stack: &'a Stack,
}

impl Watched<'_> {
    /// Runs with every log that there is, and the value in the environment. Nothing that is said shows it.
    #[track_caller]
    fn run(&self, args: &[&str], code: i32) -> Ran {
        self.with(args, CANARY, code)
    }

    #[track_caller]
    fn with(&self, args: &[&str], secret: &str, code: i32) -> Ran {
        let mut command = self.stack.command(args);
        command.env("RUST_LOG", "trace").env("LEASEHOLD_VAR_secret", secret);
        let output = command.output().unwrap();
        let ran = Ran {
            args: args.join(" "),
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY), "{ran}");
        self.nowhere_in_files(&self.stack.dir());
        ran.expect(code)
    }

    /// In no file of the stack, except for the embedded directory, which is the cloud, and for evidence, which archives what the cloud says.
    fn nowhere_in_files(&self, dir: &Path) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.nowhere_in_files(&path);
            } else if !["directory.db", "/evidence/"].iter().any(|part| path.to_string_lossy().contains(part)) {
                let bytes = std::fs::read(&path).unwrap();
                let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
                assert!(!found, "{} holds it", path.display());
            }
        }
    }
}

/// A life of the secretive identity: planned in every form, applied from a file, drifted, shut, deleted.
fn life(stack: &Stack, meddle: impl Fn()) {
    let watched = Watched { stack };
    for format in ["human", "json", "markdown", "github", "sarif", "junit"] {
        watched.run(&["plan", "--format", format], 0);
    }
    let planned = watched.run(&["plan", "--out", "saved.plan", "--json-into", "plan.json"], 0);
    assert!(planned.stdout.contains("joiner"), "{planned}");
    watched.run(&["show", "saved.plan"], 0);
    watched.run(&["show", "saved.plan", "--format", "json"], 0);
    // Other values than those that were reviewed are refused, and so is a plan whose key is gone.
    watched
        .with(&["apply", "saved.plan", "--auto-approve"], "another", 3)
        .says(&["has changed since the plan was made"]);
    watched.run(&["apply", "saved.plan", "--auto-approve"], 0);
    watched.run(&["plan", "--detailed-exitcode"], 0).says(&["No changes."]);
    // What is sensitive changes in two steps, by way of the policy between its states, and what denies it is taken up.
    stack.edit("stack.hcl", "scopes = [scope.hush]", "scopes = [scope.hush, scope.keep]");
    stack.edit("stack.hcl", "\"s3:PutObject\"]", "\"s3:PutObjectTagging\"]");
    stack.append("stack.hcl", KEEP);
    let moved = watched.run(&["plan", "--out", "moved.plan", "--json-into", "moved.json"], 0);
    moved.says(&["during the change,", "denies everything"]);
    assert_eq!(stack.read("moved.json").matches("\"meanwhile\"").count(), 1);
    watched.run(&["show", "moved.plan", "--format", "json"], 0);
    watched.run(&["apply", "moved.plan", "--auto-approve"], 0);
    watched.run(&["plan", "--detailed-exitcode"], 0).says(&["No changes."]);
    meddle();
    watched.run(&["drift"], 2);
    watched.run(&["drift", "--format", "json"], 2);
    watched.run(&["plan", "--format", "json"], 0);
    watched.run(&["apply", "--auto-approve"], 0);
    watched.run(&["who-can", "s3:PutObject", "arn:aws:s3:::other/x"], 0);
    watched.run(&["show", "identity.quiet"], 0);
    watched.run(&["list", "--format", "json"], 0);
    // Its block and its scope go: nothing in the configuration says any more what is sensitive.
    for block in ["identity \"quiet\"", "scope \"hush\"", "scope \"keep\""] {
        stack.cut("stack.hcl", block);
    }
    for format in ["human", "json", "markdown"] {
        watched.run(&["plan", "--format", format], 0).says(&["identity.quiet"]);
    }
    watched.run(&["plan", "--out", "leaver.plan"], 0);
    watched.run(&["apply", "leaver.plan", "--auto-approve"], 0);
    watched.run(&["audit", "export"], 0).says(&["evidence"]);
    watched.run(&["audit", "identity", "identity.quiet"], 0);
    watched.run(&["audit", "verify"], 0);
}

#[test]
fn a_sensitive_value_is_in_no_output_on_the_embedded_directory() {
    let text =
        format!("{}{SECRETIVE}", head("hush", "").replace("provider \"aws\" {\n  region = \"us-east-1\"\n}\n", ""));
    let stack = Stack::of(&text);
    let outside = || {
        let user = stack.outside();
        user.attach_policy("quiet", "AdministratorAccess").unwrap();
    };
    life(&stack, outside);
    let evidence = stack.path(".leasehold/evidence");
    let archived: Vec<_> = std::fs::read_dir(evidence).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(archived.len(), 1);
    assert!(std::fs::read_to_string(&archived[0]).unwrap().contains(CANARY), "evidence is whole");
}

#[test]
fn a_sensitive_value_is_in_no_output_and_of_the_store_only_in_evidence_on_aws() {
    let aws = Emulator::moto();
    aws.boto3("client('s3').create_bucket(Bucket='records')");
    let stack = Stack::of(&format!("{}{SECRETIVE}", head("hush", crate::records::BUCKET))).with_env(aws.env());
    let meddle = || {
        aws.boto3("iam.attach_user_policy(UserName='quiet', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')");
    };
    life(&stack, meddle);
    let objects = objects(&aws);
    assert!(objects.keys().any(|key| key.contains("/evidence/")), "{:?}", objects.keys());
    for (key, text) in objects.iter().filter(|(key, _)| !key.contains("/keys/")) {
        assert_eq!(text.contains(CANARY), key.contains("/evidence/"), "{key}: {text}");
    }
}
