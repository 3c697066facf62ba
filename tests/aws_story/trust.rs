//! The order of what trusts and what is trusted, as a saved plan says it.

use leasehold_emulator::Emulator;
use serde_json::Value;

use super::DEADLINE;
use super::support::Stack;

const HEAD: &str = r#"leasehold {
  stack = "payments"
}

provider "aws" {
  region = "us-east-1"
}

owner "jane" {}
"#;

fn role(name: &str, action: &str, trust: &str) -> String {
    format!(
        r#"
identity "{name}" {{
  kind       = "workload"
  owner      = owner.jane
  expires_at = "{DEADLINE}"

  statement {{
    actions   = ["{action}"]
    resources = ["*"]
  }}

{trust}}}
"#
    )
}

fn aws(role: &str) -> String {
    format!("  trust \"aws\" {{\n    principals = [\"arn:aws:iam::123456789012:role/{role}\"]\n  }}\n")
}

const LAMBDA: &str = "  trust \"service\" {\n    principals = [\"lambda.amazonaws.com\"]\n  }\n";

const CORP: &str = "
federation \"saml\" \"corp\" {
  metadata = file(\"corp.xml\")
}
";

const BY_CORP: &str = "  trust \"saml\" {
    provider  = \"corp\"
    audiences = [\"https://signin.aws.amazon.com/saml\"]
  }
";

/// Both live: neither needs to wait for the other.
#[test]
fn two_roles_may_come_to_trust_each_other() {
    let aws_account = Emulator::moto();
    let stack =
        Stack::of(&format!("{HEAD}{}{}", role("one", "s3:GetObject", LAMBDA), role("two", "s3:GetObject", LAMBDA)))
            .with_env(aws_account.env());
    stack.apply();
    let both = [role("one", "s3:GetObject", &aws("two")), role("two", "s3:GetObject", &aws("one"))].concat();
    stack.write("stack.hcl", &format!("{HEAD}{both}"));
    stack.apply();
    stack.assert_converged();
}

/// The steps of a saved plan that change the object of that kind and name.
fn steps(stack: &Stack, kind: &str, name: &str) -> Vec<Value> {
    stack.run(&["plan", "--out", "saved.plan"]).expect(0);
    let saved: Value = serde_json::from_str(&stack.read("saved.plan")).unwrap();
    let id = |step: &Value| step["change"]["after"]["id"].clone();
    let is = |step: &&Value| id(step)["kind"] == kind && id(step)["name"] == name;
    saved["plan"]["steps"].as_array().unwrap().iter().filter(is).cloned().collect()
}

fn waits_for(step: &Value, other: &Value) -> bool {
    step["needs"].as_array().unwrap().contains(&other["id"])
}

/// Whom a federation lets in changes together with what they may do: in between they may do what both could.
#[test]
fn a_federation_changes_while_its_roles_allow_what_both_states_do() {
    let account = Emulator::moto();
    let metadata =
        |entity: &str| format!("<EntityDescriptor entityID=\"{entity}\">{}</EntityDescriptor>", "x".repeat(1000));
    let stack = Stack::of(&format!("{HEAD}{CORP}{}", role("console", "s3:GetObject", BY_CORP))).with_env(account.env());
    stack.write("corp.xml", &metadata("https://corp.example.com"));
    stack.apply();
    stack.write("corp.xml", &metadata("https://login.example.com"));
    stack.edit("stack.hcl", "s3:GetObject", "s3:PutObject");
    let federation = steps(&stack, "aws_iam_saml_provider", "corp");
    let own = steps(&stack, "aws_iam_role_policy", "console/leasehold");
    assert_eq!((federation.len(), own.len()), (1, 2));
    assert!(waits_for(&federation[0], &own[0]) && waits_for(&own[1], &federation[0]), "{federation:#?} {own:#?}");
    stack.apply();
    stack.assert_converged();
    // Who stops to trust it does so before it changes; who begins to, after.
    stack.write("corp.xml", &metadata("https://other.example.com"));
    stack.edit("stack.hcl", BY_CORP, LAMBDA);
    stack.append("stack.hcl", &role("viewer", "s3:GetObject", BY_CORP));
    let federation = steps(&stack, "aws_iam_saml_provider", "corp");
    assert!(waits_for(&federation[0], &steps(&stack, "aws_iam_role", "console")[0]), "{federation:#?}");
    assert!(waits_for(&steps(&stack, "aws_iam_role", "viewer")[0], &federation[0]), "{federation:#?}");
    stack.apply();
    stack.assert_converged();
}
