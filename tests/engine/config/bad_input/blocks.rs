//! Blocks and attributes that do not exist, are declared twice, or are missing.

use super::identity;
use crate::config::stack::Stack;

#[test]
fn unknown_block() {
    insta::assert_snapshot!(Stack::with("identiy \"bot\" {\n}\n").drawn(), @r#"
    config::unknown_block

      × unknown block type `identiy`
       ╭─[main.hcl:1:1]
     1 │ identiy "bot" {
       · ──────┬──────
       ·       ╰── unknown name
     2 │ }
       ╰────
      help: did you mean `identity`?
    "#);
}

#[test]
fn unknown_inner_block() {
    insta::assert_snapshot!(identity("  ttl = \"1d\"\n  statment {\n  }\n").drawn(), @r#"
    config::unknown_block

      × identity "bot" has no block `statment`
       ╭─[main.hcl:5:3]
     4 │   ttl = "1d"
     5 │   statment {
       ·   ────┬───
       ·       ╰── unknown name
     6 │   }
       ╰────
      help: did you mean `statement`?
    "#);
}

#[test]
fn block_of_a_later_version() {
    insta::assert_snapshot!(Stack::with("grant \"base\" {\n}\nrule \"m\" {\n}\n").drawn(), @r#"
    config::not_yet

      × `grant` blocks are not supported yet
       ╭─[main.hcl:1:1]
     1 │ grant "base" {
       · ──────┬─────
       ·       ╰── not available
     2 │ }
       ╰────
      help: they are reserved for a later version

    config::not_yet

      × `rule` blocks are not supported yet
       ╭─[main.hcl:3:1]
     2 │ }
     3 │ rule "m" {
       · ────┬───
       ·     ╰── not available
     4 │ }
       ╰────
      help: they are reserved for a later version
    "#);
}

#[test]
fn attribute_of_a_later_version() {
    insta::assert_snapshot!(identity("  ttl = \"1d\"\n  review { every = \"30d\" }\n").drawn(), @r#"
    config::not_yet

      × `review` blocks are not supported yet
       ╭─[main.hcl:5:3]
     4 │   ttl = "1d"
     5 │   review { every = "30d" }
       ·   ───┬──
       ·      ╰── not available
     6 │ }
       ╰────
      help: they are reserved for a later version
    "#);
}

#[test]
fn backend_not_built_in() {
    insta::assert_snapshot!(Stack::of("leasehold {\n  stack = \"demo\"\n  backend \"gcs\" { bucket = \"b\" }\n}\n").drawn(), @r#"
    config::not_built

      × this build of Leasehold does not support backend "gcs"
       ╭─[main.hcl:3:3]
     2 │   stack = "demo"
     3 │   backend "gcs" { bucket = "b" }
       ·   ──────┬──────
       ·         ╰── not included in this build
     4 │ }
       ╰────
      help: build it with `--features gcs`, or use another backend
    "#);
}

#[test]
fn bucket_without_a_name() {
    insta::assert_snapshot!(Stack::of("leasehold {\n  stack = \"demo\"\n  backend \"s3\" { buckt = \"b\" }\n}\n").drawn(), @r#"
    config::missing_attribute

      × backend "s3" has no `bucket`
       ╭─[main.hcl:3:3]
     2 │   stack = "demo"
     3 │   backend "s3" { buckt = "b" }
       ·   ──────┬─────
       ·         ╰── `bucket` is missing
     4 │ }
       ╰────
      help: add a line such as: bucket = "acme-leasehold"

    config::unknown_attribute

      × backend "s3" has no attribute `buckt`
       ╭─[main.hcl:3:18]
     2 │   stack = "demo"
     3 │   backend "s3" { buckt = "b" }
       ·                  ──┬──
       ·                    ╰── unknown name
     4 │ }
       ╰────
      help: did you mean `bucket`?
    "#);
}

#[test]
fn unknown_attribute() {
    insta::assert_snapshot!(identity("  ttl       = \"1d\"\n  enviroment = \"prod\"\n").drawn(), @r#"
    config::unknown_attribute

      × identity "bot" has no attribute `enviroment`
       ╭─[main.hcl:5:3]
     4 │   ttl       = "1d"
     5 │   enviroment = "prod"
       ·   ─────┬────
       ·        ╰── unknown name
     6 │ }
       ╰────
      help: did you mean `environment`?
    "#);
}

#[test]
fn attribute_that_is_a_block() {
    insta::assert_snapshot!(identity("  ttl = \"1d\"\n  statement = {}\n").drawn(), @r#"
    config::unknown_attribute

      × identity "bot" has no attribute `statement`
       ╭─[main.hcl:5:3]
     4 │   ttl = "1d"
     5 │   statement = {}
       ·   ────┬────
       ·       ╰── unknown name
     6 │ }
       ╰────
      help: `statement` is a block: write statement { … } without `=`
    "#);
}

#[test]
fn stray_attribute() {
    insta::assert_snapshot!(Stack::with("bucket = \"x\"\n").drawn(), @r#"
    config::unknown_attribute

      × attribute `bucket` is outside of any block
       ╭─[main.hcl:1:1]
     1 │ bucket = "x"
       · ───┬──
       ·    ╰── not allowed here
       ╰────
      help: move it into a block: locals { bucket = … } defines local.bucket; values of variables
            belong in *.auto.hclvars
    "#);
}

#[test]
fn missing_label() {
    insta::assert_snapshot!(
        "missing_label",
        Stack::with("owner {\n  name = \"x\"\n}\nscope \"a\" \"b\" {\n}\nowner \"1 x\" {\n}\n").drawn()
    );
}

#[test]
fn duplicate_block() {
    insta::assert_snapshot!(Stack::with("owner \"jane\" {\n  name = \"Another\"\n}\n").drawn(), @r#"
    config::duplicate_block

      × owner "jane" is declared twice
       ╭─[zz.hcl:2:1]
     1 │ leasehold { stack = "demo" }
     2 │ owner "jane" {
       · ──────┬─────
       ·       ╰── declared again here
     3 │   name  = "Jane Doe"
       ╰────
      help: keep one of them, or change the label of one

    Advice: 
      ☞ first declared here
       ╭─[main.hcl:1:1]
     1 │ owner "jane" {
       · ────────────
     2 │   name = "Another"
       ╰────
    "#);
}

#[test]
fn duplicate_block_in_one_file() {
    insta::assert_snapshot!(Stack::with("scope \"s\" {\n  statement {\n    actions   = [\"a:b\"]\n    resources = [\"*\"]\n  }\n}\nscope \"s\" {\n}\n").drawn(), @r#"
    config::duplicate_block

      × scope "s" is declared twice
       ╭─[main.hcl:1:1]
     1 │ scope "s" {
       · ────┬────
       ·     ╰── first declared here
     2 │   statement {
       ╰────
       ╭─[main.hcl:7:1]
     6 │ }
     7 │ scope "s" {
       · ────┬────
       ·     ╰── declared again here
     8 │ }
       ╰────
      help: keep one of them, or change the label of one
    "#);
}

#[test]
fn duplicate_local() {
    insta::assert_snapshot!(Stack::with("locals {\n  a = 1\n}\nlocals {\n  a = 2\n}\n").drawn(), @"
    config::duplicate_local

      × local.a is set twice
       ╭─[main.hcl:5:3]
     1 │ locals {
     2 │   a = 1
       ·   ┬
       ·   ╰── first set here
     3 │ }
     4 │ locals {
     5 │   a = 2
       ·   ┬
       ·   ╰── set again here
     6 │ }
       ╰────
      help: keep one of them, or rename one
    ");
}

#[test]
fn no_leasehold_block() {
    insta::assert_snapshot!(Stack::of("owner \"jane\" {\n}\n").drawn(), @r#"
    config::no_leasehold_block

      × no file in this directory has a `leasehold` block
      │ The `leasehold` block sets the stack's name. All objects of the stack in the cloud are marked
      │ with it.
      help: add leasehold { stack = "payments" } to one of the files, or check that this is the right
            directory
    "#);
}

#[test]
fn no_file() {
    insta::assert_snapshot!(Stack::default().drawn(), @"
    config::no_leasehold_block

      × no *.hcl file in this directory
      │ The `leasehold` block sets the stack's name. All objects of the stack in the cloud are marked
      │ with it.
      help: check that this is the right directory, or run `leasehold init` to create a new stack
    ");
}

#[test]
fn stack_name() {
    insta::assert_snapshot!(Stack::of("leasehold { stack = \"My Stack\" }\n").drawn(), @r#"
    config::stack_name

      × "My Stack" is not a valid stack name
       ╭─[main.hcl:1:21]
     1 │ leasehold { stack = "My Stack" }
       ·                     ─────┬────
       ·                          ╰── use 1 to 32 characters of a-z, 0-9 and '-', beginning with a letter or digit
       ╰────
      help: for example "my-stack"
    "#);
}

#[test]
fn newer_version_required() {
    insta::assert_snapshot!(Stack::of("leasehold {\n  stack            = \"demo\"\n  required_version = \">= 99.0\"\n}\n").drawn(), @r#"
    config::version

      × this is Leasehold 0.1.0, but the stack requires >= 99.0
       ╭─[main.hcl:3:22]
     2 │   stack            = "demo"
     3 │   required_version = ">= 99.0"
       ·                      ────┬────
       ·                          ╰── not satisfied by this version
     4 │ }
       ╰────
      help: install a version that satisfies the requirement, or change the requirement
    "#);
}
