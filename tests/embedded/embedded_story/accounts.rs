//! Two accounts in one stack: two embedded directories.

use std::sync::Arc;

use leasehold_local::{ExternalAdmin, LocalDirectory};
use leasehold_provider::Document;
use serde_json::json;

use super::{lifecycles, phase};
use leasehold_test_harness::snapshot;
use leasehold_test_harness::{START, Stack};

const TWO: &str = r#"leasehold {
  stack = "two"
  defaults {
    ttl = "90d"
  }
}

provider "local" {}

provider "local" {
  alias = "audit"
  path  = "audit.db"
}

owner "jane" {}

store "file" "home" {}

store "file" "audit" {}

scope "read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::orders/*"]
  }
}

scope "nobodys" {
  statement {
    actions   = ["s3:ListBucket"]
    resources = ["arn:aws:s3:::orders"]
  }
}

identity "bot" {
  kind   = "service"
  owner  = owner.jane
  name   = "bot"
  scopes = [scope.read]

  credential "access_key" {
    store = store.home
  }
}

identity "auditor" {
  kind     = "service"
  owner    = owner.jane
  name     = "bot"
  provider = provider.local.audit
  scopes   = [scope.read]

  credential "access_key" {
    store = store.audit
  }
}

identity "reader" {
  kind     = "workload"
  owner    = owner.jane
  provider = provider.local.audit
  trust "identity" {
    identities = [identity.bot]
  }
}

group "team" {
  members  = [identity.auditor]
  scopes   = [scope.read]
  provider = provider.local.audit
}
"#;

fn two() -> Stack {
    Stack::of(TWO).at(START)
}

/// Two accounts, applied.
fn applied() -> Stack {
    let stack = two();
    stack.apply();
    stack
}

/// Somebody else with full access to the other account.
fn outside(stack: &Stack) -> ExternalAdmin {
    let now = START.parse().unwrap();
    LocalDirectory::new(stack.path("audit.db"), "stranger", Arc::new(move || now)).external_admin()
}

#[test]
fn joiners_and_scopes_are_created_in_their_accounts() {
    let stack = two();
    snapshot!("accounts_joiners", stack.plan());
    let plan = stack.plan_json();
    let of = |address: &str| {
        let changes = plan["shared_changes"].as_array().unwrap().iter();
        let accounts = changes.filter(|change| change["address"] == address).map(|change| change["account"].clone());
        accounts.collect::<Vec<_>>()
    };
    assert_eq!(of("scope.read"), [json!(null), json!("audit")]);
    assert_eq!(of("scope.nobodys"), [json!(null)], "it is made in the first account");
    assert_eq!(plan["realm"]["others"]["audit"]["account"], "embedded/audit.db");
    stack.apply().says(&["created directory_access_key audit:bot"]);
    stack.assert_converged();
    stack.ok(&["drift"]);
    let (home, audit) = (stack.outside(), outside(&stack));
    assert!(home.principal_tags("bot").unwrap().contains_key("leasehold:stack"));
    assert_eq!(audit.principal_tags("bot").unwrap()["leasehold:address"], "identity.auditor");
    assert!(home.principal_tags("reader").is_err(), "it lives in the other one");
    let trust = &audit.rows_of(&["reader"]).unwrap();
    assert!(format!("{trust:?}").contains("embedded:user/bot"), "{trust:#?}");
    for (store, realm) in [("home", "local embedded"), ("audit", "local embedded/audit.db")] {
        let entry = stack.read(&format!(".leasehold/secrets/{store}/bot.json"));
        assert!(entry.contains(&format!("\"realm\": \"{realm}\"")), "{store} holds the key of its own account");
    }
    let ledger = stack.ok(&["audit", "list", "--format", "json"]).json();
    assert!(ledger.to_string().contains("local embedded, audit embedded/audit.db"), "{ledger}");
    stack.ok(&["audit", "verify"]);
}

#[test]
fn names_are_separate_per_account() {
    let stack = applied();
    let list = stack.ok(&["list"]);
    assert!(list.stdout.contains("account"), "{list}");
    stack
        .run(&["revoke", "bot", "--reason", "leaked"])
        .expect(1)
        .says(&["bot is ambiguous: identity.bot or identity.auditor"]);
    stack.ok(&["show", "audit:bot"]).says(&["identity.auditor"]);
    stack.ok(&["show", "embedded/audit.db:user/bot"]).says(&["identity.auditor"]);
    stack.ok(&["revoke", "embedded/audit.db:user/bot", "--reason", "leaked"]).says(&["audit:bot"]);
    assert_eq!(phase(&stack, "identity.auditor").as_deref(), Some("quarantined"));
    assert_eq!(phase(&stack, "identity.bot").as_deref(), Some("active"));
    stack.assert_converged();
    stack.ok(&["restore", "identity.auditor", "--auto-approve"]);
    stack.assert_converged();
    let can = stack.ok(&["who-can", "s3:GetObject", "arn:aws:s3:::orders/1"]);
    can.says(&["identity.auditor", "identity.bot"]);
}

#[test]
fn scope_change_moves_identities_in_both_accounts() {
    let stack = applied();
    stack.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:GetObject\", \"s3:PutObject\"");
    let plan = stack.plan_json();
    assert_eq!(lifecycles(&plan).len(), 2);
    assert_eq!(plan["resource_changes"].as_array().unwrap().len(), 2, "{plan:#}");
    stack.ok(&["plan", "--out", "two.plan"]);
    stack.ok(&["apply", "two.plan", "--auto-approve"]).says(&["Apply complete!"]);
    stack.assert_converged();
    stack.run(&["apply", "two.plan", "--auto-approve"]).expect(3).says(&["has changed in the cloud"]);
}

#[test]
fn a_saved_plan_is_for_its_accounts_only() {
    let stack = applied();
    stack.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:PutObject\"");
    stack.ok(&["plan", "--out", "two.plan"]);
    let text = stack.read("two.plan");
    assert_eq!(text.matches("embedded/audit.db\"").count(), 1, "{text}");
    let shown = stack.ok(&["show", "two.plan"]);
    assert_eq!(shown.stdout, stack.plan().stdout);
    stack.edit("stack.hcl", "\"audit.db\"", "\"other.db\"");
    stack.run(&["apply", "two.plan", "--auto-approve"]).expect(3).says(&["stack.hcl has changed"]);
}

#[test]
fn what_is_done_outside_is_found_in_the_account_it_was_done_in() {
    let stack = applied();
    let unmanaged_object = outside(&stack);
    unmanaged_object.attach_policy("bot", "arn:aws:iam::aws:policy/AdministratorAccess").unwrap();
    unmanaged_object.remove_principal("reader").unwrap();
    snapshot!(stack.run(&["drift"]).expect(2), @"
    $ leasehold drift
    exit 2
    ─── stdout
    Leasehold drift  ·  stack two  ·  local embedded, audit embedded/audit.db as tester  ·  now 2026-11-20T22:00:00Z

      ! unmanaged access  identity.auditor  owner jane
          has arn:aws:iam::aws:policy/AdministratorAccess, which is not declared
          directory_user audit:bot
          not decided: Leasehold does not read the content of arn:aws:iam::aws:policy/AdministratorAccess
          + directory_attachment            audit:bot/arn:aws:iam::aws:policy/AdministratorAccess
          Find out who added it. Declare it, or run `leasehold apply` to remove it.

      ! missing  identity.reader  owner jane
          declared but missing: deleted outside Leasehold, or never applied
          directory_role audit:reader
          Find out who deleted it. Run `leasehold apply` to create it again, or remove its block.

    Drift: 2 findings; checked 2 identities and 3 scopes.
    ");
    assert_eq!(lifecycles(&stack.plan_json())["identity.auditor"], "drift");
    stack.apply();
    stack.assert_converged();
    assert!(stack.outside().principal_tags("reader").is_err());
    stack.ok(&["drift"]);
}

#[test]
fn scope_is_deleted_with_its_last_attachment() {
    let mut stack = applied();
    stack.cut("stack.hcl", "identity \"reader\"");
    let group = stack.cut("stack.hcl", "group \"team\"");
    let auditor = stack.cut("stack.hcl", "identity \"auditor\"");
    let plan = stack.plan_json();
    assert_eq!(lifecycles(&plan).len(), 2, "{plan:#}");
    stack.apply();
    stack.assert_converged();
    stack.pass_days(8);
    stack.ok(&["sweep", "--auto-approve"]);
    stack.apply();
    stack.assert_converged();
    assert!(outside(&stack).principal_tags("bot").is_err());
    assert!(stack.outside().principal_tags("bot").is_ok());
    let rows = outside(&stack).rows_of(&["read"]).unwrap();
    assert!(!format!("{rows:?}").contains("scope.read"), "nobody holds it there any more: {rows:#?}");
    stack.append("stack.hcl", &format!("{auditor}\n{group}"));
    stack.apply();
    stack.assert_converged();
}

#[test]
fn another_account_is_another_principal() {
    let stack = applied();
    stack.cut("stack.hcl", "group \"team\"");
    stack.apply();
    // The one in the first account has that name already.
    stack.edit("stack.hcl", "  name     = \"bot\"\n  provider = provider.local.audit\n", "  name     = \"auditor\"\n");
    let plan = stack.plan();
    plan.says(&["replaced by principal auditor → quarantine now", "audit:bot/leasehold", "deny everything"]);
    stack.ok(&["apply", "--auto-approve", "--max-leavers", "1"]);
    stack.assert_converged();
    assert!(stack.outside().principal_tags("auditor").is_ok());
    assert_eq!(outside(&stack).principal_tags("bot").unwrap()["leasehold:reason"], "replaced");
}

#[test]
fn a_default_name_does_not_follow_into_another_account() {
    let stack = applied();
    stack.edit(
        "stack.hcl",
        "kind     = \"workload\"\n  owner    = owner.jane\n  provider = provider.local.audit",
        "kind  = \"workload\"\n  owner = owner.jane",
    );
    stack.apply();
    stack.assert_converged();
    assert!(stack.outside().principal_tags("reader").is_ok());
    assert_eq!(outside(&stack).principal_tags("reader").unwrap()["leasehold:reason"], "replaced");
}

#[test]
fn another_alias_is_no_change_of_the_cloud() {
    let stack = applied();
    let text = stack
        .read("stack.hcl")
        .replace("\"audit\"\n  path", "\"controls\"\n  path")
        .replace("local.audit", "local.controls");
    stack.write("stack.hcl", &text);
    let plan = stack.plan_json();
    assert_eq!(plan["summary"]["movers"], 0, "{plan:#}");
    assert_eq!(lifecycles(&plan).len(), 0, "{plan:#}");
}

#[test]
fn cross_account_trusted_identity_joins_first_and_leaves_last() {
    let stack = two();
    let steps = |stack: &Stack| {
        stack.ok(&["plan", "--out", "order.plan"]);
        let saved: serde_json::Value = serde_json::from_str(&stack.read("order.plan")).unwrap();
        let steps = saved["plan"]["steps"].as_array().unwrap().clone();
        std::fs::remove_file(stack.path("order.plan")).unwrap();
        steps
    };
    let place = |steps: &[serde_json::Value], kind: &str, name: &str| {
        let of = |step: &&serde_json::Value| {
            let change = &step["change"];
            let id = if change["after"]["id"].is_null() { &change["before"]["id"] } else { &change["after"]["id"] };
            id["kind"] == kind && id["name"] == name && id.get("account").is_none() == (name == "bot")
        };
        steps.iter().find(of).unwrap_or_else(|| panic!("{kind} {name}: {steps:#?}")).clone()
    };
    let joins = steps(&stack);
    let (user, role) = (place(&joins, "directory_user", "bot"), place(&joins, "directory_role", "reader"));
    assert!(role["needs"].get(user["id"].to_string()).is_some(), "{role:#}");
}

#[test]
fn import_stays_in_its_account() {
    let stack = applied();
    let text = "import {\n  to = identity.legacy\n  id = \"user/legacy\"\n}\n";
    let marks = std::collections::BTreeMap::new();
    outside(&stack).create_principal(leasehold_provider::Principal::User, "legacy", &marks).unwrap();
    stack.append("stack.hcl", text);
    stack.ok(&["plan", "--generate", "legacy.hcl"]);
    let written = stack.read("legacy.hcl");
    assert!(written.contains("provider = provider.local.audit"), "{written}");
    stack.apply().says(&["audit:legacy"]);
    stack.assert_converged();
    let both = outside(&stack).principal_tags("legacy").unwrap();
    assert_eq!(both["leasehold:address"], "identity.legacy");
}

#[test]
fn name_conflict_is_limited_to_its_account() {
    let stack = two();
    let marks = std::collections::BTreeMap::new();
    let unmanaged_object = outside(&stack);
    unmanaged_object.create_principal(leasehold_provider::Principal::User, "bot", &marks).unwrap();
    let refused = stack.run(&["plan"]).expect(1);
    let refused = refused.says(&["identity.auditor cannot be created", "directory_user audit:bot"]);
    refused.does_not_say(&["identity.bot cannot"]);
    unmanaged_object.remove_principal("bot").unwrap();
    stack.ok(&["plan"]);
}

#[test]
fn an_account_that_cannot_be_read_fails_the_plan_and_is_named() {
    let stack = applied();
    stack.write("audit.db", "this is no directory");
    let failed = stack.run(&["plan"]).expect(1).says(&["provider.local.audit"]);
    assert_eq!(failed.stdout, "");
    let document = Document::new(json!({ "Version": "2012-10-17", "Statement": [] }));
    assert!(stack.outside().put_inline_policy("bot", "x", &document).is_ok());
}

#[test]
fn with_one_provider_an_alias_is_a_name_and_nothing_more() {
    let stack = Stack::of(TWO).at(START);
    for block in ["provider \"local\" {}\n\n", "  name   = \"bot\"\n"] {
        stack.edit("stack.hcl", block, "");
    }
    let text = stack
        .read("stack.hcl")
        .replace("identity \"bot\" {\n", "identity \"bot\" {\n  provider = provider.local.audit\n");
    // Among several, embedded directories are other accounts than alone, and keys are told apart by account.
    let text = text.replace("\n  credential \"access_key\" {\n    store = store.home\n  }\n", "");
    let text = text.replace("\n  credential \"access_key\" {\n    store = store.audit\n  }\n", "");
    stack.write("stack.hcl", &text.replace("  name     = \"bot\"\n", ""));
    let plan = stack.plan_json();
    assert!(plan["realm"].get("others").is_none(), "{plan:#}");
    assert!(!plan.to_string().contains("\"account\":\"audit\""), "{plan:#}");
    stack.apply();
    stack.assert_converged();
    // A second block beside it says nothing of what lives.
    stack.append("stack.hcl", "provider \"local\" {\n  path = \"more.db\"\n}\n");
    assert_eq!(lifecycles(&stack.plan_json()).len(), 0);
}
