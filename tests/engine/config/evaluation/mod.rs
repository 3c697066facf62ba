//! Expressions and variables that go wrong, and what people see of it: the range of what fails, and the values in it.

mod blocks;
mod functions;
mod lookups;
mod operators;
mod variables;

use crate::config::stack::Stack;

/// A stack with some values to refer to and one local to fail.
fn local(expression: &str) -> Stack {
    Stack::with(&format!("locals {{\n  x = {expression}\n}}\n")).file(
        "values.hcl",
        br#"
variable "environment" { default = "prod" }
variable "count" { default = 3 }
variable "token" {
  default   = "hunter2"
  sensitive = true
}
locals {
  ports = { http = 80, https = 443 }
  names = ["ann", "bob"]
  team = {
    lead = "jane"
    size = 4
  }
}
identity "agent" {
  for_each = toset(["triage", "summarise"])
  kind     = "agent"
  owner    = owner.jane
  ttl      = "30d"
  trust "service" { principals = ["lambda.amazonaws.com"] }
}
"#,
    )
}

fn variable(lines: &str) -> Stack {
    Stack::with(&format!("variable \"v\" {{\n{lines}}}\nlocals {{\n  used = var.v\n}}\n"))
}

#[test]
fn object_types_fill_in_what_is_optional() {
    let stack = variable("  type = object({ name = string, port = optional(number, 80), note = optional(string) })\n")
        .variable_file("a.auto.hclvars", "v = { name = \"x\", other = true }\n")
        .file("o.hcl", b"owner \"o\" { name = jsonencode(var.v) }\n");
    assert_eq!(stack.declared().owners["o"].name.as_deref(), Some("{\"name\":\"x\",\"note\":null,\"port\":80}"));
}

#[test]
fn null_selects_the_default() {
    let stack = variable("  default  = \"d\"\n  nullable = false\n")
        .variable_file("a.auto.hclvars", "v = null\n")
        .file("o.hcl", b"owner \"o\" { name = var.v }\n");
    assert_eq!(stack.declared().owners["o"].name.as_deref(), Some("d"));
}

#[test]
fn values_on_the_command_line_are_read_by_their_type() {
    let name = |of: &str, given: &str| {
        let lines = if of.is_empty() { String::new() } else { format!("  type = {of}\n") };
        let stack = variable(&lines).var("v", given).file("o.hcl", b"owner \"o\" { name = jsonencode(var.v) }\n");
        stack.declared().owners["o"].name.clone().unwrap()
    };
    assert_eq!(name("", "[1]"), "\"[1]\"");
    assert_eq!(name("string", "true"), "\"true\"");
    assert_eq!(name("number", "010"), "10");
    assert_eq!(name("bool", "true"), "true");
    assert_eq!(name("list(string)", "[\"a\", 1]"), "[\"a\",\"1\"]");
    assert_eq!(name("set(number)", "[2, 1, 2]"), "[1,2]");
    assert_eq!(name("tuple([string, number])", "[1, \"2\"]"), "[\"1\",2]");
    assert_eq!(name("any", "{ a = 1 }"), "{\"a\":1}");
}

#[test]
fn counted_identities_have_their_index_as_key() {
    let stack = Stack::with(
        "identity \"bot\" {\n  count = 2\n  name  = \"bot-${count.index + 1}\"\n  kind  = \"human\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n",
    );
    let declared = stack.declared();
    let names: Vec<_> =
        declared.identities.iter().map(|(address, identity)| (address.as_str(), identity.spec.name.as_str())).collect();
    assert_eq!(names, [("identity.bot[0]", "bot-1"), ("identity.bot[1]", "bot-2")]);
}

#[test]
fn text_of_many_lines() {
    let text = |expression: &str| {
        let scope = "scope \"o\" {\n  description = local.x\n  statement {\n    actions = [\"a:B\"]\n    resources = [\"*\"]\n  }\n}\n";
        let stack = local(expression).file("o.hcl", scope.as_bytes());
        stack.declared().scopes["o"].0.description.clone().unwrap()
    };
    assert_eq!(text("<<EOT\n  one\n   two ${1 + 1}\nEOT"), "  one\n   two 2\n");
    assert_eq!(text("<<-EOT\n    one\n      two\n    EOT"), "one\n  two\n");
    // As `terraform console` has them.
    for (heredoc, expected) in [
        (
            "<<-EOT\n    %{ for name in local.names ~}\n    - ${name}\n    %{ endfor ~}\n    end\n    EOT",
            "    - ann\n    - bob\n    end\n",
        ),
        ("<<-EOT\n    one\n      two ${local.names[0]}\n        three\n    EOT", "one\n  two ann\n    three\n"),
        ("<<EOT\n  %{ if true ~}\n    yes\n  %{ else ~}\n    no\n  %{ endif ~}\n  tail\nEOT", "      yes\n    tail\n"),
        ("<<-EOT\n    %{ for name in local.names }\n    - ${name}\n    %{ endfor }\n    EOT", "\n- ann\n\n- bob\n\n"),
        ("<<-EOT\n\n      x\n    ${local.names[0]} y\n\n    z\n    EOT", "\n  x\nann y\n\nz\n"),
        ("<<-EOT\n    a ${~ local.names[0] ~}\n    \n      b\n    EOT", "aann    \n  b\n"),
        ("\"x  %{ for n in local.names ~}  ${n}  %{ endfor ~}   y\"", "x  ann  bob  y"),
    ] {
        assert_eq!(text(heredoc), expected, "{heredoc}");
    }
    assert_eq!(text("<<EOT\n\\n $${x} %%{y}\nEOT"), "\\n ${x} %{y}\n");
    assert_eq!(text("\"%{ if var.count > 2 }many%{ else }few%{ endif }\""), "many");
}
