//! Three modules, 40 identities by for_each, dynamic statements, templates and groups, on the embedded directory and on AWS.

use leasehold_emulator::Emulator;

use crate::estate_story::*;

const ROOT: &str = r#"
owner "jane" { email = "jane@example.com" }
module "people" {
  source = "./people"
  owner  = owner.jane
  names  = [for n in range(20) : format("p%02d", n)]
}
module "bots" {
  source   = "./bots"
  for_each = toset(["night", "day"])
  owner    = owner.jane
  shift    = each.key
}
module "agents" {
  source = "./agents"
  owner  = owner.jane
}
"#;

const PEOPLE: &str = r#"
variable "owner" {}
variable "names" { type = list(string) }
scope "wiki" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::wiki/*"]
  }
}
identity "person" {
  for_each = toset(var.names)
  kind     = "human"
  owner    = var.owner
  ttl      = "90d"
}
group "readers" {
  members = [identity.person]
  scopes  = [scope.wiki]
}
group "writers" {
  members = [for name in ["p00", "p01"] : identity.person[name]]
  dynamic "statement" {
    for_each = ["Put", "Delete"]
    content {
      actions   = ["s3:${statement.value}Object"]
      resources = ["arn:aws:s3:::wiki/*"]
    }
  }
}
"#;

const BOTS: &str = r#"
variable "owner" {}
variable "shift" { type = string }
template "bot" {
  kind = "service"
  ttl  = "30d"
  statement {
    actions   = ["sqs:ReceiveMessage"]
    resources = ["*"]
  }
}
identity "bot" {
  for_each = toset(["a", "b", "c", "d", "e"])
  template = template.bot
  owner    = var.owner
  dynamic "statement" {
    for_each = { read = "s3:GetObject", write = "s3:PutObject" }
    content {
      sid       = title(statement.key)
      actions   = [statement.value]
      resources = ["arn:aws:s3:::${var.shift}-${each.key}/*"]
    }
  }
}
"#;

const AGENTS: &str = r#"
variable "owner" {}
identity "agent" {
  for_each = { for n in range(10) : "n${n}" => n }
  kind     = "agent"
  owner    = var.owner
  ttl      = "7d"
  trust "service" { principals = ["lambda.amazonaws.com"] }
}
"#;

/// The stack, on a provider.
fn estate(provider: &str) -> Stack {
    let stack = Stack::of(&format!("leasehold {{\n  stack = \"whole\"\n}}\n{provider}{ROOT}"));
    for (module, text) in [("people", PEOPLE), ("bots", BOTS), ("agents", AGENTS)] {
        std::fs::create_dir(stack.path(module)).unwrap();
        stack.write(&format!("{module}/main.hcl"), text);
    }
    stack
}

fn counts(plan: &Value) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for lifecycle in lifecycles(plan).into_values() {
        *counts.entry(lifecycle).or_insert(0) += 1;
    }
    counts
}

fn reported(stack: &Stack) {
    assert_eq!(counts(&stack.plan_json()), BTreeMap::from([("joiner".to_owned(), 40)]));
    stack.apply().says(&["Read back and verified."]);
    stack.assert_converged();

    // A module has another name, a label in another one, an instance another key: nobody leaves and nobody joins.
    let root = stack.read("stack.hcl").replace("module \"agents\"", "module \"robots\"");
    let moves = [
        moved("module.agents", "module.robots"),
        moved("module.people.identity.person", "module.people.identity.colleague"),
        moved("module.bots[\"night\"].identity.bot[\"a\"]", "module.bots[\"day\"].identity.bot[\"f\"]"),
    ];
    stack.write("stack.hcl", &format!("{root}{}", moves.concat()));
    stack.write(
        "people/main.hcl",
        &PEOPLE
            .replace("identity \"person\"", "identity \"colleague\"")
            .replace("identity.person", "identity.colleague"),
    );
    let keys =
        "toset(var.shift == \"day\" ? [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"] : [\"b\", \"c\", \"d\", \"e\"])";
    stack.write("bots/main.hcl", &BOTS.replace("toset([\"a\", \"b\", \"c\", \"d\", \"e\"])", keys));
    assert_eq!(counts(&stack.plan_json()), BTreeMap::from([("mover".to_owned(), 31)]));
    stack.apply().says(&["Read back and verified."]);
    stack.assert_converged();
    let text = stack.read("stack.hcl");
    stack.write("stack.hcl", text.split("moved {").next().unwrap());
    stack.assert_converged();
}

#[test]
fn forty_identities_of_three_modules_settle_and_move_on_the_embedded_directory() {
    reported(&estate("").at(START));
}

#[test]
fn forty_identities_of_three_modules_settle_and_move_on_aws() {
    let aws = Emulator::moto();
    let stack = estate("provider \"aws\" {\n  region = \"us-east-1\"\n}\n").with_env(aws.env());
    reported(&stack);
    let groups = aws.boto3(
        "print({g['GroupName']: [g['Path'], len(iam.get_group(GroupName=g['GroupName'])['Users'])] for g in iam.list_groups()['Groups']})",
    );
    assert_eq!(
        groups,
        serde_json::json!({
            "people-readers": ["/leasehold/whole/", 20],
            "people-writers": ["/leasehold/whole/", 2],
        })
    );
}
