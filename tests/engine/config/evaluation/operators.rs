//! Operators and text templates on values of the wrong type.

use super::local;

#[test]
fn add_text() {
    insta::assert_snapshot!(local("var.environment + 1").drawn(), @r#"
    config::operation

      × `+` requires numbers
      │ var.environment is "prod"
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   x = var.environment + 1
       ·       ───────┬───────
       ·              ╰── this is a string: "prod"
     3 │ }
       ╰────
      help: to join strings, write "${a}${b}"
    "#);
}

#[test]
fn join_text_with_plus() {
    insta::assert_snapshot!(local("\"arn:\" + local.team.lead").drawn(), @r#"
    config::operation

      × `+` requires numbers
      │ local.team.lead is "jane"
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   x = "arn:" + local.team.lead
       ·       ───┬──
       ·          ╰── this is a string: "arn:"
     3 │ }
       ╰────
      help: to join strings, write "${a}${b}"
    "#);
}

#[test]
fn compare_text() {
    insta::assert_snapshot!(local("var.environment > local.team.size").drawn(), @r#"
    config::operation

      × `>` requires numbers
      │ var.environment is "prod"
      │ local.team.size is 4
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   x = var.environment > local.team.size
       ·       ───────┬───────
       ·              ╰── this is a string: "prod"
     3 │ }
       ╰────
    "#);
}

#[test]
fn negate_text() {
    insta::assert_snapshot!(local("-var.environment").drawn(), @r#"
    config::operation

      × `-` requires numbers
      │ var.environment is "prod"
       ╭─[main.hcl:2:8]
     1 │ locals {
     2 │   x = -var.environment
       ·        ───────┬───────
       ·               ╰── this is a string: "prod"
     3 │ }
       ╰────
    "#);
}

#[test]
fn not_a_number() {
    insta::assert_snapshot!(local("!var.count").drawn(), @"
    config::operation

      × `!` requires bools
      │ var.count is 3
       ╭─[main.hcl:2:8]
     1 │ locals {
     2 │   x = !var.count
       ·        ────┬────
       ·            ╰── this is a number: 3
     3 │ }
       ╰────
    ");
}

#[test]
fn condition_of_text() {
    insta::assert_snapshot!(local("var.environment ? 1 : 2").drawn(), @r#"
    config::type

      × a condition must be true or false
      │ var.environment is "prod"
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   x = var.environment ? 1 : 2
       ·       ───────┬───────
       ·              ╰── this is a string: "prod"
     3 │ }
       ╰────
    "#);
}

#[test]
fn condition_is_null() {
    insta::assert_snapshot!(local("null ? 1 : 2").drawn(), @"
    config::type

      × a condition must be true or false
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   x = null ? 1 : 2
       ·       ──┬─
       ·         ╰── this is null
     3 │ }
       ╰────
    ");
}

#[test]
fn division_by_zero() {
    insta::assert_snapshot!(local("10 / (var.count - 3)").drawn(), @"
    config::operation

      × division by zero
      │ var.count is 3
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   x = 10 / (var.count - 3)
       ·       ──────────┬─────────
       ·                 ╰── cannot be computed
     3 │ }
       ╰────
    ");
}

#[test]
fn list_in_text() {
    insta::assert_snapshot!(local("\"names: ${local.names}\"").drawn(), @r#"
    config::type

      × only strings, numbers and bools can be inserted into a string
      │ local.names is ["ann", "bob"]
       ╭─[main.hcl:2:17]
     1 │ locals {
     2 │   x = "names: ${local.names}"
       ·                 ─────┬─────
       ·                      ╰── this is a tuple: ["ann", "bob"]
     3 │ }
       ╰────
      help: join the elements with join(", ", …), or encode the value with jsonencode(…)
    "#);
}

#[test]
fn null_in_text() {
    insta::assert_snapshot!(local("\"a ${null} b\"").drawn(), @r#"
    config::type

      × only strings, numbers and bools can be inserted into a string
       ╭─[main.hcl:2:12]
     1 │ locals {
     2 │   x = "a ${null} b"
       ·            ──┬─
       ·              ╰── this is null
     3 │ }
       ╰────
      help: set a default for null, for example with coalesce()
    "#);
}

#[test]
fn block_in_text() {
    insta::assert_snapshot!(local("\"mail to ${owner.jane}\"").drawn(), @r#"
    config::type

      × only strings, numbers and bools can be inserted into a string
       ╭─[main.hcl:2:18]
     1 │ locals {
     2 │   x = "mail to ${owner.jane}"
       ·                  ─────┬────
       ·                       ╰── this is an owner: owner.jane
     3 │ }
       ╰────
      help: use one of its attributes, for example owner.jane.name
    "#);
}
