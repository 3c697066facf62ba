//! Identities and scopes whose attributes are invalid or do not fit each other.

use super::identity;
use crate::config::stack::Stack;

#[test]
fn wrong_types() {
    insta::assert_snapshot!("wrong_types", identity("  ttl    = [\"1d\"]\n  scopes = \"orders\"\n  tags   = \"x\"\n  managed_policy_arns = \"arn:aws:iam::aws:policy/ReadOnlyAccess\"\n  purpose = { a = 1 }\n").drawn());
}

#[test]
fn missing_owner() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  kind = \"service\"\n  ttl  = \"1d\"\n}\n").drawn(), @r#"
    config::missing_attribute

      × identity "bot" has no `owner`
       ╭─[main.hcl:1:1]
     1 │ identity "bot" {
       · ───────┬──────
       ·        ╰── `owner` is missing
     2 │   kind = "service"
       ╰────
      help: add a line such as: owner = owner.jane
    "#);
}

#[test]
fn owner_is_null() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  kind  = \"service\"\n  owner = null\n  ttl   = \"1d\"\n}\n").drawn(), @r#"
    config::missing_attribute

      × identity "bot" has no `owner`
       ╭─[main.hcl:3:11]
     2 │   kind  = "service"
     3 │   owner = null
       ·           ──┬─
       ·             ╰── `owner` is null
     4 │   ttl   = "1d"
       ╰────
    "#);
}

#[test]
fn owner_as_text() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  kind  = \"service\"\n  owner = \"jane\"\n  ttl   = \"1d\"\n}\n").drawn(), @r#"
    config::type

      × `owner` names an owner block, not text
       ╭─[main.hcl:3:11]
     2 │   kind  = "service"
     3 │   owner = "jane"
       ·           ───┬──
       ·              ╰── this is a string: "jane"
     4 │   ttl   = "1d"
       ╰────
      help: write owner.jane without quotes
    "#);
}

#[test]
fn owner_is_a_service() {
    insta::assert_snapshot!(Stack::with("service \"s\" {}\nidentity \"bot\" {\n  kind  = \"service\"\n  owner = service.s\n  ttl   = \"1d\"\n}\n").drawn(), @r#"
    config::type

      × `owner` must be an owner
       ╭─[main.hcl:4:11]
     3 │   kind  = "service"
     4 │   owner = service.s
       ·           ────┬────
       ·               ╰── this is a service: service.s
     5 │   ttl   = "1d"
       ╰────
      help: write owner.NAME
    "#);
}

#[test]
fn unknown_kind() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  kind  = \"servce\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n").drawn(), @r#"
    config::word

      × "servce" is not a valid value of `kind`
       ╭─[main.hcl:2:11]
     1 │ identity "bot" {
     2 │   kind  = "servce"
       ·           ────┬───
       ·               ╰── invalid value
     3 │   owner = owner.jane
       ╰────
      help: did you mean "service"?
    "#);
}

#[test]
fn names_differ_by_case() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\nidentity \"other\" {\n  kind  = \"human\"\n  owner = owner.jane\n  name  = \"Bot\"\n  ttl   = \"1d\"\n}\n").drawn(), @r#"
    config::case_name

      × the user names "Bot" and "bot" differ only by case
       ╭─[main.hcl:1:1]
     1 │ identity "bot" {
       · ───────┬──────
       ·        ╰── the name of identity.bot
     2 │   kind  = "service"
       ╰────
        ╭─[main.hcl:9:11]
      8 │   owner = owner.jane
      9 │   name  = "Bot"
        ·           ──┬──
        ·             ╰── the name of identity.other
     10 │   ttl   = "1d"
        ╰────
      help: change the `name` of one of them; names in the cloud are case-insensitive
    "#);
}

#[test]
fn one_name_twice() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\nidentity \"other\" {\n  kind  = \"human\"\n  owner = owner.jane\n  name  = \"bot\"\n  ttl   = \"1d\"\n}\n").drawn(), @r#"
    config::duplicate_name

      × two identities have the user name "bot"
       ╭─[main.hcl:1:1]
     1 │ identity "bot" {
       · ───────┬──────
       ·        ╰── the name of identity.bot
     2 │   kind  = "service"
       ╰────
        ╭─[main.hcl:9:11]
      8 │   owner = owner.jane
      9 │   name  = "bot"
        ·           ──┬──
        ·             ╰── the name of identity.other
     10 │   ttl   = "1d"
        ╰────
      help: change the `name` of one of them; names in the cloud are case-insensitive
    "#);
}

#[test]
fn one_name_for_all_instances() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  for_each = toset([\"a\", \"b\"])\n  kind  = \"service\"\n  name  = \"bot\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n").drawn(), @r#"
    config::duplicate_name

      × two identities have the user name "bot"
      │ identity.bot["a"] and identity.bot["b"]
       ╭─[main.hcl:4:11]
     3 │   kind  = "service"
     4 │   name  = "bot"
       ·           ──┬──
       ·             ╰── the name of identity.bot["b"]
     5 │   owner = owner.jane
       ╰────
      help: include each.key in the name: name = "agent-${each.key}"
    "#);
}

#[test]
fn scopes_differ_by_case() {
    insta::assert_snapshot!(Stack::with("scope \"s\" {\n  statement {\n    actions   = [\"a:b\"]\n    resources = [\"*\"]\n  }\n}\nscope \"S\" {\n  statement {\n    actions   = [\"a:b\"]\n    resources = [\"*\"]\n  }\n}\n").drawn(), @r#"
    config::case_name

      × the labels of the scopes "s" and "S" differ only by case
       ╭─[main.hcl:1:1]
     1 │ scope "s" {
       · ────┬────
       ·     ╰── this one
     2 │   statement {
       ╰────
       ╭─[main.hcl:7:1]
     6 │ }
     7 │ scope "S" {
       · ────┬────
       ·     ╰── and this one
     8 │   statement {
       ╰────
      help: change the label of one of them; names in the cloud are case-insensitive
    "#);
}

#[test]
fn trust_on_a_user() {
    insta::assert_snapshot!(identity("  ttl = \"1d\"\n  max_session_duration = \"1h\"\n  trust \"service\" { principals = [\"lambda.amazonaws.com\"] }\n").drawn(), @r#"
    config::not_a_role

      × only a role has a session duration
       ╭─[main.hcl:5:26]
     4 │   ttl = "1d"
     5 │   max_session_duration = "1h"
       ·                          ──┬─
       ·                            ╰── identity.bot is a user
     6 │   trust "service" { principals = ["lambda.amazonaws.com"] }
       ╰────
      help: kind = "service" is a user by default; remove this, or set principal = "role"

    config::not_a_role

      × only a role can have `trust` blocks
       ╭─[main.hcl:6:3]
     5 │   max_session_duration = "1h"
     6 │   trust "service" { principals = ["lambda.amazonaws.com"] }
       ·   ───────┬───────
       ·          ╰── identity.bot is a user
     7 │ }
       ╰────
      help: kind = "service" is a user by default; remove this, or set principal = "role"
    "#);
}

#[test]
fn role_without_trust() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  kind  = \"workload\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n").drawn(), @r#"
    config::no_trust

      ⚠ no principal can assume identity.bot
       ╭─[main.hcl:1:1]
     1 │ identity "bot" {
       · ───────┬──────
       ·        ╰── a role without `trust`
     2 │   kind  = "workload"
       ╰────
      help: add a block trust "oidc", "service", "aws", "identity" or "saml"
    "#);
}

#[test]
fn statement_without_resources() {
    insta::assert_snapshot!("statement_without_resources", identity("  ttl = \"1d\"\n  statement {\n    actions     = [\"s3:GetObject\"]\n    not_actions = [\"s3:PutObject\"]\n  }\n").drawn());
}

#[test]
fn sensitive_name() {
    insta::assert_snapshot!(identity("  ttl  = \"1d\"\n  name = \"bot-${var.token}\"\n").file("v.hcl", b"variable \"token\" {\n  sensitive = true\n  default   = \"hunter2\"\n}\n").drawn(), @r#"
    config::sensitive

      × `name` must not be sensitive
      │ The value would be visible in the cloud, in marks and in the plan.
       ╭─[main.hcl:5:10]
     4 │   ttl  = "1d"
     5 │   name = "bot-${var.token}"
       ·          ─────────┬────────
       ·                   ╰── a (sensitive value)
     6 │ }
       ╰────
      help: use a value that is not sensitive; in statements and tags, sensitive values are hidden
    "#);
}

#[test]
fn condition_without_values() {
    insta::assert_snapshot!(identity("  ttl = \"1d\"\n  statement {\n    actions   = [\"s3:GetObject\"]\n    resources = [\"*\"]\n    condition {\n      test     = \"Bool\"\n      variable = \"aws:SecureTransport\"\n    }\n  }\n").drawn(), @r#"
    config::missing_attribute

      × condition has no `values`
       ╭─[main.hcl:8:5]
     7 │     resources = ["*"]
     8 │     condition {
       ·     ────┬────
       ·         ╰── `values` is missing
     9 │       test     = "Bool"
       ╰────
      help: add a line such as: values = ["eu-central-1"]
    "#);
}

#[test]
fn unknown_trust() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  kind  = \"workload\"\n  owner = owner.jane\n  ttl   = \"1d\"\n  trust \"odic\" {\n  }\n}\n").drawn(), @r#"
    config::no_trust

      ⚠ no principal can assume identity.bot
       ╭─[main.hcl:1:1]
     1 │ identity "bot" {
       · ───────┬──────
       ·        ╰── a role without `trust`
     2 │   kind  = "workload"
       ╰────
      help: add a block trust "oidc", "service", "aws", "identity" or "saml"

    config::unknown_block

      × there is no trust "odic"
       ╭─[main.hcl:5:9]
     4 │   ttl   = "1d"
     5 │   trust "odic" {
       ·         ───┬──
       ·            ╰── unknown name
     6 │   }
       ╰────
      help: did you mean "oidc"?
    "#);
}

#[test]
fn for_each_over_a_list() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  for_each = [\"a\", \"b\"]\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n").drawn(), @r#"
    config::for_each

      × for_each must be a map or a set of strings
       ╭─[main.hcl:2:14]
     1 │ identity "bot" {
     2 │   for_each = ["a", "b"]
       ·              ─────┬────
       ·                   ╰── this is a tuple: ["a", "b"]
     3 │   kind  = "service"
       ╰────
      help: convert it to a set: toset([…])
    "#);
}

#[test]
fn wrong_in_every_instance() {
    insta::assert_snapshot!(Stack::with("identity \"bot\" {\n  for_each = { a = \"1 month\", b = \"x\" }\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = each.value\n}\n").drawn(), @r#"
    config::duration

      × "1 month" is not a duration
      │ in the instance "a"
       ╭─[main.hcl:5:11]
     4 │   owner = owner.jane
     5 │   ttl   = each.value
       ·           ─────┬────
       ·                ╰── months and years have no fixed length
     6 │ }
       ╰────
      help: write the number of days, for example "30d"
    "#);
}
