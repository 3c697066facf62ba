//! Variables and their values.

use super::variable;
use crate::config::stack::Stack;

#[test]
fn variable_without_value() {
    insta::assert_snapshot!(variable("  type = string\n").drawn(), @r#"
    config::variable

      × var.v has no value
       ╭─[main.hcl:1:1]
     1 │ variable "v" {
       · ──────┬─────
       ·       ╰── no default and no value
     2 │   type = string
       ╰────
      help: set it with --var v=…, in a *.auto.hclvars file, in LEASEHOLD_VAR_v, or add a default
    "#);
}

#[test]
fn variable_of_wrong_type() {
    insta::assert_snapshot!(variable("  type = number\n").var("v", "many").drawn(), @r#"
    config::type

      × var.v must be number
      │ it is a string: "many"
       ╭─[main.hcl:1:1]
     1 │ variable "v" {
       · ──────┬─────
       ·       ╰── its value comes from --var
     2 │   type = number
       ╰────
      help: a number is required, and this string is not a number
    "#);
}

#[test]
fn variable_default_of_wrong_type() {
    insta::assert_snapshot!(variable("  type    = map(number)\n  default = { a = \"x\" }\n").drawn(), @r#"
    config::type

      × var.v must be map(number)
      │ it is an object: { a = "x" }
       ╭─[main.hcl:3:13]
     2 │   type    = map(number)
     3 │   default = { a = "x" }
       ·             ─────┬─────
       ·                  ╰── its default
     4 │ }
       ╰────
      help: ["a"]: a number is required, and this string is not a number
    "#);
}

#[test]
fn variable_is_no_expression() {
    insta::assert_snapshot!(variable("  type = list(string)\n").var("v", "a,b").drawn(), @r#"
    config::variable

      × the value of var.v is not a valid expression
      │ "a,b": syntax error
       ╭─[main.hcl:1:1]
     1 │ variable "v" {
       · ──────┬─────
       ·       ╰── its value comes from --var
     2 │   type = list(string)
       ╰────
      help: it must be list(string), with the syntax of a variable file; note that the shell removes
            quotes
    "#);
}

#[test]
fn variable_that_is_sensitive() {
    insta::assert_snapshot!(variable("  type      = list(number)\n  sensitive = true\n").var("v", "[\"hunter2\"]").drawn(), @r#"
    config::type

      × var.v must be list(number)
      │ it is a tuple: (sensitive value)
       ╭─[main.hcl:1:1]
     1 │ variable "v" {
       · ──────┬─────
       ·       ╰── its value comes from --var
     2 │   type      = list(number)
       ╰────
    "#);
}

#[test]
fn variable_of_unknown_type() {
    insta::assert_snapshot!(variable("  type    = strng\n  default = \"x\"\n").drawn(), @r#"
    config::type_constraint

      × not a type
       ╭─[main.hcl:2:13]
     1 │ variable "v" {
     2 │   type    = strng
       ·             ──┬──
       ·               ╰── unknown type
     3 │   default = "x"
       ╰────
      help: did you mean `string`?
    "#);
}

#[test]
fn variable_type_in_quotes() {
    insta::assert_snapshot!(variable("  type    = \"string\"\n  default = \"x\"\n").drawn(), @r#"
    config::type_constraint

      × not a type
       ╭─[main.hcl:2:13]
     1 │ variable "v" {
     2 │   type    = "string"
       ·             ────┬───
       ·                 ╰── a type is written without quotes
     3 │   default = "x"
       ╰────
      help: write type = string
    "#);
}

#[test]
fn variable_default_with_reference() {
    insta::assert_snapshot!(variable("  default = local.a\n").file("a.hcl", b"locals {\n  a = 1\n}\n").drawn(), @r#"
    config::undefined_reference

      × `local` cannot be used here
       ╭─[main.hcl:2:13]
     1 │ variable "v" {
     2 │   default = local.a
       ·             ──┬──
       ·               ╰── not available here
     3 │ }
       ╰────
      help: only literal values and functions are allowed here
    "#);
}

#[test]
fn variable_validation() {
    insta::assert_snapshot!(variable("  type    = string\n  default = \"production\"\n  validation {\n    condition     = contains([\"staging\", \"prod\"], var.v)\n    error_message = \"v is staging or prod.\"\n  }\n").drawn(), @r#"
    config::validation

      × the value of var.v is not valid
      │ v is staging or prod.
      │ var.v is "production"
       ╭─[main.hcl:1:1]
     1 │ variable "v" {
       · ──────┬─────
       ·       ╰── the variable
     2 │   type    = string
       ╰────
       ╭─[main.hcl:5:21]
     4 │   validation {
     5 │     condition     = contains(["staging", "prod"], var.v)
       ·                     ──────────────────┬─────────────────
       ·                                       ╰── this condition is false
     6 │     error_message = "v is staging or prod."
       ╰────
    "#);
}

#[test]
fn variable_must_not_be_null() {
    insta::assert_snapshot!(variable("  nullable = false\n").var("v", "x").variable_file("a.auto.hclvars", "v = null\n").drawn(), @"
    config::variable

      × var.v must not be null
       ╭─[a.auto.hclvars:1:1]
     1 │ (not shown)
       · ─────┬─────
       ·      ╰── set here
       ╰────
    ");
}

#[test]
fn variable_missing_attribute() {
    insta::assert_snapshot!(variable("  type = object({ name = string, port = optional(number, 80) })\n").variable_file("a.auto.hclvars", "v = { port = 1 }\n").drawn(), @"
    config::type

      × var.v must be object({name = string, port = optional(number)})
      │ it is an object
       ╭─[a.auto.hclvars:1:1]
     1 │ (not shown)
       · ─────┬─────
       ·      ╰── set here
       ╰────
    ");
}

#[test]
fn undeclared_variable() {
    insta::assert_snapshot!(Stack::with("variable \"environment\" { default = \"x\" }\n").var("enviroment", "prod").variable_file("a.auto.hclvars", "regon = 1\n").drawn(), @r#"
    config::undeclared_variable

      × --var sets "enviroment", but no variable with this name is declared
      help: did you mean "environment"?

    config::undeclared_variable

      ⚠ this file sets "regon", but no variable with this name is declared
       ╭─[a.auto.hclvars:1:1]
     1 │ (not shown)
       · ─────┬─────
       ·      ╰── not declared
       ╰────
      help: declare it: variable "regon" {}
    "#);
}
