//! The order of what trusts and what is trusted, as a saved plan says it.

use leasehold_emulator::{Emulator, Request};
use serde_json::Value;

use super::{DEADLINE, HEAD, filtered};
use leasehold_test_harness::Stack;

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
pub fn steps(stack: &Stack, kind: &str, name: &str) -> Vec<Value> {
    stack.run(&["plan", "--out", "saved.plan"]).expect(0);
    let saved: Value = serde_json::from_str(&stack.read("saved.plan")).unwrap();
    let id = |step: &Value| step["change"]["after"]["id"].clone();
    let is = |step: &&Value| id(step)["kind"] == kind && id(step)["name"] == name;
    saved["plan"]["steps"].as_array().unwrap().iter().filter(is).cloned().collect()
}

/// Whether the one step waits for the other.
pub fn waits_for(step: &Value, other: &Value) -> bool {
    step["needs"].get(other["id"].to_string()).is_some()
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
    let text = |with_two_accounts: &str| {
        [HEAD, &role("one", "s3:GetObject", &aws("two")), &role("two", "s3:GetObject", with_two_accounts)].concat()
    };
    let stack = Stack::of(&text(&aws("one"))).with_env(account.env());
    filtered!(stack.run(&["apply", "--auto-approve"]).expect(1), @r#"
    $ leasehold apply --auto-approve
    exit 1
    ─── stderr
    plan::cycle_errors

      × new identities trust each other: identity.one, identity.two
      │ A trust policy can only name existing principals, so none of them can be created first.
        ╭─[stack.hcl:21:3]
     20 │ 
     21 │   trust "aws" {
        ·   ─────┬─────
        ·        ╰── trusts another new identity
     22 │     principals = ["arn:aws:iam::123456789012:role/two"]
        ╰────
        ╭─[stack.hcl:36:3]
     35 │ 
     36 │   trust "aws" {
        ·   ─────┬─────
        ·        ╰── trusts another new identity
     37 │     principals = ["arn:aws:iam::123456789012:role/one"]
        ╰────
      help: Remove one of these `trust` blocks and apply; then add it again and apply again.
    "#);
    assert_eq!(account.requests().iter().filter(|request| request.writes()).count(), 0);
    for with_two_accounts in [LAMBDA, &aws("one")] {
        stack.write("stack.hcl", &text(with_two_accounts));
        stack.apply();
    }
    stack.assert_converged();
}

/// Each federation waits until the role that trusts the other from now on trusts nobody; each role until its new federation is done.
#[test]
fn roles_switch_between_changing_federations() {
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
    let of = |kind, name| steps(&stack, kind, name);
    let (corp, lab) = (of("aws_iam_saml_provider", "corp"), of("aws_iam_saml_provider", "lab"));
    let (one, two) = (of("aws_iam_role", "one"), of("aws_iam_role", "two"));
    assert!(waits_for(&corp[0], &one[0]) && waits_for(&lab[0], &two[0]), "{corp:#?} {lab:#?}");
    assert!(waits_for(&one[1], &lab[0]) && waits_for(&two[1], &corp[0]), "{one:#?} {two:#?}");
    stack.plan().says(&["during the change, aws_iam_role one can be assumed by no principal"]);
    stack.apply();
    stack.assert_converged();
}

/// Who was let in must not meet the new boundary, nor who is let in the old one.
#[test]
fn boundary_changes_while_trust_is_denied() {
    let account = Emulator::moto();
    let with = |boundary: &str, trust: &str| {
        let bounded = format!("  permissions_boundary = \"arn:aws:iam::aws:policy/{boundary}\"\n{trust}");
        [HEAD, &role("one", "s3:GetObject", &bounded)].concat()
    };
    let stack = Stack::of(&with("ReadOnlyAccess", LAMBDA)).with_env(account.env());
    stack.apply();
    stack.write("stack.hcl", &with("PowerUserAccess", &LAMBDA.replace("lambda", "ecs-tasks")));
    account.clear_requests();
    stack.apply();
    let writes: Vec<String> =
        account.requests().into_iter().filter(Request::writes).map(|request| request.action).collect();
    let role = ["UpdateAssumeRolePolicy", "PutRolePermissionsBoundary", "UpdateAssumeRolePolicy"];
    assert_eq!(
        writes.iter().filter(|action| role.contains(&action.as_str())).collect::<Vec<_>>(),
        role.iter().collect::<Vec<_>>()
    );
    stack.assert_converged();
    // Who stays is not kept out while others go, and meets both boundaries.
    let both = LAMBDA.replace("[\"lambda", "[\"ecs-tasks.amazonaws.com\", \"lambda");
    let each = LAMBDA.replace("lambda", "ecs-tasks") + LAMBDA;
    stack.write("stack.hcl", &with("PowerUserAccess", &each));
    stack.apply();
    stack.write("stack.hcl", &with("ReadOnlyAccess", LAMBDA));
    stack.plan().does_not_say(&["can be assumed by no principal"]);
    stack.write("stack.hcl", &with("ReadOnlyAccess", &both));
    stack.plan().says(&["can be assumed by no principal"]);
}

/// Its trust stays as it is, and lets in others through the federation: they must not meet the boundary of before.
#[test]
fn boundary_and_federation_change_while_trust_is_denied() {
    let account = Emulator::moto();
    let with = |boundary: &str| {
        let bounded = format!("  permissions_boundary = \"arn:aws:iam::aws:policy/{boundary}\"\n{}", by("corp"));
        [HEAD, &federation("corp"), &role("console", "s3:GetObject", &bounded)].concat()
    };
    let stack = Stack::of(&with("PowerUserAccess")).with_env(account.env());
    stack.write("corp.xml", &metadata("corp"));
    stack.apply();
    stack.write("corp.xml", &metadata("contractors"));
    stack.write("stack.hcl", &with("ReadOnlyAccess"));
    let (corp, role) = (steps(&stack, "aws_iam_saml_provider", "corp"), steps(&stack, "aws_iam_role", "console"));
    assert!(role.len() == 2 && waits_for(&corp[0], &role[0]) && waits_for(&role[1], &corp[0]), "{corp:#?} {role:#?}");
    stack.plan().says(&["during the change, aws_iam_role console can be assumed by no principal"]);
    let planned = stack.plan_json();
    let changes = planned["resource_changes"].as_array().unwrap();
    let role = changes.iter().find(|change| change["address"] == "aws_iam_role.console").unwrap();
    assert_eq!(role["change"]["meanwhile"]["is"], "closed");
    assert_eq!(role["action_reason"], Value::Null, "it ends open");
    stack.apply();
    stack.assert_converged();
}

/// Nobody of a new audience comes in by an old certificate.
#[test]
fn audiences_and_thumbprints_change_in_that_order() {
    let account = Emulator::moto();
    let with = |audience: &str, print: &str| {
        format!(
            "{HEAD}\nfederation \"oidc\" \"ci\" {{\n  url         = \"https://ci.example.com\"\n  audiences   = [\"both\", \"{audience}\"]\n  thumbprints = [\"{}\"]\n}}\n{}",
            print.repeat(40),
            role("ci", "s3:GetObject", LAMBDA)
        )
    };
    let stack = Stack::of(&with("old", "a")).with_env(account.env());
    stack.apply();
    stack.write("stack.hcl", &with("new", "b"));
    account.clear_requests();
    stack.apply();
    let writes: Vec<String> =
        account.requests().into_iter().filter(Request::writes).map(|request| request.action).collect();
    assert_eq!(
        writes,
        [
            "RemoveClientIDFromOpenIDConnectProvider",
            "UpdateOpenIDConnectProviderThumbprint",
            "AddClientIDToOpenIDConnectProvider",
            "TagOpenIDConnectProvider"
        ]
    );
    stack.assert_converged();
}

/// A federation was deleted outside Leasehold, and roles still trust it. The roles reach their desired state before it is created again.
#[test]
fn deleted_federation_is_recreated_after_roles_are_updated() {
    let account = Emulator::moto();
    let stack = Stack::of(&[HEAD, &federation("corp"), &role("console", "s3:GetObject", &by("corp"))].concat())
        .with_env(account.env());
    stack.write("corp.xml", &metadata("corp"));
    stack.apply();
    account.boto3("iam.delete_saml_provider(SAMLProviderArn='arn:aws:iam::123456789012:saml-provider/corp')");
    stack.edit("stack.hcl", "s3:GetObject", "s3:PutObject");
    let (corp, own) =
        (steps(&stack, "aws_iam_saml_provider", "corp"), steps(&stack, "aws_iam_role_policy", "console/leasehold"));
    assert!(own.len() == 2 && waits_for(&corp[0], &own[0]) && waits_for(&own[1], &corp[0]), "{corp:#?} {own:#?}");
    // The same holds for a change of their trust policies.
    stack.edit("stack.hcl", "https://signin.aws.amazon.com/saml", "https://signin.example.com/saml");
    let (corp, role) = (steps(&stack, "aws_iam_saml_provider", "corp"), steps(&stack, "aws_iam_role", "console"));
    assert!(role.len() == 2 && waits_for(&corp[0], &role[0]) && waits_for(&role[1], &corp[0]), "{corp:#?} {role:#?}");
    // Who lets go of it does so before.
    stack.edit("stack.hcl", &by("corp").replace("signin.aws.amazon", "signin.example"), LAMBDA);
    let (corp, role) = (steps(&stack, "aws_iam_saml_provider", "corp"), steps(&stack, "aws_iam_role", "console"));
    assert!(waits_for(&corp[0], &role[0]), "{corp:#?} {role:#?}");
    stack.apply();
    stack.assert_converged();
}

/// A quarantine that somebody undid: its trust is open again. The federation does not let others in before the role is gone.
#[test]
fn federation_widens_after_a_leaving_role_is_removed() {
    let account = Emulator::moto();
    let stack = Stack::of(&[HEAD, &federation("corp"), &role("console", "s3:GetObject", &by("corp"))].concat())
        .with_env(account.env());
    stack.write("corp.xml", &metadata("corp"));
    stack.append("stack.hcl", &role("viewer", "s3:GetObject", &by("corp")));
    stack.apply();
    stack.cut("stack.hcl", "identity \"console\"");
    stack.apply();
    account.boto3(
        "
        trust = iam.get_role(RoleName='viewer')['Role']['AssumeRolePolicyDocument']
        iam.update_assume_role_policy(RoleName='console', PolicyDocument=json.dumps(trust))
        ",
    );
    stack.end_grace_periods();
    stack.write("corp.xml", &metadata("login"));
    let corp = steps(&stack, "aws_iam_saml_provider", "corp");
    let saved: Value = serde_json::from_str(&stack.read("saved.plan")).unwrap();
    let goes = |step: &&Value| step["change"]["before"]["id"]["name"] == "console" && step["change"]["after"].is_null();
    let gone = saved["plan"]["steps"].as_array().unwrap().iter().find(goes).unwrap();
    assert!(waits_for(&corp[0], gone), "{corp:#?} {gone:#?}");
    stack.apply();
    stack.assert_converged();
}
