//! Modules: what goes in, what comes out, and what people see when it does not.

use leasehold_provider::Address;

use super::stack::Stack;

const TEAM: &str = r#"
variable "members" {
  type        = map(object({ kind = optional(string, "service"), days = number }))
  description = "who belongs to the team"
}
variable "lead" { type = owner }
variable "scopes" {
  type    = list(scope)
  default = []
}
locals {
  note = "of ${var.lead.email}"
}
service "shop" { owner = var.lead }
scope "own" {
  description = local.note
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
}
identity "member" {
  for_each = var.members
  kind     = each.value.kind
  owner    = var.lead
  service  = service.shop
  scopes   = concat(var.scopes, [scope.own])
  ttl      = "${each.value.days}d"
}
identity "bot" {
  kind  = "service"
  owner = var.lead
  ttl   = "1d"
}
output "bot" { value = identity.bot }
output "names" { value = [for name, member in var.members : "${name}: ${member.days}"] }
"#;

fn team(call: &str) -> Stack {
    Stack::with(&format!("scope \"all\" {{\n  statement {{\n    actions   = [\"s3:ListBucket\"]\n    resources = [\"*\"]\n  }}\n}}\n{call}"))
        .module("modules/team/main.hcl", TEAM)
}

#[test]
fn a_module_is_called_for_each_key() {
    let declared = team(
        r#"
module "team" {
  for_each = { red = 3, "b lue" = 4 }
  source   = "./modules/team"
  lead     = owner.jane
  scopes   = [scope.all]
  members  = { ann = { days = each.value }, bob = { kind = "human", days = 30 } }
}
module "solo" {
  source  = "./modules/team/"
  lead    = owner.jane
  members = {}
}
module "counted" {
  count      = 2
  source     = "./modules/team"
  lead       = owner.jane
  members    = { x = { days = count.index + 1 } }
  depends_on = [module.solo]
}
identity "watcher" {
  kind       = "service"
  owner      = owner.jane
  ttl        = "5d"
  purpose    = "${join(", ", module.team["red"].names)}; ${module.solo.bot.name}; ${join(" ", flatten(module.counted[*].names))}; ${length(module.team)}"
  depends_on = [module.team["b lue"], module.counted]
}
"#,
    )
    .declared();
    let addresses: Vec<&str> = declared.identities.keys().map(Address::as_str).collect();
    assert_eq!(
        addresses,
        [
            "identity.watcher",
            "module.counted[0].identity.bot",
            "module.counted[0].identity.member[\"x\"]",
            "module.counted[1].identity.bot",
            "module.counted[1].identity.member[\"x\"]",
            "module.solo.identity.bot",
            "module.team[\"b lue\"].identity.bot",
            "module.team[\"b lue\"].identity.member[\"ann\"]",
            "module.team[\"b lue\"].identity.member[\"bob\"]",
            "module.team[\"red\"].identity.bot",
            "module.team[\"red\"].identity.member[\"ann\"]",
            "module.team[\"red\"].identity.member[\"bob\"]",
        ]
    );
    let of = |address: &str| &declared.identities[&Address::from_text(address)];
    let ann = of("module.team[\"red\"].identity.member[\"ann\"]");
    assert_eq!((ann.spec.name.as_str(), ann.spec.owner.as_str()), ("team-red-member-ann", "jane"));
    assert_eq!(ann.spec.service.as_deref(), Some("team,red.shop"));
    assert_eq!(ann.lease.ttl.unwrap().to_string(), "3d");
    assert_eq!(ann.spec.scopes.iter().map(String::as_str).collect::<Vec<_>>(), ["all", "team,red.own"]);
    assert_eq!(declared.scopes["team,red.own"].0.address().as_str(), "module.team[\"red\"].scope.own");
    assert_eq!(declared.scopes["solo.own"].0.description.as_deref(), Some("of jane@example.com"));
    let watcher = of("identity.watcher");
    assert_eq!(watcher.spec.purpose.as_deref(), Some("ann: 3, bob: 30; solo-bot; x: 1 x: 2; 2"));
    let waits: Vec<&str> = watcher.depends_on.iter().map(Address::as_str).collect();
    assert_eq!(waits.len(), 7);
    assert_eq!(waits[0], "module.counted[0].identity.bot");
    let waits = &of("module.counted[0].identity.bot").depends_on;
    assert_eq!(waits.iter().map(Address::as_str).collect::<Vec<_>>(), ["module.solo.identity.bot"]);
}

#[test]
fn modules_nest_and_files_are_their_own() {
    let declared = Stack::with("module \"outer\" {\n  source = \"./modules/outer\"\n}\n")
        .module("modules/outer/main.hcl", "module \"inner\" {\n  for_each = toset([\"k\"])\n  source   = \"../inner\"\n  text     = file(\"note.txt\")\n}\n")
        .module("modules/inner/main.hcl", "variable \"text\" {}\nowner \"tom\" {}\nidentity \"x\" {\n  kind    = \"service\"\n  owner   = owner.tom\n  ttl     = \"1d\"\n  purpose = \"${var.text} ${file(\"note.txt\")}\"\n}\n")
        .beside("modules/outer/note.txt", b"outer")
        .beside("modules/inner/note.txt", b"inner")
        .declared();
    let (address, identity) = declared.identities.first_key_value().unwrap();
    assert_eq!(address.as_str(), "module.outer.module.inner[\"k\"].identity.x");
    assert_eq!(identity.spec.purpose.as_deref(), Some("outer inner"));
    assert_eq!(identity.spec.name, "outer-inner-k-x");
    assert_eq!(identity.spec.owner, "outer.inner,k.tom");
    assert_eq!(
        declared.files_read.keys().map(String::as_str).collect::<Vec<_>>(),
        ["modules/inner/note.txt", "modules/outer/note.txt"]
    );
}

#[test]
fn a_secret_taints_its_way_through_a_module() {
    let stack = Stack::with(
        "module \"m\" {\n  source = \"./m\"\n  token  = \"hunter2\"\n}\nlocals {\n  a = module.m.open + 1\n}\n",
    )
    .module("m/main.hcl", "variable \"token\" { sensitive = true }\noutput \"open\" { value = \"x${var.token}\" }\n");
    let drawn = stack.drawn();
    assert!(drawn.contains("(sensitive value)"), "{drawn}");
    // Only the line of the call itself may show what it says.
    assert!(!drawn.contains("xhunter2"), "{drawn}");
}

#[test]
fn values_may_go_from_one_module_to_another_and_back() {
    let declared = Stack::with(
        "module \"a\" {\n  source = \"./m\"\n  first  = \"1\"\n  second = module.b.from_first\n}\nmodule \"b\" {\n  source = \"./m\"\n  first  = module.a.from_first\n  second = module.a.from_second\n}\nidentity \"x\" {\n  kind    = \"service\"\n  owner   = owner.jane\n  ttl     = \"1d\"\n  purpose = module.b.from_second\n}\n",
    )
    .module(
        "m/main.hcl",
        "variable \"first\" {}\nvariable \"second\" {}\noutput \"from_first\" { value = \"${var.first}f\" }\noutput \"from_second\" { value = \"${var.second}s\" }\n",
    )
    .declared();
    assert_eq!(declared.identities.values().next().unwrap().spec.purpose.as_deref(), Some("1ffss"));
}

#[test]
fn module_cycle_of_values() {
    insta::assert_snapshot!("module_cycle_of_values", Stack::with("module \"a\" {\n  source = \"./m\"\n  in     = module.b.out\n}\nmodule \"b\" {\n  source = \"./m\"\n  in     = module.a.out\n}\n")
        .module("m/main.hcl", "variable \"in\" {}\noutput \"out\" { value = var.in }\n").drawn());
}

#[test]
fn module_that_calls_itself() {
    insta::assert_snapshot!(
        "module_that_calls_itself",
        Stack::with("module \"a\" {\n  source = \"./a\"\n}\n")
            .module("a/main.hcl", "module \"b\" {\n  source = \"../b\"\n}\n")
            .module("b/main.hcl", "module \"a\" {\n  source = \"../a\"\n}\n")
            .drawn()
    );
}

#[test]
fn module_that_calls_the_stack() {
    insta::assert_snapshot!(Stack::with("module \"a\" {\n  source = \"./\"\n}\n").drawn(), @r#"
    config::module_cycle

      × the stack cannot call itself as a module
      │ the stack's directory → the stack's directory
       ╭─[main.hcl:1:1]
     1 │ module "a" {
       · ─────┬────
       ·      ╰── leads back to it
     2 │   source = "./"
       ╰────
      help: remove this call
    "#);
}

#[test]
fn module_arguments() {
    insta::assert_snapshot!(
        "module_arguments",
        team("module \"team\" {\n  source = \"./modules/team\"\n  leed   = owner.jane\n  scopes = [owner.jane]\n}\n")
            .drawn()
    );
}

#[test]
fn module_not_there() {
    insta::assert_snapshot!("module_not_there", Stack::with("module \"a\" {\n  source = \"./nowhere\"\n}\nmodule \"b\" {\n  source = \"hashicorp/consul/aws\"\n}\nmodule \"c\" {\n  source = \"/etc\"\n}\nmodule \"d\" {\n  source = \"./${var.x}\"\n}\nmodule \"e\" {\n}\n").drawn());
}

#[test]
fn module_without_files() {
    insta::assert_snapshot!(Stack::with("module \"a\" {\n  source = \"./a\"\n}\n").module("b/main.hcl", "").drawn(), @r#"
    config::module_source

      × the module "./a" cannot be read
       ╭─[main.hcl:2:12]
     1 │ module "a" {
     2 │   source = "./a"
       ·            ──┬──
       ·              ╰── there is no directory a
     3 │ }
       ╰────
      help: a module must be a directory with *.hcl files in the same repository
    "#);
}

#[test]
fn wrong_within_a_module() {
    insta::assert_snapshot!("wrong_within_a_module", Stack::with("module \"a\" {\n  for_each = toset([\"x\", \"y\"])\n  source   = \"./a\"\n  day      = each.key\n}\n")
        .module("a/main.hcl", "variable \"day\" {}\nidentity \"bot\" {\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = var.day\n  enviroment = 1\n}\nlocals {\n  n = var.day + 1\n}\n").drawn());
}

#[test]
fn validation_of_an_argument() {
    insta::assert_snapshot!(Stack::with("module \"a\" {\n  source = \"./a\"\n  port   = 99999\n}\n")
        .module("a/main.hcl", "variable \"port\" {\n  type = number\n  validation {\n    condition     = var.port < 65536\n    error_message = \"A port is below 65536.\"\n  }\n}\n").drawn(), @r#"
    config::validation

      × the value of var.port is not valid
      │ A port is below 65536.
      │ var.port is 99999
       ╭─[main.hcl:3:12]
     2 │   source = "./a"
     3 │   port   = 99999
       ·            ──┬──
       ·              ╰── this value
     4 │ }
       ╰────

    Advice: 
      ☞ this condition is false
       ╭─[a/main.hcl:4:21]
     3 │   validation {
     4 │     condition     = var.port < 65536
       ·                     ────────────────
     5 │     error_message = "A port is below 65536."
       ╰────
    "#);
}

#[test]
fn stack_blocks_in_a_module() {
    insta::assert_snapshot!("stack_blocks_in_a_module", Stack::with("module \"a\" {\n  source = \"./a\"\n}\noutput \"x\" { value = 1 }\n")
        .module("a/main.hcl", "leasehold { stack = \"x\" }\nprovider \"aws\" {}\nimport {\n  to = identity.a\n  id = \"a\"\n}\nvariable \"source\" {}\nx = 1\nowner \"y\" {\n  name = \n}\n").drawn());
}

#[test]
fn inside_of_a_module() {
    insta::assert_snapshot!("inside_of_a_module", team("module \"team\" {\n  source  = \"./modules/team\"\n  lead    = owner.jane\n  members = {}\n}\nmodule \"each\" {\n  for_each = toset([\"a\"])\n  source   = \"./modules/team\"\n  lead     = owner.jane\n  members  = {}\n}\nlocals {\n  a = module.team.identity.bot\n  b = module.team.naems\n  c = module.each.bot\n  d = module.each[\"b\"].bot\n  e = module.teem.bot\n}\n").drawn());
}

#[test]
fn one_name_for_all_modules() {
    insta::assert_snapshot!("one_name_for_all_modules", Stack::with("module \"a\" {\n  count  = 2\n  source = \"./a\"\n  lead   = owner.jane\n}\n")
        .module("a/main.hcl", "variable \"lead\" {}\nidentity \"bot\" {\n  kind  = \"service\"\n  name  = \"bot\"\n  owner = var.lead\n}\n").drawn());
}

#[test]
fn file_outside_of_the_module() {
    insta::assert_snapshot!(Stack::with("module \"a\" {\n  source = \"./a\"\n}\n")
        .module("a/main.hcl", "locals {\n  x = file(\"../secret.txt\")\n}\n").beside("secret.txt", b"x").drawn(), @r#"
    config::function

      × file(): `path` is not valid
       ╭─[a/main.hcl:2:12]
     1 │ locals {
     2 │   x = file("../secret.txt")
       ·            ───────┬───────
       ·                   ╰── it is outside the module's directory; pass the content as a variable instead
     3 │ }
       ╰────
      help: file(path)

    Advice: 
      ☞ module.a is called here
       ╭─[main.hcl:1:1]
     1 │ module "a" {
       · ──────────
     2 │   source = "./a"
       ╰────
    "#);
}
