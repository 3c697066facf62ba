//! A plan as a pull request's comment.

use super::inert::assert_well_formed;
use leasehold_test_harness::snapshot;
use leasehold_test_harness::{START, Stack};

const MAX: usize = 65_536;

/// So many identities that may read, and one, last by its name, that may decide who may do what.
fn crowd(count: usize) -> Stack {
    Stack::of(&format!(
        r#"leasehold {{ stack = "crowd" }}
owner "jane" {{ email = "jane@example.com" }}
identity "bot" {{
  for_each = toset([for n in concat(range(min({count}, 1000)), range(1000, max({count}, 1000))) : format("%04d", n)])
  kind     = "service"
  owner    = owner.jane
  ttl      = "30d"
  statement {{
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme-${{each.key}}/*"]
  }}
}}
identity "zz_admin" {{
  kind  = "human"
  owner = owner.jane
  ttl   = "30d"
  statement {{
    actions   = ["iam:*"]
    resources = ["*"]
  }}
}}
"#
    ))
    .at(START)
}

#[test]
fn two_thousand_changes_fit_a_comment_with_the_riskiest_first() {
    let stack = crowd(1_999);
    let text = stack.ok(&["plan", "--out", "crowd.plan", "--format", "markdown"]).stdout;
    assert!(text.len() <= MAX, "{}", text.len());
    assert_well_formed(&text);
    assert!(text.contains("**Plan: 4000 to add, 0 to change, 0 to destroy.** 2000 joiners."), "{}", &text[..400]);
    let first = text.find("<details>").unwrap();
    let second = text[first + 1..].find("\n<details><summary><code>").unwrap() + first;
    assert!(text[first..second].contains("zz&#95;admin"), "{}", &text[first..second]);
    let reported = text.matches("</code> joiner <code>identity.").count();
    let left_out: usize = text
        .split("**")
        .find_map(|part| part.strip_suffix(" of 2000 changes are omitted here"))
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(reported + left_out, 2000);
    assert!(reported > 100, "the room is used: {reported}");

    let small = stack.ok(&["show", "crowd.plan", "--format", "markdown", "--max-bytes", "4000"]).stdout;
    assert!(small.len() <= 4000, "{}", small.len());
    assert_well_formed(&small);
    assert!(small.contains("2000 joiners") && small.contains("zz&#95;admin"), "{small}");
    stack.run(&["plan", "--format", "markdown", "--max-bytes", "10"]).expect(2).says(&["at least 1024"]);
}

#[test]
fn comment_lists_joiners_movers_leavers_drift_and_refusals() {
    let mut stack = Stack::example("quickstart").at(START);
    snapshot!("comment_joiners", stack.ok(&["plan", "--format", "markdown"]));
    stack.apply();
    snapshot!(stack.ok(&["plan", "--format", "markdown"]), @"
    $ leasehold plan --format markdown
    exit 0
    ─── stdout
    ### Leasehold plan · stack <code>quickstart</code>

    **No changes.** Your identities match the configuration.

    <code>local</code> <code>embedded</code> as <code>tester</code> · now 2026-11-20T22:00:00Z
    ");
    let wide = leasehold_provider::Document::new(serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }));
    stack.outside().put_inline_policy("nightly_report", "backdoor", &wide).unwrap();
    stack.cut("identities.hcl", "identity \"checkout_ci\"");
    stack.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:GetObject\", \"s3:PutObject\"");
    stack.pass_days(40);
    let ran = stack.run(&["plan", "--detailed-exitcode", "--format", "markdown", "--json-into", "plan.json"]).expect(2);
    assert_well_formed(&ran.stdout);
    snapshot!("comment_changes", ran);
    let beside: serde_json::Value = serde_json::from_str(&stack.read("plan.json")).unwrap();
    assert_eq!(beside["summary"]["leavers"], 2, "{beside:#}");
}

#[test]
fn refused_plan_is_stated_in_the_summary() {
    let stack = crowd(12);
    stack.apply();
    stack.cut("stack.hcl", "identity \"bot\"");
    let text = stack.ok(&["plan", "--format", "markdown"]).stdout;
    assert_well_formed(&text);
    let above = &text[..text.find("<details>").unwrap()];
    assert!(above.contains("**Refused: this plan cannot be applied.**") && above.contains("delete-budget"), "{above}");
    let annotations = stack.ok(&["plan", "--format", "github"]).stdout;
    assert!(annotations.starts_with("::error file=stack.hcl,line=1,"), "{annotations}");
}
