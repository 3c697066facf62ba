//! Indexes, attributes, splats and `for` expressions.

use super::local;
use crate::config::stack::Stack;

#[test]
fn index_beyond_the_end() {
    insta::assert_snapshot!(local("local.names[var.count]").drawn(), @r#"
    config::index

      × there is no element 3
      │ local.names is ["ann", "bob"]
      │ var.count is 3
       ╭─[main.hcl:2:18]
     1 │ locals {
     2 │   x = local.names[var.count]
       ·                  ─────┬─────
       ·                       ╰── a tuple with 2 elements, of index 0 to 1
     3 │ }
       ╰────
    "#);
}

#[test]
fn index_of_text() {
    insta::assert_snapshot!(local("local.names[var.environment]").drawn(), @r#"
    config::type

      × an index must be a whole number
      │ local.names is ["ann", "bob"]
      │ var.environment is "prod"
       ╭─[main.hcl:2:19]
     1 │ locals {
     2 │   x = local.names[var.environment]
       ·                   ───────┬───────
       ·                          ╰── this is a string: "prod"
     3 │ }
       ╰────
    "#);
}

#[test]
fn element_of_a_set() {
    insta::assert_snapshot!(local("toset(local.names)[0]").drawn(), @r#"
    config::type

      × the elements of a set have no index
      │ local.names is ["ann", "bob"]
       ╭─[main.hcl:2:25]
     1 │ locals {
     2 │   x = toset(local.names)[0]
       ·                         ─┬─
       ·                          ╰── a set has no order
     3 │ }
       ╰────
      help: convert it with tolist(), or use a `for` expression
    "#);
}

#[test]
fn no_such_key() {
    insta::assert_snapshot!(local("local.ports[\"htps\"]").drawn(), @r#"
    config::no_attribute

      × an object has no attribute "htps"
      │ local.ports is { http = 80, https = 443 }
       ╭─[main.hcl:2:18]
     1 │ locals {
     2 │   x = local.ports["htps"]
       ·                  ────┬───
       ·                      ╰── not found
     3 │ }
       ╰────
      help: did you mean "https"?
    "#);
}

#[test]
fn no_such_attribute() {
    insta::assert_snapshot!(local("local.team.leed").drawn(), @r#"
    config::no_attribute

      × an object has no attribute "leed"
      │ local.team is { lead = "jane", size = 4 }
       ╭─[main.hcl:2:17]
     1 │ locals {
     2 │   x = local.team.leed
       ·                 ──┬──
       ·                   ╰── not found
     3 │ }
       ╰────
      help: did you mean "lead"?
    "#);
}

#[test]
fn attribute_of_text() {
    insta::assert_snapshot!(local("var.environment.name").drawn(), @r#"
    config::type

      × a string has no attribute `name`
      │ var.environment is "prod"
       ╭─[main.hcl:2:22]
     1 │ locals {
     2 │   x = var.environment.name
       ·                      ──┬──
       ·                        ╰── taken from a string: "prod"
     3 │ }
       ╰────
    "#);
}

#[test]
fn attribute_of_a_list() {
    insta::assert_snapshot!(local("local.names.first").drawn(), @r#"
    config::type

      × a tuple has no attribute `first`
      │ local.names is ["ann", "bob"]
       ╭─[main.hcl:2:18]
     1 │ locals {
     2 │   x = local.names.first
       ·                  ───┬──
       ·                     ╰── its elements may have it
     3 │ }
       ╰────
      help: to read the attribute of each element, write [*].first
    "#);
}

#[test]
fn owner_attribute() {
    insta::assert_snapshot!(local("owner.jane.mail").drawn(), @"
    config::no_attribute

      × owner has no attribute `mail`
       ╭─[main.hcl:2:17]
     1 │ locals {
     2 │   x = owner.jane.mail
       ·                 ──┬──
       ·                   ╰── unknown attribute
     3 │ }
       ╰────
      help: did you mean `email`?
    ");
}

#[test]
fn instance_without_key() {
    insta::assert_snapshot!(local("identity.agent.name").drawn(), @r#"
    config::undefined_reference

      × identity.agent has several instances
       ╭─[main.hcl:2:21]
     1 │ locals {
     2 │   x = identity.agent.name
       ·                     ──┬──
       ·                       ╰── missing instance key
     3 │ }
       ╰────
      help: add the key: identity.agent["key"].name
    "#);
}

#[test]
fn instance_of_wrong_key() {
    insta::assert_snapshot!(local("identity.agent[\"traige\"].name").drawn(), @r#"
    config::undefined_reference

      × identity.agent["traige"] is not declared
       ╭─[main.hcl:2:21]
     1 │ locals {
     2 │   x = identity.agent["traige"].name
       ·                     ─────┬────
       ·                          ╰── no such key
     3 │ }
       ╰────
      help: did you mean identity.agent["triage"]?
    "#);
}

#[test]
fn key_of_a_single_instance() {
    insta::assert_snapshot!(Stack::with("identity \"one\" {\n  kind  = \"human\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\nlocals {\n  x = identity.one[\"a\"].name\n}\n").drawn(), @r#"
    config::undefined_reference

      × identity.one has only one instance
       ╭─[main.hcl:7:19]
     6 │ locals {
     7 │   x = identity.one["a"].name
       ·                   ──┬──
       ·                     ╰── no key allowed here
     8 │ }
       ╰────
      help: write identity.one
    "#);
}

#[test]
fn for_over_text() {
    insta::assert_snapshot!(local("[for x in var.environment : x]").drawn(), @r#"
    config::type

      × a `for` expression requires a list, set, map or object
      │ var.environment is "prod"
       ╭─[main.hcl:2:17]
     1 │ locals {
     2 │   x = [for x in var.environment : x]
       ·                 ───────┬───────
       ·                        ╰── this is a string: "prod"
     3 │ }
       ╰────
    "#);
}

#[test]
fn for_with_equal_keys() {
    insta::assert_snapshot!(local("{ for name in local.names : \"k\" => name }").drawn(), @r#"
    config::duplicate_key

      × two elements have the key "k"
      │ local.names is ["ann", "bob"]
       ╭─[main.hcl:2:35]
     1 │ locals {
     2 │   x = { for name in local.names : "k" => name }
       ·                                   ─┬─
       ·                                    ╰── duplicate key
     3 │ }
       ╰────
      help: use unique keys, or group the values of a key with `...` after the value
    "#);
}

#[test]
fn error_inside_a_for() {
    insta::assert_snapshot!(local("[for name, port in local.ports : upper(name) + port]").drawn(), @r#"
    config::operation

      × `+` requires numbers
      │ name is "http"
      │ port is 80
       ╭─[main.hcl:2:40]
     1 │ locals {
     2 │   x = [for name, port in local.ports : upper(name) + port]
       ·                                        ─────┬─────
       ·                                             ╰── this is a string: "HTTP"
     3 │ }
       ╰────
      help: to join strings, write "${a}${b}"
    "#);
}

#[test]
fn splat_of_missing_attribute() {
    insta::assert_snapshot!(local("[{ a = 1 }, { b = 2 }][*].a").drawn(), @r#"
    config::no_attribute

      × an object has no attribute "a"
       ╭─[main.hcl:2:32]
     1 │ locals {
     2 │   x = [{ a = 1 }, { b = 2 }][*].a
       ·                                ─┬
       ·                                 ╰── not found
     3 │ }
       ╰────
      help: it has b
    "#);
}
