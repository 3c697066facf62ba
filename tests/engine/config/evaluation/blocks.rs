//! Expressions in blocks: repeated blocks, sensitive values, templates.

use super::local;
use crate::config::stack::Stack;

#[test]
fn sensitive_argument() {
    insta::assert_snapshot!(local("tonumber(var.token)").drawn(), @"
    config::function

      × tonumber(): `value` is not valid
      │ var.token is (sensitive value)
       ╭─[main.hcl:2:16]
     1 │ locals {
     2 │   x = tonumber(var.token)
       ·                ────┬────
       ·                    ╰── the argument is sensitive, so the reason is not shown
     3 │ }
       ╰────
      help: tonumber(value)
    ");
}

#[test]
fn sensitive_for_each() {
    insta::assert_snapshot!(Stack::with("variable \"names\" {\n  default   = [\"a\"]\n  sensitive = true\n}\nidentity \"bot\" {\n  for_each = toset(var.names)\n  kind     = \"human\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n}\n").drawn(), @r#"
    config::sensitive

      × for_each depends on a sensitive value
       ╭─[main.hcl:6:14]
     5 │ identity "bot" {
     6 │   for_each = toset(var.names)
       ·              ────────┬───────
       ·                      ╰── sensitive
     7 │   kind     = "human"
       ╰────
      help: use a collection that is not sensitive: its keys would be visible in addresses
    "#);
}

#[test]
fn broken_local_is_told_once() {
    insta::assert_snapshot!(local("local.y + local.y").file("y.hcl", b"locals {\n  y = upper(1, 2)\n  z = local.y\n}\n").drawn(), @"
    config::function

      × upper() takes 1 argument, not 2
       ╭─[y.hcl:2:7]
     1 │ locals {
     2 │   y = upper(1, 2)
       ·       ──┬──
       ·         ╰── upper(string)
     3 │   z = local.y
       ╰────
    ");
}

#[test]
fn fault_in_one_instance() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  for_each    = { a = 1, b = \"x\" }\n  kind        = \"human\"\n  owner       = owner.jane\n  ttl         = \"1d\"\n  environment = \"e-${each.value * 2}\"\n}\n").drawn(), @r#"
    config::operation

      × `*` requires numbers
      │ in the instance "b"
      │ each.value is "x"
       ╭─[main.hcl:6:22]
     5 │   ttl         = "1d"
     6 │   environment = "e-${each.value * 2}"
       ·                      ─────┬────
       ·                           ╰── this is a string: "x"
     7 │ }
       ╰────
    "#);
}

#[test]
fn for_each_cycle() {
    insta::assert_snapshot!(Stack::with("identity \"a\" {\n  for_each = toset([for i in [identity.b[\"x\"]] : i.name])\n  kind     = \"human\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n}\nidentity \"b\" {\n  for_each = toset([for i in [identity.a[\"x\"]] : i.name])\n  kind     = \"human\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n}\n").drawn(), @r#"
    config::cycle

      × identity.a (for_each) depends on itself
      │ identity.a (for_each) → identity.b (for_each) → identity.a (for_each)
       ╭─[main.hcl:2:41]
     1 │ identity "a" {
     2 │   for_each = toset([for i in [identity.b["x"]] : i.name])
       ·                                         ──┬──
       ·                                           ╰── needs identity.b (for_each)
     3 │   kind     = "human"
       ╰────
       ╭─[main.hcl:8:41]
     7 │ identity "b" {
     8 │   for_each = toset([for i in [identity.a["x"]] : i.name])
       ·                                         ──┬──
       ·                                           ╰── needs identity.a (for_each)
     9 │   kind     = "human"
       ╰────
      help: remove one of these references
    "#);
}

#[test]
fn count_of_text() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  count = \"many\"\n  kind  = \"human\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n").drawn(), @r#"
    config::count

      × count must be a whole number from 0 to 100000
       ╭─[main.hcl:2:11]
     1 │ identity "bot" {
     2 │   count = "many"
       ·           ───┬──
       ·              ╰── this is a string: "many"
     3 │   kind  = "human"
       ╰────
    "#);
}

#[test]
fn count_and_for_each() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  count    = 2\n  for_each = toset([\"a\"])\n  kind     = \"human\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n}\n").drawn(), @r#"
    config::conflict

      × an identity cannot have both `for_each` and `count`
       ╭─[main.hcl:2:14]
     1 │ identity "bot" {
     2 │   count    = 2
       ·              ┬
       ·              ╰── conflicts with `for_each`
     3 │   for_each = toset(["a"])
       ╰────
      help: use for_each: its keys do not change when other instances are added or removed
    "#);
}

#[test]
fn dynamic_of_unknown_block() {
    insta::assert_snapshot!(Stack::with("scope \"s\" {\n  dynamic \"statment\" {\n    for_each = []\n    content {}\n  }\n}\n").drawn(), @r#"
    config::unknown_block

      × `dynamic` cannot generate "statment" here
       ╭─[main.hcl:2:11]
     1 │ scope "s" {
     2 │   dynamic "statment" {
       ·           ─────┬────
       ·                ╰── not allowed here
     3 │     for_each = []
       ╰────
      help: in scope it can generate statement
    "#);
}

#[test]
fn dynamic_content() {
    insta::assert_snapshot!("dynamic_content", Stack::with("scope \"s\" {\n  dynamic \"statement\" {\n    for_each = [\"a\"]\n    iterator = it\n    content {\n      action    = [it.value]\n      resources = [statement.value]\n    }\n  }\n}\n").drawn());
}

#[test]
fn template_error() {
    insta::assert_snapshot!(local("templatefile(\"t.txt\", { a = 1 })").beside("t.txt", b"one\ntwo ${a}\nthree ${b}\n").drawn(), @r#"
    config::function

      × templatefile(): `path` is not valid
       ╭─[main.hcl:2:20]
     1 │ locals {
     2 │   x = templatefile("t.txt", { a = 1 })
       ·                    ───┬───
       ·                       ╰── line 3 of the template: `b` is not defined (unknown name)
     3 │ }
       ╰────
      help: templatefile(path, variables)
    "#);
}

#[test]
fn heredoc_error() {
    insta::assert_snapshot!(local("<<-EOT\n    one\n    two ${local.team.boss}\n  EOT").drawn(), @r#"
    config::no_attribute

      × an object has no attribute "boss"
      │ local.team is { lead = "jane", size = 4 }
       ╭─[main.hcl:4:21]
     3 │     one
     4 │     two ${local.team.boss}
       ·                     ──┬──
       ·                       ╰── not found
     5 │   EOT
       ╰────
      help: it has lead and size
    "#);
}
