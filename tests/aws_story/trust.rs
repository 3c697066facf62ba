//! The order of what trusts and what is trusted, as a saved plan says it.

use leasehold_emulator::Emulator;
use serde_json::Value;

use super::support::Stack;
use super::{DEADLINE, HEAD, filtered};

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

fn federation(name: &str) -> String {
    format!("\nfederation \"saml\" \"{name}\" {{\n  metadata = file(\"{name}.xml\")\n}}\n")
}

fn by(federation: &str) -> String {
    format!(
        "  trust \"saml\" {{\n    provider  = \"{federation}\"\n    audiences = [\"https://signin.aws.amazon.com/saml\"]\n  }}\n"
    )
}

/// A directory's metadata, of the length that AWS asks for.
fn metadata(entity: &str) -> String {
    format!("<EntityDescriptor entityID=\"https://{entity}.example.com\">{}</EntityDescriptor>", "x".repeat(1000))
}

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
    let stack = Stack::of(&format!("{HEAD}{}{}", federation("corp"), role("console", "s3:GetObject", &by("corp"))))
        .with_env(account.env());
    stack.write("corp.xml", &metadata("corp"));
    stack.apply();
    stack.write("corp.xml", &metadata("login"));
    stack.edit("stack.hcl", "s3:GetObject", "s3:PutObject");
    let federation = steps(&stack, "aws_iam_saml_provider", "corp");
    let own = steps(&stack, "aws_iam_role_policy", "console/leasehold");
    assert_eq!((federation.len(), own.len()), (1, 2));
    assert!(waits_for(&federation[0], &own[0]) && waits_for(&own[1], &federation[0]), "{federation:#?} {own:#?}");
    stack.apply();
    stack.assert_converged();
    // Who stops to trust it does so before it changes; who begins to, after.
    stack.write("corp.xml", &metadata("other"));
    stack.edit("stack.hcl", &by("corp"), LAMBDA);
    stack.append("stack.hcl", &role("viewer", "s3:GetObject", &by("corp")));
    let federation = steps(&stack, "aws_iam_saml_provider", "corp");
    assert!(waits_for(&federation[0], &steps(&stack, "aws_iam_role", "console")[0]), "{federation:#?}");
    assert!(waits_for(&steps(&stack, "aws_iam_role", "viewer")[0], &federation[0]), "{federation:#?}");
    stack.apply();
    stack.assert_converged();
}

/// Neither can be created first. Nothing is made of them, and two runs do it.
#[test]
fn two_new_roles_that_trust_each_other_are_refused() {
    let account = Emulator::moto();
    let text =
        |of_two: &str| [HEAD, &role("one", "s3:GetObject", &aws("two")), &role("two", "s3:GetObject", of_two)].concat();
    let stack = Stack::of(&text(&aws("one"))).with_env(account.env());
    filtered("trust_of_two_that_are_new", &stack.run(&["apply", "--auto-approve"]).expect(1));
    assert_eq!(account.requests().iter().filter(|request| request.writes()).count(), 0);
    for of_two in [LAMBDA, &aws("one")] {
        stack.write("stack.hcl", &text(of_two));
        stack.apply();
    }
    stack.assert_converged();
}

/// Each federation would have to wait for the role that goes over to the other. Nobody of the one is let into the other's role on the way:
/// it is refused, and two runs do it.
#[test]
fn roles_that_change_places_between_changing_federations_are_refused() {
    let account = Emulator::moto();
    let text = |one: &str, two: &str| {
        let roles = [role("one", "s3:GetObject", &by(one)), role("two", "s3:PutObject", &by(two))].concat();
        [HEAD, &federation("corp"), &federation("lab"), &roles].concat()
    };
    let stack = Stack::of(&text("corp", "lab")).with_env(account.env());
    let metadata_of = |names: [&str; 2]| {
        stack.write("corp.xml", &metadata(names[0]));
        stack.write("lab.xml", &metadata(names[1]));
    };
    metadata_of(["corp", "lab"]);
    stack.apply();
    metadata_of(["login", "bench"]);
    stack.write("stack.hcl", &text("lab", "corp"));
    account.forget_requests();
    filtered("trust_that_changes_places", &stack.run(&["apply", "--auto-approve"]).expect(1));
    assert_eq!(account.requests().iter().filter(|request| request.writes()).count(), 0);
    for (one, two) in [("corp", "lab"), ("lab", "corp")] {
        stack.write("stack.hcl", &text(one, two));
        stack.apply();
    }
    stack.assert_converged();
}
