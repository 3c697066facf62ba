//! Provider blocks, and the identities that refer to them.

use super::accounts;
use crate::config::stack::Stack;

#[test]
fn account_id_as_number() {
    insta::assert_snapshot!(Stack::with("provider \"aws\" {\n  allowed_account_ids = [\"12345\"]\n}\n").drawn(), @r#"
    config::account

      × "12345" is not an AWS account id
       ╭─[main.hcl:2:25]
     1 │ provider "aws" {
     2 │   allowed_account_ids = ["12345"]
       ·                         ────┬────
       ·                             ╰── 12 digits
     3 │ }
       ╰────
      help: write the 12 digits in quotes, with leading zeros: "012345678901"
    "#);
}

#[test]
fn unknown_provider() {
    insta::assert_snapshot!(accounts("provider.aws.adit").drawn(), @r#"
    config::undefined_reference

      × provider.aws.adit is not declared
        ╭─[main.hcl:10:14]
      9 │   ttl      = "1d"
     10 │   provider = provider.aws.adit
        ·              ────────┬────────
        ·                      ╰── not declared
     11 │ }
        ╰────
      help: did you mean provider.aws.audit?
    "#);
}

#[test]
fn provider_as_text() {
    insta::assert_snapshot!(accounts("\"audit\"").drawn(), @r#"
    config::type

      × `provider` names a provider block, not text
        ╭─[main.hcl:10:14]
      9 │   ttl      = "1d"
     10 │   provider = "audit"
        ·              ───┬───
        ·                 ╰── this is a string: "audit"
     11 │ }
        ╰────
      help: write provider.aws.audit without quotes
    "#);
}

#[test]
fn provider_of_another_type() {
    insta::assert_snapshot!(accounts("provider.local").drawn(), @r#"
    config::undefined_reference

      × provider.local is not declared
        ╭─[main.hcl:10:14]
      9 │   ttl      = "1d"
     10 │   provider = provider.local
        ·              ───────┬──────
        ·                     ╰── not declared
     11 │ }
        ╰────
      help: valid names are aws and aws.audit
    "#);
}

#[test]
fn provider_that_is_no_provider() {
    insta::assert_snapshot!(accounts("owner.jane").drawn(), @r#"
    config::type

      × `provider` must be a provider
        ╭─[main.hcl:10:14]
      9 │   ttl      = "1d"
     10 │   provider = owner.jane
        ·              ─────┬────
        ·                   ╰── this is an owner: owner.jane
     11 │ }
        ╰────
      help: write provider.NAME
    "#);
}

#[test]
fn no_provider_without_alias() {
    insta::assert_snapshot!(Stack::with("provider \"aws\" {\n  alias = \"audit\"\n}\nprovider \"aws\" {\n  alias = \"prod\"\n}\nidentity \"bot\" {\n  for_each = toset([\"a\", \"b\"])\n  kind     = \"service\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n}\n").drawn(), @r#"
    config::no_provider

      × identity.bot["a"] has no `provider`, so its account is unknown
      │ Every provider of this stack has an alias, so there is no default provider.
       ╭─[main.hcl:7:1]
     6 │ }
     7 │ identity "bot" {
       · ───────┬──────
       ·        ╰── no `provider`
     8 │   for_each = toset(["a", "b"])
       ╰────
      help: add provider = provider.aws.audit; the providers are provider.aws.audit and
            provider.aws.prod
    "#);
}

#[test]
fn two_providers_without_alias() {
    insta::assert_snapshot!(Stack::with("provider \"aws\" {\n}\nprovider \"aws\" {\n  region = \"eu-central-1\"\n}\n").drawn(), @r#"
    config::duplicate_block

      × two provider "aws" blocks have no alias
       ╭─[main.hcl:3:1]
     1 │ provider "aws" {
       · ───────┬──────
       ·        ╰── the other one
     2 │ }
     3 │ provider "aws" {
       · ───────┬──────
       ·        ╰── second provider
     4 │   region = "eu-central-1"
       ╰────
      help: add alias = "audit" to one of them, and set provider = provider.aws.audit for the objects
            in its account
    "#);
}

#[test]
fn one_alias_twice() {
    insta::assert_snapshot!(Stack::with("provider \"aws\" {\n  alias = \"audit\"\n}\nprovider \"aws\" {\n  alias = \"audit\"\n}\n").drawn(), @r#"
    config::duplicate_block

      × two providers have the alias "audit"
       ╭─[main.hcl:5:11]
     1 │ provider "aws" {
     2 │   alias = "audit"
       ·           ───┬───
       ·              ╰── the other one
     3 │ }
     4 │ provider "aws" {
     5 │   alias = "audit"
       ·           ───┬───
       ·              ╰── the same alias
     6 │ }
       ╰────
      help: change one of the aliases
    "#);
}

#[test]
fn providers_of_two_types() {
    insta::assert_snapshot!(Stack::with("provider \"aws\" {\n}\nprovider \"local\" {\n  alias = \"b\"\n}\n").drawn(), @r#"
    config::mixed_providers

      × providers "aws" and "local" cannot be used in one stack
       ╭─[main.hcl:3:1]
     1 │ provider "aws" {
       · ───────┬──────
       ·        ╰── the other one
     2 │ }
     3 │ provider "local" {
       · ────────┬───────
       ·         ╰── a different type of provider
     4 │   alias = "b"
       ╰────
      help: use a separate stack for this provider
    "#);
}

#[test]
fn one_directory_twice() {
    insta::assert_snapshot!(Stack::with("provider \"local\" {\n}\nprovider \"local\" {\n  alias = \"b\"\n  path  = \"./.leasehold/directory.db\"\n}\n").drawn(), @r#"
    config::same_directory

      × two providers use the same file
       ╭─[main.hcl:1:1]
     1 │ provider "local" {
       · ────────┬───────
       ·         ╰── the other one
     2 │ }
       ╰────
       ╭─[main.hcl:5:11]
     4 │   alias = "b"
     5 │   path  = "./.leasehold/directory.db"
       ·           ─────────────┬─────────────
       ·                        ╰── the same file
     6 │ }
       ╰────
      help: set another `path` for one of them; otherwise each object would be read twice
    "#);
}

#[test]
fn alias_that_is_no_name() {
    insta::assert_snapshot!(Stack::with("provider \"local\" {\n  alias = \"Audit 1\"\n  path  = \"a.db\"\n}\nprovider \"local\" {\n  alias = upper(\"b\")\n}\n").drawn(), @r#"
    config::alias

      × "Audit 1" is not a valid alias: use 1 to 64 characters of a-z, 0-9, '_' and '-'
       ╭─[main.hcl:2:11]
     1 │ provider "local" {
     2 │   alias = "Audit 1"
       ·           ────┬────
       ·               ╰── not a valid alias
     3 │   path  = "a.db"
       ╰────
      help: write a name of a-z, 0-9, `_` and `-` in quotes: alias = "audit"

    config::alias

      × `alias` must be a plain string without expressions
       ╭─[main.hcl:6:11]
     5 │ provider "local" {
     6 │   alias = upper("b")
       ·           ─────┬────
       ·                ╰── not a valid alias
     7 │ }
       ╰────
      help: write a name of a-z, 0-9, `_` and `-` in quotes: alias = "audit"
    "#);
}

#[test]
fn provider_on_a_scope() {
    insta::assert_snapshot!(Stack::with("provider \"aws\" {\n}\nscope \"s\" {\n  provider = provider.aws\n  statement {\n    actions   = [\"a:b\"]\n    resources = [\"*\"]\n  }\n}\n").drawn(), @r#"
    config::unknown_attribute

      × scope "s" has no attribute `provider`
       ╭─[main.hcl:4:3]
     3 │ scope "s" {
     4 │   provider = provider.aws
       ·   ────┬───
       ·       ╰── unknown name
     5 │   statement {
       ╰────
      help: remove it: a scope is created in every account where it is attached to an identity or a
            group
    "#);
}

#[test]
fn member_of_another_account() {
    insta::assert_snapshot!(Stack::with("provider \"aws\" {\n}\nprovider \"aws\" {\n  alias = \"audit\"\n}\nidentity \"ann\" {\n  kind     = \"human\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n  provider = provider.aws.audit\n}\ngroup \"team\" {\n  members = [identity.ann]\n}\n").drawn(), @r#"
    config::other_account

      × group.team and identity.ann are in different accounts
        ╭─[main.hcl:13:13]
      9 │   ttl      = "1d"
     10 │   provider = provider.aws.audit
        ·              ─────────┬────────
        ·                       ╰── identity.ann is in provider.aws.audit
     11 │ }
     12 │ group "team" {
     13 │   members = [identity.ann]
        ·             ───────┬──────
        ·                    ╰── the group is in provider.aws
     14 │ }
        ╰────
      help: declare a group in each account; both can have the same scopes
    "#);
}

#[test]
fn provider_in_a_module() {
    insta::assert_snapshot!(Stack::with("provider \"aws\" {\n}\nmodule \"team\" {\n  source = \"./team\"\n}\n").module("team/main.hcl", "owner \"ann\" {}\nidentity \"bot\" {\n  kind     = \"service\"\n  owner    = owner.ann\n  ttl      = \"1d\"\n  provider = provider.aws.prod\n}\n").drawn(), @r#"
    config::undefined_reference

      × provider.aws.prod is not declared
       ╭─[team/main.hcl:6:14]
     5 │   ttl      = "1d"
     6 │   provider = provider.aws.prod
       ·              ────────┬────────
       ·                      ╰── not declared
     7 │ }
       ╰────
      help: valid names are aws

    Advice: 
      ☞ module.team is called here
       ╭─[main.hcl:3:1]
     2 │ }
     3 │ module "team" {
       · ─────────────
     4 │   source = "./team"
       ╰────
    "#);
}
