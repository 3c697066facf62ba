//! Movers.

use super::{applied, crowd, lifecycles};
use leasehold_test_harness::snapshot;
use leasehold_test_harness::{START, Stack};

#[test]
fn expanding_mover_shows_an_example_request() {
    let stack = applied();
    stack.edit("identities.hcl", r#"["s3:PutObject"]"#, r#"["s3:PutObject", "s3:DeleteObject"]"#);
    let plan = stack.plan_json();
    let mover = &plan["identity_changes"][0];
    assert_eq!(mover["address"], "identity.checkout_ci");
    assert_eq!(mover["lifecycle"], "mover");
    assert_eq!(mover["access_verdict"], "expands");
    assert!(mover["witness"].as_str().unwrap().to_lowercase().contains("s3:deleteobject"), "{mover}");
    snapshot!(stack.plan(), @r#"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ~ mover    identity.checkout_ci  workload · owner jane · service checkout · staging · expires 2027-02-18 (90d) · EXPANDS access
          access differs
          newly allowed, for example: s3:DeleteObject on arn:aws:s3:::acme-staging-orders/releases/
          ~ directory_inline_policy         checkout_ci/leasehold  lease deny
              policy:
                # 19 unchanged lines
                      {
                        "Action": [
                +         "s3:DeleteObject",
                          "s3:PutObject"
                        ],
                # 8 unchanged lines

    Plan: 0 to add, 1 to change, 0 to destroy.  1 mover (1 expands).
    "#);
    stack.apply().says(&["1 changed"]);
    stack.assert_converged();

    stack.edit("identities.hcl", r#"["s3:PutObject", "s3:DeleteObject"]"#, r#"["s3:DeleteObject"]"#);
    assert_eq!(stack.plan_json()["identity_changes"][0]["access_verdict"], "narrows");
}

#[test]
fn owner_and_lease_changes_are_shown() {
    let stack = applied();
    stack.append("stack.hcl", "owner \"omar\" {\n  email = \"omar@example.com\"\n}\n");
    stack.edit(
        "identities.hcl",
        "kind    = \"human\"\n  name    = \"jane.doe\"\n  owner   = owner.jane",
        "kind    = \"human\"\n  name    = \"jane.doe\"\n  owner   = owner.omar",
    );
    stack.edit("identities.hcl", "\"180d\"", "\"200d\"");
    snapshot!("mover_owner_and_lease", stack.plan().says(&["owner jane → omar", "longer lease"]));
    let plan = stack.plan_json();
    assert_eq!(lifecycles(&plan).len(), 2);
    stack.apply();
    stack.assert_converged();
}

#[test]
fn changed_scope_moves_its_identities_with_one_write() {
    let stack = applied();
    stack.edit("stack.hcl", r#""s3:ListBucket""#, r#""s3:PutObject""#);
    let plan = stack.plan_json();
    assert_eq!(plan["summary"]["movers"], 3);
    assert_eq!(plan["shared_changes"][0]["holders"], 3);
    assert_eq!(plan["resource_changes"].as_array().unwrap().len(), 1, "{plan:#}");
    snapshot!("scope_moves_its_holders", stack.plan());
    stack.apply();
    stack.assert_converged();
}

#[test]
fn many_movers_of_a_scope_are_folded_into_one_line() {
    let stack = Stack::of(&crowd(12)).at(START);
    stack.apply();
    stack.edit("stack.hcl", "\"s3:ListBucket\"", "\"s3:PutObject\"");
    snapshot!(stack.plan(), @r#"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack crowd  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z

      ~ scope   scope.read  attached to 12 identities
          ~ directory_policy                read
              policy:
                # 3 unchanged lines
                        "Action": [
                          "s3:GetObject",
                -         "s3:ListBucket"
                +         "s3:PutObject"
                        ],
                        "Effect": "Allow",
                # 8 unchanged lines

      ~ mover    12 identities  scope.read changed · EXPANDS and narrows access
          identity.bot["000"], identity.bot["001"], identity.bot["002"] and 9 more
          newly allowed, for example: s3:PutObject on arn:aws:s3:::orders

    Plan: 0 to add, 1 to change, 0 to destroy.  12 movers (12 expand), 1 shared scope.
    "#);
}
