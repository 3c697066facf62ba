//! Stacks of modules, from the real program's point of view.

use leasehold_test_harness::{START, Stack};

const MAIN: &str = r#"
leasehold { stack = "payments" }
owner "jane" { email = "jane@example.com" }
module "team" {
  for_each = { red = 2, "b.lue" = 1 }
  source   = "./modules/team"
  lead     = owner.jane
  members  = { for number in range(each.value) : "m${number}" => "${number + 1}d" }
}
module "jobs" {
  count  = 2
  source = "./modules/jobs"
  lead   = owner.jane
  until  = module.team["red"].longest
}
identity "watcher" {
  kind  = "service"
  owner = owner.jane
  ttl   = "30d"
  scopes = [module.team["red"].scope]
  tags  = { watches = join("/", module.jobs[*].name) }
}
"#;

const TEAM: &str = r#"
variable "lead" { type = owner }
variable "members" { type = map(string) }
scope "inbox" {
  description = trimspace(file("inbox.txt"))
  statement {
    actions   = ["sqs:ReceiveMessage"]
    resources = ["*"]
  }
}
identity "member" {
  for_each = var.members
  kind     = "human"
  owner    = var.lead
  scopes   = [scope.inbox]
  ttl      = each.value
}
output "scope" { value = scope.inbox }
output "longest" { value = reverse(values(var.members))[0] }
"#;

const JOBS: &str = r#"
variable "lead" { type = owner }
variable "until" { type = string }
identity "job" {
  kind  = "workload"
  owner = var.lead
  ttl   = var.until
  trust "service" { principals = ["lambda.amazonaws.com"] }
}
output "name" { value = identity.job.name }
"#;

fn stack() -> Stack {
    let stack = Stack::of(MAIN).at(START);
    stack.write("modules/team/main.hcl", TEAM);
    stack.write("modules/team/inbox.txt", "the team's inbox\n");
    stack.write("modules/jobs/main.hcl", JOBS);
    stack
}

#[test]
fn modules_join_and_a_second_plan_is_empty() {
    let stack = stack();
    let plan = stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    for address in [
        "identity.watcher",
        "module.team[\"red\"].identity.member[\"m1\"]",
        "module.team[\"b.lue\"].identity.member[\"m0\"]",
        "module.jobs[1].identity.job",
        "module.team[\"red\"].scope.inbox",
    ] {
        assert!(plan.stdout.contains(address), "{address}\n{}", plan.stdout);
    }
    stack.ok(&["apply", "--auto-approve"]);
    let again = stack.run(&["plan", "--detailed-exitcode"]).expect(0);
    assert!(again.stdout.contains("No changes."), "{}", again.stdout);

    // What reads the marks back finds the same addresses.
    let listed = stack.ok(&["list"]);
    assert!(listed.stdout.contains("module.team[\"b.lue\"].identity.member[\"m0\"]"), "{}", listed.stdout);
    let shown = stack.ok(&["show", "module.jobs[0].identity.job"]);
    assert!(shown.stdout.contains("module.jobs[0].identity.job"), "{}", shown.stdout);
    let graph = stack.ok(&["graph"]);
    assert!(graph.stdout.contains("module.team[\\\"red\\\"].scope.inbox"), "{}", graph.stdout);

    // A module that is called no more takes its identities with it.
    stack.edit("stack.hcl", "red = 2, \"b.lue\" = 1", "red = 2");
    let plan = stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    assert!(plan.stdout.contains("- leaver   module.team[\"b.lue\"].identity.member[\"m0\"]"), "{}", plan.stdout);
    assert_eq!(plan.stdout.matches("leaver  ").count(), 1, "{}", plan.stdout);
}

#[test]
fn a_target_may_be_a_module_or_what_is_in_it() {
    let stack = stack();
    for (target, count) in [
        ("module.team", 3),
        ("module.team[\"red\"]", 2),
        ("module.team[\"red\"].identity.member[\"m0\"]", 1),
        ("module.jobs[1].identity.job", 1),
        ("module.jobs", 2),
    ] {
        let plan = stack.ok(&["plan", "--target", target]);
        assert_eq!(plan.stdout.matches("+ joiner").count(), count, "{target}\n{}", plan.stdout);
    }
    let wrong = stack.run(&["plan", "--target", "module.teem"]).expect(1);
    assert!(wrong.stderr.contains("module.teem"), "{}", wrong.stderr);
}

#[test]
fn a_saved_plan_is_stale_once_a_file_of_a_module_changes() {
    for (file, change) in [
        ("modules/team/main.hcl", "# another line\n"),
        ("modules/team/inbox.txt", "more\n"),
        ("modules/jobs/new.hcl", "locals {\n  x = 1\n}\n"),
    ] {
        let stack = stack();
        stack.ok(&["plan", "--out", "saved.plan"]);
        let text = std::fs::read_to_string(stack.path(file)).unwrap_or_default();
        stack.write(file, &format!("{text}{change}"));
        let refused = stack.run(&["apply", "saved.plan"]).expect(3);
        assert!(refused.stderr.contains(file), "{file}\n{}", refused.stderr);
    }
}

#[test]
fn modules_beside_the_stack_belong_to_its_repository() {
    let stack = Stack::empty().at(START);
    stack.write(".git/HEAD", "");
    stack.write("live/pay/main.hcl", &MAIN.replace("./modules", "../../modules"));
    stack.write("modules/team/main.hcl", TEAM);
    stack.write("modules/team/inbox.txt", "inbox\n");
    stack.write("modules/jobs/main.hcl", JOBS);
    stack.ok(&["plan", "live/pay", "--out", "saved.plan"]);
    let broken = stack.read("modules/jobs/main.hcl").replace("principals", "principles");
    stack.write("modules/jobs/main.hcl", &broken);
    let refused = stack.run(&["validate", "live/pay"]).expect(1);
    assert!(refused.stderr.contains("modules/jobs/main.hcl:8"), "{}", refused.stderr);
    assert!(refused.stderr.contains("live/pay/main.hcl"), "{}", refused.stderr);
    let stale = stack.run(&["apply", "saved.plan"]).expect(3);
    assert!(stale.stderr.contains("../../modules/jobs/main.hcl has changed"), "{}", stale.stderr);
}

#[cfg(unix)]
#[test]
fn a_module_outside_of_the_repository_is_refused() {
    let stack = Stack::empty().at(START);
    let call = |source: &str| format!("leasehold {{ stack = \"x\" }}\nmodule \"a\" {{\n  source = \"{source}\"\n}}\n");
    stack.write("outside/main.hcl", "");
    stack.write("repository/.git/HEAD", "");
    stack.write("repository/stack/main.hcl", &call("../../outside"));
    let refused = stack.run(&["validate", "repository/stack"]).expect(1);
    assert!(refused.stderr.contains("is outside the repository"), "{}", refused.stderr);
    // Nor does a link lead out.
    std::os::unix::fs::symlink(stack.path("outside"), stack.path("repository/link")).unwrap();
    stack.write("repository/stack/main.hcl", &call("../link"));
    let refused = stack.run(&["validate", "repository/stack"]).expect(1);
    assert!(refused.stderr.contains("links to a path outside the repository"), "{}", refused.stderr);
    // A link in a circle ends.
    std::os::unix::fs::symlink(stack.path("repository/m"), stack.path("repository/m-loop")).unwrap();
    stack.write("repository/m/main.hcl", "module \"again\" {\n  source = \"./loop\"\n}\n");
    std::os::unix::fs::symlink(stack.path("repository/m"), stack.path("repository/m/loop")).unwrap();
    stack.write("repository/stack/main.hcl", &call("../m"));
    let refused = stack.run(&["validate", "repository/stack"]).expect(1);
    assert!(refused.stderr.contains("config::"), "{}", refused.stderr);
}

#[test]
fn files_under_the_stack_are_listed() {
    let stack = Stack::of(
        "leasehold { stack = \"x\" }\nowner \"jane\" {}\nidentity \"bot\" {\n  for_each = fileset(\"bots\", \"**/*.txt\")\n  name     = \"bot-${trimsuffix(basename(each.key), \".txt\")}\"\n  kind     = \"service\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n  purpose  = file(\"bots/${each.key}\")\n}\n",
    )
    .at(START);
    stack.write("bots/a.txt", "one");
    stack.write("bots/more/b.txt", "two");
    stack.write("bots/c.md", "no");
    let plan = stack.ok(&["plan"]);
    assert_eq!(plan.stdout.matches("+ joiner").count(), 2, "{}", plan.stdout);
    assert!(plan.stdout.contains("identity.bot[\"more/b.txt\"]"), "{}", plan.stdout);
}
