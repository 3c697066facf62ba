//! Accounts, stores, roles, leases and plans beyond the operator's bounds.

use leasehold_test_harness::{Stack, snapshot};

use super::{COMMANDS, bounded, stack_with};

const AWS: &str = r#"provider "aws" {
  allowed_account_ids = ["111122223333"]
  assume_role {
    role_arn = "arn:aws:iam::111122223333:role/leasehold-apply"
  }
}
"#;

const OPERATOR: &str = r#"allow {
  accounts      = ["111122223333"]
  backends      = ["s3://acme-leasehold/*", "local:.leasehold"]
  assume_roles  = ["arn:aws:iam::111122223333:role/leasehold-*"]
  secret_stores = ["file:.leasehold/secrets/*"]
}
"#;

#[test]
fn stack_within_the_bounds_is_accepted() {
    bounded(stack_with("", ""), OPERATOR).ok(&["plan"]);
    bounded(stack_with("  backend \"s3\" {\n    bucket = \"acme-leasehold\"\n  }", AWS), OPERATOR).ok(&["validate"]);
}

#[test]
fn every_part_beyond_the_bounds_is_named_with_both_places() {
    let blocks = r#"provider "aws" {
  allowed_account_ids = ["999999999999"]
  assume_role {
    role_arn = "arn:aws:iam::999999999999:role/leasehold-apply"
  }
}
provider "aws" {
  alias = "any"
}
store "file" "keys" {
  path = ".leasehold/secrets/../../keys"
}
"#;
    let stack = bounded(stack_with("  backend \"s3\" {\n    bucket = \"acme-leasehold-evil\"\n  }", blocks), OPERATOR);
    snapshot!(stack.run(&["validate"]).expect(1), @r#"
    $ leasehold validate
    exit 1
    ─── stderr
    operator::bounds

      × the backend uses "s3://acme-leasehold-evil/leasehold/payments", which the operator does not
      │ allow
      │ `backends` at ../operator.hcl:3 does not contain it
       ╭─[stack.hcl:4:14]
     3 │   backend "s3" {
     4 │     bucket = "acme-leasehold-evil"
       ·              ──────────┬──────────
       ·                        ╰── goes beyond the operator's bounds
     5 │   }
       ╰────
      help: use what the operator allows, or ask the operator to add this

    operator::bounds

      × provider.aws uses "999999999999", which the operator does not allow
      │ `accounts` at ../operator.hcl:2 does not contain it
       ╭─[stack.hcl:8:25]
     7 │ provider "aws" {
     8 │   allowed_account_ids = ["999999999999"]
       ·                         ────────┬───────
       ·                                 ╰── goes beyond the operator's bounds
     9 │   assume_role {
       ╰────
      help: use what the operator allows, or ask the operator to add this

    operator::bounds

      × provider.aws uses "arn:aws:iam::999999999999:role/leasehold-apply", which the operator does
      │ not allow
      │ `assume_roles` at ../operator.hcl:4 does not contain it
        ╭─[stack.hcl:9:3]
      8 │   allowed_account_ids = ["999999999999"]
      9 │   assume_role {
        ·   ─────┬─────
        ·        ╰── goes beyond the operator's bounds
     10 │     role_arn = "arn:aws:iam::999999999999:role/leasehold-apply"
        ╰────
      help: use what the operator allows, or ask the operator to add this

    operator::bounds

      × provider.aws uses "999999999999", which the operator does not allow
      │ `accounts` at ../operator.hcl:2 does not contain it
        ╭─[stack.hcl:9:3]
      8 │   allowed_account_ids = ["999999999999"]
      9 │   assume_role {
        ·   ─────┬─────
        ·        ╰── goes beyond the operator's bounds
     10 │     role_arn = "arn:aws:iam::999999999999:role/leasehold-apply"
        ╰────
      help: use what the operator allows, or ask the operator to add this

    operator::bounds

      × provider.aws.any names no account, so it could use any
      │ `accounts` at ../operator.hcl:2 lists the accounts that stacks may use
        ╭─[stack.hcl:13:1]
     12 │ }
     13 │ provider "aws" {
        · ───────┬──────
        ·        ╰── goes beyond the operator's bounds
     14 │   alias = "any"
        ╰────
      help: write the account that the stack belongs to: allowed_account_ids = ["111122223333"]

    operator::bounds

      × store "keys" uses "file:.leasehold/secrets/../../keys", which the operator does not allow
      │ `secret_stores` at ../operator.hcl:5 does not contain it
        ╭─[stack.hcl:17:10]
     16 │ store "file" "keys" {
     17 │   path = ".leasehold/secrets/../../keys"
        ·          ───────────────┬───────────────
        ·                         ╰── goes beyond the operator's bounds
     18 │ }
        ╰────
      help: use what the operator allows, or ask the operator to add this
    "#);
}

#[test]
fn every_command_is_refused_before_it_sends_anything() {
    let other_account = AWS.replace("[\"111122223333\"]", "[\"999999999999\"]");
    let other_role = AWS.replace("role/leasehold-apply", "role/admin");
    let other_bucket = "  backend \"s3\" {\n    bucket = \"other\"\n  }";
    let other_endpoint =
        "  backend \"s3\" {\n    bucket   = \"acme-leasehold\"\n    endpoint = \"https://evil.example\"\n  }";
    let other_folder = "  backend \"local\" {\n    path = \"elsewhere\"\n  }";
    for (settings, blocks, command_set) in [
        ("", other_account.as_str(), &COMMANDS[..5]),
        ("", &other_role, &COMMANDS[..5]),
        (other_bucket, "", &COMMANDS[..]),
        (other_endpoint, "", &COMMANDS[..]),
        (other_folder, "", &COMMANDS[..]),
    ] {
        let stack = bounded(stack_with(settings, blocks), OPERATOR);
        let before = stack.files();
        for command in command_set {
            let ran = stack.run(command).says(&["operator.hcl:"]);
            assert!([1, 3].contains(&ran.code), "{ran}");
        }
        assert_eq!(stack.files(), before, "nothing was written");
    }
}

#[test]
fn saved_plan_from_elsewhere_is_refused_too() {
    let stack = stack_with("  backend \"local\" {\n    path = \"elsewhere\"\n  }", "");
    stack.ok(&["plan", "--out", "x.plan"]);
    let stack = bounded(stack, OPERATOR);
    let before = stack.files();
    stack.run(&["apply", "x.plan", "--auto-approve"]).expect(1).says(&["local:elsewhere", "operator.hcl:3"]);
    assert_eq!(stack.files(), before);
}

fn lease_of(lines: &str) -> Stack {
    let stack = stack_with("", "");
    stack.edit("stack.hcl", "  ttl   = \"90d\"\n", lines);
    bounded(stack.at("2026-11-30T12:00:00Z"), "require {\n  max_ttl = \"90d\"\n}\n")
}

#[test]
fn lease_beyond_max_ttl_is_refused_where_access_could_grow() {
    for lines in [
        "  ttl   = \"91d\"\n",
        "  ttl = \"90d\"\n  renewed_at = \"2036-01-01T00:00:00Z\"\n",
        "  expires_at = \"2027-06-01T00:00:00Z\"\n",
        "",
    ] {
        let stack = lease_of(lines);
        for command in [&["plan"][..], &["apply", "--auto-approve"], &["restore", "ci"]] {
            stack.run(command).expect(1).says(&["identity.ci", "operator.hcl:2", "stack.hcl:"]);
        }
    }
    for lines in ["  ttl = \"90d\"\n", "  expires_at = \"2027-02-28T00:00:00Z\"\n"] {
        lease_of(lines).ok(&["plan"]);
    }
}

#[test]
fn break_glass_does_not_evade_max_ttl() {
    let stack = lease_of("");
    stack.edit("stack.hcl", "\"service\"", "\"break_glass\"");
    stack.run(&["plan"]).expect(1).says(&["break_glass", "operator.hcl:2"]);
    let list = "allow {\n  unlimited_identities = [\"identity.ci\"]\n}\nrequire {\n  max_ttl = \"90d\"\n}\n";
    bounded(stack, list).ok(&["plan"]);
}

#[test]
fn lease_beyond_max_ttl_does_not_keep_expired_access() {
    let mut stack = stack_with("", "").at("2026-01-01T00:00:00Z");
    stack.apply();
    stack.set_now("2026-11-30T12:00:00Z");
    stack.append(
        "stack.hcl",
        &super::IDENTITY
            .replace("\"ci\"", "\"other\"")
            .replace("owner \"jane\"", "owner \"tom\"")
            .replace("90d", "400d"),
    );
    let stack = bounded(stack, "require {\n  max_ttl = \"90d\"\n}\n");
    stack.run(&["plan"]).expect(1);
    stack.ok(&["sweep", "--auto-approve"]).says(&["identity.ci"]);
    stack.run(&["drift"]).does_not_say(&["operator.hcl"]);
    stack.ok(&["revoke", "ci", "--reason", "leak"]);
}

#[test]
fn saved_plan_over_the_maximum_age_is_refused() {
    let now = jiff::Timestamp::now();
    let at = |hours: i64| (now + jiff::SignedDuration::from_hours(hours)).to_string();
    for (made, refused) in [(at(-3), "longer ago"), (at(9), "in the future")] {
        let stack = bounded(stack_with("", ""), "require {\n  max_plan_age = \"2h\"\n}\n");
        stack.ok(&["plan", "--out", "x.plan", "--now", &made]);
        let before = stack.files();
        let expected = if refused == "in the future" { vec![refused] } else { vec![refused, "operator.hcl:2"] };
        stack.run(&["apply", "x.plan", "--auto-approve"]).expect(3).says(&expected);
        assert_eq!(stack.files(), before);
    }
    let stack = bounded(stack_with("", ""), "require {\n  max_plan_age = \"2h\"\n}\n");
    stack.ok(&["plan", "--out", "x.plan", "--now", &at(-1)]);
    stack.ok(&["apply", "x.plan", "--auto-approve"]);
}
