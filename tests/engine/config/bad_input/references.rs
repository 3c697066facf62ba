//! References to what is not declared, and references in a cycle.

use crate::config::stack::Stack;

#[test]
fn unknown_reference() {
    insta::assert_snapshot!("unknown_reference", Stack::with("identity \"bot\" {\n  kind   = \"service\"\n  owner  = owner.jan\n  ttl    = \"1d\"\n  scopes = [scope.orders, local.scopes]\n}\n").drawn());
}

#[test]
fn unknown_variable() {
    insta::assert_snapshot!(Stack::with("variable \"environment\" { default = \"prod\" }\nlocals {\n  env = var.enviroment\n}\n").drawn(), @"
    config::undefined_reference

      × var.enviroment is not declared
       ╭─[main.hcl:3:9]
     2 │ locals {
     3 │   env = var.enviroment
       ·         ───────┬──────
       ·                ╰── not declared
     4 │ }
       ╰────
      help: did you mean var.environment?
    ");
}

#[test]
fn unknown_word() {
    insta::assert_snapshot!(
        "unknown_word",
        Stack::with("locals {\n  a = prod\n  b = vra.x\n  c = each.key\n  d = path.module\n}\n").drawn()
    );
}

#[test]
fn unknown_function() {
    insta::assert_snapshot!(Stack::with("locals {\n  a = uper(\"x\")\n  b = timestamp()\n}\n").drawn(), @r#"
    config::unknown_function

      × there is no function `uper`
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   a = uper("x")
       ·       ──┬─
       ·         ╰── not known
     3 │   b = timestamp()
       ╰────
      help: did you mean upper()?

    config::unknown_function

      × there is no function `timestamp`
       ╭─[main.hcl:3:7]
     2 │   a = uper("x")
     3 │   b = timestamp()
       ·       ────┬────
       ·           ╰── not known
     4 │ }
       ╰────
      help: its second run differs from its first; plantimestamp() is the plan's instant
    "#);
}

#[test]
fn cycle_of_locals() {
    insta::assert_snapshot!(Stack::with("locals {\n  a = \"${local.b}!\"\n  b = [local.c]\n  c = { x = local.a }\n}\n").drawn(), @r#"
    config::cycle

      × local.a depends on itself
      │ local.a → local.b → local.c → local.a
       ╭─[main.hcl:4:13]
     1 │ locals {
     2 │   a = "${local.b}!"
       ·          ───┬───
       ·             ╰── needs local.b
     3 │   b = [local.c]
       ·        ───┬───
       ·           ╰── needs local.c
     4 │   c = { x = local.a }
       ·             ───┬───
       ·                ╰── needs local.a
     5 │ }
       ╰────
      help: remove one of these references
    "#);
}

#[test]
fn local_needs_itself() {
    insta::assert_snapshot!(Stack::with("locals {\n  a = local.a + 1\n}\n").drawn(), @"
    config::cycle

      × local.a depends on itself
      │ local.a → local.a
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   a = local.a + 1
       ·       ───┬───
       ·          ╰── needs local.a
     3 │ }
       ╰────
      help: remove one of these references
    ");
}
