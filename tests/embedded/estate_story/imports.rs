//! Principals and groups that live already, taken in on the embedded directory.

use leasehold_provider::{Document, Principal};
use serde_json::json;

use crate::estate_story::*;

fn import(to: &str, id: &str) -> String {
    format!("import {{\n  to = {to}\n  id = \"{id}\"\n}}\n")
}

fn gets(action: &str) -> Document {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [action], "Resource": ["*"]}]}).into()
}

/// A stack beside a user with two policies, a key and a membership.
fn beside_a_stranger() -> Stack {
    let stack = stack("");
    let outside = stack.outside();
    outside
        .create_principal(Principal::User, "old-bot", &BTreeMap::from([("team".to_owned(), "ops".to_owned())]))
        .unwrap();
    outside.put_inline_policy("old-bot", "first", &gets("s3:GetObject")).unwrap();
    outside.put_inline_policy("old-bot", "second", &gets("sqs:SendMessage")).unwrap();
    outside.attach_policy("old-bot", "arn:aws:iam::aws:policy/ReadOnlyAccess").unwrap();
    outside.add_key("old-bot", "AKIAOLD").unwrap();
    outside.create_group("ops", &gets("sns:Publish"), &BTreeMap::new()).unwrap();
    outside.add_member("old-bot", "ops").unwrap();
    stack
}

#[test]
fn generated_block_imports_access_and_key() {
    let stack = beside_a_stranger();
    stack.write("identities.hcl", &[import("identity.bot", "user/old-bot"), import("group.ops", "group/ops")].concat());
    snapshot!("import_without_block", stack.run(&["plan"]).expect(1));
    stack.ok(&["plan", "--generate", "imported.hcl"]).says(&["Wrote 2 blocks to imported.hcl"]);
    let written = std::fs::read_to_string(stack.dir().parent().unwrap().join("imported.hcl"))
        .or_else(|_| std::fs::read_to_string(stack.path("imported.hcl")))
        .unwrap();
    snapshot!("generated", written);
    stack.write("imported.hcl", &written);
    stack.ok(&["validate"]);
    stack.ok(&["fmt", "--check", "imported.hcl"]);
    let plan = stack.plan_json();
    assert_eq!(lifecycles(&plan), only("identity.bot", "mover"));
    assert_eq!(plan["identity_changes"][0]["access_verdict"], "equivalent");
    snapshot!("import_plan", stack.plan());
    stack.apply().says(&["Read back and verified."]);
    stack.assert_converged();
    let rows = stack.outside().rows_of(&["old-bot"]).unwrap();
    assert_eq!(rows["key old-bot"].as_array().unwrap().len(), 1, "its key lives on");
    assert_eq!(rows["inline old-bot"].as_array().unwrap().len(), 1, "its policies are one now");

    // The blocks have done their work. A second key is no secret: it shows.
    stack.write("identities.hcl", "");
    stack.assert_converged();
    stack.edit("imported.hcl", "  credential \"access_key\" {}\n", "");
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.bot", "mover"));
}

#[test]
fn a_saved_plan_with_generated_blocks_is_applied() {
    let stack = beside_a_stranger();
    stack.write("identities.hcl", &[import("identity.bot", "user/old-bot"), import("group.ops", "group/ops")].concat());
    stack.ok(&["plan", "--generate", "imported.hcl", "--out", "import.plan"]);
    let written = stack.read("imported.hcl");
    stack.append("imported.hcl", "# by hand\n");
    stack.run(&["apply", "import.plan", "--auto-approve"]).expect(3).says(&["imported.hcl has changed"]);
    stack.write("imported.hcl", &written);
    // The import must find the object as it was.
    stack.outside().put_inline_policy("old-bot", "third", &gets("s3:PutObject")).unwrap();
    stack.run(&["apply", "import.plan", "--auto-approve"]).expect(3);
    stack.outside().delete_inline_policy("old-bot", "third").unwrap();
    stack.ok(&["apply", "import.plan", "--auto-approve"]).says(&["Read back and verified."]);
    stack.assert_converged();
}

#[test]
fn invalid_imports_are_reported() {
    let stack = beside_a_stranger();
    let theirs = BTreeMap::from([
        ("leasehold:stack".to_owned(), "theirs".to_owned()),
        ("leasehold:address".to_owned(), "identity.x".to_owned()),
    ]);
    stack.outside().create_principal(Principal::Role, "taken", &theirs).unwrap();
    let role = "identity \"taken\" {\n  kind  = \"workload\"\n  owner = owner.jane\n}\n";
    stack.write(
        "identities.hcl",
        &[
            role.to_owned(),
            service("a", ""),
            service("b", "  name   = \"old-bot\"\n"),
            service("c", "  name   = \"new-bot\"\n"),
            import("identity.taken", "role/taken"),
            import("identity.a", "user/nobody"),
            import("identity.b", "old-bot"),
            import("identity.c", "old-bot"),
            import("identity.taken", "arn:aws:iam::999922223333:role/x"),
        ]
        .concat(),
    );
    snapshot!("import_findings", stack.run(&["plan"]).expect(1));
}

#[test]
fn import_plan_is_stale_after_the_object_changed() {
    let stack = beside_a_stranger();
    let block = service("bot", "  name   = \"old-bot\"\n");
    stack.write("identities.hcl", &format!("{block}{}", import("identity.bot", "user/old-bot")));
    stack.plan().says(&["directory_access_key", "AKIAOLD", "may EXPAND"]);
    stack.ok(&["plan", "--out", "saved.plan"]);
    stack.outside().set_tags("old-bot", &BTreeMap::new()).unwrap();
    let saved = if stack.path("saved.plan").exists() {
        stack.path("saved.plan")
    } else {
        stack.dir().parent().unwrap().join("saved.plan")
    };
    let (saved, stays) = (saved.display().to_string(), stack.outside().rows_of(&["old-bot"]).unwrap());
    stack.run(&["apply", &saved]).expect(3);
    assert_eq!(stack.outside().rows_of(&["old-bot"]).unwrap(), stays);
}
