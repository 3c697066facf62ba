//! The commands that the program prints work in the shell in which it was run, as they are printed.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use leasehold_test_harness::Stack;

const STACK: &str = r#"leasehold {
  stack = "follow"
  defaults {
    ttl = "90d"
  }
}

variable "purpose" {
  default = "none"
}

variable "bucket" {
  default   = "open"
  sensitive = true
}

owner "jane" {}

identity "bot" {
  for_each = toset(["it's $HOME"])
  name     = "bot"
  kind     = "service"
  owner    = owner.jane
  purpose  = var.purpose
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::${var.bucket}/*"]
  }
}
"#;

const BOT: &str = "identity.bot[\"it's $HOME\"]";

/// A home with the stack in a directory whose name a shell would take apart.
struct TestHome {
    stack: Stack,
}

/// How a shell command ended.
struct CapturedOutput {
    code: i32,
    text: String,
}

impl TestHome {
    fn new() -> Self {
        let stack = Stack::empty();
        stack.write("li've $x/stacks/pr od/stack.hcl", STACK);
        stack.write("li've $x/eu & us.hclvars", "purpose = \"reports\"\n");
        Self { stack }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.stack.path(name)
    }

    /// Runs a line in a shell in `directory`, with the program on the path.
    fn shell_with(&self, directory: &Path, line: &str, variables: &[(&str, &str)]) -> CapturedOutput {
        let program = self.stack.command(&[]);
        let bin = Path::new(program.get_program()).parent().unwrap().to_owned();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", line]).current_dir(directory).env_clear().stdin(Stdio::null());
        for (name, value) in program.get_envs() {
            shell.envs(value.map(|value| (name, value)));
        }
        let path = std::env::join_paths([bin, "/usr/bin".into(), "/bin".into()]).unwrap();
        let output = shell.env("PATH", path).envs(variables.iter().copied()).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        CapturedOutput { code: output.status.code().unwrap(), text: format!("$ {line}\n{text}") }
    }

    #[track_caller]
    fn shell(&self, directory: &Path, line: &str, code: i32) -> String {
        let said = self.shell_with(directory, line, &[]);
        assert_eq!(said.code, code, "{}", said.text);
        said.text
    }
}

/// What stands between the last `start` and the next `end`.
#[track_caller]
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.rsplit_once(start).unwrap_or_else(|| panic!("no {start:?} in {text}"));
    rest.split_once(end).unwrap().0
}

#[track_caller]
fn saved(text: &str) -> &str {
    between(text, "To apply it: ", "\n")
}

/// Where the program is run, and with which words behind `plan`.
fn ways(home: &TestHome) -> Vec<(PathBuf, String)> {
    let top = home.path("");
    let absolute = shlex::try_quote(home.path("li've $x/stacks/pr od").to_str().unwrap()).unwrap().into_owned();
    vec![
        (home.path("li've $x/stacks/pr od"), "plan --out p.plan".to_owned()),
        (top.clone(), "plan \"li've \\$x/stacks/pr od\" --out 'the plan'".to_owned()),
        (
            top.clone(),
            "-C \"li've \\$x\" plan 'stacks/pr od' --var-file 'eu & us.hclvars' --out -- -p".replace("-- -p", "./-p"),
        ),
        (top.clone(), format!("plan {absolute} --var purpose='two words' --out p.plan")),
        (top, "-C \"li've \\$x/stacks\" plan --var-file '../eu & us.hclvars' './pr od' --out ../p.plan".to_owned()),
        (home.path("li've $x"), format!("-C stacks plan ../../\"li've \\$x\"/stacks/'pr od' --out {absolute}/p.plan")),
    ]
}

#[test]
fn a_saved_plan_is_applied_by_the_command_that_is_printed() {
    for way in 0..ways(&TestHome::new()).len() {
        let home = TestHome::new();
        let (directory, words) = ways(&home).swap_remove(way);
        let planned = home.shell(&directory, &format!("leasehold {words}"), 0);
        let applied = home.shell(&directory, &format!("{} --auto-approve", saved(&planned)), 0);
        assert!(applied.contains("Apply complete!"), "{applied}");
    }
}

#[test]
fn a_saved_plan_is_applied_from_anywhere_by_the_path_of_its_file() {
    let applies: [(&str, &str); 4] = [
        ("li've $x/stacks/pr od", "leasehold apply p.plan"),
        ("", "leasehold apply \"li've \\$x/stacks/pr od/p.plan\""),
        ("", "leasehold -C \"li've \\$x\" apply 'stacks/pr od/p.plan'"),
        ("../", "leasehold apply \"$PWD/stack/li've \\$x/stacks/pr od/p.plan\""),
    ];
    for (from, apply) in applies {
        let home = TestHome::new();
        home.shell(&home.path(""), "leasehold -C \"li've \\$x/stacks\" plan 'pr od' --out 'pr od/p.plan'", 0);
        let applied = home.shell(&home.path(from), &format!("{apply} --auto-approve"), 0);
        assert!(applied.contains("Apply complete!"), "{applied}");
    }
}

#[test]
fn a_saved_plan_is_not_applied_to_another_stack_of_the_same_path() {
    let home = TestHome::new();
    home.shell(&home.path("li've $x"), "leasehold plan 'stacks/pr od' --out p.plan", 0);
    home.stack.write("other/stacks/pr od/stack.hcl", &STACK.replace("s3:GetObject", "s3:*"));
    std::fs::rename(home.path("li've $x/p.plan"), home.path("other/p.plan")).unwrap();
    let refused = home.shell(&home.path("other"), "leasehold apply p.plan --auto-approve", 3);
    assert!(refused.contains("stack.hcl has changed"), "{refused}");
}

#[test]
fn sensitive_value_comes_from_the_shell_and_is_not_printed() {
    let home = TestHome::new();
    let planned = home.shell(
        &home.path("li've $x"),
        "leasehold plan 'stacks/pr od' --var bucket=hush-hush --var purpose=x --out p.plan",
        0,
    );
    let command = saved(&planned);
    assert!(command.contains("bucket=\"${bucket:?}\"") && command.contains("purpose=x"), "{command}");
    // The line that the test itself prints has it.
    assert!(!planned.split_once('\n').unwrap().1.contains("hush"), "{planned}");
    let line = format!("{command} --auto-approve");
    let unset = home.shell_with(&home.path("li've $x"), &line, &[]);
    assert!(unset.code != 0 && !unset.text.contains("Apply complete!"), "{}", unset.text);
    let set = home.shell_with(&home.path("li've $x"), &line, &[("bucket", "hush-hush")]);
    assert_eq!(set.code, 0, "{}", set.text);
}

#[test]
fn hints_of_plan_drift_and_refusals_work_as_they_are_printed() {
    let home = TestHome::new();
    let top = home.path("");
    let stack = "-C \"li've \\$x/stacks\"";
    home.shell(&top, &format!("leasehold {stack} apply 'pr od' --auto-approve"), 0);
    let bot = shlex::try_quote(BOT).unwrap();
    let revoked = home.shell(&top, &format!("leasehold {stack} revoke {bot} 'pr od' --reason 'a test'"), 0);
    let restore = between(&revoked, "until `", "`").to_owned();
    let planned = home.shell(&top, &format!("leasehold {stack} plan 'pr od'"), 0);
    assert_eq!(between(&planned, "until `", "`"), restore);
    let restored = home.shell(&top, &format!("{restore} --auto-approve"), 0);
    assert!(restored.contains("Apply complete!"), "{restored}");
    let refused = home.shell(&top, &format!("{restore} --auto-approve"), 3);
    home.shell(&top, between(&refused, "help: Run `", "`"), 0);

    let directory = home.path("li've $x/stacks/pr od/.leasehold/directory.db");
    let now = jiff::Timestamp::now();
    let outside =
        leasehold_local::LocalDirectory::new(directory, "stranger", std::sync::Arc::new(move || now)).external_admin();
    let other = leasehold_provider::Document::new(serde_json::json!({ "Version": "2012-10-17", "Statement": [] }));
    outside.put_inline_policy("bot", "leasehold", &other).unwrap();
    let drift = home.shell(&top, &format!("leasehold {stack} drift 'pr od'"), 2);
    let json = home.shell(&top, &format!("leasehold {stack} drift 'pr od' --format json"), 2);
    let apply = between(&drift, "or run `", "`");
    assert!(json.contains(&serde_json::to_string(apply).unwrap()[1..apply.len()]), "{json}");
    home.shell(&top, &format!("{apply} --auto-approve"), 0);
    home.shell(&top, &format!("leasehold {stack} drift 'pr od'"), 0);

    let missing = home.shell(&top, &format!("leasehold {stack} audit identity identity.nobody --stack 'pr od'"), 1);
    home.shell(&top, between(&missing, "; run `", "`"), 0);
    home.stack.write("li've $x/stacks/pr od/.leasehold/ledger/00000001.json", "{}");
    let initialized = home.shell(&top, "leasehold -C \"li've \\$x\" init \"a 'new' one\"", 0);
    for line in initialized.split("Next:\n").nth(1).unwrap().lines().filter(|line| line.contains(" plan ")) {
        home.shell(&top, line, 0);
    }
}
