//! Declarations that need a part which the provider does not have are rejected.
//!
//! The provider is the embedded directory with parts set to `None`. The stack goes from text through the engine's
//! pipeline up to the plan.

use leasehold::views::diagnostics::{DiagnosticStyle, render_diagnostics};
use leasehold::workflow::WorkflowError;
use leasehold_provider::Provider;

use crate::at;
use crate::config::stack::Stack;
use crate::order::START;
use crate::world::World;

/// The errors for a stack with `text` on a provider without the parts that `remove` takes out. Empty: there is a plan.
fn rejections(text: &str, remove: impl FnOnce(&mut Provider)) -> String {
    let stack = Stack::with(text);
    match World::without_parts(remove).try_plan(&stack.declared(), &stack.sources(), at(START)) {
        Ok(_) => String::new(),
        Err(WorkflowError::Findings { findings, sources }) => {
            render_diagnostics(&findings, &sources, DiagnosticStyle { color: false, width: 100 })
        }
        Err(other) => panic!("{other}"),
    }
}

/// What [`rejections`] returns, after the same stack was accepted by a provider with all parts.
fn rejections_of_missing_parts(text: &str, remove: impl FnOnce(&mut Provider)) -> String {
    assert_eq!(rejections(text, |_| ()), "");
    rejections(text, remove)
}

#[test]
fn role_without_role_trusts_is_rejected() {
    let text = r#"
identity "deployer" {
  kind      = "workload"
  owner     = owner.jane
  ttl       = "1d"
  principal = "role"
  trust "service" { principals = ["lambda.amazonaws.com"] }
}
"#;
    insta::assert_snapshot!(rejections_of_missing_parts(text, |provider| provider.realize.trusts = None), @r#"
    realize::no_roles

      × identity.deployer is not supported: provider local has no roles
       ╭─[main.hcl:6:15]
     5 │   ttl       = "1d"
     6 │   principal = "role"
       ·               ───┬──
       ·                  ╰── not supported here
     7 │   trust "service" { principals = ["lambda.amazonaws.com"] }
       ╰────
      help: write principal = "user"
    "#);
}

#[test]
fn managed_groups_without_groups_are_rejected() {
    let text = r#"
identity "bot" {
  kind           = "service"
  owner          = owner.jane
  ttl            = "1d"
  managed_groups = ["staff"]
}
"#;
    insta::assert_snapshot!(rejections_of_missing_parts(text, |provider| provider.realize.groups = None), @r#"
    realize::no_groups

      × identity.bot is not supported: provider local has no groups
       ╭─[main.hcl:6:20]
     5 │   ttl            = "1d"
     6 │   managed_groups = ["staff"]
       ·                    ────┬────
       ·                        ╰── not supported here
     7 │ }
       ╰────
      help: attach scopes instead
    "#);
}

#[test]
fn group_block_without_groups_is_rejected() {
    let text = r#"
group "staff" {
  owner = owner.jane
}
"#;
    insta::assert_snapshot!(rejections_of_missing_parts(text, |provider| provider.realize.groups = None), @r#"
    realize::no_groups

      × group.staff is not supported: provider local has no groups
       ╭─[main.hcl:2:1]
     1 │ 
     2 │ group "staff" {
       · ──────┬──────
       ·       ╰── not supported here
     3 │   owner = owner.jane
       ╰────
      help: remove the block, or use provider "aws"
    "#);
}

#[test]
fn federation_without_federations_is_rejected() {
    let text = r#"
federation "oidc" "github" {
  url       = "https://token.actions.githubusercontent.com"
  audiences = ["sts.amazonaws.com"]
}
"#;
    // The embedded directory has no federations.
    insta::assert_snapshot!(rejections(text, |_| ()), @r#"
    realize::no_federations

      × federation.github is not supported: provider local has no federations
       ╭─[main.hcl:2:1]
     1 │ 
     2 │ federation "oidc" "github" {
       · ─────────────┬────────────
       ·              ╰── not supported here
     3 │   url       = "https://token.actions.githubusercontent.com"
       ╰────
      help: remove the block, or use provider "aws"
    "#);
}

#[test]
fn issued_key_without_keys_is_rejected() {
    let text = r#"
store "file" "vault" {}

identity "bot" {
  kind  = "service"
  owner = owner.jane
  ttl   = "1d"
  credential "access_key" { store = store.vault }
}
"#;
    let remove = |provider: &mut Provider| (provider.realize.keys, provider.issue) = (None, None);
    insta::assert_snapshot!(rejections_of_missing_parts(text, remove), @r#"
    lifecycle::no_keys

      × this provider issues no access keys
       ╭─[main.hcl:8:3]
     7 │   ttl   = "1d"
     8 │   credential "access_key" { store = store.vault }
       ·   ───────────┬───────────
       ·              ╰── requires an access key
     9 │ }
       ╰────
      help: remove the `credential` block
    "#);
}
