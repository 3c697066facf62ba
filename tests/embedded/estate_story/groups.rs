//! Groups and their members.

use crate::estate_story::*;

fn group(more: &str) -> String {
    format!(
        r#"scope "write" {{
  statement {{
    actions   = ["s3:PutObject"]
    resources = ["*"]
  }}
}}
group "developers" {{
  members = [identity.ann, identity.bob]
{more}}}
"#
    )
}

const SCOPES: &str = "  scopes  = [scope.write]\n";

fn member(label: &str) -> String {
    format!("identity \"{label}\" {{\n  kind   = \"human\"\n  owner  = owner.jane\n}}\n")
}

fn developers() -> Stack {
    let stack = stack(&[member("ann"), member("bob"), service("bot", "")].concat());
    stack.write("groups.hcl", &group(SCOPES));
    stack
}

fn verdicts(plan: &Value) -> BTreeMap<String, String> {
    let changes = plan["identity_changes"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    changes.iter().map(|change| (text(&change["address"]), text(&change["access_verdict"]))).collect()
}

fn may_put(stack: &Stack) -> Vec<String> {
    let said = stack.ok(&["who-can", "s3:PutObject", "arn:aws:s3:::acme/x", "--format", "json"]).json();
    said["identities"].as_array().unwrap().iter().map(|who| who["address"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn members_gain_and_lose_group_access() {
    let stack = developers();
    snapshot!("group_joins", stack.plan());
    stack.apply();
    stack.assert_converged();
    assert_eq!(may_put(&stack), ["identity.ann", "identity.bob"]);

    // One leaves the group: its access narrows.
    stack.edit("groups.hcl", "[identity.ann, identity.bob]", "[identity.ann]");
    assert_eq!(verdicts(&stack.plan_json()), BTreeMap::from([("identity.bob".to_owned(), "narrows".to_owned())]));
    stack.apply();
    stack.assert_converged();
    assert_eq!(may_put(&stack), ["identity.ann"]);

    // The group goes; its member stays.
    stack.write("groups.hcl", "");
    assert_eq!(verdicts(&stack.plan_json()), BTreeMap::from([("identity.ann".to_owned(), "narrows".to_owned())]));
    snapshot!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack estate  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      - group   group.developers  attached to no identity
          - directory_group                 developers
          - directory_group_attachment      developers/write

      - scope   scope.write  attached to no identity
          - directory_policy                write

      ~ mover    identity.ann  human · owner jane · expires 2027-02-18 (90d) · narrows access
          access differs
          - directory_membership            ann/developers

    Plan: 0 to add, 0 to change, 4 to destroy.  1 mover, 1 shared scope, 1 group.
    ");
    stack.apply();
    stack.assert_converged();
    assert!(may_put(&stack).is_empty());
}

#[test]
fn a_group_that_changes_moves_its_members_with_a_verdict_each() {
    let stack = developers();
    stack.apply();
    let statement = "  statement {\n    actions   = [\"s3:DeleteObject\"]\n    resources = [\"*\"]\n  }\n";
    stack.write("groups.hcl", &group(&format!("{SCOPES}{statement}")));
    let plan = stack.plan_json();
    assert_eq!(lifecycles(&plan).into_values().collect::<Vec<_>>(), ["mover", "mover"]);
    assert_eq!(verdicts(&plan).into_values().collect::<Vec<_>>(), ["expands", "expands"]);
    snapshot!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack estate  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ~ group   group.developers  attached to 2 identities
          + directory_group_policy          developers/leasehold

      ~ mover    identity.ann  human · owner jane · expires 2027-02-18 (90d) · EXPANDS access
          group.developers changed
          newly allowed, for example: s3:DeleteObject on arn:aws:s3:us-east-1:111122223333:accesspoint/example/object/example
          ! resource-wildcard: allowed on every resource, although these actions support resource ARNs: s3:DeleteObject (list the resources by ARN)
          ! resource-wildcard: allowed on every resource, although these actions support resource ARNs: s3:PutObject (list the resources by ARN)

      ~ mover    identity.bob  human · owner jane · expires 2027-02-18 (90d) · EXPANDS access
          group.developers changed
          newly allowed, for example: s3:DeleteObject on arn:aws:s3:us-east-1:111122223333:accesspoint/example/object/example
          ! resource-wildcard: allowed on every resource, although these actions support resource ARNs: s3:DeleteObject (list the resources by ARN)
          ! resource-wildcard: allowed on every resource, although these actions support resource ARNs: s3:PutObject (list the resources by ARN)

    Plan: 1 to add, 0 to change, 0 to destroy.  2 movers (2 expand), 1 group.
    ");
    stack.apply();
    stack.assert_converged();

    // A scope that only the group holds changes: it reaches the members through the group.
    stack.edit("groups.hcl", "\"s3:PutObject\"", "\"s3:PutObject\", \"s3:PutObjectAcl\"");
    assert_eq!(verdicts(&stack.plan_json()).into_values().collect::<Vec<_>>(), ["expands", "expands"]);
    stack.apply();
    stack.assert_converged();
    stack.write("groups.hcl", &group(""));
    assert_eq!(verdicts(&stack.plan_json()).into_values().collect::<Vec<_>>(), ["narrows", "narrows"]);
    stack.apply();
    stack.assert_converged();
}

#[test]
fn unmanaged_membership_is_drift_and_removed() {
    let stack = developers();
    stack.apply();
    let everything = serde_json::json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]});
    stack.outside().create_group("admins", &everything.into(), &BTreeMap::new()).unwrap();
    stack.outside().add_member("bot", "admins").unwrap();
    assert_eq!(lifecycles(&stack.plan_json()), only("identity.bot", "drift"));
    snapshot!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack estate  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ! drift    identity.bot  changed outside Leasehold
          - directory_membership            bot/admins

    Plan: 0 to add, 0 to change, 1 to destroy.  1 drift.
    ");
    stack.apply();
    stack.assert_converged();

    // Said by name, it is kept: others manage that group.
    stack.outside().add_member("bot", "admins").unwrap();
    stack.edit(
        "identities.hcl",
        "  kind   = \"service\"\n",
        "  kind   = \"service\"\n  managed_groups = [\"admins\"]\n",
    );
    stack.apply();
    stack.assert_converged();
}

#[test]
fn a_quarantined_member_leaves_its_groups_and_is_back_in_them_when_restored() {
    let stack = developers();
    stack.apply();
    let ann = stack.cut("identities.hcl", "identity \"ann\"");
    stack.edit("groups.hcl", "[identity.ann, identity.bob]", "[identity.bob]");
    stack.apply();
    stack.assert_converged();
    let rows = stack.outside().rows_of(&["ann"]).unwrap();
    assert_eq!(rows["membership ann"], serde_json::json!([]));
    stack.append("identities.hcl", &ann);
    stack.edit("groups.hcl", "[identity.bob]", "[identity.ann, identity.bob]");
    stack.apply().says(&["restored from quarantine"]);
    stack.assert_converged();
    assert_eq!(may_put(&stack), ["identity.ann", "identity.bob"]);
}

#[test]
fn invalid_groups_are_reported() {
    let stack = developers();
    stack.append(
        "groups.hcl",
        "identity \"ci\" {\n  kind  = \"workload\"\n  owner = owner.jane\n  trust \"service\" {\n    principals = [\"ec2.amazonaws.com\"]\n  }\n}\n\
         group \"robots\" {\n  members = [identity.ci]\n}\n\
         group \"Developers\" {\n  members = [identity.nobody]\n  member  = []\n}\n",
    );
    stack.edit(
        "identities.hcl",
        "  kind   = \"service\"\n",
        "  kind   = \"service\"\n  managed_groups = [\"developers\"]\n",
    );
    snapshot!("group_findings", stack.run(&["validate"]).expect(1));
    let taken = developers();
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": []});
    taken.outside().create_group("Developers", &policy.into(), &BTreeMap::new()).unwrap();
    snapshot!(taken.run(&["plan"]).expect(1), @r#"
    $ leasehold plan
    exit 1
    ─── stderr
    plan::name_taken

      × group.developers cannot be created: directory_group Developers already exists and does not
      │ belong to this stack
      │ local:group/Developers exists in the cloud, and it has no Leasehold marks. Leasehold only
      │ changes objects that have the marks of its stack.
       ╭─[groups.hcl:7:1]
     6 │ }
     7 │ group "developers" {
       · ─────────┬────────
       ·          ╰── this name is taken
     8 │   members = [identity.ann, identity.bob]
       ╰────
      help: Set another `name`, or delete the live object outside Leasehold if it is unused.
    "#);
}
